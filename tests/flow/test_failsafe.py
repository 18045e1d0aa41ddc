"""Nobody waits silently: a next step, a reason for none, or a task; whoever has none of these is named."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest

from hub.domain.call import UNKNOWN_REMOVAL
from hub.domain.failsafe import (
    CEASED,
    LETTER_HELD,
    MISSED,
    NEXT_STEP,
    NO_DATE,
    NO_RECORD,
    NOT_DISCHARGED,
    PLACES,
    SILENT,
    TASK,
    UNDER_COLPOSCOPY,
    Failsafe,
    Position,
    awaited_since,
    place_of,
)
from hub.domain.people import Participant
from hub.flow.actions import Signed, cease
from hub.flow.clerks import people_changed
from hub.flow.failsafe import failsafe_at
from hub.flow.ports.recall import RunReport
from hub.flow.recall_run import RecallRun
from hub.flow.step import Step
from hub.mapping.actions import load_actions
from tests.flow.scene import NOW, POLICIES, ROOT, Scene

ACTIONS = load_actions(ROOT / "mappings" / "actions.toml")
SIGNED = Signed("clerk", "As she asked.", "CAS-12345-ABCDE")
FAR = date(2028, 5, 1)


def report(scene: Scene) -> Failsafe:
    at = scene.now
    found = scene.read(lambda tx: failsafe_at(tx, at, POLICIES.discharge))
    since = awaited_since(at, POLICIES.discharge)
    each = scene.read(lambda tx: [place_of(position, since) for _, position in tx.failsafe.each(at)])
    assert found.adds_up
    assert Counter(each) == {place: count for place, count in found.places.items() if count}
    return found


def places(scene: Scene) -> dict[str, int]:
    return {place: count for place, count in report(scene).places.items() if count}


def place(scene: Scene, person: Participant) -> str:
    found = scene.read(lambda tx: dict(tx.failsafe.each(scene.now)))
    return place_of(found[person.participant_id], awaited_since(scene.now, POLICIES.discharge))


async def test_everybody_stands_in_one_place(scene: Scene) -> None:
    scene.person(next_test_due_on=FAR)
    scene.person(next_test_due_on=FAR, removal="SCT")
    scene.person(next_test_due_on=FAR, deceased="formal")
    scene.person(next_test_due_on=FAR, gender="1")
    ceased = scene.person(next_test_due_on=FAR)
    scene.step(lambda step: _cease(step, ceased))
    await scene.report(scene.person(next_test_due_on=FAR), scene.result("39S"))
    await scene.report(scene.person(next_test_due_on=FAR), scene.result("29R", repeat_months=7))
    expected = {NEXT_STEP: 1, "moved-away": 1, "deceased": 1, "registered-male": 1}
    assert places(scene) == expected | {CEASED: 1, UNDER_COLPOSCOPY: 1, TASK: 1}
    assert report(scene).holds


def _cease(step: Step, person: Participant) -> None:
    cease(step, person.participant_id, "informed-choice", SIGNED, ACTIONS)


async def test_a_task_about_a_slide_on_her_record_is_hers(scene: Scene) -> None:
    """Another report of her slide waits, under a name that fits nobody with certainty."""
    person, result = scene.person(next_test_due_on=FAR), scene.result()
    await scene.report(person, result)
    assert place(scene, person) == NEXT_STEP
    await scene.report(scene.stranger(), result)
    assert place(scene, person) == TASK


async def test_whom_no_clinic_discharges_is_named_in_the_end(scene: Scene) -> None:
    """Fifteen months after the newest test that sent her to colposcopy, or kept her there."""
    seen_again, never_heard_of = scene.person(), scene.person()
    for person in (seen_again, never_heard_of):
        await scene.report(person, scene.result("39S", date(2026, 2, 20)))
    scene.now = datetime(2027, 5, 20, 12, tzinfo=UTC)
    assert report(scene).referred == {"15-17": 2}
    assert report(scene).holds
    await scene.report(seen_again, scene.result("X0S", date(2027, 3, 1), source_type="7"))
    scene.now = datetime(2027, 5, 20, 23, tzinfo=UTC)  # midnight in England
    assert report(scene).referred == {"0-2": 1, "15-17": 1}
    assert (place(scene, seen_again), place(scene, never_heard_of)) == (UNDER_COLPOSCOPY, NOT_DISCHARGED)
    assert report(scene).silent == 1


async def test_whom_the_daily_run_passes_by_is_named_the_day_after(scene: Scene) -> None:
    person = scene.person(next_test_due_on=date(2026, 4, 1))
    assert report(scene).holds, "she has just come, and no run has been since"
    scene.now = NOW + timedelta(days=1)
    assert place(scene, person) == MISSED
    assert not report(scene).holds
    _daily(scene)
    assert place(scene, person) == NEXT_STEP
    assert report(scene).holds


async def test_due_today_is_not_missed_before_the_day_is_over(scene: Scene) -> None:
    person = scene.person(next_test_due_on=NOW.date() + timedelta(weeks=10, days=3))
    scene.now = datetime.combine(NOW.date() + timedelta(days=3), time(23), NOW.tzinfo)
    assert place(scene, person) == NEXT_STEP
    scene.now += timedelta(hours=2)
    assert place(scene, person) == MISSED


async def test_she_who_was_never_folded_is_named(scene: Scene) -> None:
    person = scene.stranger()
    scene.step(lambda step: step.tx.cohort.put([person], scene.now))
    assert place(scene, person) == NO_RECORD


async def test_the_daily_run_ends_with_who_waits_silently_and_says_so(scene: Scene) -> None:
    """As long as the operator reads its report, or has the alarm: nobody has to think of asking."""
    scene.person(next_test_due_on=FAR)
    assert _daily(scene).silent == {}
    person = scene.stranger()
    scene.step(lambda step: step.tx.cohort.put([person], scene.now))
    assert _daily(scene).silent == {NO_RECORD: 1}
    told = scene.read(lambda tx: tx.recall_runs.newest_ended())
    assert told and told.silent == {NO_RECORD: 1}
    scene.step(lambda step: people_changed(step, [person]))
    scene.step(lambda step: _cease(step, person))
    assert _daily(scene).silent == {}


def _daily(scene: Scene) -> RunReport:
    return RecallRun(scene.store.write_now, POLICIES, lambda: scene.now, scene.now.date()).run()


async def test_not_called_for_a_code_that_nobody_knows_is_named(scene: Scene) -> None:
    person = scene.person(next_test_due_on=FAR, removal="QQQ")
    assert place(scene, person) == UNKNOWN_REMOVAL
    assert not report(scene).holds
    await scene.report(person, scene.result())
    assert [letter.rule for letter in scene.every_letter_of(person)] == [UNKNOWN_REMOVAL]


async def test_called_without_a_date_is_named(scene: Scene) -> None:
    """Only somebody who came in neither with a date nor on a day: no road of today leads there."""
    person = scene.stranger()
    scene.step(lambda step: people_changed(step, [Participant(**_plain(person))]))
    assert place(scene, person) == NO_DATE


def _plain(person: Participant) -> dict[str, object]:
    values = {name: getattr(person, name) for name in Participant.__slots__}
    return values | {"next_test_due_on": None, "joined_on": None}


@pytest.mark.parametrize("table", ["letters", "results"])
async def test_what_waits_for_a_task_that_is_gone_is_named(scene: Scene, table: str) -> None:
    person = scene.person(next_test_due_on=FAR)
    result_id = await scene.report(person, scene.result("29R", repeat_months=7))
    if table == "letters":
        scene.match(result_id, person)
        with scene.store.database.engine.begin() as database:
            database.exec_driver_sql("UPDATE letters SET state = 'waiting'")
        assert place(scene, person) == LETTER_HELD
    else:
        with scene.store.database.engine.begin() as database:
            database.exec_driver_sql("DELETE FROM task_keys")
            database.exec_driver_sql("DELETE FROM tasks")
        assert scene.read(lambda tx: tx.failsafe.unseen()) == [result_id]
    assert not report(scene).holds


def test_every_place_has_its_words() -> None:
    assert set(PLACES) > SILENT
    assert all(PLACES[each].startswith("SILENT") == (each in SILENT) for each in PLACES)
    assert place_of(Position(recorded=True, step="ahead")) == NEXT_STEP
    assert place_of(Position(recorded=True, step=MISSED, gone="deceased", letter_waits=True)) == "deceased"
