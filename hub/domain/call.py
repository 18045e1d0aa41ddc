"""Call and recall: from her tests and what was decided about her to when she is next called, and what is done next.

A walk through her history in the order of its days. On one day a test comes before a decision, and a decision before a
step of call and recall: what was decided in the morning is what the night's run acted upon.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from hub.domain.because import (
    AWAY,
    CEASED_AGAIN,
    COHORT,
    DECIDED,
    DIED,
    DISCHARGED,
    EARLIEST,
    FIRST_CALL,
    MALE,
    NOT_RESPONDED,
    OVER_AGE,
    REINSTATED,
    TEST_PLUS_MONTHS,
    Because,
)
from hub.domain.codes import HPV_POSITIVE, REPEAT, ROUTINE, SUSPEND, combination, is_inadequate
from hub.domain.dates import add_months, months_of_age, spoken
from hub.domain.events import TestResult
from hub.domain.facts import (
    CallStep,
    CeasedFact,
    Decision,
    DeferredFact,
    DischargeFact,
    ReinstatedFact,
    StepFact,
    day_of,
)
from hub.domain.policy import CallSettings

CALLED, ROUTINE_RECALL, REPEAT_ADVISED = "Called", "Routine", "Repeat advised"
INADEQUATE, SUSPENDED, CEASED = "Inadequate", "Suspended", "Ceased"
BY_AGE = "age-automatic"
DEATH = "death"
MOVED_AWAY, REGISTERED_MALE, UNKNOWN_REMOVAL = "moved-away", "registered-male", "unknown-removal"
IN_A_ROW = 2
"""So many deferrals with nothing between them are said, for whoever decides the next (domain.md 1.3)."""
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
NO_ACTION = "No action"
STATUSES = {
    CallStep.NOTIFIED: "GP informed via PNL",
    CallStep.INVITE_NOW: "GP informed via PNL",
    CallStep.INVITED: "Invited",
    CallStep.REMINDED: "Reminded",
    CallStep.NON_RESPONDER: "Non-responder",
}
"""The recall statuses of domain.md 1.4, by the last step taken."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What was known when she came into the cohort. `last_test_on`: her newest test then, if the cohort says so; the
    date she came with holds until a test at least as new as that is on the record. `joined_on`: the day she came,
    where she came without a date: one is then made (domain.md 1.2).

    The rest is as PDS tells it today, and folded anew when it tells otherwise: `gender` as registered; `deceased`, and
    `died_on` if the day is known; `removal`, the code of why no practice's list holds her."""

    date_of_birth: date
    next_test_due_on: date | None
    last_test_on: date | None = None
    joined_on: date | None = None
    gender: str = ""
    deceased: bool = False
    died_on: date | None = None
    removal: str = ""
    removed_on: date | None = None


@dataclass(frozen=True, slots=True)
class Tested:
    """A test that sets recall. `months` to the next one; None: it refers her. `accepted`: a clerk let it count."""

    result_id: str
    result: TestResult
    months: int | None
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """When she is next called, and how far that has come. `ceased` is the reason, empty while she is called;
    `decided_by` the result from which it follows, empty where another decision came after it. `objected` are the
    results that came while she was ceased, for a clerk to decide about. `away`: why call and recall lets her be at
    present, whatever her date (the three above); empty where it does not. `deferrals`: those in a row."""

    recall_type: str
    next_test_due_on: date | None
    status: str = NO_ACTION
    last_step: StepFact | None = None
    non_responses: int = 0
    ceased: str = ""
    decided_by: str = ""
    objected: tuple[str, ...] = ()
    because: tuple[Because, ...] = ()
    away: str = ""
    deferrals: int = 0


