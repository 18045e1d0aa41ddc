"""One report, read by the sender's table into what becomes of it: one event, or all that is wrong.

Every dialect reads its reports here; how it finds a text, and what says which version it is, it brings as a `Source`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar

from hub.domain import codes, nhs_number
from hub.domain.events import ReportParked, ResultReported, TestResult, Version
from hub.domain.people import Claim
from hub.errors import Park, Place, Reason, Reject
from hub.mapping.check import NATIONAL
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.forms import FORM_OF_TIMES, read_date, read_number, read_time

T = TypeVar("T")

# A report that lacks one of these says too little or, worse, something else than it would with it.
ALWAYS_REQUIRED = frozenset(
    {"slide_number", "test_on", "result_code", "infection_code", "action_code", "self_sample", "hpv_primary"}
)
# What a preliminary order may rightly lack.
_OF_THE_RESULT = ALWAYS_REQUIRED - {"slide_number", "test_on"} | {"repeat_months"}
# A combination is judged only where each of these could be read, and only of HPV primary screening.
_OF_THE_COMBINATION = _OF_THE_RESULT - {"repeat_months"}
# Clocks differ, and so do the days of two places.
_CLOCKS_APART = timedelta(days=1)


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


def slide_number_of(event: ResultReported | ReportParked) -> str:
    """Empty where it could not be read."""
    return (event.result if isinstance(event, ResultReported) else event).slide_number or ""


@dataclass(frozen=True, slots=True)
class Report:
    """Reads one report, once. `today` is the day of receipt.

    `wrong` and `parks` gather what stopped a fact, by its name, in the order read.
    """

    source: Source
    table: FeedTable
    today: date
    wrong: dict[str, Reject] = field(default_factory=dict)
    parks: dict[str, Park] = field(default_factory=dict)

    def outcomes(self) -> tuple[ResultReported | ReportParked | Reject, ...]:
        """What becomes of the report: one event, or a Reject for each thing wrong with it. Never raises a Stop."""
        event = self._event()
        refusals = self._refusals()
        for stop in refusals:
            stop.slide_number = slide_number_of(event)
        return refusals or (event,)

    def _refusals(self) -> tuple[Reject, ...]:
        """Each thing wrong once, for several facts may stand in one field. What an order that is not final yet does
        not say yet is no mistake of its own."""
        preliminary = any(stop.reason is Reason.NOT_FINAL for stop in self.wrong.values())
        once: dict[tuple[Reason, Place | None, str], Reject] = {}
        for name, stop in self.wrong.items():
            if not (preliminary and stop.reason is Reason.MISSING_DATA and name in _OF_THE_RESULT):
                once.setdefault((stop.reason, stop.place, stop.hint), stop)
        return tuple(once.values())

    def _event(self) -> ResultReported | ReportParked:
        """The order as far as it can be read. It counts only if nothing is wrong: what stands in for a refused fact
        never leaves this class."""
        slide_number = self._needed("slide_number", str)
        test_on = self._test_on()
        authorised_at = self._tried("authorised_at", self._authorised_at)
        claim = self._claim(test_on)
        version = self._version()
        result = TestResult(
            self.table.laboratory.code,
            slide_number or "",
            test_on or self.today,
            authorised_at or datetime.max.replace(tzinfo=UTC),
            version=version,
        )
        if version is not Version.WITHDRAWN:  # else nothing else counts any more, so nothing else is read
            result = self._with_codes(result)
        for stop in self.parks.values():
            where = stop.place.text if stop.place else ""
            return ReportParked(stop.reason.code, where, stop.hint, claim, result.laboratory_code, slide_number)
        return ResultReported(claim, result)

    # Which version

    def _version(self) -> Version:
        """Corrected or withdrawn if anything says so. Of a report that is not final as a whole nobody expects final
        parts; where a status is refused the rest is read as of a final result."""
        seen: set[Version | None] = set()
        for number, (name, read) in enumerate(self.source.statuses(self.table)):
            seen.add(self._tried(name, read))
            refused = self.wrong.get(name)
            if number == 0 and (Version.WITHDRAWN in seen or (refused and refused.reason is Reason.NOT_FINAL)):
                break
        return next((kind for kind in (Version.WITHDRAWN, Version.CORRECTED) if kind in seen), Version.FINAL)

    # When

    def _test_on(self) -> date | None:
        test_on = self._needed("test_on", self._date("test_on"))
        if test_on and test_on > self.today:
            self.wrong["test_on"] = Reject(Reason.TEST_IN_FUTURE, self._place("test_on"))
            return None
        return test_on

    def _authorised_at(self) -> datetime:
        """When the laboratory issued this version. Raises Reject; also for a time to come, for no later correction
        would ever count against it."""
        found, form = self.source.issued(self.table)
        at = read_time(found.text, self.table.zone, form)
        if at is None:
            raise Reject(Reason.INVALID_DATE, found.place, f"Write it as {FORM_OF_TIMES[form]}.")
        if at.astimezone(self.table.zone).date() > self.today + _CLOCKS_APART:
            raise Reject(Reason.INVALID_DATE, found.place, "The time of authorisation lies in the future.")
        return at.astimezone(UTC)  # one way of writing an instant, so that equal events are equal bytes

    def _date(self, name: str) -> Callable[[str], date | None]:
        form = getattr(self.table.facts, name).form
        return lambda text: read_date(text, form, self.table.zone)

    # Who

    def _claim(self, test_on: date | None) -> Claim:
        claim = Claim(
            nhs_number=self._given("nhs_number", nhs_number.normalise),
            family_name=self._given("family_name", str),
            given_names=self._several("given_names"),
            former_family_names=self._several("former_family_names"),
            date_of_birth=self._given("date_of_birth", self._date("date_of_birth")),
            sex=self._given("sex", str),
            address_lines=self._several("address_lines"),
            postcode=self._given("postcode", str),
            local_id=self._given("local_id", str),
        )
        named = claim.nhs_number or (claim.family_name and claim.date_of_birth)
        if not named and self._all_read({"nhs_number", "family_name", "date_of_birth"}):
            self.wrong["person"] = Reject(Reason.NO_PERSON, self.source.person)
        if claim.date_of_birth and test_on and test_on < claim.date_of_birth:
            self.wrong["test_on"] = Reject(Reason.TEST_BEFORE_BIRTH, self._place("test_on"))
        return claim

    # What

    def _with_codes(self, result: TestResult) -> TestResult:
        """The result with its codes, as far as they can be read."""
        hpv_primary = self._given("hpv_primary", _flag)
        complete = replace(
            result,
            result_code=self._given("result_code", str) or "",
            infection_code=self._given("infection_code", str) or "",
            action_code=self._given("action_code", str) or "",
            repeat_months=self._given("repeat_months", _months) or None,  # 0 states: none
            self_sample=self._given("self_sample", _flag) or False,
            source_type=self._given("source_type", _source_type),
            sender_code=self._given("sender_code", str),
            sample_taker_code=self._given("sample_taker_code", str),
        )
        if hpv_primary is False:
            self.wrong["hpv_primary"] = Reject(Reason.NOT_HPV_PRIMARY, self._place("hpv_primary"))
        if self._all_read(_OF_THE_COMBINATION):
            self._judge_combination(complete)
        return complete

    def _judge_combination(self, result: TestResult) -> None:
        if reason := codes.refusal(result):
            first, *others = (self._place(name) for name in ("result_code", "infection_code", "action_code"))
            beside = sorted({place.text for place in others if place and place != first})
            see = f"See also {' and '.join(beside)}." if beside else ""
            self.wrong["combination"] = Reject(reason, first, see)

    def _all_read(self, names: AbstractSet[str]) -> bool:
        """Whether none of the facts was stopped: an error must not be told a second time by its consequences."""
        return names.isdisjoint(self.wrong) and names.isdisjoint(self.parks)

    # How a fact is read

    def _tried(self, name: str, read: Callable[[], T]) -> T | None:
        """What `read` gives; None where it is refused or our table has no translation. Parking hides no refusal."""
        try:
            return read()
        except Reject as stop:
            self.wrong[name] = stop.with_traceback(None)  # its frames hold the message
        except Park as stop:
            self.parks[name] = stop.with_traceback(None)
        return None

    def _given(self, name: str, read: Callable[[str], T | None]) -> T | None:
        """A fact as `read` understands it (None: not of its form); None where it is lacking, refused or parked."""
        return self._tried(name, partial(self._fact, name, read))

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
        if value is None and (fact.required or name in ALWAYS_REQUIRED):
            raise self._missing(name, fact)
        return value

    def _needed(self, name: str, read: Callable[[str], T | None]) -> T | None:
        value = self._given(name, read)
        if value is None and self._all_read({name}):  # only a table that hub.mapping.check refuses comes to this
            self.wrong[name] = Reject(Reason.MISSING_DATA, None, f"The feed's table lacks {name}.")
        return value

    def _several(self, name: str) -> tuple[str, ...]:
        """A fact of several parts; none where it is lacking or refused."""
        return self._tried(name, partial(self._parts, name)) or ()

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

    def _place(self, name: str) -> Place | None:
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
    if name in ("test_on", "date_of_birth"):
        return Reject(Reason.INVALID_DATE, found.place, f"Write it as {fact.form}.")
    return Reject(Reason.INVALID_VALUE, found.place)


def _shown(values: str | list[str]) -> str:
    return values if isinstance(values, str) else " or ".join(values)


def _months(text: str) -> int | None:
    months = read_number(text)
    return months if months is not None and months <= codes.MOST_MONTHS else None


def _flag(text: str) -> bool | None:
    return {"Y": True, "N": False}.get(text)


def _source_type(text: str) -> str | None:
    return text if text in NATIONAL["source_type"] else None


def _characters(which: str, text: str) -> str:
    first, _, last = which.partition("-")
    return text[int(first) - 1 : int(last or first)]
