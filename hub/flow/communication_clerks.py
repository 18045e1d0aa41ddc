"""What somebody decides about a message that failed: she was told by other means, it is wished again, or undo.

It is no task about her record, and holds none of her other letters: a view of its own.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hub import telemetry
from hub.domain.letters import WHY_GONE
from hub.flow.actions import Signed
from hub.flow.clerks import Refused
from hub.flow.letters import ELSEWHERE, LEFT, LET_BE, PAUSED, objection, wish_again
from hub.flow.ports.communications import CommunicationDecision, CommunicationRow
from hub.flow.ports.records import LetterRow
from hub.flow.recording import folded
from hub.flow.step import Step, person_name

TOLD, RETRIED = "told", "retried"
_NOT_CALLED_FOR = "Her record no longer calls for this letter."


def settle(step: Step, reference: str, signed: Signed) -> None:
    """She was told by other means, or need not be. Raises Refused."""
    row, _ = _open(step, reference, signed)
    step.tx.communications.put([replace(row, settled_at=step.now, settlement=TOLD)])
    _decided(step, row, "settle", signed)


def retry(step: Step, reference: str, signed: Signed) -> None:
    """The letter is wished again; its message will have another reference. Raises Refused."""
    row, letter = _open(step, reference, signed)
    if letter.state not in LEFT:
        raise Refused(f"It is wished again already: the letter is {letter.state}.")
    rule = objection(step, letter, folded(step, letter.participant_id))
    if rule and rule != PAUSED:
        raise Refused(f"{WHY_GONE.get(rule, _NOT_CALLED_FOR)} It would not leave: settle it instead.")
    step.tx.communications.put([replace(row, settled_at=step.now, settlement=RETRIED)])
    wish_again(step, letter)
    _decided(step, row, "retry", signed)


def undo(step: Step, reference: str, signed: Signed) -> None:
    """Take back what was decided about it: somebody must act again. Raises Refused."""
    row, letter = _held(step, reference, signed)
    if row.settled_at is None:
        raise Refused("Nothing was decided about it that could be taken back.")
    if row.settlement == RETRIED:
        _unwish(step, row, letter)
    step.tx.communications.put([replace(row, settled_at=None, settlement="")])
    _decided(step, row, "undo", signed)


def let_be(step: Step, before: datetime, most: int, signed: Signed) -> int:
    """Letters wished before then do not go out: until then others sent them, and nobody is to be told twice. How many
    were let be. No fold wishes them again. Raises Refused."""
    _refuse_unsigned(signed)
    found = step.tx.communications.in_state_before("wished", before, most)
    step.tx.hold(*(person_name(each) for each in sorted({wish.participant_id for wish in found})))
    held = step.tx.letters.get([wish.letter_id for wish in found])
    letters = [each for each in held if each.state == "wished" and each.changed_at < before]
    for letter in letters:
        why = f"{signed.by}: {signed.why}"
        step.tx.letters.put(replace(letter, state=ELSEWHERE, rule=LET_BE, why=why, changed_at=step.now))
    step.tell(telemetry.decision_taken, LET_BE)
    return len(letters)


def _unwish(step: Step, row: CommunicationRow, letter: LetterRow) -> None:
    if letter.state not in ("wished", "waiting"):
        raise Refused(f"It was wished again, and cannot be called back: the letter is {letter.state}.")
    step.tx.letters.put(replace(letter, state=row.state, why="", rule="", changed_at=step.now))


def _open(step: Step, reference: str, signed: Signed) -> tuple[CommunicationRow, LetterRow]:
    row, letter = _held(step, reference, signed)
    if not row.needs_somebody:
        done = f"it was settled: {row.settlement}" if row.settled_at else f"it is {row.state}"
        raise Refused(f"It needs nobody: {done}.")
    return row, letter


def _held(step: Step, reference: str, signed: Signed) -> tuple[CommunicationRow, LetterRow]:
    """The message and its letter, as they are once nobody else decides about them."""
    _refuse_unsigned(signed)
    found = step.tx.communications.find(reference)
    if not found or found[0].reference != reference:
        raise Refused("There is no such message.")
    (letter,) = step.tx.letters.get([found[0].letter_id])
    step.hold_person(letter.participant_id)
    (row,) = step.tx.communications.named([reference], [])
    (letter,) = step.tx.letters.get([row.letter_id])
    return row, letter


def _refuse_unsigned(signed: Signed) -> None:
    if not signed.by.strip() or not signed.why.strip():
        raise Refused("A decision names who takes it and why.")


def _decided(step: Step, row: CommunicationRow, action: str, signed: Signed) -> None:
    decision = CommunicationDecision(row.reference, action, signed.by, signed.why, step.now)
    step.tx.communications.decide(decision)
    step.tell(telemetry.decision_taken, action)