def call(
    entry: Entry,
    tests: Sequence[Tested],
    others: Iterable[Decision | StepFact],
    settings: CallSettings,
) -> Call:
    """Walk through `tests` (oldest first) and the other facts, in any order."""
    walk = _Walk(entry.date_of_birth, settings, [each.result for each in tests], tests)
    death = _death(entry, settings)
    known = [*others, death] if death and death.decided_at > _LONG_AGO else others
    outcome = walk.through(_entered(entry, settings), known)
    if death and outcome.ceased != DEATH:  # whatever was decided about her, before or since
        outcome = _anew(outcome, Because("She has died: ceased.", DIED), recall_type=CEASED, ceased=DEATH)
    return outcome if death else _away(outcome, entry, settings)


def first_call_due_on(born_on: date, settings: CallSettings) -> date:
    """The first date of somebody under 25, so that she is invited at 24½ (domain.md 1.2)."""
    return add_months(born_on, 25 * 12) - timedelta(weeks=settings.first_call_weeks_before_25)


def _death(entry: Entry, settings: CallSettings) -> CeasedFact | None:
    """Her death, on its day or, where that is not known, at no time."""
    removed_by_death = settings.removals.get(entry.removal) == "dead"
    if not entry.deceased and not removed_by_death:
        return None
    day = entry.died_on or (entry.removed_on if removed_by_death else None)
    return CeasedFact(DEATH, datetime.combine(day, time(12), UTC) if day else _LONG_AGO, DEATH)


def _away(outcome: Call, entry: Entry, settings: CallSettings) -> Call:
    """Why nobody calls her, though she lives and may have a date. A code that no table names is no reason to call."""
    if entry.gender.casefold() in settings.genders_not_called:
        why, said = REGISTERED_MALE, Because("She is not called: the register has her as male.", MALE)
    elif entry.removal and settings.removals.get(entry.removal) != "called":
        since = f" since {spoken(entry.removed_on)}" if entry.removed_on else ""
        removed = f"She is not called: removed from every practice's list{since} ({entry.removal})."
        why = MOVED_AWAY if entry.removal in settings.removals else UNKNOWN_REMOVAL
        said = Because(removed, AWAY)
    else:
        return outcome
    return replace(outcome, away=why, because=(*outcome.because, said))


def _entered(entry: Entry, settings: CallSettings) -> Call:
    due_on, how, source = entry.next_test_due_on, "as when she came into the cohort", COHORT
    if due_on is None and entry.joined_on:
        first = first_call_due_on(entry.date_of_birth, settings)
        earliest = entry.joined_on + timedelta(days=settings.earliest_due_days)
        due_on = max(first, earliest)
        how = "twenty weeks before she is 25" if due_on == first else "the earliest day after she joined the cohort"
        source = FIRST_CALL if due_on == first else EARLIEST
    due = f"on {spoken(due_on)}, {how}" if due_on else "on no known date, as when she came into the cohort"
    return Call(CALLED, due_on, because=(Because(f"Without a test she is called, and due {due}.", source),))


