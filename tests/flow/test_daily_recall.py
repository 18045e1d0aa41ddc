"""The daily run by itself: at its time, once, a missed day caught up, and never two at once."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from hub import telemetry
from hub.domain.facts import CallStep
from hub.domain.people import Participant
from hub.flow.consumers import CONSUMERS
from hub.flow.daily_recall import TURN, DailyRecall
from hub.flow.failsafe import waiting_silently
from hub.flow.recall_run import take_step
from hub.flow.schedule import Schedule
from hub.flow.step import Step
from hub.flow.watch import Watch
from hub.io.conveyor import InProcessConveyor
from hub.io.store.away import StoreAway
from tests.flow.scene import POLICIES, Scene

DUE = date(2026, 9, 1)
NIGHT = datetime(2026, 6, 23, 1, 0, tzinfo=UTC)  # two o'clock in England's summer


def schedule(scene: Scene, write: Callable[..., object] | None = None) -> Callable[[], Any]:
    """Looks once, as the role does every second; whether a run was done."""
    recall = DailyRecall(scene.store, write or scene.store.write_now, POLICIES, lambda: scene.now, time(2))
    role = Schedule(scene.store, [], lambda: scene.now)
    return lambda: role.look_after(recall.duty())


def days(scene: Scene) -> date | None:
    report = scene.read(lambda tx: tx.recall_runs.newest_ended())
    return report.run_on if report else None


async def test_it_runs_at_its_time_and_once(scene: Scene) -> None:
    scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = NIGHT - timedelta(hours=9)
    look = schedule(scene)
    assert not await look()
    scene.now = NIGHT - timedelta(seconds=1)
    assert not await look()
    scene.now = NIGHT
    assert await look()
    assert days(scene) == date(2026, 6, 23)
    scene.now = NIGHT + TURN * 2
    assert not await look()
    report = scene.read(lambda tx: tx.recall_runs.report(date(2026, 6, 23)))
    assert report is not None
    assert report.cohort == {"notified": 1}


async def test_a_new_hub_does_not_begin_in_the_middle_of_the_day(scene: Scene) -> None:
    scene.now = NIGHT + timedelta(hours=9)
    assert not await schedule(scene)()
    assert days(scene) is None


async def test_days_that_were_missed_are_caught_up_by_whoever_starts(scene: Scene) -> None:
    scene.now = NIGHT - timedelta(hours=1)
    look = schedule(scene)
    scene.now = NIGHT
    assert await look()
    scene.now = NIGHT + timedelta(days=5, hours=9)
    assert await schedule(scene)()
    assert days(scene) == date(2026, 6, 28)


async def test_of_two_processes_one_runs(scene: Scene) -> None:
    scene.now = NIGHT - timedelta(hours=1)
    one, other = schedule(scene), schedule(scene)
    scene.now = NIGHT
    assert sorted(await asyncio.gather(one(), other())) == [False, True]


async def test_a_turn_that_is_kept_is_nobody_elses(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that takes long keeps its turn; one that stood still too long leaves the run to whoever took it over."""
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 1)
    for _ in range(5):
        scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = NIGHT - timedelta(hours=1)
    in_work, go_on = threading.Event(), threading.Event()
    other_took: list[bool] = []

    def slow(work: Any) -> object:
        if threading.current_thread() is not threading.main_thread():
            scene.now += TURN / 2  # every piece of work takes five minutes
            in_work.set()
            go_on.wait(10)
        return scene.store.write_now(work)

    one, other = schedule(scene, slow), schedule(scene)
    scene.now = NIGHT
    running = asyncio.create_task(one())
    await asyncio.to_thread(in_work.wait, 10)
    other_took.append(await other())  # its turn is five minutes old
    go_on.set()
    assert await running
    assert other_took == [False]
    assert days(scene) == date(2026, 6, 23)


async def test_one_that_lost_its_turn_leaves_the_run(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 1)
    for _ in range(5):
        scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = NIGHT - timedelta(hours=1)
    pieces = 0

    def stalled(work: Any) -> object:
        nonlocal pieces
        pieces += 1
        if pieces == 4:  # it stood still, and another has begun
            scene.now += TURN * 2
            scene.store.write_now(lambda tx: tx.duties.take_turn("recall", TURN, scene.now))
            scene.now += TURN / 2
        return scene.store.write_now(work)

    look = schedule(scene, stalled)
    scene.now = NIGHT
    assert await look()
    assert days(scene) is None
    scene.now += TURN * 2
    assert await schedule(scene)()
    report = scene.read(lambda tx: tx.recall_runs.report(date(2026, 6, 23)))
    assert report is not None
    assert report.taken == {"notified": 5}


