"""Relay and worker: nothing is lost with the conveyor, nothing is done twice, and one bug stops nobody else."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tenacity import wait_none

from adapters import ADAPTERS
from hub import telemetry
from hub.contract import result_identity
from hub.domain.events import ResultMatched
from hub.errors import Reason, Retry
from hub.flow import parking, patience, settling, worker
from hub.flow.consumers import RECORDS
from hub.flow.handlers import park_as_our_fault
from hub.flow.intake import Intake
from hub.flow.recording import reported
from hub.flow.refill import refill
from hub.flow.worker import Job, Worker
from tests.flow.scene import FEEDS, Scene


def counted(name: str) -> float:
    """A counter of the hub's own, over all its labels."""
    samples = [sample for metric in telemetry.REGISTRY.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name == f"{name}_total")


def everything(scene: Scene) -> Any:
    """All that handling an event may change."""
    return scene.store.write_now(  # claiming is no reading
        lambda tx: (
            tx.counts.results(),
            tx.counts.parked(),
            tx.counts.letters(),
            tx.events.backlog(),
            [envelope.event_id for _, envelope in tx.events.claim(0, 1000)],
        )
    )


async def send_some(scene: Scene, number: int) -> list[Any]:
    people = [scene.person() for _ in range(number)]
    for person in people:
        await scene.send(scene.message(person, scene.result()))
    return people


# -- the conveyor loses its memory


@pytest.mark.parametrize("handled", [0, 3])
async def test_what_was_confirmed_and_not_finished_is_sent_again_and_finished_once(scene: Scene, handled: int) -> None:
    await scene.stop_worker()
    people = await send_some(scene, 6)
    await scene.relay.relay_once()
    await work_on(scene, handled)
    await scene.lose_the_conveyor()
    left = scene.read(lambda tx: tx.events.backlog())
    assert left["unfinished"] >= 6 - handled
    again = counted("hub_events_resent")
    resent = await refill(scene.store, scene.now)
    assert resent == 6 - handled
    assert counted("hub_events_resent") - again == resent
    await scene.settle()
    assert [scene.codes_of(person) for person in people] == [["X0A"]] * 6
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 6}


async def work_on(scene: Scene, events: int) -> None:
    """Handle so many of the events that wait in the conveyor, and no more."""
    work = Worker(scene.store, scene.conveyor, scene.context, RECORDS, lambda: None)
    deliveries = scene.conveyor.deliveries(RECORDS)
    for _ in range(events):
        envelope = (await anext(deliveries)).envelope
        await scene.store.write(lambda tx, each=envelope: work.work_off(tx, [Job(each)]))


async def test_what_was_handled_and_not_acknowledged_is_not_done_again(scene: Scene) -> None:
    """Killed between the commit and the acknowledgement: the conveyor hands it out again, the inbox knows it."""
    raw = scene.message(scene.person(), scene.result())
    await scene.send(raw)
    await scene.settle()
    before, repeated = everything(scene), counted("hub_events_repeated")
    envelope = scene.envelopes_of(raw)[0]
    await scene.lose_the_conveyor()
    await scene.conveyor.publish([envelope])
    scene.start_worker()
    await until(lambda: counted("hub_events_repeated") > repeated)
    assert everything(scene) == before


async def until(happened: Any) -> None:
    for _ in range(2_000):
        if happened():
            return
        await asyncio.sleep(0.005)
    pytest.fail("It never came to that.")


async def test_a_refill_while_everything_still_waits_hands_nothing_over_twice(scene: Scene) -> None:
    await scene.stop_worker()
    people = await send_some(scene, 4)
    await scene.relay.relay_once()
    await refill(scene.store, scene.now)
    repeated = counted("hub_events_repeated")
    await scene.relay.relay_once()  # before the worker begins, or what it has just handled would rightly go again
    await scene.settle()
    assert counted("hub_events_repeated") == repeated
    assert [scene.codes_of(person) for person in people] == [["X0A"]] * 4


async def test_only_what_was_confirmed_long_enough_ago_is_sent_again(scene: Scene) -> None:
    await scene.stop_worker()
    await send_some(scene, 2)
    await scene.relay.relay_once()
    await scene.lose_the_conveyor()
    assert await refill(scene.store, scene.now - timedelta(seconds=1)) == 0
    assert await refill(scene.store, scene.now) == 2


async def test_an_event_nobody_of_ours_consumes_is_finished_once_confirmed(scene: Scene) -> None:
    result_id = await scene.report(scene.person(), scene.result())
    rows = scene.read(lambda tx: tx.events.about([result_id]))
    matched = [row for row in rows if row[0].type == ResultMatched.__name__]
    assert [(confirmed, finished) for _, confirmed, finished in matched] == [(scene.now, scene.now)]


async def test_the_running_relay_is_woken_by_intake_and_refills_after_a_crash(scene: Scene) -> None:
    await scene.stop_worker()
    people = await send_some(scene, 3)
    await scene.relay.relay_once()
    await scene.lose_the_conveyor()
    scene.start_worker()
    relaying = asyncio.create_task(scene.relay.run())
    await refill(scene.store, scene.now)
    scene.relay.wake()
    more = scene.person()
    await scene.send(scene.message(more, scene.result()), waking_intake(scene))
    await until(lambda: not any(scene.read(lambda tx: tx.events.backlog()).values()))
    relaying.cancel()
    assert [scene.codes_of(person) for person in (*people, more)] == [["X0A"]] * 4


