"""Several versions of one slide, and results that come late: what stands on the record in the end."""

from __future__ import annotations

from datetime import date

import pytest

from hub.domain.events import (
    TaskClosed,
)
from tests.flow.scene import Scene, corrected, misspelt, withdrawn

# -- versions of one slide


async def test_a_correction_replaces_what_stood_on_the_record(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    await scene.report(person, corrected(result, "39S"))
    assert scene.codes_of(person) == ["39S"]
    assert scene.record_of(person)["recall_type"] == "Suspended"
    assert scene.letters_of(person) == {"P39S": "wished"}


async def test_a_correction_may_come_before_its_original(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, corrected(result, "39S"))
    original = await scene.report(person, result)
    assert scene.codes_of(person) == ["39S"]
    assert scene.letters_of(person) == {"P39S": "wished"}
    assert scene.ending(original) == "recorded"


async def test_a_withdrawal_takes_the_result_away_in_either_order(scene: Scene) -> None:
    for turned in (False, True):
        person, result = scene.person(), scene.result("X0A")
        versions = [result, withdrawn(result)]
        for version in reversed(versions) if turned else versions:
            await scene.report(person, version)
        assert scene.codes_of(person) == []
        assert scene.letters_of(person) == {}
        assert scene.record_of(person)["recall_type"] == "Called"


@pytest.mark.parametrize("turned", [False, True])
async def test_a_correction_for_another_person_never_puts_one_slide_on_two_people(scene: Scene, turned: bool) -> None:
    person, other, result = scene.person(), scene.person(), scene.result("X0A")
    reports = [(person, result), (other, corrected(result, "39S"))]
    for whom, version in reversed(reports) if turned else reports:
        last = await scene.report(whom, version)
    assert scene.ending(last) == "unsure"
    assert "another person" in scene.task_of(last).hint
    assert len(scene.codes_of(person) + scene.codes_of(other)) == 1


async def test_a_correction_settles_the_task_of_the_version_before_it(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    original = await scene.report(misspelt(person), result)
    task = scene.task_of(original)
    await scene.report(person, corrected(result))
    assert scene.row(original).state == "superseded"
    (closed,) = scene.tasks_of(original)
    assert (closed.state, closed.outcome, closed.closed_by) == ("closed", "superseded", "hub")
    assert "correction" in closed.note
    assert TaskClosed(task.task_id, "superseded", "hub", closed.note) in scene.events(original)
    assert scene.codes_of(person) == ["X0A"]


async def test_an_original_that_comes_after_its_correction_is_settled_by_it_too(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, corrected(result))
    original = await scene.report(misspelt(person), result)
    assert scene.ending(original) == "superseded"
    (closed,) = scene.tasks_of(original)
    assert "correction" in closed.note
    assert scene.codes_of(person) == ["X0A"]


async def test_a_correction_lifts_a_rule_that_spoke_against_the_original(scene: Scene) -> None:
    person, result = scene.person(), scene.result("29R", repeat_months=7)
    original = await scene.report(person, result)
    assert scene.ending(original) == "repeat-months"
    await scene.report(person, corrected(result, "29R"))
    assert scene.open_tasks() == []
    assert scene.letters_of(person) == {"P29R": "wished"}


async def test_letters_of_a_person_are_released_when_a_correction_turns_out_to_be_anothers(scene: Scene) -> None:
    """The original waits for a rule and holds her letters; the correction says it was somebody else's."""
    person, other = scene.person(), scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 1, 20)))
    wrong = scene.result("29R", repeat_months=7)
    await scene.report(person, wrong)
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    await scene.report(other, corrected(wrong, "29R"))
    assert scene.open_tasks() == []
    assert scene.letters_of(person) == {"PX0A": "wished"}
    assert scene.letters_of(other) == {"P29R": "wished"}


# -- late results


async def test_an_older_result_goes_on_the_record_and_moves_nothing(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 2, 20)))
    due = scene.record_of(person)["next_test_due_on"]
    await scene.report(person, scene.result("X0A", date(2022, 2, 20)))
    assert len(scene.codes_of(person)) == 2
    assert scene.record_of(person)["next_test_due_on"] == due


async def test_a_late_older_result_questions_a_newer_one_that_stays_on_the_record(scene: Scene) -> None:
    person = scene.person()
    newer = await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    older = await scene.report(person, scene.result("XUR", date(2025, 11, 1)))
    assert scene.ending(older) == "recorded"
    assert scene.ending(newer) == "recorded second-inadequate"
    assert scene.codes_of(person) == ["XUR", "XUR"]
    assert scene.letters_of(person) == {"PXUR": "waiting"}
    assert scene.task_of(newer).participant_id == person.participant_id


async def test_the_question_closes_itself_when_the_late_result_is_withdrawn(scene: Scene) -> None:
    person, late = scene.person(), scene.result("XUR", date(2025, 11, 1))
    newer = await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    await scene.report(person, late)
    await scene.report(person, withdrawn(late))
    assert scene.ending(newer) == "recorded"
    (closed,) = scene.tasks_of(newer)
    assert (closed.state, closed.closed_by) == ("closed", "hub")
    assert "no longer" in closed.note
    assert scene.letters_of(person) == {"PXUR": "wished"}


async def test_a_waiting_result_goes_on_the_record_when_the_rule_no_longer_speaks_against_it(scene: Scene) -> None:
    person, first = scene.person(), scene.result("XUR", date(2025, 11, 1))
    await scene.report(person, first)
    second = await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    assert scene.ending(second) == "second-inadequate"
    await scene.report(person, corrected(first, "X0A"))
    assert scene.ending(second) == "recorded"
    assert scene.codes_of(person) == ["X0A", "XUR"]
    assert scene.letters_of(person) == {"PXUR": "wished"}
