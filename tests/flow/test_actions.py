"""Putting off, ceasing, reinstating, a practice's answers; and each of them taken back."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TypeVar

import pytest

from hub.domain.people import Participant
from hub.flow.actions import Signed, answer, cease, defer, reinstate, take_back
from hub.flow.clerks import Refused
from hub.flow.ports.recall import NotificationRow
from hub.flow.ports.store import Transaction
from hub.flow.step import Step
from hub.mapping.actions import load_actions
from tests.flow.scene import POLICIES, ROOT, Scene
from tests.flow.test_recall_run import letters, run, status

T = TypeVar("T")
ACTIONS = load_actions(ROOT / "mappings" / "actions.toml")
CLERK = Signed("clerk", "As she asked.", "CAS-12345-ABCDE")
PRACTICE = Signed("practice nurse", "As she asked.", practice_code="Y00001")
DUE = date(2026, 9, 1)


def do(scene: Scene, work: Callable[[Step], T]) -> T:
    def in_one(tx: Transaction) -> T:
        return work(Step(tx, POLICIES, scene.now, str(uuid.uuid4())))

    return scene.store.write_now(in_one)


def listed(scene: Scene) -> tuple[Participant, NotificationRow]:
    """Somebody on her practice's list."""
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    (row,) = scene.read(lambda tx: tx.notifications.of_practice("Y00001", "due", date(2026, 6, 1), 10))
    return person, row


def due(scene: Scene, person: Participant) -> date | None:
    summary = scene.read(lambda tx: tx.records.summary(person.participant_id))
    return summary.next_test_due_on if summary else None


