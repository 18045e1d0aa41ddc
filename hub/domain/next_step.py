"""What call and recall does next about her, and from which day on (domain.md 1.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hub.domain.call import Call
from hub.domain.facts import CallStep
from hub.domain.policy import CallSettings


@dataclass(frozen=True, slots=True)
class NextStep:
    """What call and recall does next about her, and from which day on."""

    step: CallStep
    on: date


def next_step(outcome: Call, settings: CallSettings) -> NextStep | None:
    """What is due next; None while she is suspended, ceased, away, or has no date (domain.md 1.2)."""
    due_on = outcome.next_test_due_on
    if due_on is None or outcome.away:
        return None
    last = outcome.last_step
    if last is None or last.step is CallStep.NON_RESPONDER:
        return NextStep(CallStep.NOTIFIED, due_on - timedelta(weeks=settings.notify_weeks_before))
    if last.step is CallStep.INVITED:
        return NextStep(CallStep.REMINDED, last.taken_on + timedelta(weeks=settings.remind_weeks_after))
    if last.step is CallStep.REMINDED:
        return NextStep(CallStep.NON_RESPONDER, last.taken_on + timedelta(weeks=settings.non_responder_weeks_after))
    if last.step is CallStep.INVITE_NOW:
        return NextStep(CallStep.INVITED, last.taken_on)
    window = timedelta(weeks=settings.notify_weeks_before - settings.invite_weeks_before)
    invite_on = due_on - timedelta(weeks=settings.invite_weeks_before)
    return NextStep(CallStep.INVITED, max(invite_on, last.taken_on + window))  # the practice has its weeks to answer