@dataclass(frozen=True, slots=True)
class _Walk:
    """`results` are those of all tests that set recall, oldest first."""

    born_on: date
    settings: CallSettings
    results: Sequence[TestResult]
    tests: Sequence[Tested]

    def through(self, entered: Call, others: Iterable[Decision | StepFact]) -> Call:
        dated: list[tuple[tuple[object, ...], int, Decision | StepFact | None]] = [
            ((test.result.test_on, 0, index), index, None) for index, test in enumerate(self.tests)
        ]
        dated += [((day_of(fact), *_order(fact)), -1, fact) for fact in set(others)]
        now = entered
        for _, index, happened in sorted(dated, key=lambda each: each[0]):
            now = self._after(now, index, happened)
        return now

    def _after(self, now: Call, index: int, happened: Decision | StepFact | None) -> Call:
        if happened is None:
            return self._tested(now, index)
        if isinstance(happened, StepFact):
            return self._stepped(now, happened)
        if isinstance(happened, DischargeFact):
            return self._discharged(now, happened)
        if isinstance(happened, DeferredFact):
            return _deferred(now, happened)
        if isinstance(happened, CeasedFact):
            said = f"Ceased on {spoken(day_of(happened))} ({happened.reason})."
            return _anew(now, Because(said, DECIDED), recall_type=CEASED, ceased=happened.reason)
        return self._reinstated(now, happened)

    def _tested(self, now: Call, index: int) -> Call:
        test = self.tests[index]
        if now.ceased and not self._counts_though_ceased(now, test):
            stays = () if now.ceased == BY_AGE else (test.result_id,)
            said = f"The test of {spoken(test.result.test_on)} came while she was ceased ({now.ceased})."
            because = (*now.because, Because(said, CEASED_AGAIN))
            return replace(now, objected=(*now.objected, *stays), because=because)
        recall_type, due_on = recall_of(test.result, test.months)
        day = spoken(test.result.test_on)
        if due_on and recall_type == ROUTINE_RECALL and self._is_past_calling(due_on, index + 1):
            said = f"The test of {day} is routine, and the next would be due when she is over age: ceased."
            over_age = Because(said, OVER_AGE)
            return _anew(now, over_age, recall_type=CEASED, ceased=BY_AGE, decided_by=test.result_id, responses=0)
        due = f"next test due on {spoken(due_on)}" if due_on else "no next test due while colposcopy cares for her"
        return _anew(
            now,
            Because(f"The test of {day} sets recall: {recall_type}, {due}.", TEST_PLUS_MONTHS),
            recall_type=recall_type,
            next_test_due_on=due_on,
            decided_by=test.result_id,
            responses=0,
        )

    def _counts_though_ceased(self, now: Call, test: Tested) -> bool:
        """Ceased by age, only what is not routine brings her back: an abnormal result is never lost for an age. Ceased
        for another reason a clerk must have let it count, and for some reasons nobody can."""
        if now.ceased == BY_AGE:
            return recall_of(test.result, test.months)[0] != ROUTINE_RECALL
        return test.accepted and now.ceased not in self.settings.ceased_for_good

    def _stepped(self, now: Call, fact: StepFact) -> Call:
        if fact.about_due_on != now.next_test_due_on:
            return now
        if fact.step is CallStep.INVITE_NOW:
            if now.last_step is None or now.last_step.step is not CallStep.NOTIFIED:
                return now
        elif _was_taken(now, fact):
            return now
        after = replace(now, status=STATUSES[fact.step], last_step=fact)
        return self._not_responded(after, fact) if fact.step is CallStep.NON_RESPONDER else after

    def _not_responded(self, now: Call, fact: StepFact) -> Call:
        counted = replace(now, non_responses=now.non_responses + 1)
        if self._is_past_calling(fact.taken_on, len(self._results_until(fact.taken_on)), is_due_again=True):
            said = f"She did not respond by {spoken(fact.taken_on)}, and is over age: ceased."
            because = (*now.because, Because(said, OVER_AGE))
            return replace(
                counted, recall_type=CEASED, next_test_due_on=None, ceased=BY_AGE, decided_by="", because=because
            )
        due_on = add_months(fact.about_due_on, self.settings.months_after_no_response(now.recall_type))
        said = f"She did not respond by {spoken(fact.taken_on)}: called again for {spoken(due_on)}."
        return replace(counted, next_test_due_on=due_on, because=(*now.because, Because(said, NOT_RESPONDED)))

    def _results_until(self, day: date) -> Sequence[TestResult]:
        return [result for result in self.results if result.test_on <= day]

    def _is_past_calling(self, due_on: date, seen: int, *, is_due_again: bool = False) -> bool:
        """Whether she is too old to be called on that day: not while an abnormal result is among her latest, nor before
        her one test if she never had any (domain.md 1.1)."""
        if months_of_age(self.born_on, due_on) < self.settings.cease_from_age_years * 12:
            return False
        latest = self.results[:seen][-self.settings.surveillance_results :]
        return (bool(latest) or is_due_again) and not any(map(is_abnormal, latest))

    def _discharged(self, now: Call, fact: DischargeFact) -> Call:
        if now.ceased:
            said = f"Discharged by colposcopy on {spoken(fact.discharged_on)}, but ceased ({now.ceased})."
            return replace(now, because=(*now.because, Because(said, DECIDED)))
        routine_from = add_months(fact.discharged_on, self.settings.discharge_routine_from_months)
        recall_type = ROUTINE_RECALL if fact.due_on >= routine_from else REPEAT_ADVISED
        said = f"Discharged by colposcopy on {spoken(fact.discharged_on)}: {recall_type}, due on {spoken(fact.due_on)}."
        if fact.stated_due_on != fact.due_on:
            said += f" The clinic's own date was {spoken(fact.stated_due_on)}."
        because = Because(said, DISCHARGED)
        return _anew(now, because, recall_type=recall_type, next_test_due_on=fact.due_on, responses=0)

    def _reinstated(self, now: Call, fact: ReinstatedFact) -> Call:
        if not now.ceased:
            return now
        past = self._results_until(day_of(fact))
        recall_type = recall_of(past[-1], None)[0] if past else CALLED
        if recall_type == SUSPENDED:
            recall_type = REPEAT_ADVISED  # she is given a date: she is not suspended
        said = f"Reinstated on {spoken(day_of(fact))}: {recall_type}, due on {spoken(fact.due_on)}."
        because = Because(said, REINSTATED)
        return _anew(now, because, recall_type=recall_type, next_test_due_on=fact.due_on, responses=0)