async def test_a_relay_that_is_woken_and_stopped_at_once_stops(scene: Scene) -> None:
    relaying = asyncio.create_task(scene.relay.run())
    await asyncio.sleep(0.05)
    scene.relay.wake()
    await asyncio.sleep(0)  # its sleep is over, and it has not gone on yet
    relaying.cancel()
    done, _ = await asyncio.wait([relaying], timeout=2)
    relaying.cancel()
    assert done == {relaying}


def waking_intake(scene: Scene) -> Intake:
    """Wired as the composition root wires it."""
    return Intake(scene.store, ADAPTERS, FEEDS, lambda: scene.now, scene.relay.wake)


# -- faults


async def test_an_event_handled_twice_at_once_changes_things_once(scene: Scene) -> None:
    await scene.stop_worker()
    raw = scene.message(scene.person(), scene.result())
    await scene.send(raw)
    work = Worker(scene.store, scene.conveyor, scene.context, RECORDS, lambda: None)
    (envelope,) = scene.envelopes_of(raw)
    await asyncio.gather(*(scene.store.write(lambda tx: work.work_off(tx, [Job(envelope)])) for _ in range(5)))
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 1}
    assert len([event for event in scene.events(envelope.subject) if isinstance(event, ResultMatched)]) == 1


def failing_for(slide_number: str, error: Exception) -> Any:
    """Our own `settle` with a fault for one slide."""
    real = settling.settle

    def settle(step: Any, row: Any) -> None:
        if reported(row).result.slide_number == slide_number:
            raise error
        real(step, row)

    return settle


async def test_a_bug_parks_itself_as_ours_and_the_others_go_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    person, result = scene.person(), scene.result()
    faults = counted("hub_faults")
    with monkeypatch.context() as patch:
        patch.setattr("hub.flow.handlers.settle", failing_for(result.slide_number, ZeroDivisionError("secret")))
        await scene.send(scene.message(person, result))
        others = await send_some(scene, 3)
        await scene.settle()
    assert [scene.codes_of(other) for other in others] == [["X0A"]] * 3
    (task,) = scene.open_tasks()
    assert (task.reason, task.participant_id) == ("our-fault", None)
    assert counted("hub_faults") == faults + 1
    scene.match(task.result_id, person)
    assert scene.codes_of(person) == ["X0A"]


async def test_a_bug_in_reading_again_leaves_what_stood_on_the_record(scene: Scene) -> None:
    person = scene.person()
    raw = scene.message(person, scene.result())
    await scene.send(raw)
    await scene.settle()
    envelope = scene.envelopes_of(raw)[0]
    other = replace(envelope, event_id="other-reading", data=envelope.data.replace(b'"X"', b'"2"'))
    work = Worker(scene.store, scene.conveyor, scene.context, RECORDS, lambda: None)
    await scene.store.write(lambda tx: tx.events.put(other, consumed=True))
    await scene.store.write(lambda tx: work.work_off(tx, [Job(other, park_as_our_fault)]))
    assert scene.ending(other.subject) == "recorded our-fault"
    assert scene.codes_of(person) == ["X0A"]
    scene.match(other.subject, person)
    assert scene.ending(other.subject) == "recorded"


async def test_a_fault_in_parking_itself_is_tried_again_and_stops_nobody(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LONGEST_REST_SECONDS", 0.01)
    person, result = scene.person(), scene.result()

    def broken(result: Any) -> int:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr("hub.flow.handlers.settle", failing_for(result.slide_number, ZeroDivisionError()))
        patch.setattr(parking, "priority", broken)
        faults = counted("hub_faults")
        raw = scene.message(person, result)
        await scene.send(raw)
        others = await send_some(scene, 2)
        await scene.relay.relay_once()
        await until(lambda: counted("hub_faults") >= faults + 3)
        await until(lambda: [scene.codes_of(other) for other in others] == [["X0A"]] * 2)
    await scene.settle()
    result_id = result_identity("northmoor", hashlib.sha256(raw).hexdigest(), "1.1")
    assert scene.ending(result_id) == "our-fault"


async def test_a_retry_is_tried_again_by_each_for_itself(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience.patiently, "wait", wait_none())
    results = [scene.result() for _ in range(8)]
    people = [scene.person() for _ in results]
    wanted = {result.slide_number: 4 for result in results}
    monkeypatch.setattr("hub.flow.handlers.settle", putting_off(wanted))
    failures = counted("hub_store_failures")
    for person, result in zip(people, results, strict=True):
        await scene.send(scene.message(person, result))
    await scene.settle()
    assert counted("hub_store_failures") >= failures + 8
    assert [scene.codes_of(person) for person in people] == [["X0A"]] * 8
    assert scene.open_tasks() == []


def putting_off(left: dict[str, int]) -> Any:
    """Our own `settle`, which asks to be tried again so many times for each slide."""
    real = settling.settle

    def settle(step: Any, row: Any) -> None:
        slide = reported(row).result.slide_number
        if left[slide]:
            left[slide] -= 1
            raise Retry(Reason.NOT_NOW)
        real(step, row)

    return settle
