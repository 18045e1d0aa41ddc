"""While any version of a slide on her record waits for a clerk, her letters wait; a clerk gets the newest version."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest

from adapters.simulators.laboratory import claim_of
from hub.domain.events import LetterWished, TestResult, Version
from hub.domain.people import Participant
from hub.errors import Reason
from hub.flow import handlers
from hub.flow.clerks import Refused
from hub.flow.step import Step
from tests.flow.scene import Scene, corrected, misspelt, withdrawn

Sends = Callable[[Scene, Participant, TestResult], Awaitable[str]]


async def another_first_report(scene: Scene, person: Participant, result: TestResult) -> str:
    return await scene.report(person, replace(result, result_code="3", infection_code="9", action_code="S"))


async def a_correction_for_another_woman(scene: Scene, _person: Participant, result: TestResult) -> str:
    return await scene.report(scene.person(), corrected(result, "39S"))


async def a_withdrawal_with_a_mistyped_birth_date(scene: Scene, person: Participant, result: TestResult) -> str:
    claim = claim_of(person)
    assert claim.date_of_birth is not None
    return await scene.report(replace(claim, date_of_birth=claim.date_of_birth + timedelta(days=9)), withdrawn(result))


async def a_correction_with_an_unmapped_code(scene: Scene, person: Participant, result: TestResult) -> str:
    raw = scene.message(person, corrected(result), feed="southwick")
    assert (await scene.send(raw.replace(b"HPVNEG", b"HPVNOT"))).code == "AA"
    await scene.settle()
    (task,) = scene.open_tasks()
    assert task.reason == Reason.OUR_TABLE.code
    return task.result_id


WAYS = [
    another_first_report,
    a_correction_for_another_woman,
    a_withdrawal_with_a_mistyped_birth_date,
    a_correction_with_an_unmapped_code,
]


@pytest.mark.parametrize("send", WAYS, ids=lambda send: send.__name__)
async def test_her_letters_wait_while_another_version_of_a_slide_of_hers_waits(scene: Scene, send: Sends) -> None:
    feed = "southwick" if send is a_correction_with_an_unmapped_code else "northmoor"
    person, result = scene.person(), scene.result("X0A", feed=feed)
    await scene.report(person, result, feed=feed)
    assert scene.letters_of(person) == {"PX0A": "wished"}
    waiting = await send(scene, person, result)
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    task = scene.reject(waiting)
    assert scene.letters_of(person) == {"PX0A": "wished"}
    scene.undo(task)
    assert scene.letters_of(person) == {"PX0A": "waiting"}


async def test_a_letter_that_is_called_for_while_a_version_waits_does_not_leave(scene: Scene) -> None:
    """The version that waits came first, so no letter of hers was wished yet."""
    person, result = scene.person(), scene.result("X0A")
    await scene.report(misspelt(person), corrected(result, "39S"))
    await scene.report(person, result)
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    assert not [event for event in scene.events(person.participant_id) if isinstance(event, LetterWished)]


async def test_all_her_letters_wait_not_only_that_of_the_slide(scene: Scene) -> None:
    person, older = scene.person(), scene.result("X0A", date(2026, 1, 20))
    await scene.report(person, older)
    await scene.report(misspelt(person), corrected(older, "29R"))
    await scene.report(person, scene.result("X0A", date(2026, 2, 20)))
    assert scene.letters_of(person) == {"PX0A": "waiting"}


async def test_her_letters_go_when_new_evidence_settles_the_version_that_waited(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    married = replace(person, family_name="Quillfeather", former_family_names=(person.family_name,))
    claim = replace(claim_of(married), former_family_names=())
    correction = await scene.report(claim, corrected(result, "39S"))
    assert (scene.ending(correction), scene.letters_of(person)) == ("unsure", {"PX0A": "waiting"})
    scene.import_people(married)
    assert (scene.ending(correction), scene.letters_of(person)) == ("recorded", {"P39S": "wished"})


async def test_a_version_that_only_we_could_not_handle_holds_her_letters_too(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)

    def fails(_step: Step, _row: object) -> None:
        raise ArithmeticError("a fault of ours")

    monkeypatch.setattr(handlers, "settle", fails)
    waiting = await scene.report(person, corrected(result, "39S"))
    assert scene.ending(waiting) == Reason.OUR_FAULT.code
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    scene.reject(waiting)
    assert scene.letters_of(person) == {"PX0A": "wished"}


# -- a clerk gets the newest version


async def two_misspelt(scene: Scene, person: Participant) -> tuple[str, str]:
    result = scene.result("X0A")
    return await scene.report(misspelt(person), result), await scene.report(misspelt(person), corrected(result, "39S"))


@pytest.mark.parametrize("turned", [False, True])
async def test_of_two_versions_that_wait_only_the_newer_has_a_task(scene: Scene, turned: bool) -> None:
    person, result = scene.person(), scene.result("X0A")
    versions = [result, corrected(result, "39S")]
    ids = {
        version.version: await scene.report(misspelt(person), version)
        for version in (reversed(versions) if turned else versions)
    }
    assert (scene.ending(ids[Version.FINAL]), scene.ending(ids[Version.CORRECTED])) == ("superseded", "unsure")
    (closed,) = scene.tasks_of(ids[Version.FINAL])
    assert (closed.outcome, closed.closed_by) == ("superseded", "hub")
    assert "correction" in closed.note


async def test_the_refusal_of_the_newer_brings_the_older_back_and_undoing_it_sends_it_away_again(scene: Scene) -> None:
    older, newer = await two_misspelt(scene, scene.person())
    task = scene.reject(newer)
    assert (scene.ending(older), scene.ending(newer)) == ("unsure", "refused")
    scene.undo(task)
    assert (scene.ending(older), scene.ending(newer)) == ("superseded", "unsure")


async def test_a_correction_that_gave_way_comes_back_although_the_first_report_stands(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    first = await scene.report(misspelt(person), corrected(result, "39S"))
    later = corrected(result, "49S", authorised_at=result.authorised_at + timedelta(days=3))
    second = await scene.report(misspelt(person), later)
    assert (scene.ending(first), scene.ending(second)) == ("superseded", "unsure")
    scene.reject(second)
    assert (scene.ending(first), scene.letters_of(person)) == ("unsure", {"PX0A": "waiting"})


async def test_a_question_asked_again_leaves_the_result_on_the_record_while_a_newer_version_waits(scene: Scene) -> None:
    person, result = scene.person(), scene.result("XUR")
    questioned = await scene.report(person, corrected(result))
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    task = scene.match(questioned, person)
    later = corrected(result, "X0A", authorised_at=result.authorised_at + timedelta(days=3))
    await scene.report(misspelt(person), later)
    scene.undo(task)
    assert scene.ending(questioned) == "recorded second-inadequate"
    assert scene.codes_of(person) == ["XUR", "XUR"]


async def test_of_several_versions_that_gave_way_only_the_newest_comes_back(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    later = corrected(result, "49S", authorised_at=result.authorised_at + timedelta(days=3))
    versions = [corrected(result, "39S"), result, later]
    second, first, third = [await scene.report(misspelt(person), version) for version in versions]
    scene.reject(third)
    assert (scene.ending(first), scene.ending(second)) == ("superseded", "unsure")
    scene.reject(second)
    assert scene.ending(first) == "unsure"


async def test_an_older_version_is_not_matched_while_a_newer_one_waits(scene: Scene) -> None:
    """A second first report is a question of its own, and so both have a task."""
    person, result = scene.person(), scene.result("X0A")
    older = await scene.report(misspelt(person), result)
    newer = await scene.report(person, corrected(result, "39S", version=Version.FINAL))
    number = scene.task_of(newer).task_id[:8]
    with pytest.raises(Refused, match=f"A newer version of this slide waits: decide on task {number} first"):
        scene.match(older, person)
    scene.reject(newer)
    scene.match(older, person)
    assert scene.codes_of(person) == ["X0A"]
