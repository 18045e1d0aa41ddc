"""Decisions about a person: put off, cease, reinstate; a practice's answers to its list; and taking any of them back.

Each is one transaction: a fact on her record, a row of who and why, the letter it brings, and the fold anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from hub.domain.actions import CASE_NUMBER, Actions, ceasing_problem, deferral_problem, reinstating_problem
from hub.domain.call import Call
from hub.domain.dates import day_in_england
from hub.domain.facts import (
    CallStep,
    CeasedFact,
    Decision,
    DeferredFact,
    ReinstatedFact,
    StepFact,
    TakenBackFact,
)
from hub.domain.record import fold
from hub.flow.clerks import Refused
from hub.flow.letters import write_letter
from hub.flow.ports.recall import ActionRow, NotificationRow
from hub.flow.recording import entry_of, refold
from hub.flow.step import Step


@dataclass(frozen=True, slots=True)
class Signed:
    """Who decides, and why. A clerk of CSAS names the case; a practice is named by its code."""

    by: str
    why: str
    case_number: str = ""
    practice_code: str = ""


def defer(step: Step, participant_id: str, reason: str, due_on: date, signed: Signed, actions: Actions) -> str:
    """Put her next test off; returns the action's id. Raises Refused."""
    on, now = _today(step), _now(step, participant_id, signed)
    by_practice = bool(signed.practice_code)
    _refuse(deferral_problem(reason, due_on, on, now, actions, step.policies.call, by_practice=by_practice))
    return _decide(step, participant_id, DeferredFact(_name(step), step.now, due_on, reason), "defer", signed)


def cease(step: Step, participant_id: str, reason: str, signed: Signed, actions: Actions) -> str:
    """Call her no more; returns the action's id. Raises Refused."""
    now = _now(step, participant_id, signed)
    _refuse(ceasing_problem(reason, now, actions, by_practice=bool(signed.practice_code)))
    action_id = _decide(step, participant_id, CeasedFact(_name(step), step.now, reason), "cease", signed)
    if code := actions.ceasings[reason].letter:
        write_letter(step, participant_id, code, action_id)
    return action_id


def reinstate(step: Step, participant_id: str, due_on: date, signed: Signed) -> str:
    """Call her again; returns the action's id. Raises Refused."""
    on, now = _today(step), _now(step, participant_id, signed)
    if signed.practice_code:
        raise Refused("Only CSAS reinstates. Ask for it with the form.")
    _refuse(reinstating_problem(due_on, on, now, step.policies.call))
    return _decide(step, participant_id, ReinstatedFact(_name(step), step.now, due_on), "reinstate", signed)


def take_back(step: Step, action_id: str, signed: Signed) -> None:
    """It was decided by mistake: her record is as if it had never been. Raises Refused."""
    row = step.tx.actions.get(action_id)
    if row is None:
        raise Refused("There is no such decision.")
    _now(step, row.participant_id, signed)
    if row.action == "discharge":
        raise Refused("It came by a clinic's discharge. Take that back with `hub discharges undo`.")
    if row.taken_back_at:
        raise Refused("It has been taken back already.")
    step.tx.actions.put(replace(row, taken_back_at=step.now, taken_back_by=signed.by))
    step.add_fact(row.participant_id, TakenBackFact(action_id))
    refold(step, row.participant_id)


def answer(
    step: Step, notification_id: str, what: str, signed: Signed, actions: Actions, *, reason: str = "",
    due_on: date | None = None,
) -> None:  # fmt: skip
    """A practice's answer about somebody on its list: invite, defer or cease. Raises Refused."""
    row = step.tx.notifications.get(notification_id)
    if row is None or row.practice_code != signed.practice_code:
        raise Refused("Nobody of that name stands on this practice's lists.")  # whose she is, is not told
    step.hold_person(row.participant_id)
    row = step.tx.notifications.get(notification_id)
    assert row is not None
    person = step.tx.cohort.get(row.participant_id)
    if person is None or person.practice_code != signed.practice_code:
        raise Refused("She is not a patient of this practice.")
    if row.state != "open":
        raise Refused("It has been answered, or is over: she is invited, or has a new date.")
    if what == "invite":
        _invite_now(step, row, signed)
    elif what == "defer" and due_on:
        defer(step, row.participant_id, reason, due_on, signed, actions)
    elif what == "cease":
        cease(step, row.participant_id, reason, signed, actions)
    else:
        raise Refused("Answer invite; defer with reason and date; or cease with reason.")
    step.tx.notifications.put(replace(row, state="answered", answer=what, answered_at=step.now, answered_by=signed.by))


def _invite_now(step: Step, row: NotificationRow, signed: Signed) -> None:
    now = _now(step, row.participant_id, signed)
    if now.next_test_due_on != row.about_due_on:
        raise Refused("She has another date by now.")
    step.add_fact(row.participant_id, StepFact(CallStep.INVITE_NOW, _today(step), row.about_due_on))
    refold(step, row.participant_id)


def _today(step: Step) -> date:
    return day_in_england(step.now)


def _name(step: Step) -> str:
    return step.new_id("action")


def _refuse(problem: str) -> None:
    if problem:
        raise Refused(problem)


def _now(step: Step, participant_id: str, signed: Signed) -> Call:
    """How calling her stands, held until the decision is committed; and whoever decides may decide about her."""
    if not signed.by.strip() or not signed.why.strip():
        raise Refused("A decision names who takes it and why.")
    if not signed.practice_code and not CASE_NUMBER.fullmatch(signed.case_number):
        raise Refused("Name the case, like CAS-12345-ABCDE.")
    step.hold_person(participant_id)
    person = step.tx.cohort.get(participant_id)
    if person is None or (signed.practice_code and person.practice_code != signed.practice_code):
        raise Refused("She is not a patient of this practice." if signed.practice_code else "There is no such person.")
    step.know([person])
    return fold(entry_of(person), step.facts(participant_id), step.policies).call


def _decide(step: Step, participant_id: str, fact: Decision, action: str, signed: Signed) -> str:
    step.add_fact(participant_id, fact)
    row = ActionRow(
        action_id=fact.fact_id,
        participant_id=participant_id,
        action=action,
        reason=getattr(fact, "reason", ""),
        due_on=getattr(fact, "due_on", None),
        decided_on=_today(step),
        by=signed.by,
        why=signed.why,
        decided_at=step.now,
        case_number=signed.case_number,
    )
    step.tx.actions.put(row)
    for listed in step.tx.notifications.open_of(participant_id):
        step.tx.notifications.put(replace(listed, state="closed"))
    refold(step, participant_id)
    return fact.fact_id
