"""Her letters: wished, waiting while a task about her is open, withheld by a rule, cancelled when the record changed.

Each has a name drawn from what it is about, so it is one letter however often it is wished. One that has left the house
(`flow/telling`) is neither held nor cancelled any more: she has it, and what changed since is another letter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hub import telemetry
from hub.contract import named_identity
from hub.domain.call import BY_AGE
from hub.domain.dates import day_in_england
from hub.domain.events import LetterWished
from hub.domain.facts import CallStep, CeasedFact, TakenBackFact
from hub.domain.letters import AGE_CEASING, INVITATIONS, WHY_GONE, LetterDue, LetterNotDue, letter_code, letters_due
from hub.domain.record import DECEASED, Record
from hub.flow.ports.records import LetterRow
from hub.flow.step import Step

PAUSED, HELD = "paused", "A task about her is open."
_WHY = {"": "", PAUSED: HELD, **WHY_GONE}
CHANGED, RECORD_CHANGED = "record-changed", "The record changed."
TOO_OLD = "too-old"
ELSEWHERE, LET_BE = "elsewhere", "let-be"
"""The state of a letter that others have sent, and why."""
LEFT = ("sent", "delivered", "failed", ELSEWHERE)
"""Whoever has it has it: no fold touches it any more."""
_STEP_OF = {code: step for (step, _), code in INVITATIONS.items()}


def write_letter(step: Step, participant_id: str, code: str, about: object) -> None:
    """An invitation, a reminder or a ceasing, which is about no result. `about` names its due date or its decision."""
    letter = LetterRow(_name(participant_id, code, about), participant_id, None, code, "wished", "", step.now)
    known = {each.letter_id: each for each in step.tx.letters.of(participant_id)}
    _put(step, letter, known.get(letter.letter_id), held=_doubt(step, participant_id))


def follow_record(step: Step, participant_id: str, outcome: Record, letters: list[LetterRow]) -> None:
    """Bring her letters into line with the record. While a task about her is open they all wait."""
    held = _doubt(step, participant_id)
    _follow_results(step, participant_id, outcome, [letter for letter in letters if letter.result_id], held=held)
    for letter in letters:
        if not letter.result_id:
            _follow_call(step, letter, outcome, held=held)


def hold_letters(step: Step, participant_id: str) -> None:
    """Let her letters wait without a fold: where the fold itself may be what fails."""
    step.hold_person(participant_id)
    for letter in step.tx.letters.of(participant_id):
        if letter.state == "wished":
            _hold(step, letter, "waiting", PAUSED, HELD)


def _name(participant_id: str, code: str, about: object) -> str:
    return named_identity(f"letter|{participant_id}|{code}|{about}")


# -- of results


def _follow_results(step: Step, hers: str, outcome: Record, letters: list[LetterRow], *, held: str) -> None:
    known = {letter.letter_id: letter for letter in letters}
    # One that was wished of somebody who turned out to be her is the same letter.
    same = ("wished", "waiting", *LEFT)
    named = {(each.result_id, each.code): each.letter_id for each in letters if each.state in same}
    settled = set()
    for index, each in enumerate(letters_due(outcome, step.policies, day_in_england(step.now))):
        letter = _of_result(step, hers, each, letter_code(outcome, index), named)
        before = known.get(letter.letter_id)
        if isinstance(each, LetterDue):
            _put(step, letter, before, held=held)
        elif each.rule == TOO_OLD and before and _is_under_way(before, outcome):
            # What was due in its time stays wished however late this fold is; what waited goes out.
            if not held:
                _put(step, letter, before, held="")
        else:
            settled.update(_withhold(step, letter, each, letters))
        settled.add(letter.letter_id)
    for letter in letters:
        if letter.letter_id not in settled and letter.state not in ("cancelled", *LEFT):
            _cancel(step, letter)


def _of_result(
    step: Step, hers: str, each: LetterDue | LetterNotDue, code: str | None, named: Mapping[tuple[str | None, str], str]
) -> LetterRow:
    name = named.get((each.result_id, code or "")) or _name(hers, each.result_id, code)
    return LetterRow(name, hers, each.result_id, code or "", "wished", "", step.now)


def _is_under_way(letter: LetterRow, outcome: Record) -> bool:
    """Whether a letter was wished in its time. One that waits for somebody who has died or moved away goes no more."""
    return letter.state == "wished" or (letter.state == "waiting" and not outcome.gone)


def _withhold(step: Step, letter: LetterRow, why: LetterNotDue, letters: list[LetterRow]) -> set[str]:
    """The result gets none. Kept beside it, because every result must be accounted for: where a letter was wished
    before, that one is cancelled. Returns the names of what is settled so."""
    mine = {each.letter_id: each for each in letters if each.result_id == why.result_id}
    noted = (each.letter_id for each in mine.values() if each.state == "withheld")
    name = next(noted, _name(letter.participant_id, why.result_id, "withheld"))
    before = mine.pop(name, None)
    for each in mine.values():
        if each.state not in ("cancelled", *LEFT):
            _cancel(step, each, why.rule, why.why)
    if not mine and (before is None or (before.state, before.rule) != ("withheld", why.rule)):
        _hold(step, replace(letter, letter_id=name), "withheld", why.rule, why.why)
    return {*mine, name}


# -- of call and recall


def _follow_call(step: Step, letter: LetterRow, outcome: Record, *, held: str) -> None:
    """One that waited goes out if it still fits, or never; one that was wished waits if there is a doubt now, or while
    she is away. What no longer fits and does not wait has been wished in its time. Nothing is written to the dead. What
    was cancelled is wished again if it fits after all: the step that it belongs to is not taken twice."""
    if letter.state in LEFT:
        return
    if outcome.gone == DECEASED:
        if letter.state != "cancelled":
            _cancel(step, letter, DECEASED, WHY_GONE[DECEASED])
    elif _is_called_for(step, letter, outcome):
        _put(step, replace(letter, changed_at=step.now), letter, held=held or outcome.gone)
    elif letter.state == "waiting":
        _cancel(step, letter)


def _is_called_for(step: Step, letter: LetterRow, outcome: Record) -> bool:
    """Whether the record as it now is calls for this letter. People who turned out to be one may each have been written
    the same: then one of their letters goes, and none where one has left."""
    hers, abouts = letter.participant_id, _abouts(step, letter, outcome)
    alike = [each for each in step.tx.letters.of(hers) if _may_stand_for(each, letter)]
    if not alike and any(_is_named(letter, [hers], about) for about in abouts):
        return True
    known_as = [hers, *(_known_before(step, hers) if abouts else ())]
    for about in abouts:
        if _is_named(letter, known_as, about):
            same = [letter, *(each for each in alike if _is_named(each, known_as, about))]
            return min(same, key=lambda each: (each.state not in LEFT, each.letter_id)) is letter
    return False


def _may_stand_for(other: LetterRow, letter: LetterRow) -> bool:
    """If it is about the same; with a practice or without, an invitation is an invitation."""
    alike = _STEP_OF.get(other.code, other.code) == _STEP_OF.get(letter.code, letter.code)
    return alike and other.letter_id != letter.letter_id and other.state != "cancelled"


def _is_named(letter: LetterRow, known_as: Sequence[str], about: object) -> bool:
    return letter.letter_id in {_name(each, letter.code, about) for each in known_as}


def _known_before(step: Step, participant_id: str) -> list[str]:
    """Whoever turned out to be her: a letter keeps the name it had."""
    rows = step.tx.merges.of(participant_id)
    gone = [row.gone_id for row in rows if row.kept_id == participant_id and not row.undone_at]
    return [*gone, *(earlier for each in gone for earlier in _known_before(step, each))]


def _abouts(step: Step, letter: LetterRow, outcome: Record) -> list[object]:
    """What a letter of this code may be about as the record now is: due dates, decisions."""
    last = outcome.call.last_step
    abouts: list[object] = list(_ceasings(step, letter.participant_id, outcome.call.ceased))
    if last and letter.code in _codes_after(last.step, outcome.call.ceased):
        abouts.append(last.about_due_on)
    return abouts


def _codes_after(last: CallStep, ceased: str) -> set[str]:
    if last is CallStep.NON_RESPONDER and ceased == BY_AGE:
        return {AGE_CEASING}
    return {code for (step, _), code in INVITATIONS.items() if step is last}


def _ceasings(step: Step, participant_id: str, reason: str) -> list[str]:
    """The decision by which she is ceased for this reason; none where it was no decision."""
    facts = step.facts(participant_id)
    gone = {fact.fact_id for fact in facts if isinstance(fact, TakenBackFact)}
    stand = [
        fact for fact in facts if isinstance(fact, CeasedFact) and fact.reason == reason and fact.fact_id not in gone
    ]
    return [max(stand, key=lambda fact: (fact.decided_at, fact.fact_id)).fact_id] if stand else []


# -- leaving the house


def objection(step: Step, letter: LetterRow, outcome: Record) -> str:
    """The rule for which this letter may not leave now, by her record as it is now; empty where it may."""
    if _doubt(step, letter.participant_id):
        return PAUSED
    if outcome.gone:
        return outcome.gone
    if letter.result_id:
        return _objection_of_result(step, letter, outcome)
    return "" if _is_called_for(step, letter, outcome) else CHANGED


def _objection_of_result(step: Step, letter: LetterRow, outcome: Record) -> str:
    due = letters_due(outcome, step.policies, day_in_england(step.now))
    each = next((each for each in due if each.result_id == letter.result_id), None)
    if isinstance(each, LetterNotDue):
        return "" if each.rule == TOO_OLD else each.rule  # it was due in its time
    return "" if each and each.code == letter.code else CHANGED


def keep_back(step: Step, letter: LetterRow, rule: str) -> None:
    """It does not leave: what may still go waits, the rest is cancelled."""
    may_go = rule == PAUSED or (not letter.result_id and rule in WHY_GONE and rule != DECEASED)
    _hold(step, letter, "waiting" if may_go else "cancelled", rule, _WHY.get(rule, RECORD_CHANGED))


def wish_again(step: Step, letter: LetterRow) -> None:
    """One that failed is wished once more, and may be held or cancelled like any other until it leaves."""
    _put(step, replace(letter, changed_at=step.now), None, held=_doubt(step, letter.participant_id))


# -- of all


def _doubt(step: Step, participant_id: str) -> str:
    return PAUSED if step.open_tasks(participant_id) else ""


def _put(step: Step, letter: LetterRow, known: LetterRow | None, *, held: str) -> None:
    """`held`: the rule for which it must wait; empty where it need not."""
    if known and known.state in ("waiting" if held else "wished", *LEFT):
        return
    if held:
        _hold(step, letter, "waiting", held, _WHY[held])
        return
    step.tx.letters.put(replace(letter, state="wished", why=_WHY[held], rule=held))
    step.emit(
        LetterWished(letter.letter_id, letter.participant_id, letter.result_id, letter.code), letter.participant_id
    )
    step.tell(telemetry.letter_wished, letter.code)


def _cancel(step: Step, letter: LetterRow, rule: str = CHANGED, why: str = RECORD_CHANGED) -> None:
    _hold(step, letter, "cancelled", rule, why)


def _hold(step: Step, letter: LetterRow, state: str, rule: str, why: str) -> None:
    """It does not go, or not now."""
    step.tx.letters.put(replace(letter, state=state, why=why, rule=rule, changed_at=step.now))
    step.tell(telemetry.letter_held, state, rule)
