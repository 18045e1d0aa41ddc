"""Putting results on a participant's record, taking them off, and what follows: the fold, its events, her letters."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hub import telemetry
from hub.domain.call import Entry
from hub.domain.events import MatchUndone, RecordChanged, ResultMatched, ResultReported
from hub.domain.facts import ResultFact, UndoneFact
from hub.domain.people import Participant
from hub.domain.record import Alert, Record, fold
from hub.domain.versions import is_misdated, standing
from hub.errors import Reason
from hub.flow.letters import follow_record
from hub.flow.parking import question
from hub.flow.ports.records import MatchRow, Summary
from hub.flow.ports.results import ResultRow
from hub.flow.review import ceasing_changed
from hub.flow.step import Step


def reported(row: ResultRow) -> ResultReported:
    """The event of a row that is known to hold a readable result."""
    assert isinstance(row.event, ResultReported)
    return row.event


def objection(step: Step, row: ResultRow, participant_id: str) -> Alert | None:
    """What speaks against this result on the record of this participant, whether or not it stands there already: its
    place among the versions of its slide, or a rule of the programme."""
    facts, result = step.facts(participant_id), reported(row).result
    if row.state != "recorded":
        stands = standing(facts, result)
        if stands and is_misdated(result, stands):
            return Alert(row.result_id, Reason.DUPLICATE_SLIDE)
        facts = [*facts, ResultFact(row.result_id, "proposed", result, row.digest)]
    alerts = fold(_entry(step, participant_id), facts, step.policies).alerts
    return next((alert for alert in alerts if alert.result_id == row.result_id), None)


def record(
    step: Step,
    row: ResultRow,
    participant_id: str,
    *,
    how: str,
    by: str,
    why: str,
    accepted: bool = False,
    counts_as: datetime | None = None,
) -> str:
    """Put the result on the record; returns the match's id. The caller refolds when it has done all it wants."""
    match_id = step.new_id("match")
    step.tx.results.put(replace(row, state="recorded"))
    step.tx.records.match(MatchRow(match_id, row.result_id, participant_id, how, by, why, step.now))
    accept(step, row, participant_id, match_id, accepted=accepted, counts_as=counts_as)
    step.emit(ResultMatched(row.result_id, match_id, participant_id, how, by, why), row.result_id)
    step.tell(telemetry.result_matched, how)
    return match_id


def accept(
    step: Step, row: ResultRow, participant_id: str, match_id: str, *, accepted: bool, counts_as: datetime | None
) -> None:
    """Add the fact: a clerk took the result although a rule speaks against it, or although its date does."""
    fact = ResultFact(row.result_id, match_id, reported(row).result, row.digest, accepted, counts_as)
    step.add_fact(participant_id, fact)


def record_again(step: Step, row: ResultRow, match: MatchRow, *, by: str, why: str) -> None:
    """Put a result back on the record as it stood there by an earlier match."""
    accepted, counts_as = was_accepted(step, match), counted_as(step, match)
    record(step, row, match.participant_id, how=match.how, by=by, why=why, accepted=accepted, counts_as=counts_as)


def take_off(step: Step, match: MatchRow, *, by: str, why: str, state: str) -> None:
    """Undo a live match: one more fact on her record; the result goes into `state`."""
    step.tx.records.undo_match(match.match_id, by, step.now)
    step.add_fact(match.participant_id, UndoneFact(match.match_id))
    step.tx.results.restate(match.result_id, state)
    step.emit(MatchUndone(match.result_id, match.match_id, match.participant_id, by, why), match.result_id)


def was_accepted(step: Step, match: MatchRow) -> bool:
    """Whether a clerk took the result of this match although a rule speaks against it."""
    return any(fact.policy_accepted for fact in _facts_of(step, match))


def counted_as(step: Step, match: MatchRow) -> datetime | None:
    """As when the result of this match counts as authorised, if a clerk took it although its date speaks against."""
    return next((fact.counts_as_authorised_at for fact in _facts_of(step, match)), None)


def _facts_of(step: Step, match: MatchRow) -> list[ResultFact]:
    facts = step.facts(match.participant_id)
    return [fact for fact in facts if isinstance(fact, ResultFact) and fact.match_id == match.match_id]


def refold(step: Step, participant_id: str) -> Record:
    """Fold the whole history anew, keep the outcome, and say so where it came out differently. What a rule now speaks
    against goes before a clerk."""
    outcome = folded(step, participant_id)
    before = step.tx.records.summary(participant_id)
    called = outcome.call
    after = Summary(called.recall_type, called.next_test_due_on, outcome.policy, called.status, called.ceased)
    step.tx.records.save(participant_id, outcome, step.now)
    if before != after:
        step.emit(RecordChanged(participant_id, *after), participant_id)
    if before and before.ceased != after.ceased:
        ceasing_changed(step, step.participant(participant_id), after)
    for alert in outcome.alerts:
        question(step, alert, participant_id)
    follow_record(step, participant_id, outcome, step.tx.letters.of(participant_id) if before else [])
    return outcome


def folded(step: Step, participant_id: str) -> Record:
    """Her record as it comes out of her whole history now."""
    return fold(_entry(step, participant_id), step.facts(participant_id), step.policies)


def enrol(step: Step, person: Participant) -> None:
    """Somebody new in the cohort, about whom nothing is known but that: from when on she is called."""
    step.tx.records.save(person.participant_id, fold(entry_of(person), (), step.policies), step.now)


def _entry(step: Step, participant_id: str) -> Entry:
    return entry_of(step.participant(participant_id))


def entry_of(person: Participant) -> Entry:
    """What she came into the cohort with."""
    return Entry(
        person.date_of_birth,
        person.next_test_due_on,
        joined_on=person.joined_on,
        gender=person.gender or "",
        deceased=bool(person.deceased),
        died_on=person.died_on,
        removal=person.removal,
        removed_on=person.removed_on,
    )