async def test_put_off_and_taken_back(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = datetime(2026, 6, 1, 9, tzinfo=UTC)
    action_id = do(
        scene, lambda step: defer(step, person.participant_id, "pregnancy", date(2027, 5, 1), CLERK, ACTIONS)
    )
    assert due(scene, person) == date(2027, 5, 1)
    do(scene, lambda step: take_back(step, action_id, CLERK))
    assert due(scene, person) == DUE
    (row,) = scene.read(lambda tx: tx.actions.of(person.participant_id))
    assert (row.action, row.reason, row.case_number, row.taken_back_by) == (
        "defer",
        "pregnancy",
        CLERK.case_number,
        "clerk",
    )
    with pytest.raises(Refused, match="already"):
        do(scene, lambda step: take_back(step, action_id, CLERK))


async def test_of_two_on_one_day_the_later_counts(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE)
    for hour, day in ((9, date(2027, 5, 1)), (10, date(2027, 3, 1)), (11, date(2027, 4, 1))):
        scene.now = datetime(2026, 6, 1, hour, tzinfo=UTC)
        do(scene, lambda step, day=day: defer(step, person.participant_id, "pregnancy", day, CLERK, ACTIONS))
        assert due(scene, person) == day


@pytest.mark.parametrize(
    ("reason", "day", "signed", "says"),
    [
        ("nonsense", date(2027, 5, 1), CLERK, "no such reason"),
        ("pregnancy", date(2027, 6, 2), CLERK, "latest is 1 June 2027"),
        ("pregnancy", date(2026, 8, 10), CLERK, "earliest is 11 August 2026"),
        ("pregnancy", date(2026, 8, 20), PRACTICE, "earliest is 1 September 2026"),
        ("wish", date(2026, 12, 1), PRACTICE, "Send the form"),
        ("pregnancy", date(2026, 12, 1), Signed("clerk", "why"), "CAS-12345"),
        ("pregnancy", date(2026, 12, 1), Signed("", "why", CLERK.case_number), "who takes it"),
        ("pregnancy", date(2026, 12, 1), Signed("nurse", "why", practice_code="Y99999"), "not a patient"),
    ],
)
async def test_what_may_not_be_put_off(scene: Scene, reason: str, day: date, signed: Signed, says: str) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = datetime(2026, 6, 1, 9, tzinfo=UTC)
    with pytest.raises(Refused, match=says):
        do(scene, lambda step: defer(step, person.participant_id, reason, day, signed, ACTIONS))
    assert due(scene, person) == DUE


async def test_ceased_with_her_letter_and_reinstated(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = datetime(2026, 6, 1, 9, tzinfo=UTC)
    do(scene, lambda step: cease(step, person.participant_id, "informed-choice", CLERK, ACTIONS))
    assert letters(scene, person) == [("CIC", "wished")]
    assert due(scene, person) is None
    assert run(scene, date(2026, 6, 23)) == {}
    with pytest.raises(Refused, match="ceased already"):
        do(scene, lambda step: cease(step, person.participant_id, "no-cervix", CLERK, ACTIONS))
    with pytest.raises(Refused, match="no date that could be put off"):
        do(scene, lambda step: defer(step, person.participant_id, "wish", date(2027, 1, 1), CLERK, ACTIONS))
    with pytest.raises(Refused, match="Only CSAS"):
        do(scene, lambda step: reinstate(step, person.participant_id, date(2026, 12, 1), PRACTICE))
    do(scene, lambda step: reinstate(step, person.participant_id, date(2026, 12, 1), CLERK))
    assert due(scene, person) == date(2026, 12, 1)
    with pytest.raises(Refused, match="not ceased"):
        do(scene, lambda step: reinstate(step, person.participant_id, date(2026, 12, 1), CLERK))


async def test_a_result_after_she_was_ceased_is_a_clerks_question(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = datetime(2026, 1, 5, 9, tzinfo=UTC)
    do(scene, lambda step: cease(step, person.participant_id, "informed-choice", CLERK, ACTIONS))
    scene.now = datetime(2026, 3, 5, 9, tzinfo=UTC)
    result_id = await scene.report(person, scene.result("39S", date(2026, 2, 20)))
    assert scene.task_of(result_id).reason == "ceased"


async def test_a_practice_answers_invite(scene: Scene) -> None:
    person, row = listed(scene)
    do(scene, lambda step: answer(step, row.notification_id, "invite", PRACTICE, ACTIONS))
    assert status(scene, person) == ("GP informed via PNL", "invited", "2026-06-23")
    assert run(scene, date(2026, 6, 24)) == {"invited": 1}
    with pytest.raises(Refused, match="has been answered"):
        do(scene, lambda step: answer(step, row.notification_id, "invite", PRACTICE, ACTIONS))


async def test_a_practice_defers_or_ceases(scene: Scene) -> None:
    person, row = listed(scene)
    work = {"reason": "pregnancy", "due_on": date(2027, 3, 1)}
    do(scene, lambda step: answer(step, row.notification_id, "defer", PRACTICE, ACTIONS, **work))
    assert due(scene, person) == date(2027, 3, 1)
    answered = scene.read(lambda tx: tx.notifications.get(row.notification_id))
    assert answered is not None
    assert (answered.state, answered.answer, answered.answered_by) == ("answered", "defer", "practice nurse")


async def test_a_practice_sees_nobody_elses_people(scene: Scene) -> None:
    _, row = listed(scene)
    other = Signed("nurse", "why", practice_code="Y00002")
    with pytest.raises(Refused, match="Nobody of that name"):
        do(scene, lambda step: answer(step, row.notification_id, "invite", other, ACTIONS))
    assert scene.read(lambda tx: tx.notifications.of_practice("Y00002", "due", date(2026, 6, 1), 10)) == []


async def test_a_practice_cannot_cease_for_what_needs_a_form(scene: Scene) -> None:
    _, row = listed(scene)
    with pytest.raises(Refused, match="signed form"):
        do(scene, lambda step: answer(step, row.notification_id, "cease", PRACTICE, ACTIONS, reason="informed-choice"))
    do(scene, lambda step: answer(step, row.notification_id, "cease", PRACTICE, ACTIONS, reason="no-cervix"))


async def test_whoever_moved_is_not_the_old_practices_to_decide(scene: Scene) -> None:
    person, row = listed(scene)
    known = scene.read(lambda tx: tx.cohort.by_nhs_number(person.nhs_number))
    assert known is not None
    scene.import_people(replace(known, practice_code="Y00002"))
    with pytest.raises(Refused, match="not a patient"):
        do(scene, lambda step: answer(step, row.notification_id, "invite", PRACTICE, ACTIONS))
