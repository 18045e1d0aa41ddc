"""New evidence about people settles what waited; what a clerk ruled out stays ruled out."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from adapters.simulators.laboratory import claim_of
from hub.domain.events import (
    MatchUndone,
    TaskClosed,
)
from tests.flow.scene import CLERK, Scene, corrected


async def test_a_person_who_joins_the_cohort_settles_her_waiting_results(scene: Scene) -> None:
    stranger = scene.stranger()
    one = await scene.report(stranger, scene.result("X0A", date(2026, 2, 20)))
    two = await scene.report(stranger, scene.result("X0A", date(2022, 12, 20), feed="eastvale"), feed="eastvale")
    assert (scene.ending(one), scene.ending(two)) == ("unknown", "unknown")
    scene.import_people(stranger)
    assert (scene.ending(one), scene.ending(two)) == ("recorded", "recorded")
    (closed,) = scene.tasks_of(one)
    assert (closed.outcome, closed.closed_by) == ("settled", "hub")
    assert "certain" in closed.note
    assert scene.letters_of(stranger) == {"PX0A": "wished"}


async def test_a_change_of_name_settles_an_unsure_result(scene: Scene) -> None:
    person = scene.person()
    married = replace(person, family_name="Quillfeather", former_family_names=(person.family_name,))
    result_id = await scene.report(replace(claim_of(married), former_family_names=()), scene.result())
    assert scene.ending(result_id) == "unsure"
    scene.import_people(married)
    assert scene.ending(result_id) == "recorded"
    assert scene.codes_of(person) == ["X0A"]


async def test_new_evidence_that_settles_nothing_renews_the_candidates(scene: Scene) -> None:
    stranger = scene.stranger()
    result_id = await scene.report(stranger, scene.result())
    scene.import_people(replace(stranger, date_of_birth=stranger.date_of_birth + timedelta(days=400)))
    task = scene.task_of(result_id)
    assert [candidate["participant_id"] for candidate in task.candidates] == [stranger.participant_id]


async def test_a_waiting_task_is_found_among_more_people_than_a_statement_has_room_for(scene: Scene) -> None:
    stranger = scene.stranger()
    result_id = await scene.report(stranger, scene.result())
    keys = [f"n:{number}" for number in range(40_000)]
    found = scene.read(lambda tx: tx.tasks.waiting_for_keys([*keys, f"n:{stranger.nhs_number}"]))
    assert [task.result_id for task in found] == [result_id]


async def test_correction_and_original_that_wait_together_are_settled_once_each(scene: Scene) -> None:
    stranger, result = scene.stranger(), scene.result("X0A")
    correction = await scene.report(stranger, corrected(result, "39S"))
    original = await scene.report(stranger, result)
    scene.import_people(stranger)
    assert scene.open_tasks() == []
    assert scene.codes_of(stranger) == ["39S"]
    for result_id in (correction, original):
        assert len([event for event in scene.events(result_id) if isinstance(event, TaskClosed)]) == 1


@pytest.mark.parametrize("what", ["demographics", "correction"])
async def test_a_person_ruled_out_by_a_clerk_is_never_matched_automatically_again(scene: Scene, what: str) -> None:
    person, result = scene.person(), scene.result()
    result_id = await scene.report(person, result)
    scene.undo_automatic(result_id)
    assert scene.ending(result_id) == "unsure"
    if what == "demographics":
        scene.import_people(replace(person, practice_code="Z99999"))
    else:
        result_id = await scene.report(person, corrected(result, "39S"))
    assert scene.ending(result_id) == "unsure"
    assert scene.codes_of(person) == []
    assert scene.letters_of(person) == {}


async def test_taking_a_slide_off_a_record_takes_all_its_versions_off(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    correction = await scene.report(person, corrected(result, "39S"))
    scene.undo_automatic(correction)
    assert scene.codes_of(person) == []
    undone = [event for event in scene.events(correction) if isinstance(event, MatchUndone)]
    assert [event.by for event in undone] == [CLERK]
