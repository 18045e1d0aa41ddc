"""A letter leaves the house: looked at once more in the transaction that sends it, put into words, and claimed.

From the claim on it counts as sent: whoever claims may die, and nobody knows whether it arrived. Then it is handed over
again in the same batch, by which Notify knows it. Who died or is in doubt meanwhile is left out of the repeat; whether
she had been written to already is found by what Notify says to it (`flow/handed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

from hub import telemetry
from hub.contract import named_identity
from hub.domain.catalogue import Catalogue, Plan
from hub.domain.communications import Batch, Message
from hub.domain.personalisation import Sources, Unfilled, fill
from hub.domain.record import Record
from hub.errors import Reason
from hub.flow.letters import keep_back, objection
from hub.flow.ports.communications import CLAIMED, DELIVERED, FAILED, SENT, BatchRow, CommunicationRow
from hub.flow.ports.records import LetterRow
from hub.flow.recording import folded
from hub.flow.step import Step, person_name

LEASE = timedelta(minutes=10)
"""Longer than a batch can take to be handed over: whoever claimed it is done with it, one way or the other."""


@dataclass(frozen=True, slots=True)
class Handing:
    """A batch in the hands of one sender. `left_out`: by reference, the rule for which a message of it is not handed
    over again; `unwritten`: those that cannot be put into words any more, and what is lacking. `seen`: how many wishes
    were looked at, claimed or not."""

    batch: BatchRow | None = None
    messages: tuple[Message, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    unwritten: Mapping[str, str] = field(default_factory=dict)
    seen: int = 0

    def as_asked(self) -> Batch:
        assert self.batch is not None, "there is something to hand over"
        return Batch(self.batch.reference, self.batch.plan, self.messages, self.batch.single)


def claim(step: Step, catalogue: Catalogue, plan: Plan, most: int) -> Handing:
    """Take the oldest wishes of a plan. What may not leave now waits or is cancelled instead."""
    wishes = step.tx.communications.wished(catalogue.codes_of(plan.name), most)
    _hold(step, [wish.participant_id for wish in wishes])
    letters = [each for each in step.tx.letters.get([wish.letter_id for wish in wishes]) if each.state == "wished"]
    tries = _tries(step, letters)
    open_letters = [letter for letter in letters if not _is_on_its_way(step, letter, tries)]
    looked = [_look(step, catalogue, _next_name(letter, tries), letter) for letter in open_letters]
    for each in looked:
        if each.rule:
            keep_back(step, each.letter, each.rule)
        else:
            step.tx.letters.put(replace(each.letter, state="sent", changed_at=step.now, why="", rule=""))
    _fail(step, [_row(step, plan, each) for each in looked if each.gap])
    return _begun(step, plan, [each for each in looked if each.message], len(wishes))


def _begun(step: Step, plan: Plan, going: Sequence[_Looked], seen: int) -> Handing:
    if not going:
        return Handing(seen=seen)
    batch = batch_of(step, plan.name, [each.name for each in going])
    rows = [replace(_row(step, plan, each), batch_reference=batch.reference) for each in going]
    step.tx.communications.begin(replace(batch, maybe=True), rows)
    return Handing(batch, tuple(each.message for each in going if each.message), seen=seen)


def take_over(step: Step, catalogue: Catalogue, batch: BatchRow, rows: Sequence[CommunicationRow]) -> Handing:
    """What an earlier claim, or an earlier try, has left: the same batch, but for who may not be written to now."""
    ids = [row.letter_id for row in rows]
    _hold(step, [each.participant_id for each in step.tx.letters.get(ids)])
    letters = {each.letter_id: each for each in step.tx.letters.get(ids)}  # of two people one may have been made
    looked = [_look(step, catalogue, row.reference, letters[row.letter_id]) for row in rows if row.state == CLAIMED]
    left_out = {each.name: each.rule for each in looked if each.rule}
    unwritten = {each.name: each.gap for each in looked if each.gap}
    return Handing(batch, tuple(each.message for each in looked if each.message), left_out, unwritten, len(rows))


def batch_of(step: Step, plan: str, references: Iterable[str]) -> BatchRow:
    """A claim of these messages, named by what is in it."""
    names = sorted(references)
    name = named_identity(f"batch|{plan}|{'|'.join(names)}")
    return BatchRow(name, plan, len(names) == 1, begun_at=step.now, look_at=step.now + LEASE)


def _hold(step: Step, participant_ids: Sequence[str]) -> None:
    """Nobody decides about them until this is committed; all that is asked of them is read at once."""
    ids = sorted(set(participant_ids))
    step.tx.hold(*(person_name(each) for each in ids))
    step.know(step.tx.cohort.of(ids))
    for part in (step.tx.records, step.tx.tasks, step.tx.letters):
        part.read_ahead(ids)


@dataclass(frozen=True, slots=True)
class _Looked:
    """A letter under the name its message has: in words; or the rule for which it may not leave, or what is lacking."""

    name: str
    letter: LetterRow
    message: Message | None = None
    rule: str = ""
    gap: str = ""


def _look(step: Step, catalogue: Catalogue, name: str, letter: LetterRow) -> _Looked:
    try:
        return _put_into_words(step, catalogue, name, letter)
    except Exception as error:  # a bug with one letter must not hold up all that go with it
        step.told.append(partial(telemetry.our_fault, error, "dispatcher"))
        return _Looked(name, letter, gap=Reason.OUR_FAULT.code)


def _put_into_words(step: Step, catalogue: Catalogue, name: str, letter: LetterRow) -> _Looked:
    outcome = folded(step, letter.participant_id)
    if rule := objection(step, letter, outcome):
        return _Looked(name, letter, rule=rule)
    person = step.participant(letter.participant_id)
    try:
        filled = fill(catalogue.letters[letter.code], catalogue, _sources(outcome, letter, person.practice_code))
    except Unfilled as gap:
        return _Looked(name, letter, gap=gap.rule)
    return _Looked(name, letter, Message(name, person.nhs_number, filled))


def _sources(outcome: Record, letter: LetterRow, practice_code: str | None) -> Sources:
    tested = next((each.result.test_on for each in outcome.results if each.result_id == letter.result_id), None)
    last = outcome.call.last_step
    return Sources(tested, outcome.next_test_due_on, last.about_due_on if last else None, practice_code)


# -- names


_Tries = Mapping[str, Sequence[CommunicationRow]]
"""By letter, the messages that it had before."""


def _tries(step: Step, letters: Sequence[LetterRow]) -> _Tries:
    before: dict[str, list[CommunicationRow]] = {letter.letter_id: [] for letter in letters}
    known = step.tx.communications.of_letters(list(before))
    for row in step.tx.communications.named([row.reference for row in known], []) if known else ():
        before[row.letter_id].append(row)
    return before


def _is_on_its_way(step: Step, letter: LetterRow, tries: _Tries) -> bool:
    """It was wished again, and an earlier message has come through after all; or news of it came, and it is followed on
    as if nobody had decided."""
    earlier = tries[letter.letter_id]
    delivered = any(row.state == DELIVERED for row in earlier)
    on_its_way = [row for row in earlier if row.state == SENT and not row.why]
    if delivered or on_its_way:
        step.tx.letters.put(replace(letter, state=DELIVERED if delivered else SENT, changed_at=step.now))
        step.tx.communications.put([replace(row, settled_at=None, settlement="") for row in on_its_way])
    return delivered or bool(on_its_way)


def _next_name(letter: LetterRow, tries: _Tries) -> str:
    """The letter's own id; of one that was wished again after a failure another, for Notify knows the first."""
    number = len(tries[letter.letter_id])
    return named_identity(f"message|{letter.letter_id}|{number}") if number else letter.letter_id


# -- rows


def _row(step: Step, plan: Plan, each: _Looked) -> CommunicationRow:
    row = CommunicationRow(
        each.name,
        each.letter.letter_id,
        each.letter.code,
        plan.name,
        batch_reference="",
        priority=0 if plan.at_once else 1,
        wished_at=each.letter.changed_at,
        claimed_at=step.now,
    )
    if not each.gap:
        return row
    return replace(row, state=FAILED, why=each.gap, ended_at=step.now, task_at=step.now)


def _fail(step: Step, rows: Sequence[CommunicationRow]) -> None:
    """What cannot be written is somebody's task at once: it would only fail later at Notify."""
    step.tx.communications.put(rows)
    step.tx.letters.restate([row.letter_id for row in rows], "failed", step.now)
    for row in rows:
        step.tell(telemetry.communication_failed, row.code, row.why)