async def test_a_process_that_stops_ends_after_the_batch_and_the_loop_is_never_blocked(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 1)
    for _ in range(5):
        scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = NIGHT - timedelta(hours=1)
    in_work, go_on = threading.Event(), threading.Event()

    def slow(work: Any) -> object:
        in_work.set()
        go_on.wait(10)
        return scene.store.write_now(work)

    look = schedule(scene, slow)
    scene.now = NIGHT
    running = asyncio.create_task(look())
    await asyncio.to_thread(in_work.wait, 10)  # the loop is free while the run waits
    running.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert days(scene) is None
    report = scene.read(lambda tx: tx.recall_runs.report(date(2026, 6, 23)))
    assert report is not None
    assert report.taken == {"notified": 1}


async def test_what_cannot_be_done_just_now_is_tried_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 2)
    for _ in range(6):
        scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now = NIGHT - timedelta(hours=1)
    pieces = 0

    def sometimes(work: Any) -> object:
        nonlocal pieces
        pieces += 1
        if pieces % 3 == 0:
            raise StoreAway("LockNotAvailable")
        return scene.store.write_now(work)

    look = schedule(scene, sometimes)
    scene.now = NIGHT
    assert await look()
    report = scene.read(lambda tx: tx.recall_runs.report(date(2026, 6, 23)))
    assert report is not None
    assert report.taken == {"notified": 6}


async def test_a_fault_of_ours_about_one_person_keeps_nobody_else_waiting(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 2)
    people = [scene.person(next_test_due_on=DUE, practice_code="Y00001") for _ in range(5)]
    hers = people[0].participant_id

    def broken(step: Step, person: Participant, due: CallStep, on: date) -> bool:
        if person.participant_id == hers:
            raise AssertionError("broken on purpose")
        return take_step(step, person, due, on)

    monkeypatch.setattr("hub.flow.recall_run.take_step", broken)
    scene.now = NIGHT - timedelta(hours=1)
    look = schedule(scene)
    scene.now = NIGHT
    assert await look()
    report = scene.read(lambda tx: tx.recall_runs.report(date(2026, 6, 23)))
    assert report is not None and report.ended_at
    assert report.taken == {"notified": 4, "fault": 1}
    scene.now += timedelta(days=1)
    silent = scene.read(lambda tx: list(waiting_silently(tx, scene.now, POLICIES.discharge)))
    assert silent == [(hers, "missed")]


async def test_when_the_last_run_ended_is_told_by_whoever_watches(scene: Scene) -> None:
    conveyor = InProcessConveyor(CONSUMERS)
    scene.now = began_at = NIGHT - timedelta(hours=1)
    await Watch(scene.store, conveyor, lambda: scene.now).look()
    assert f"hub_recall_ended_seconds {began_at.timestamp()}" in plain_metrics()
    look = schedule(scene)
    scene.now = NIGHT
    await look()
    scene.now += timedelta(hours=5)
    await Watch(scene.store, conveyor, lambda: scene.now).look()
    assert f"hub_recall_ended_seconds {NIGHT.timestamp()}" in plain_metrics()
    midnight = NIGHT - timedelta(hours=2)
    assert f"hub_recall_run_day_seconds {midnight.timestamp()}" in plain_metrics()


async def test_what_is_due_within_the_week_is_told_by_whoever_watches(scene: Scene) -> None:
    scene.person(next_test_due_on=DUE, practice_code="Y00001")
    told = []
    for days in (8, 7):
        scene.now = NIGHT - timedelta(days=days)
        await Watch(scene.store, InProcessConveyor(CONSUMERS), lambda: scene.now).look()
        told.append(telemetry.REGISTRY.get_sample_value("hub_recall_due", {"step": "notified"}) or 0)
    assert told == [0, 1]


def plain_metrics() -> str:
    """The metrics with whole numbers written out."""
    return re.sub(r"[0-9.]+e[+]\d+", lambda found: str(float(found[0])), telemetry.render_metrics().decode())


async def test_what_it_did_is_told(scene: Scene) -> None:
    scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.person(next_test_due_on=date(2035, 1, 1))
    scene.now = NIGHT - timedelta(hours=1)
    look = schedule(scene)
    scene.now = NIGHT
    await look()
    await Watch(scene.store, InProcessConveyor(CONSUMERS), lambda: scene.now).look()
    told = telemetry.render_metrics().decode()
    assert 'hub_recall_run_steps{step="notified"} 1.0' in told
    assert 'hub_recall_cohort{place="notified"} 1.0' in told
    assert 'hub_recall_cohort{place="not-yet-due"} 1.0' in told
    assert 'hub_recall_steps_total{step="notified"}' in told
