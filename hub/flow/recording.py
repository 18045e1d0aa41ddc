"""Putting results on a participant's record, taking them off, and what follows: the fold, its events, her letters."""

from __future__ import annotations

import uuid
from dataclasses import replace

from hub import telemetry
from hub.domain.events import LetterWished, MatchUndone, RecordChanged, ResultMatched, ResultReported
from hub.domain.letters import LetterNotDue, letters_due
from hub.domain.record import Alert, Entry, Record, ResultFact, UndoneFact, fold
from hub.flow.ports import LetterRow, MatchRow, ResultRow
from hub.flow.step import Step

_LETTERS = uuid.UUID("0d9d0f4c-6f0e-5d59-8f6f-f3c1c2a7f3b1")


def reported(row: ResultRow) -> ResultReported:
    """The event of a row that is known to hold a readable result."""
    assert isinstance(row.event, ResultReported)
    return row.event


def alerts_with(step: Step, row: ResultRow, participant_id: str) -> tuple[Alert, ...]:
    """The alerts that this result would add to the record of this participant, on any of its results."""
    facts = step.facts(participant_id)
    new = ResultFact(row.result_id, "proposed", reported(row).result, row.digest)
    entry = _entry(step, participant_id)
    before = set(fold(entry, facts, step.policies).alerts)
    return tuple(alert for alert in fold(entry, [*facts, new], step.policies).alerts if alert not in before)


def record(
    step: Step, row: ResultRow, participant_id: str, *, how: str, by: str, why: str, accepted: bool = False
) -> str:
    """Put the result on the record; returns the match's id. The caller refolds when it has done all it wants."""
    match_id = step.new_id("match")
    step.tx.results.put(replace(row, state="recorded"))
    step.tx.records.match(MatchRow(match_id, row.result_id, participant_id, how, by, why, step.now))
    accept(step, row, participant_id, match_id, accepted=accepted)
    step.emit(ResultMatched(row.result_id, match_id, participant_id, how, by, why), row.result_id)
    step.tell(telemetry.result_matched, how)
    return match_id


def accept(step: Step, row: ResultRow, participant_id: str, match_id: str, *, accepted: bool) -> None:
    """Add the fact; `accepted` says a clerk took the result although a rule of the programme speaks against it."""
    fact = ResultFact(row.result_id, match_id, reported(row).result, row.digest, policy_accepted=accepted)
    step.add_fact(participant_id, fact)


def take_off(step: Step, match: MatchRow, *, by: str, why: str, state: str) -> None:
    """Undo a live match: one more fact on her record; the result goes into `state`."""
    step.tx.records.undo_match(match.match_id, by, step.now)
    step.add_fact(match.participant_id, UndoneFact(match.match_id))
    step.tx.results.restate(match.result_id, state)
    step.emit(MatchUndone(match.result_id, match.match_id, match.participant_id, by, why), match.result_id)


def refold(step: Step, participant_id: str) -> Record:
    """Fold the whole history anew, keep the outcome, and say so where it came out differently."""
    outcome = fold(_entry(step, participant_id), step.facts(participant_id), step.policies)
    before = step.tx.records.summary(participant_id)
    after = (outcome.recall_type, outcome.next_test_due_on, outcome.policy)
    step.tx.records.save(participant_id, outcome, step.now)
    if before != after:
        step.emit(RecordChanged(participant_id, *after), participant_id)
    _wish_letters(step, participant_id, outcome, step.tx.letters.of(participant_id) if before else [])
    return outcome


def _entry(step: Step, participant_id: str) -> Entry:
    participant = step.participant(participant_id)
    return Entry(participant.date_of_birth, participant.next_test_due_on)


def _wish_letters(step: Step, participant_id: str, outcome: Record, wished: list[LetterRow]) -> None:
    """Bring the wished letters into line with the record. While a task about her is open they all wait."""
    held = bool(step.open_tasks(participant_id))
    known = {letter.letter_id: letter for letter in wished}
    wanted = {}
    too_old = set()
    for due in letters_due(outcome, step.policies, step.now.date()):
        if isinstance(due, LetterNotDue):
            too_old |= {due.result_id} if due.rule == "too-old" else set()
        else:
            letter_id = str(uuid.uuid5(_LETTERS, f"{participant_id}|{due.result_id}|{due.code}"))
            wanted[letter_id] = LetterRow(letter_id, participant_id, due.result_id, due.code, "wished", "", step.now)
    for letter in wanted.values():
        _put_letter(step, letter, known.get(letter.letter_id), held)
    for letter in known.values():
        # A letter that was due in its time stays wished however late this fold is.
        if letter.letter_id not in wanted and letter.state != "cancelled" and letter.result_id not in too_old:
            step.tx.letters.put(replace(letter, state="cancelled", why="The record changed.", changed_at=step.now))


def _put_letter(step: Step, letter: LetterRow, known: LetterRow | None, held: bool) -> None:
    state = "waiting" if held else "wished"
    if known and known.state == state:
        return
    step.tx.letters.put(replace(letter, state=state, why="A task about her is open." if held else ""))
    if not held:
        step.emit(
            LetterWished(letter.letter_id, letter.participant_id, letter.result_id, letter.code), letter.participant_id
        )
        step.tell(telemetry.letter_wished, letter.code)
