"""A table for a new partner, put together from a message of theirs and the tables of those who write alike.

Each fact is taken from the table that reads it in the sample; what none reads is left as the nearest table has it, with
a remark. Nothing of the sample is copied but the codes it uses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import get_args
from zoneinfo import ZoneInfo

import msgspec

from hub.domain.shapes import shape
from hub.errors import Stop
from hub.mapping.check import Needs
from hub.mapping.feed_table import Access, Answer, DateForm, Fact, Facts, FeedTable, Sender
from hub.mapping.forms import read_date, read_time
from hub.mapping.reading import DATES, Source, Text, translate

Read = Callable[[FeedTable], Sequence[Source]]
"""The results of the sample, as they are found by a table."""

_CODE = re.compile(r"[^\s]{1,24}")
_CLASSES = {"9": "[0-9]", "A": "[A-Z]", "a": "[a-z]"}


@dataclass(slots=True)
class Proposal:
    """The table, with remarks by section (`facts.test_on`), and the facts every feed must give that it does not
    read in the sample."""

    table: FeedTable
    like: str
    remarks: dict[str, str] = field(default_factory=dict)
    lacking: list[str] = field(default_factory=list)


def proposed(
    feed: str, name: str, sender: Sender, code: str, charset: str, alike: Sequence[FeedTable], read: Read, needs: Needs
) -> Proposal:
    """The proposal for a new feed. `alike` are the tables of its dialect, one at least; `needs` is the dialect's."""
    samples = [_Sample(table, read(table)) for table in alike]
    samples.sort(key=lambda sample: sample.count, reverse=True)
    nearest, sources = samples[0].table, samples[0].sources  # what is a result, the nearest table knows best
    samples = [_Sample(sample.table, sources) for sample in samples]
    proposal = Proposal(nearest, nearest.name)
    facts: dict[str, Fact] = {}
    codes: dict[str, dict[str, str]] = {}
    for fact_name in Facts.__struct_fields__:
        if (chosen := _chosen(fact_name, samples, proposal, needs)) is not None:
            fact, table = chosen
            facts[fact_name], taken = _with_codes(fact, table, codes)
            codes |= taken
    proposal.table = msgspec.structs.replace(
        nearest,
        feed=feed,
        name=name,
        status="live",
        sender=sender,
        **{needs.partner: type(getattr(nearest, needs.partner))(code)},
        charset=charset,
        access=Access(),
        answer=Answer(),
        facts=Facts(**facts),
        codes=codes,
    )
    return proposal


@dataclass(slots=True)
class _Sample:
    """The sample as one table finds its facts."""

    table: FeedTable
    sources: Sequence[Source]

    @property
    def count(self) -> int:
        """How many facts it reads."""
        return sum(self.reads(name, fact) for name, fact in self.table.facts.declared())

    def texts(self, fact: Fact) -> list[Text]:
        return [text for source in self.sources for text in source.texts(fact)] if fact.places else []

    def reads(self, name: str, fact: Fact) -> bool:
        """Whether the fact stands in the sample, and every text of it is of its form."""
        texts = self.texts(fact)
        return bool(texts) and all(_is_of_its_form(name, fact, text, self.table) for text in texts)


def _chosen(name: str, samples: Sequence[_Sample], proposal: Proposal, needs: Needs) -> tuple[Fact, FeedTable] | None:
    """The fact of the first table that reads it as it is, else in another form; else the nearest table's own."""
    section = f"facts.{name}"
    having = [(sample, fact) for sample in samples if (fact := getattr(sample.table.facts, name)) is not None]
    for sample, fact in having:
        if sample.reads(name, fact):
            return fact, sample.table
    for sample, fact in having:
        for other, remark in _other_forms(name, fact, sample.texts(fact)):
            if sample.reads(name, other):
                proposal.remarks[section] = remark
                return other, sample.table
    nearest: Fact | None = getattr(samples[0].table.facts, name)
    if nearest is None:
        return None
    if nearest.constant is not None:
        proposal.remarks[section] = f"As at {samples[0].table.name}. Is it always so here?"
        return nearest, samples[0].table
    if nearest.required or name in needs.facts:
        proposal.lacking.append(name)
    seen = {text.text for text in samples[0].texts(nearest)}
    proposal.remarks[section] = _why_not(nearest, bool(seen))
    if nearest.codes and (new := sorted(code for code in seen if _CODE.fullmatch(code))):
        known = samples[0].table.codes.get(nearest.codes, {})
        lines = [f'"{code}" = ""    in the sample: which national code is it?' for code in new if code not in known]
        proposal.remarks[f"codes.{nearest.codes} +"] = "\n".join(lines)
    return nearest, samples[0].table


def _why_not(fact: Fact, is_there: bool) -> str:
    if is_there and fact.codes:
        return "To be looked at: the sample has a code that the table below lacks."
    return f"To be looked at: {'of another form in the sample.' if is_there else 'not found in the sample.'}"


def _other_forms(name: str, fact: Fact, texts: Sequence[Text]) -> Iterator[tuple[Fact, str]]:
    """The fact with the pattern of the sample's texts, or with another form of dates."""
    shapes = {shape(text.text) for text in texts}
    if fact.pattern and len(shapes) == 1:
        yield (
            msgspec.structs.replace(fact, pattern=_pattern(shapes.pop())),
            "The pattern is that of the sample. Is it agreed so?",
        )
    if name in (*DATES, "authorised_at"):
        for form in get_args(DateForm):
            yield msgspec.structs.replace(fact, form=form), "The form is that of the sample."


def _pattern(kinds: str) -> str:
    """`AA999999` → `[A-Z]{2}[0-9]{6}`."""
    runs = [(kind, len(list(run))) for kind, run in groupby(kinds)]
    return "".join(
        f"{_CLASSES.get(kind, re.escape(kind))}{f'{{{count}}}' if count > 1 else ''}" for kind, count in runs
    )


def _is_of_its_form(name: str, fact: Fact, found: Text, table: FeedTable) -> bool:
    try:
        text = translate(name, fact, found, table.codes)
    except Stop:
        return False
    if name in DATES:
        return read_date(text, fact.form, ZoneInfo(table.timezone)) is not None
    if name == "authorised_at":
        return read_time(text, ZoneInfo(table.timezone), fact.form) is not None
    return True


def _with_codes(
    fact: Fact, table: FeedTable, taken: Mapping[str, dict[str, str]]
) -> tuple[Fact, dict[str, dict[str, str]]]:
    """The fact and its code table, under another name where the name is taken by other codes."""
    if not fact.codes:
        return fact, {}
    codes = table.codes[fact.codes]
    name = fact.codes if taken.get(fact.codes, codes) == codes else f"{fact.codes}_{table.feed}"
    return msgspec.structs.replace(fact, codes=name), {name: codes}