def recall_of(result: TestResult, months: int | None) -> tuple[str, date | None]:
    """The recall type a test sets, and the date; no date where it refers her, or `months` is None."""
    if result.action_code == SUSPEND:
        return SUSPENDED, None
    due_on = None if months is None else add_months(result.test_on, months)
    if result.action_code == ROUTINE:
        return ROUTINE_RECALL, due_on
    assert result.action_code == REPEAT, "H sets no recall"
    return (INADEQUATE if is_inadequate(result) else REPEAT_ADVISED), due_on


def is_abnormal(result: TestResult) -> bool:
    """Whether a test is one for which she stays under surveillance past the age of calling."""
    known = combination(result)
    return known is None or known.abnormal or result.infection_code == HPV_POSITIVE


def _deferred(now: Call, fact: DeferredFact) -> Call:
    if now.ceased or now.recall_type == SUSPENDED:
        said = f"Put off on {spoken(day_of(fact))}, without effect: she is {now.recall_type.lower()}."
        return replace(now, because=(*now.because, Because(said, DECIDED)))
    times = now.deferrals + 1
    again = f", {times} times in a row" if times >= IN_A_ROW else ""
    because = Because(f"Put off on {spoken(day_of(fact))} ({fact.reason}) to {spoken(fact.due_on)}{again}.", DECIDED)
    after = _anew(now, because, recall_type=now.recall_type, next_test_due_on=fact.due_on, decided_by=now.decided_by)
    return replace(after, deferrals=times)


def _anew(
    now: Call,
    said: Because,
    *,
    recall_type: str,
    next_test_due_on: date | None = None,
    ceased: str = "",
    decided_by: str = "",
    responses: int | None = None,
) -> Call:
    """Another date begins: nothing has been done about it yet."""
    return Call(
        recall_type=recall_type,
        next_test_due_on=next_test_due_on,
        non_responses=now.non_responses if responses is None else responses,
        ceased=ceased,
        decided_by=decided_by,
        objected=now.objected,
        because=(*now.because, said),
    )


def _order(fact: Decision | StepFact) -> tuple[object, ...]:
    """Its place among the facts of one day."""
    return (2, fact.about_due_on, _place(fact)) if isinstance(fact, StepFact) else (1, fact.decided_at, repr(fact))


def _was_taken(now: Call, fact: StepFact) -> bool:
    """Whether this step, or a later one, was taken about the same date."""
    last = now.last_step
    return last is not None and last.about_due_on == fact.about_due_on and _place(fact) <= _place(last)


def _place(fact: StepFact) -> int:
    return list(CallStep).index(fact.step)
