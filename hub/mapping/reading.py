"""How the facts of one report are read by the sender's table, whatever the report is about and whatever its language.

A dialect brings a `Source`, which finds the texts of a fact and says where they stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from hub.domain import nhs_number
from hub.domain.events import Version
from hub.domain.people import Claim
from hub.errors import Park, Place, Reason, Reject
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.forms import read_date

T = TypeVar("T")

DATES = frozenset({"test_on", "date_of_birth", "discharged_on", "seen_on", "next_test_due_on"})


class Text(Protocol):
    """A text of the message, unescaped and trimmed, and where it stands."""

    @property
    def text(self) -> str: ...
    @property
    def place(self) -> Place: ...
    @property
    def group(self) -> int:
        """What it stands in, where a fact of several parts may stand in the message more than once: the parts of one
        group belong together, and each group must say the same."""


class Source(Protocol):
    """One report of a message, as its dialect finds things in it."""

    @property
    def person(self) -> Place:
        """Where the person is named."""

    def texts(self, fact: Fact) -> Sequence[Text]:
        """Every non-empty text at the places of a fact."""

    def missing(self, fact: Fact) -> Place:
        """Where the fact ought to have stood."""

    def issued(self, table: FeedTable) -> tuple[Text, str]:
        """What says when the laboratory issued this version, and the form it is written in (`DateForm`). Raises Reject
        where nothing says it."""

    def statuses(self, table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """Each thing that says which version this is, by a name of its own, that of the whole report first. Reading
        one raises Reject where it is missing or not final, and Park where our table does not know it."""


@dataclass(frozen=True, slots=True)
class FactReader:
    """Reads the facts of one report, once. `today` is the day of receipt.

    `wrong` and `parks` gather what stopped a fact, by its name, in the order read.
    """

    source: Source
    table: FeedTable
    today: date
    wrong: dict[str, Reject] = field(default_factory=dict)
    parks: dict[str, Park] = field(default_factory=dict)
    always: ClassVar[AbstractSet[str]] = frozenset()
    """The facts that a report of this kind must hold, whatever the table says."""

    def refusals(self) -> tuple[Reject, ...]:
        """Each thing wrong once, for several facts may stand in one field."""
        once: dict[tuple[Reason, Place | None, str], Reject] = {}
        for stop in self.wrong.values():
            once.setdefault((stop.reason, stop.place, stop.hint), stop)
        return tuple(once.values())

    def claim(self) -> Claim:
        """Who the sender says she is."""
        claim = Claim(
            nhs_number=self.given("nhs_number", nhs_number.normalise),
            family_name=self.given("family_name", str),
            given_names=self._several("given_names"),
            former_family_names=self._several("former_family_names"),
            date_of_birth=self.given("date_of_birth", self.date_of("date_of_birth")),
            sex=self.given("sex", str),
            address_lines=self._several("address_lines"),
            postcode=self.given("postcode", str),
            local_id=self.given("local_id", str),
        )
        named = claim.nhs_number or (claim.family_name and claim.date_of_birth)
        if not named and self.all_read({"nhs_number", "family_name", "date_of_birth"}):
            self.wrong["person"] = Reject(Reason.NO_PERSON, self.source.person)
        return claim

    def date_of(self, name: str) -> Callable[[str], date | None]:
        """How the table has a date read."""
        form = getattr(self.table.facts, name).form
        return lambda text: read_date(text, form, self.table.zone)

    def all_read(self, names: AbstractSet[str]) -> bool:
        """Whether none of the facts was stopped: an error must not be told a second time by its consequences."""
        return names.isdisjoint(self.wrong) and names.isdisjoint(self.parks)

    def tried(self, name: str, read: Callable[[], T]) -> T | None:
        """What `read` gives; None where it is refused or our table has no translation. Parking hides no refusal."""
        try:
            return read()
        except Reject as stop:
            self.wrong[name] = stop.with_traceback(None)  # its frames hold the message
        except Park as stop:
            self.parks[name] = stop.with_traceback(None)
        return None

    def given(self, name: str, read: Callable[[str], T | None]) -> T | None:
        """A fact as `read` understands it (None: not of its form); None where it is lacking, refused or parked."""
        try:  # as `tried` does: of seventeen facts each is read so, and a detour costs as much as the reading
            return self._fact(name, read)
        except Reject as stop:
            self.wrong[name] = stop.with_traceback(None)
        except Park as stop:
            self.parks[name] = stop.with_traceback(None)
        return None

    def _fact(self, name: str, read: Callable[[str], T | None]) -> T | None:
        """The same. Raises Reject and Park."""
        fact: Fact | None = getattr(self.table.facts, name)
        if fact is None or fact.constant is not None:
            return read(fact.constant) if fact and fact.constant is not None else None
        value: T | None = None
        for found in _legible(self.source.texts(fact)):
            this = read(translate(name, fact, found, self.table.codes))
            if this is None:
                raise _not_of_its_form(name, fact, found)
            if value is not None and this != value:
                raise Reject(Reason.CONFLICTING_VALUES, found.place)
            value = this
        if value is None and (fact.required or name in self.always):
            raise self._missing(name, fact)
        return value

    def needed(self, name: str, read: Callable[[str], T | None]) -> T | None:
        value = self.given(name, read)
        if value is None and self.all_read({name}):  # only a table that hub.mapping.check refuses comes to this
            self.wrong[name] = Reject(Reason.MISSING_DATA, None, f"The feed's table lacks {name}.")
        return value

    def _several(self, name: str) -> tuple[str, ...]:
        """A fact of several parts; none where it is lacking or refused."""
        return self.tried(name, partial(self._parts, name)) or ()

    def _parts(self, name: str) -> tuple[str, ...]:
        """The same. Where its segment is repeated, each must say the same: else raises Reject."""
        fact: Fact | None = getattr(self.table.facts, name)
        found = _legible(self.source.texts(fact)) if fact else []
        parts: dict[int, list[str]] = {}
        for one in found:
            parts.setdefault(one.group, []).append(one.text)
        for one in found:
            if parts[one.group] != parts[found[0].group]:
                raise Reject(Reason.CONFLICTING_VALUES, one.place)
        if fact and fact.required and not parts:
            raise self._missing(name, fact)
        return tuple(next(iter(parts.values()), ()))

    def _missing(self, name: str, fact: Fact) -> Reject:
        reason = Reason.MISSING_SLIDE_NUMBER if name == "slide_number" else Reason.MISSING_DATA
        where = ", ".join(f"{at} = {_shown(values)}" for at, values in fact.where.items())
        return Reject(reason, self.source.missing(fact), f"It is looked for where {where}." if where else "")

    def place(self, name: str) -> Place | None:
        fact: Fact | None = getattr(self.table.facts, name)
        found = next(iter(self.source.texts(fact)), None) if fact and fact.places else None
        return found.place if found else None


def _legible(texts: Sequence[Text]) -> Sequence[Text]:
    """The texts; a NUL (an escape may spell one) is no character of any fact, and databases refuse it."""
    for found in texts:
        if "\x00" in found.text:
            raise Reject(Reason.INVALID_VALUE, found.place, "It holds a NUL character.")
    return texts


def translate(name: str, fact: Fact, found: Text, tables: dict[str, dict[str, str]]) -> str:
    """The text in the words of the feed's table: of its pattern, cut to its characters, in national codes.

    Raises Reject where the text is not of the pattern, Park(OUR_TABLE) where the table has no such code.
    """
    if fact.pattern and not re.fullmatch(fact.pattern, found.text):
        wrong = Reason.INVALID_SLIDE_NUMBER if name == "slide_number" else Reason.INVALID_VALUE
        raise Reject(wrong, found.place)
    text = _characters(fact.characters, found.text) if fact.characters else found.text
    if not fact.codes:
        return text
    national = tables[fact.codes].get(text)
    if national is None:
        raise Park(Reason.OUR_TABLE, found.place, f"The code is not in [codes.{fact.codes}].")
    return national


def _not_of_its_form(name: str, fact: Fact, found: Text) -> Reject:
    if name in DATES:
        return Reject(Reason.INVALID_DATE, found.place, f"Write it as {fact.form}.")
    return Reject(Reason.INVALID_VALUE, found.place)


def _shown(values: str | list[str]) -> str:
    return values if isinstance(values, str) else " or ".join(values)


def _characters(which: str, text: str) -> str:
    first, _, last = which.partition("-")
    return text[int(first) - 1 : int(last or first)]
