"""One order (OBR) of a message, read by the sender's table into the one thing that becomes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TypeVar

from adapters.hl7v2_oru.places import Order, Text, translate
from hub.domain import codes, nhs_number
from hub.domain.events import ReportParked, ResultReported, TestResult, Version
from hub.domain.people import Claim
from hub.errors import Park, Place, Reason, Reject
from hub.formats.hl7v2 import Location, Segment
from hub.mapping import FeedTable
from hub.mapping.check import NATIONAL
from hub.mapping.feed_table import Fact
from hub.mapping.forms import read_date, read_number, read_time

T = TypeVar("T")

# A report that lacks one of these says too little or, worse, something else than it would with it.
ALWAYS_REQUIRED = frozenset(
    {"slide_number", "test_on", "result_code", "infection_code", "action_code", "self_sample", "hpv_primary"}
)
_ORDER_VERSION = {"F": Version.FINAL, "C": Version.CORRECTED, "X": Version.WITHDRAWN}
_OBSERVATION_VERSION = {
    "F": Version.FINAL,
    "C": Version.CORRECTED,
    "W": Version.WITHDRAWN,
    "D": Version.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Report:
    """Reads one order. `today` is the day of receipt; in each of `observations` (OBX) stands a fact of the feed."""

    order: Order
    table: FeedTable
    today: date
    observations: tuple[Segment, ...]

    @property
    def is_ours(self) -> bool:
        """Whether the order carries one of the feed's facts, or withdraws one; histology beside it does not."""
        return self.order.obr.value(25) == "X" or bool(self.observations)

    def outcome(self) -> ResultReported | ReportParked | Reject:
        """What becomes of the order. Never raises a Stop."""
        try:
            return self._read()
        except Reject as stop:
            return stop.with_traceback(None)  # its frames hold the message

    def _read(self) -> ResultReported | ReportParked:
        if place := self.order.perhaps_cut(self.table.facts):
            raise Reject(Reason.INCOMPLETE, place, "The last segment has no carriage return at its end.")
        version = self._version()
        slide_number = self._needed("slide_number", str)
        test_on = self._test_on()
        claim = self._claim(test_on)
        result = TestResult(self.table.laboratory.code, slide_number, test_on, self._authorised_at(), version=version)
        if version is Version.WITHDRAWN:  # nothing else counts any more, so nothing else is read
            return ResultReported(claim, result)
        try:
            return ResultReported(claim, self._with_codes(result))
        except Park as stop:
            where = stop.place.text if stop.place else ""
            return ReportParked(stop.reason.code, where, stop.hint, claim, result.laboratory_code, slide_number)

    # Which version

    def _version(self) -> Version:
        """Corrected or withdrawn if either the order or one of its observations says so."""
        version = _status(self.order.obr, 25, _ORDER_VERSION)
        if version is Version.WITHDRAWN:
            return version
        seen = {version} | {_status(obx, 11, _OBSERVATION_VERSION) for obx in self.observations}
        return next(kind for kind in (Version.WITHDRAWN, Version.CORRECTED, Version.FINAL) if kind in seen)

    # When

    def _test_on(self) -> date:
        test_on = self._needed("test_on", self._date("test_on"))
        if test_on > self.today:
            raise Reject(Reason.TEST_IN_FUTURE, self._place("test_on"))
        return test_on

    def _authorised_at(self) -> datetime:
        """OBR-22, else MSH-7: when the laboratory issued this version."""
        for segment, field in ((self.order.obr, 22), (self.order.message.header, 7)):
            if text := segment.value(field).strip():
                at = read_time(text, self.table.zone)
                if at is None:
                    raise Reject(Reason.INVALID_DATE, _at(segment, field), "Write it as YYYYMMDDHHMM[SS][+ZZZZ].")
                return at.astimezone(UTC)  # one way of writing an instant, so that equal events are equal bytes
        raise Reject(Reason.MISSING_DATA, _at(self.order.obr, 22), "MSH-7 is empty as well.")

    def _date(self, name: str) -> Callable[[str], date | None]:
        form = getattr(self.table.facts, name).form
        return lambda text: read_date(text, form, self.table.zone)

    # Who

    def _claim(self, test_on: date) -> Claim:
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
        if not claim.nhs_number and not (claim.family_name and claim.date_of_birth):
            raise Reject(Reason.NO_PERSON, Location("PID", 1).place())
        if claim.date_of_birth and test_on < claim.date_of_birth:
            raise Reject(Reason.TEST_BEFORE_BIRTH, self._place("test_on"))
        return claim

    # What

    def _with_codes(self, result: TestResult) -> TestResult:
        """The result with its codes. Raises Reject; and Park for a code our table lacks, when nothing is refused."""
        parks: list[Park] = []
        hpv_primary = self._unless_parked(parks, "hpv_primary", _flag)
        complete = replace(
            result,
            result_code=self._unless_parked(parks, "result_code", str) or "",
            infection_code=self._unless_parked(parks, "infection_code", str) or "",
            action_code=self._unless_parked(parks, "action_code", str) or "",
            repeat_months=self._unless_parked(parks, "repeat_months", read_number) or None,  # 0 states: none
            self_sample=self._unless_parked(parks, "self_sample", _flag) or False,
            source_type=self._unless_parked(parks, "source_type", _source_type),
            sender_code=self._unless_parked(parks, "sender_code", str),
            sample_taker_code=self._unless_parked(parks, "sample_taker_code", str),
        )
        if hpv_primary is False:
            raise Reject(Reason.NOT_HPV_PRIMARY, self._place("hpv_primary"))
        if parks:
            raise parks[0]
        self._refuse_combination(complete)
        return complete

    def _unless_parked(self, parks: list[Park], name: str, read: Callable[[str], T | None]) -> T | None:
        """A fact; None where our table has no translation, which is put to `parks`. Parking must not hide a refusal."""
        try:
            return self._given(name, read)
        except Park as stop:
            parks.append(stop)
            return None

    def _refuse_combination(self, result: TestResult) -> None:
        reason = codes.refusal(result)
        if reason is Reason.INVALID_VALUE:
            raise Reject(reason, self._place("repeat_months"))
        if reason:
            first, *others = (self._place(name) for name in ("result_code", "infection_code", "action_code"))
            beside = sorted({place.text for place in others if place and place != first})
            raise Reject(reason, first, f"See also {' and '.join(beside)}." if beside else "")

    # How a fact is read

    def _given(self, name: str, read: Callable[[str], T | None]) -> T | None:
        """A fact as `read` understands it (None: not of its form); None where the feed or the message lacks it."""
        fact: Fact | None = getattr(self.table.facts, name)
        if fact is None or fact.constant is not None:
            return read(fact.constant) if fact and fact.constant is not None else None
        value: T | None = None
        for found in _legible(self.order.texts(fact)):
            this = read(translate(name, fact, found, self.table.codes))
            if this is None:
                raise _not_of_its_form(name, fact, found)
            if value is not None and this != value:
                raise Reject(Reason.CONFLICTING_VALUES, found.place)
            value = this
        if value is None and (fact.required or name in ALWAYS_REQUIRED):
            raise self._missing(name, fact)
        return value

    def _needed(self, name: str, read: Callable[[str], T | None]) -> T:
        value = self._given(name, read)
        if value is None:  # only a table that hub.mapping.check refuses comes to this
            raise Reject(Reason.MISSING_DATA, None, f"The feed's table lacks {name}.")
        return value

    def _several(self, name: str) -> tuple[str, ...]:
        """A fact of several parts. Where its segment is repeated, each must say the same."""
        fact: Fact | None = getattr(self.table.facts, name)
        parts: dict[int, list[str]] = {}
        last = None
        for last in _legible(self.order.texts(fact)) if fact else ():
            parts.setdefault(last.segment.number, []).append(last.text)
        if last and any(said != parts[last.segment.number] for said in parts.values()):
            raise Reject(Reason.CONFLICTING_VALUES, last.place)
        if fact and fact.required and not parts:
            raise self._missing(name, fact)
        return tuple(next(iter(parts.values()), ()))

    def _missing(self, name: str, fact: Fact) -> Reject:
        reason = Reason.MISSING_SLIDE_NUMBER if name == "slide_number" else Reason.MISSING_DATA
        where = ", ".join(f"{at} = {_shown(values)}" for at, values in fact.where.items())
        return Reject(reason, self.order.missing(fact), f"It is looked for where {where}." if where else "")

    def _place(self, name: str) -> Place | None:
        fact: Fact | None = getattr(self.table.facts, name)
        found = next(self.order.texts(fact), None) if fact and fact.places else None
        return found.place if found else None


