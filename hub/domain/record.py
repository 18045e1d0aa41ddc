"""A person's record: a pure fold over facts. Any order of arrival and any repetition gives the same record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from hub.domain.because import LABORATORY, RULES, Because, policy
from hub.domain.call import DEATH, SUSPENDED, Call, Entry, Tested, call
from hub.domain.codes import ACTION_CODES, REPEAT, ROUTINE, SUSPEND, combination
from hub.domain.dates import spoken
from hub.domain.events import TestResult, Version
from hub.domain.facts import Decision, DischargeFact, Fact, ResultFact, StepFact, TakenBackFact, UndoneFact
from hub.domain.next_step import NextStep, next_step
from hub.domain.policy import Policies, RecallPolicy
from hub.domain.recall import Interval, interval
from hub.domain.rules import objections
from hub.domain.versions import Slide, slides
from hub.errors import Reason

DECEASED = "deceased"


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A result on the record. `months` from its test until the next is due; None where it sets no date."""

    result_id: str
    match_id: str
    result: TestResult
    months: int | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule of the programme speaks against a result on the record, and no clerk has accepted it."""

    result_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Record:
    """`results`: oldest test first, one per slide. `recall_type`: a name of domain.md 1.4. `policy`: name of the
    policy under which the newest test that sets recall falls, empty without one. `call`: how far calling her has come;
    `next_step`: what is done next about it. `because`: how it came out, sentence by sentence."""

    results: tuple[OnRecord, ...]
    call: Call
    next_step: NextStep | None
    policy: str
    alerts: tuple[Alert, ...]
    because: tuple[Because, ...]

    @property
    def gone(self) -> str:
        """Why she is neither called nor written to: deceased, or what `Call.away` says; empty where she is."""
        return DECEASED if self.call.ceased == DEATH else self.call.away

    @property
    def referred_on(self) -> date | None:
        """The day of the test for which she is under colposcopy; None where she is not."""
        if self.recall_type != SUSPENDED:
            return None
        return next(each.result.test_on for each in self.results if each.result_id == self.call.decided_by)

    @property
    def recall_type(self) -> str:
        return self.call.recall_type

    @property
    def next_test_due_on(self) -> date | None:
        return self.call.next_test_due_on


@dataclass(frozen=True, slots=True)
class _Judged:
    """A result in the light of what came before it."""

    slide: Slide
    policy: RecallPolicy
    interval: Interval
    reasons: tuple[Reason, ...]


def fold(entry: Entry, facts: Iterable[Fact], policies: Policies) -> Record:
    """The record that these facts make. Facts may come in any order and more than once."""
    known = set(facts)
    every = slides(fact for fact in known if isinstance(fact, ResultFact | UndoneFact))
    others = _others(known)
    discharged = [fact.discharged_on for fact in others if isinstance(fact, DischargeFact)]
    judged = _judge(
        [slide for slide in every if slide.result.version is not Version.WITHDRAWN], discharged, entry, policies
    )
    deciding = [one for one in judged if _decides(one, entry)]
    outcome = call(entry, [_tested(one) for one in deciding], others, policies.call)
    return Record(
        results=tuple(_on_record(one) for one in judged),
        call=outcome,
        next_step=next_step(outcome, policies.call),
        policy=deciding[-1].policy.name if deciding else "",
        alerts=tuple(_alerts(judged, outcome)),
        because=tuple(_because(every, judged, outcome)),
    )


def _others(facts: Iterable[Fact]) -> list[Decision | StepFact]:
    """What is no result, without what was taken back."""
    taken_back = {fact.fact_id for fact in facts if isinstance(fact, TakenBackFact)}
    return [
        fact
        for fact in facts
        if isinstance(fact, StepFact) or (isinstance(fact, Decision) and fact.fact_id not in taken_back)
    ]


def _judge(standing: Sequence[Slide], discharged: Sequence[date], entry: Entry, policies: Policies) -> list[_Judged]:
    results = [slide.result for slide in standing]
    judged = []
    for index, slide in enumerate(standing):
        earlier = results[:index]
        policy = policies.in_force(slide.result.test_on, slide.first_authorised_at)
        found = interval(slide.result, earlier, entry.date_of_birth, policy, policies)
        reasons = list(objections(slide.result, earlier, policy, policies.rules, discharged))
        if not found.allowed:
            reasons.append(Reason.REPEAT_MONTHS)
        judged.append(_Judged(slide, policy, found, () if slide.fact.policy_accepted else tuple(reasons)))
    return judged


def _decides(one: _Judged, entry: Entry) -> bool:
    """Whether a result sets recall: it refers, or it names a date; and she did not come with a newer test."""
    if entry.last_test_on and one.slide.result.test_on < entry.last_test_on:
        return False
    action = one.slide.result.action_code
    return action == SUSPEND or (action in (ROUTINE, REPEAT) and one.interval.months is not None)


def _tested(one: _Judged) -> Tested:
    fact = one.slide.fact
    return Tested(fact.result_id, fact.result, one.interval.months, fact.policy_accepted)


def _alerts(judged: Sequence[_Judged], outcome: Call) -> Iterator[Alert]:
    for one in judged:
        result_id = one.slide.fact.result_id
        for reason in one.reasons:
            yield Alert(result_id, reason)
        if result_id in outcome.objected:
            yield Alert(result_id, Reason.CEASED)


def _on_record(one: _Judged) -> OnRecord:
    fact = one.slide.fact
    return OnRecord(fact.result_id, fact.match_id, fact.result, one.interval.months)


def _because(every: Sequence[Slide], judged: Sequence[_Judged], outcome: Call) -> Iterator[Because]:
    """How the record came out, for the clerk's screen: dates and codes, never names or numbers."""
    for slide in every:
        if slide.result.version is Version.WITHDRAWN:
            yield Because(
                f"The laboratory withdrew the result of the test of {spoken(slide.result.test_on)}.", LABORATORY
            )
    for one in judged:
        yield Because(_about(one), policy(one.policy.name))
        yield from (Because(f"A clerk must look at it: {reason.sentence}", RULES[reason]) for reason in one.reasons)
    yield from outcome.because


def _about(one: _Judged) -> str:
    result = one.slide.result
    known = combination(result)
    meaning = known.meaning if known else ACTION_CODES.get(result.action_code, "old or unknown codes")
    version = ", corrected" if result.version is Version.CORRECTED else ""
    accepted = "; a clerk accepted it" if one.slide.fact.policy_accepted else ""
    months = one.interval.because
    return (
        f"Test of {spoken(result.test_on)}{version}: {result.combination} ({meaning}); "
        f"policy {one.policy.name}; {months}{accepted}."
    )
