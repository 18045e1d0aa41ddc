"""A message that failed is somebody's task beside her record: settled, wished again, taken back; nothing is silent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hub.domain.people import Participant
from hub.flow import communication_clerks as clerks
from hub.flow.actions import Signed
from hub.flow.clerks import Refused
from hub.flow.communication_report import CommunicationReport, communication_report
from hub.flow.ports.communications import CommunicationRow
from hub.flow.recording import refold
from hub.flow.step import Step
from tests.flow.postbox import Postbox, refuses, told
from tests.flow.scene import CLERK, WHY, Scene
from tests.flow.test_letter_account import account_of
from tests.flow.test_telling import CATALOGUE, GONE, changed, hears, only, people, rows, states, tell

SIGNED = Signed(CLERK, WHY)


async def failed(scene: Scene, postbox: Postbox, code: str = "X9S") -> tuple[Participant, CommunicationRow]:
    (person,) = await people(scene, code)
    await tell(scene, postbox)
    row = rows(scene, person)[-1]
    hears(scene, told(row.reference, "failed", scene.now, reason="MFR_PDSV_0008"))
    return person, only(scene, person)


def report(scene: Scene) -> CommunicationReport:
    return scene.read(lambda tx: communication_report(tx, CATALOGUE, scene.now))


def needing(scene: Scene) -> list[str]:
    return [row.code for row in scene.read(lambda tx: tx.communications.needing_somebody(10))]


async def test_referrals_come_first_and_her_other_letters_go_on(scene: Scene) -> None:
    postbox = Postbox()
    await failed(scene, postbox, "X0A")
    scene.now += timedelta(hours=1)
    person, _ = await failed(scene, postbox, "X9S")
    assert needing(scene) == ["PX9S", "PX0A"]
    await scene.report(person, scene.result("39S"))
    await tell(scene, postbox)
    assert states(scene, person)["P39S"] == "sent"


async def test_told_by_other_means_and_taken_back(scene: Scene) -> None:
    _, row = await failed(scene, Postbox())
    scene.step(lambda step: clerks.settle(step, row.reference, SIGNED))
    assert needing(scene) == []
    with pytest.raises(Refused, match="settled: told"):
        scene.step(lambda step: clerks.settle(step, row.reference, SIGNED))
    scene.step(lambda step: clerks.undo(step, row.reference, SIGNED))
    assert needing(scene) == ["PX9S"]
    decisions = scene.read(lambda tx: tx.communications.decisions(row.reference))
    assert [(one.action, one.by, one.why) for one in decisions] == [("settle", CLERK, WHY), ("undo", CLERK, WHY)]


async def test_wished_again_under_another_reference(scene: Scene) -> None:
    postbox = Postbox()
    person, row = await failed(scene, postbox)
    scene.step(lambda step: clerks.retry(step, row.reference, SIGNED))
    assert (needing(scene), states(scene, person)) == ([], {"PX9S": "wished"})
    await tell(scene, postbox)
    first, second = rows(scene, person)
    assert first.reference == first.letter_id == second.letter_id != second.reference
    assert set(postbox.accepted.values()) == {1}
    hears(scene, told(second.reference, "delivered", scene.now))
    assert states(scene, person) == {"PX9S": "delivered"}
    hears(scene, told(first.reference, "sending", scene.now, 99))
    assert states(scene, person) == {"PX9S": "delivered"}, "what the first message does is past"


async def test_a_retry_is_taken_back_while_it_waits_and_not_once_it_has_left(scene: Scene) -> None:
    postbox = Postbox()
    person, row = await failed(scene, postbox)
    scene.step(lambda step: clerks.retry(step, row.reference, SIGNED))
    scene.step(lambda step: clerks.undo(step, row.reference, SIGNED))
    assert (needing(scene), states(scene, person)) == (["PX9S"], {"PX9S": "failed"})
    scene.step(lambda step: clerks.retry(step, row.reference, SIGNED))
    await tell(scene, postbox)
    with pytest.raises(Refused, match="cannot be called back"):
        scene.step(lambda step: clerks.undo(step, row.reference, SIGNED))


async def test_the_first_message_comes_through_after_all_before_the_second_leaves(scene: Scene) -> None:
    postbox = Postbox()
    person, row = await failed(scene, postbox)
    scene.step(lambda step: clerks.retry(step, row.reference, SIGNED))
    hears(scene, told(row.reference, "delivered", scene.now, 5))
    await tell(scene, postbox)
    assert (len(postbox.accepted), states(scene, person)) == (1, {"PX9S": "delivered"})
    assert report(scene).silent == ()


async def test_nobody_is_wished_a_letter_that_would_not_leave(scene: Scene) -> None:
    person, row = await failed(scene, Postbox())
    changed(scene, person, **GONE)
    with pytest.raises(Refused, match="She has died"):
        scene.step(lambda step: clerks.retry(step, row.reference, SIGNED))
    for nobody in (Signed("", WHY), Signed(CLERK, " ")):
        with pytest.raises(Refused, match="names who"):
            scene.step(lambda step, nobody=nobody: clerks.settle(step, row.reference, nobody))


# -- the report


async def test_every_wish_stands_somewhere_and_none_is_silent(scene: Scene) -> None:
    postbox = Postbox()
    await failed(scene, postbox, "X0A")
    await people(scene, "X9S")
    await tell(scene, postbox)
    await people(scene, "39S")
    found = report(scene)
    assert {(line.plan, line.state, line.why, line.many) for line in found.lines} == {
        ("result", "failed", "MFR_PDSV_0008", 1),
        ("referral", "sent", "", 1),
        ("referral", "wished", "", 1),
    }
    assert (found.needing, found.silent, found.held) == ({"MFR_PDSV_0008": 1}, (), ())


async def test_wishes_that_nobody_takes_are_silent_unless_their_plan_is_held(scene: Scene) -> None:
    await people(scene, "X0A", "X0A")
    scene.now += timedelta(hours=2)
    assert [one.what for one in report(scene).silent] == ["wished-and-left"] * 2
    await tell(scene, Postbox(before=refuses(ours=True, code="CM_FORBIDDEN")))
    await people(scene, "X0A")
    found = report(scene)
    assert (found.silent, [(one.plan, one.why) for one in found.held]) == ((), [("result", "CM_FORBIDDEN")])


async def test_what_is_sent_and_never_asked_about_is_silent(scene: Scene) -> None:
    await people(scene, "X9S")
    await tell(scene, Postbox())
    scene.now += timedelta(hours=3)
    assert [one.what for one in report(scene).silent] == ["not-followed-up"]


async def test_a_claim_that_nobody_takes_over_is_silent(scene: Scene) -> None:
    await people(scene, "X9S")

    def dies(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await tell(scene, Postbox(before=dies))
    assert report(scene).silent == ()
    scene.now += timedelta(hours=1)
    assert [one.what for one in report(scene).silent] == ["claimed-and-left"]


async def test_a_letter_that_waits_for_no_task_is_silent(scene: Scene) -> None:
    (person,) = await people(scene, "X9S")
    await scene.report(person, scene.result("29R", repeat_months=7))
    assert report(scene).silent == ()
    (task,) = scene.open_tasks()
    # A fault of ours: the task is closed, and her letters are not looked at.
    scene.step(lambda step: step.put_task(replace(task, state="closed", closed_at=scene.now)))
    assert [one.what for one in report(scene).silent] == ["waits-for-no-task"]


async def test_what_others_sent_before_we_began_is_let_be_and_no_fold_wishes_it_again(scene: Scene) -> None:
    postbox = Postbox()
    (old,) = await people(scene, "X0A")
    scene.now += timedelta(days=2)
    began = scene.now
    scene.now += timedelta(hours=1)
    (new,) = await people(scene, "X9S")
    assert scene.read(lambda tx: tx.communications.count_before("wished", began)) == {"PX0A": 1}
    left: list[int] = []
    scene.step(lambda step: left.append(clerks.let_be(step, began, 10, SIGNED)))
    assert left == [1]
    scene.step(lambda step: _fold_again(step, old))
    await tell(scene, postbox)
    assert (states(scene, old), states(scene, new)) == ({"PX0A": "elsewhere"}, {"PX9S": "sent"})
    (letter,) = scene.every_letter_of(old)
    assert letter.why == f"{CLERK}: {WHY}"
    assert report(scene).silent == ()
    assert account_of(scene).places["letter"] == 2


def _fold_again(step: Step, person: Participant) -> None:
    refold(step, person.participant_id)
