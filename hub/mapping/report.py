"""One report of a result, read by the sender's table into what becomes of it: one event, or all that is wrong.

Every dialect of results reads its reports here; how it finds a text, and what says which version it is, it brings as a
`Source`.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hub.domain import codes
from hub.domain.events import ReportParked, ResultReported, TestResult, Version
from hub.domain.people import Claim
from hub.errors import Place, Reason, Reject
from hub.mapping.check import NATIONAL
from hub.mapping.forms import FORM_OF_TIMES, read_number, read_time
from hub.mapping.reading import FactReader, Source, Text, translate

__all__ = ["ALWAYS_REQUIRED", "Report", "Source", "Text", "slide_number_of", "translate"]

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


def slide_number_of(event: ResultReported | ReportParked) -> str:
    """Empty where it could not be read."""
    return (event.result if isinstance(event, ResultReported) else event).slide_number or ""


class Report(FactReader):
    """Reads one report of a result."""

    __slots__ = ()
    always = ALWAYS_REQUIRED

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
        slide_number = self.needed("slide_number", str)
        test_on = self._test_on()
        authorised_at = self.tried("authorised_at", self._authorised_at)
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

    # Who

    def _claim(self, test_on: date | None) -> Claim:
        claim = self.claim()
        if claim.date_of_birth and test_on and test_on < claim.date_of_birth:
            self.wrong["test_on"] = Reject(Reason.TEST_BEFORE_BIRTH, self.place("test_on"))
        return claim

    # Which version

    def _version(self) -> Version:
        """Corrected or withdrawn if anything says so. Of a report that is not final as a whole nobody expects final
        parts; where a status is refused the rest is read as of a final result."""
        seen: set[Version | None] = set()
        for number, (name, read) in enumerate(self.source.statuses(self.table)):
            seen.add(self.tried(name, read))
            refused = self.wrong.get(name)
            if number == 0 and (Version.WITHDRAWN in seen or (refused and refused.reason is Reason.NOT_FINAL)):
                break
        return next((kind for kind in (Version.WITHDRAWN, Version.CORRECTED) if kind in seen), Version.FINAL)

    # When

    def _test_on(self) -> date | None:
        test_on = self.needed("test_on", self.date_of("test_on"))
        if test_on and test_on > self.today:
            self.wrong["test_on"] = Reject(Reason.TEST_IN_FUTURE, self.place("test_on"))
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

    # What

    def _with_codes(self, result: TestResult) -> TestResult:
        """The result with its codes, as far as they can be read."""
        hpv_primary = self.given("hpv_primary", _flag)
        complete = replace(
            result,
            result_code=self.given("result_code", str) or "",
            infection_code=self.given("infection_code", str) or "",
            action_code=self.given("action_code", str) or "",
            repeat_months=self.given("repeat_months", _months) or None,  # 0 states: none
            self_sample=self.given("self_sample", _flag) or False,
            source_type=self.given("source_type", _source_type),
            sender_code=self.given("sender_code", str),
            sample_taker_code=self.given("sample_taker_code", str),
        )
        if hpv_primary is False:
            self.wrong["hpv_primary"] = Reject(Reason.NOT_HPV_PRIMARY, self.place("hpv_primary"))
        if self.all_read(_OF_THE_COMBINATION):
            self._judge_combination(complete)
        return complete

    def _judge_combination(self, result: TestResult) -> None:
        if reason := codes.refusal(result):
            first, *others = (self.place(name) for name in ("result_code", "infection_code", "action_code"))
            beside = sorted({place.text for place in others if place and place != first})
            see = f"See also {' and '.join(beside)}." if beside else ""
            self.wrong["combination"] = Reject(reason, first, see)


def _months(text: str) -> int | None:
    months = read_number(text)
    return months if months is not None and months <= codes.MOST_MONTHS else None


def _flag(text: str) -> bool | None:
    return {"Y": True, "N": False}.get(text)


def _source_type(text: str) -> str | None:
    return text if text in NATIONAL["source_type"] else None
