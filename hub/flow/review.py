"""A practice's list of whom it should look at: a new patient who is followed up or ceased, somebody recently ceased."""

from __future__ import annotations

from dataclasses import replace

from hub.contract import named_identity
from hub.domain.call import DEATH, INADEQUATE, REPEAT_ADVISED, SUSPENDED
from hub.domain.dates import day_in_england
from hub.domain.people import Participant
from hub.flow.ports.recall import NotificationRow
from hub.flow.ports.records import Summary
from hub.flow.step import Step

TO_REVIEW = "to-review"
NEW_ABNORMAL, NEW_CEASED, RECENTLY_CEASED = "new-patient-abnormal", "new-patient-ceased", "recently-ceased"
"""domain.md 1.2. The list lets go of people after eight weeks: whoever reads it says since when."""
FOLLOWED_UP = (REPEAT_ADVISED, INADEQUATE, SUSPENDED)


def practice_changed(step: Step, person: Participant) -> None:
    """She has another practice, or none: the old one's lists let go of her, and the new one hears if it should look."""
    close_lists(step, person.participant_id)
    summary = step.tx.records.summary(person.participant_id)
    if summary is None or summary.ceased == DEATH:
        return
    if summary.ceased:
        _list(step, person, NEW_CEASED, summary)
    elif summary.recall_type in FOLLOWED_UP:
        _list(step, person, NEW_ABNORMAL, summary)


def ceasing_changed(step: Step, person: Participant, summary: Summary) -> None:
    """She is called no more, or is called again. The dead are nobody's to review."""
    for row in step.tx.notifications.open_of(person.participant_id):
        if row.list == TO_REVIEW or summary.ceased == DEATH:
            step.tx.notifications.put(replace(row, state="closed"))
    if summary.ceased and summary.ceased != DEATH:
        _list(step, person, RECENTLY_CEASED, summary)


def close_lists(step: Step, participant_id: str) -> None:
    for row in step.tx.notifications.open_of(participant_id):
        step.tx.notifications.put(replace(row, state="closed"))


def _list(step: Step, person: Participant, why: str, summary: Summary) -> None:
    if not person.practice_code:
        return
    on = day_in_england(step.now)
    name = named_identity(f"notification|{person.participant_id}|{TO_REVIEW}|{why}|{person.practice_code}|{on}")
    about = summary.next_test_due_on or on  # whoever has no date is listed about today
    row = NotificationRow(name, person.participant_id, person.practice_code, TO_REVIEW, about, on, why=why)
    step.tx.notifications.put(row)
