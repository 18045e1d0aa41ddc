"""What a feed's struct cannot say by itself: that its parts fit together and translate to national codes."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.tables import TableProblem, where_in

Finding = tuple[tuple[str, ...], str]
"""Key path, and the sentence that says what is wrong and what to do."""

# domain.md 2.1 to 2.3 and 2.7: what a translation may lead to. A fact that is not here is not a code.
NATIONAL: Mapping[str, frozenset[str]] = {
    "result_code": frozenset("X0123456789"),
    "infection_code": frozenset("09UQ"),
    "action_code": frozenset("ARSH"),
    "repeat_months": frozenset(str(months) for months in range(0, 121)),
    "self_sample": frozenset("YN"),
    "hpv_primary": frozenset("YN"),
    "source_type": frozenset("1234567"),
    "version": frozenset({"final", "corrected", "withdrawn", "preliminary"}),
}
STAND_IN = "00000"
"""The code of a laboratory or clinic that `hub new` writes where it is told none: no hub starts with it."""
OF_SEVERAL_PARTS = frozenset({"given_names", "former_family_names", "address_lines"})
# What may be the same for every message of a feed. A result never is.
MAY_BE_CONSTANT = frozenset({"self_sample", "hpv_primary", "source_type", "sender_code"})


@dataclass(frozen=True, slots=True)
class Needs:
    """What a feed's table must say: the code of its `partner` (the key of the table's part), these `facts`. `others`
    it may give; a fact that is in neither has no meaning there."""

    partner: str
    facts: tuple[str, ...]
    others: tuple[str, ...]


_PERSON = ("nhs_number", "family_name", "date_of_birth")
_OF_THE_PERSON = ("local_id", "given_names", "former_family_names", "sex", "address_lines", "postcode")
OF_RESULTS = Needs(
    "laboratory",
    (*_PERSON, "slide_number", "test_on", "result_code", "infection_code", "action_code", "self_sample", "hpv_primary"),
    (*_OF_THE_PERSON, "repeat_months", "source_type", "sender_code", "sample_taker_code", "version", "authorised_at"),
)
OF_DISCHARGES = Needs("clinic", (*_PERSON, "discharged_on", "next_test_due_on"), (*_OF_THE_PERSON, "seen_on"))


class Dialect(Protocol):
    """What the check asks of an adapter."""

    @property
    def needs(self) -> Needs:
        """What the table must say, because of what the messages are about."""

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in the table this wire language cannot do."""


def problems_of(path: Path, table: FeedTable, dialects: Mapping[str, Dialect] | None = None) -> list[TableProblem]:
    """What is wrong with one table."""
    findings = [
        *_of_table(path, table),
        *_of_access(path, table),
        *_of_facts(table),
        *_of_codes(table),
        *_of_dialect(table, dialects),
    ]
    text = path.read_text(encoding="utf-8") if findings else ""
    return [TableProblem(path, where_in(text, keys), sentence) for keys, sentence in findings]


def problems_among(tables: Mapping[Path, FeedTable]) -> list[TableProblem]:
    """What is wrong between tables: two feeds that the same sender, or the same mailbox, would fit."""
    first: dict[tuple[str, str], Path] = {}
    first_from: dict[str, Path] = {}
    problems = []
    for path, table in tables.items():
        if (mailbox := table.access.mailbox) and (one := first_from.setdefault(mailbox, path)) is not path:
            sentence = f"{one.name} has the same mailbox: nobody would know whose file it is. Give each its own."
            problems.append(TableProblem(path, "access.mailbox", sentence))
        other = first.setdefault((table.sender.application, table.sender.facility), path)
        if other is not path:
            sentence = f"{other.name} has the same sender. Give one of them another application or facility."
            problems.append(TableProblem(path, "sender", sentence))
    return problems


def _of_table(path: Path, table: FeedTable) -> Iterator[Finding]:
    if path.stem != table.feed:
        yield ("feed",), f"The file is named {path.name}. Name it {table.feed}.toml, or change the feed's id."
    for partner in ("laboratory", "clinic"):
        if getattr(table, partner).code == STAND_IN:
            yield (partner, "code"), f"{STAND_IN} stands in for the national code. Ask the {partner} for it."
    try:
        ZoneInfo(table.timezone)
    except (ValueError, OSError, LookupError):
        yield ("timezone",), "No such timezone. Name one of the IANA zones, such as Europe/London."
    try:
        codecs.lookup(table.charset or "utf-8")
    except LookupError:
        yield ("charset",), "No such charset. Name one such as utf-8, cp1252 or iso-8859-1."


