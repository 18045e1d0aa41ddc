"""A version whose date contradicts what it is: a clerk decides, and the decision takes effect."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hub.domain.events import TestResult
from hub.domain.people import Participant
from tests.flow.scene import Scene, corrected, misspelt, withdrawn


def on_day(day: int) -> datetime:
    return datetime(2026, 2, day, 12, tzinfo=UTC)


def first_report(scene: Scene, day: int, codes: str = "X0A") -> TestResult:
    return scene.result(codes, authorised_at=on_day(day), test_on=datetime(2026, 1, 20, tzinfo=UTC).date())


async def misdated(scene: Scene, person: Participant) -> str:
    """Her first report of the 10th stands, and a correction of the 1st waits."""
    first = first_report(scene, 10)
    await scene.report(person, first)
    return await scene.report(person, corrected(first, "39S", authorised_at=on_day(1)))


async def test_a_correction_dated_before_what_it_corrects_waits_for_a_clerk_and_so_do_her_letters(scene: Scene) -> None:
    person = scene.person()
    correction = await misdated(scene, person)
    assert scene.ending(correction) == "duplicate-slide"
    task = scene.task_of(correction)
    assert task.hint == "A correction that is dated before the version it should replace, or no later."
    assert (task.participant_id, task.priority) == (person.participant_id, 1)
    assert scene.letters_of(person) == {"PX0A": "waiting"}


async def test_a_withdrawal_dated_before_what_it_takes_back_waits_too(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 10)
    await scene.report(person, first)
    withdrawal = await scene.report(
        person, corrected(withdrawn(first), authorised_at=on_day(1), version=withdrawn(first).version)
    )
    assert scene.ending(withdrawal) == "duplicate-slide"
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    scene.match(withdrawal, person)
    assert (scene.codes_of(person), scene.letters_of(person)) == ([], {})


async def test_a_first_report_dated_after_its_correction_never_replaces_it_by_itself(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 10)
    await scene.report(person, corrected(first, "39S", authorised_at=on_day(5)))
    late = await scene.report(person, first)
    assert scene.ending(late) == "duplicate-slide"
    assert scene.task_of(late).hint == "A first report that is dated after the correction or withdrawal of it."
    assert scene.codes_of(person) == ["39S"]
    assert scene.letters_of(person) == {"P39S": "waiting"}
    scene.match(late, person)
    assert scene.codes_of(person) == ["X0A"]


async def test_what_says_the_same_is_recorded_whatever_its_date(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 10)
    await scene.report(person, first)
    again = await scene.report(person, corrected(first, authorised_at=on_day(1)))
    assert scene.ending(again) == "recorded"
    assert scene.letters_of(person) == {"PX0A": "wished"}


async def test_an_older_correction_that_comes_after_a_newer_one_changes_nothing(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 1)
    await scene.report(person, corrected(first, "39S", authorised_at=on_day(9)))
    older = await scene.report(person, corrected(first, "29R", authorised_at=on_day(5)))
    assert scene.ending(older) == "recorded"
    assert scene.codes_of(person) == ["39S"]


async def test_two_corrections_of_one_minute_that_differ_are_a_question(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 1)
    await scene.report(person, corrected(first, "39S", authorised_at=on_day(5)))
    second = await scene.report(person, corrected(first, "29R", authorised_at=on_day(5)))
    assert scene.ending(second) == "duplicate-slide"


async def test_a_clerks_match_makes_a_misdated_correction_the_one_that_counts_and_undo_takes_it_back(
    scene: Scene,
) -> None:
    person = scene.person()
    correction = await misdated(scene, person)
    before = scene.standing(person)
    task = scene.match(correction, person)
    assert scene.codes_of(person) == ["39S"]
    assert scene.letters_of(person) == {"P39S": "wished"}
    scene.undo(task)
    assert scene.ending(correction) == "duplicate-slide"
    assert scene.standing(person) == before


async def test_a_correction_issued_after_all_of_them_replaces_what_a_clerk_placed(scene: Scene) -> None:
    person = scene.person()
    correction = await misdated(scene, person)
    scene.match(correction, person)
    result = scene.row(correction).event.result  # type: ignore[union-attr]  # it could be read
    await scene.report(person, corrected(result, "29R", authorised_at=on_day(12)))
    assert scene.codes_of(person) == ["29R"]
    assert scene.letters_of(person) == {"P29R": "wished"}


async def test_a_later_correction_that_a_clerks_placing_would_swallow_waits(scene: Scene) -> None:
    """It is newer than the correction a clerk placed, by the laboratory's dates, but not newer than the place."""
    person = scene.person()
    correction = await misdated(scene, person)
    scene.match(correction, person)
    result = scene.row(correction).event.result  # type: ignore[union-attr]  # it could be read
    second = await scene.report(person, corrected(result, "29R", authorised_at=on_day(3)))
    assert scene.ending(second) == "duplicate-slide"
    scene.match(second, person)
    assert scene.codes_of(person) == ["29R"]


async def test_a_newer_correction_settles_the_misdated_one(scene: Scene) -> None:
    person = scene.person()
    correction = await misdated(scene, person)
    result = scene.row(correction).event.result  # type: ignore[union-attr]  # it could be read
    await scene.report(person, corrected(result, "49S", authorised_at=on_day(15)))
    assert scene.ending(correction) == "superseded"
    assert scene.open_tasks() == []
    assert (scene.codes_of(person), scene.letters_of(person)) == (["49S"], {"P49S": "wished"})


async def test_taking_back_the_match_of_a_placed_correction_gives_the_clerk_that_correction(scene: Scene) -> None:
    person = scene.person()
    correction = await misdated(scene, person)
    scene.match(correction, person)
    scene.undo_automatic(correction)
    assert scene.ending(correction) == "unsure"
    assert scene.codes_of(person) == []
    scene.reject(correction)
    (task,) = scene.open_tasks()  # the first report, which had given way to it
    assert task.result_id != correction


async def test_a_misspelt_misdated_correction_takes_effect_when_a_clerk_matches_it(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 10)
    await scene.report(person, first)
    correction = await scene.report(misspelt(person), corrected(first, "39S", authorised_at=on_day(1)))
    assert scene.ending(correction) == "unsure"
    scene.match(correction, person)
    assert scene.codes_of(person) == ["39S"]


async def test_a_correction_that_waited_for_a_rule_is_not_swallowed_when_the_rule_falls_silent(scene: Scene) -> None:
    person, first = scene.person(), first_report(scene, 10)
    correction = await scene.report(person, corrected(first, "29R", authorised_at=on_day(5), repeat_months=7))
    assert scene.ending(correction) == "repeat-months"
    await scene.report(person, first)
    assert scene.ending(correction) == "repeat-months"
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    scene.match(correction, person)
    assert scene.codes_of(person) == ["29R"]


@pytest.mark.parametrize("turned", [False, True])
async def test_in_whatever_order_they_come_a_misdated_pair_makes_one_task_and_no_letter(
    scene: Scene, turned: bool
) -> None:
    person, first = scene.person(), first_report(scene, 10)
    versions = [first, corrected(first, "39S", authorised_at=on_day(1))]
    for version in reversed(versions) if turned else versions:
        last = await scene.report(person, version)
    assert [(task.result_id, task.reason) for task in scene.open_tasks()] == [(last, "duplicate-slide")]
    assert "wished" not in scene.letters_of(person).values()