def _legible(texts: Iterable[Text]) -> Iterator[Text]:
    """The texts; a NUL (an escape may spell one) is no character of any fact, and databases refuse it."""
    for found in texts:
        if "\x00" in found.text:
            raise Reject(Reason.INVALID_VALUE, found.place, "It holds a NUL character.")
        yield found


def _status(segment: Segment, field: int, versions: dict[str, Version]) -> Version:
    """The version a status field says. Raises Reject for a status that is missing, or of a result not yet final."""
    status = segment.value(field).strip()
    if not status:
        raise Reject(Reason.MISSING_DATA, _at(segment, field), "The status of the result must be given.")
    if status not in versions:
        raise Reject(Reason.NOT_FINAL, _at(segment, field))
    return versions[status]


def _not_of_its_form(name: str, fact: Fact, found: Text) -> Reject:
    if name in ("test_on", "date_of_birth"):
        return Reject(Reason.INVALID_DATE, found.place, f"Write it as {fact.form}.")
    return Reject(Reason.INVALID_VALUE, found.place)


def _at(segment: Segment, field: int) -> Place:
    return Location(segment.name, segment.number, field).place()


def _shown(values: str | list[str]) -> str:
    return values if isinstance(values, str) else " or ".join(values)


def _flag(text: str) -> bool | None:
    return {"Y": True, "N": False}.get(text)


def _source_type(text: str) -> str | None:
    return text if text in NATIONAL["source_type"] else None