def _of_access(path: Path, table: FeedTable) -> Iterator[Finding]:
    for address in table.access.addresses:
        try:
            ip_network(address)
        except ValueError:
            yield ("access", "addresses"), f"{address} is no address or network. Write it like 10.1.2.3 or 10.1.0.0/16."
    if table.access.keys and not (path.parent / table.access.keys).is_file():
        yield ("access", "keys"), "There is no such file beside the table."
    pattern = table.file.sequence_in_name
    if pattern and (not _compiles(pattern) or re.compile(pattern).groups != 1):
        yield ("file", "sequence_in_name"), "This is no regular expression with one group. Correct it."
    if bool(table.answer.mailbox) != bool(table.answer.workflow):
        yield ("answer",), "`mailbox` and `workflow` belong together: name both, or neither."


def _of_facts(table: FeedTable) -> Iterator[Finding]:
    for name, fact in table.facts.declared():
        for key, sentence in _of_fact(name, fact, table):
            yield ("facts", name, *((key,) if key else ())), sentence


def _of_fact(name: str, fact: Fact, table: FeedTable) -> Iterator[tuple[str, str]]:
    if (fact.constant is None) == (not fact.places):
        yield "", "Give exactly one of `place` and `constant`."
    if len(fact.places) > 1 and name not in OF_SEVERAL_PARTS:
        yield "place", "This fact has one place only. Leave the one that holds."
    if fact.codes and fact.codes not in table.codes:
        yield "codes", f"There is no [codes.{fact.codes}]. Add it, or correct the name."
    if not _compiles(fact.pattern):
        yield "pattern", "This is not a regular expression. Correct it."
    yield from _of_constant(name, fact)


def _of_constant(name: str, fact: Fact) -> Iterator[tuple[str, str]]:
    if fact.constant is None:
        return
    if name not in MAY_BE_CONSTANT:
        yield "constant", "This fact differs from message to message. Give its place."
    if name in NATIONAL and fact.constant not in NATIONAL[name]:
        yield "constant", f"This is no national code. Allowed: {', '.join(sorted(NATIONAL[name]))}."
    if fact.where or fact.codes:
        yield "", "A constant needs no `where` and no `codes`. Leave them out."


def _of_codes(table: FeedTable) -> Iterator[Finding]:
    users = {fact.codes: name for name, fact in table.facts.declared() if fact.codes}
    for name, codes in table.codes.items():
        if name not in users:
            yield ("codes", name), "No fact uses this table. Name it in a fact's `codes`, or leave it out."
            continue
        allowed = NATIONAL.get(users[name])
        for local, national in codes.items():
            if allowed is not None and national not in allowed:
                sentence = f"This translates to no national {users[name]}. Allowed: {', '.join(sorted(allowed))}."
                yield ("codes", name, local), sentence


def _of_dialect(table: FeedTable, dialects: Mapping[str, Dialect] | None) -> Sequence[Finding]:
    if dialects is None:
        return ()
    if table.dialect not in dialects:
        return [(("dialect",), f"No adapter speaks this dialect. Registered: {', '.join(sorted(dialects))}.")]
    dialect = dialects[table.dialect]
    return [*_of_needs(table, dialect.needs), *dialect.problems(table)]


def _of_needs(table: FeedTable, needs: Needs) -> Iterator[Finding]:
    if not getattr(table, needs.partner).code:
        yield (needs.partner,), f"Say whose feed it is: add [{needs.partner}] with its code."
    declared = dict(table.facts.declared())
    for name in needs.facts:
        if name not in declared:
            yield ("facts", name), f"Every feed of this kind must give this fact. Add [facts.{name}] with its place."
    for name in declared:
        if name not in (*needs.facts, *needs.others):
            yield ("facts", name), "This language has no such fact. Leave it out."


def _compiles(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
