"""What the hub promises about the road from the bytes to the record, kept on both roads: at least once in, effectively
once out, in whatever order, whatever is killed, cut or forgotten on the way."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import aio_pika
import pytest

from hub.contract import Envelope, result_identity
from hub.domain.events import LetterWished, TestResult
from hub.domain.people import Participant
from hub.errors import Reason, Retry
from hub.flow import clerks, dead, schedule, settling
from hub.flow.cohort_import import take_people
from hub.flow.consumers import RECORDS
from hub.flow.ports.events import FOREVER, Conveyor, DeadLetter
from hub.flow.ports.store import Transaction
from hub.flow.recording import reported
from hub.flow.refill import refill, refill_if_lost
from hub.flow.schedule import Duty, Schedule
from hub.flow.step import Step
from hub.flow.worker import Job, Worker
from hub.io.rabbit.cloudevents import headers_of
from hub.io.rabbit.topology import TRIES, queue_of
from hub.io.store import SqlStore, open_store
from tests.flow.conftest import quick_directory
from tests.flow.scene import CLERK, NOW, POLICIES, WHY, Scene, corrected, misspelt
from tests.promises.road import (
    Halt,
    Real,
    Road,
    Watched,
    after_publishing,
    before_acknowledging,
    before_publishing,
    counting,
    repeating,
)

SEED = 20260302
servers = pytest.mark.servers


def some_results(scene: Scene, number: int) -> tuple[list[Participant], list[bytes]]:
    """So many people with a result each."""
    people = [scene.person() for _ in range(number)]
    return people, [scene.message(person, scene.result()) for person in people]


def result_id_of(raw: bytes) -> str:
    return result_identity("northmoor", hashlib.sha256(raw).hexdigest(), "1.1")


def rows(store: SqlStore, query: str) -> list[Any]:
    """What stands in the tables, past the hub's own reading."""
    with store.engine.connect() as connection:
        return [tuple(row) for row in connection.exec_driver_sql(query)]


def each_once(road: Road, people: list[Participant]) -> None:
    """Every result was handled once, stands on the right record once, and is written about once."""
    store, number = road.scene.store, len(people)
    assert rows(store, "SELECT count(*), count(DISTINCT event_id) FROM inbox") == [(number, number)]
    assert rows(store, "SELECT count(*), count(DISTINCT result_id) FROM matches") == [(number, number)]
    assert rows(store, "SELECT count(*), count(DISTINCT result_id) FROM letters") == [(number, number)]
    assert rows(store, "SELECT count(*), count(DISTINCT participant_id) FROM facts") == [(number, number)]
    wished = [event for person in people for event in road.scene.events(person.participant_id)]
    assert len([event for event in wished if isinstance(event, LetterWished)]) == number
    assert [road.scene.codes_of(person) for person in people] == [["X0A"]] * number
    assert road.scene.open_tasks() == []


# -- at least once in


async def test_what_was_answered_aa_is_stored_whatever_dies_then(road: Road) -> None:
    people, raws = some_results(road.scene, 5)
    answered = await road.take(*raws)
    assert [answer.code for answer in answered] == ["AA"] * 5
    await road.crash()
    assert rows(road.scene.store, "SELECT count(*) FROM journal") == [(5,)]
    await road.start_again()
    await road.settled()
    each_once(road, people)


async def test_the_same_bytes_from_many_doors_at_once_are_one_message(road: Road) -> None:
    people, raws = some_results(road.scene, 6)
    doors = [road.intake(road.store()) for _ in range(3)]
    told = await asyncio.gather(*(road.take(*raws, raw, intake=door) for door in doors for raw in raws))
    answers: dict[bytes, set[bytes | None]] = {}
    for group in told:
        for raw, answer in zip(raws, group, strict=False):
            assert answer.code == "AA"
            answers.setdefault(raw, set()).add(answer.body)
    assert [len(bodies) for bodies in answers.values()] == [1] * 6, "the same bytes get the same answer"
    assert rows(road.scene.store, "SELECT count(*) FROM journal") == [(6,)]
    assert rows(road.scene.store, "SELECT count(*) FROM outbox") == [(6,)]
    assert rows(road.scene.store, "SELECT count(*) FROM repeats") == [(3 * 6 * 7 - 6,)]
    await road.start_again()
    await road.settled()
    each_once(road, people)


# -- effectively once out


async def test_three_relays_and_three_workers_do_everything_once(road: Road) -> None:
    published: Counter[str] = Counter()
    people, raws = some_results(road.scene, 120)
    stores = [road.scene.store, road.store()]
    door = road.intake(stores[1])
    await road.take(*raws[:60], intake=door)
    road.start_relays(3 if road.several_relays else 1, wrap=counting(published), stores=stores)
    road.start_workers(3, stores=stores)
    await road.take(*raws[60:], intake=door)
    await road.settled()
    each_once(road, people)
    events = rows(road.scene.store, "SELECT event_id FROM outbox")
    assert {event: published[event] for (event,) in events} == {event: 1 for (event,) in events}


async def test_several_relays_of_one_store_lose_nothing_and_do_nothing_twice(road: Road) -> None:
    """Embedded there is one relay. Were there more, the consumers would still know an event by its id."""
    people, raws = some_results(road.scene, 60)
    stores = [road.scene.store, road.store()]
    road.start_relays(3, stores=stores)
    road.start_workers(3, stores=stores)
    for first in range(0, 60, 10):
        await road.take(*raws[first : first + 10], intake=road.intake(stores[0]))
    await road.settled()
    each_once(road, people)


async def test_what_is_delivered_four_times_to_three_workers_is_done_once(road: Road) -> None:
    people, raws = some_results(road.scene, 40)
    stores = [road.scene.store, road.store()]
    road.start_relays(1, wrap=repeating(4))
    road.start_workers(3, stores=stores)
    await road.take(*raws)
    await road.settled()
    each_once(road, people)


async def test_what_the_conveyor_does_not_take_goes_again(road: Road) -> None:
    refused: Counter[str] = Counter()
    people, raws = some_results(road.scene, 20)
    road.start_relays(1, wrap=refusing(refused, times=2))
    road.start_workers()
    await road.take(*raws)
    for _ in range(5):
        await asyncio.sleep(0.1)
        road.look_again()
    await road.settled()
    assert set(refused.values()) == {2}
    each_once(road, people)


def refusing(refused: Counter[str], *, times: int) -> Callable[[Any], Watched]:
    """Takes each event only when it is handed over once more than so often."""

    class Refusing(Watched):
        async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
            takes = [refused[envelope.event_id] >= times for envelope in envelopes]
            taken = [envelope for envelope, is_taken in zip(envelopes, takes, strict=True) if is_taken]
            refused.update(
                envelope.event_id for envelope, is_taken in zip(envelopes, takes, strict=True) if not is_taken
            )
            sure = iter(await self.inner.publish(taken))
            return [is_taken and next(sure) for is_taken in takes]

    return Refusing


async def test_a_finished_event_that_comes_again_changes_nothing(road: Road) -> None:
    _people, raws = some_results(road.scene, 5)
    await road.start_again()
    await road.take(*raws)
    await road.settled()
    before = outcome(road.scene.store)
    envelopes = [envelope for raw in raws for envelope in road.scene.envelopes_of(raw)]
    acknowledged: list[str] = []
    road.start_workers(2, wrap=telling(acknowledged))
    await road.conveyor().publish([envelope for envelope in envelopes for _ in range(3)])
    reported_ones = [envelope for envelope in envelopes if envelope.type == "ResultReported"]
    await asyncio.sleep(0.3)
    assert road.backlog() == {"unconfirmed": 0, "unfinished": 0}
    assert len(reported_ones) == 5
    assert outcome(road.scene.store) == before


def telling(acknowledged: list[str]) -> Callable[[Any], Watched]:
    """Keeps the ids of what was acknowledged."""

    class Telling(Watched):
        async def deliveries(self, consumer: str) -> AsyncIterator[Any]:
            async for delivery in self.inner.deliveries(consumer):
                acknowledged.append(delivery.envelope.event_id)
                yield delivery

    return Telling


def outcome(store: SqlStore) -> dict[str, list[Any]]:
    """All that handling may change, past what tells of the time and the order."""
    queries = {
        "results": "SELECT result_id, state FROM results",
        "matches": "SELECT result_id, participant_id, how FROM matches WHERE undone_at IS NULL",
        "tasks": "SELECT result_id, reason FROM tasks WHERE state <> 'closed'",
        "letters": "SELECT participant_id, result_id, code, state FROM letters WHERE state IN ('wished', 'waiting')",
        "records": "SELECT participant_id, recall_type, next_test_due_on FROM records",
    }
    return {name: sorted(tuple(map(str, row)) for row in rows(store, query)) for name, query in queries.items()}


# -- no order assumed


async def test_shuffled_deliveries_give_the_same_records(road: Road, one_after_another: Sequential) -> None:
    random = Random(SEED)
    people = [road.scene.person() for _ in range(12)]
    histories = [a_history(road.scene) for _ in people]
    raws = [
        road.scene.message(person, result) for person, told in zip(people, histories, strict=True) for result in told
    ]
    road.start_relays(1, wrap=shuffling(random))
    road.start_workers(3)
    await road.take(*random.sample(raws, len(raws)))
    await road.settled()
    assert outcome(road.scene.store) == await one_after_another(people, *raws)


def a_history(scene: Scene) -> list[TestResult]:
    """A corrected slide and two others, with a question among them."""
    first, second = scene.result("XUR", NOW.date() - timedelta(days=120)), scene.result("X0A")
    return [first, corrected(first, "X0A"), second, corrected(second, "39S")]


def shuffling(random: Random) -> Callable[[Any], Watched]:
    class Shuffling(Watched):
        async def publish(self, envelopes: Any) -> list[bool]:
            order = random.sample(range(len(envelopes)), len(envelopes))
            sure = await self.inner.publish([envelopes[place] for place in order])
            found = dict(zip(order, sure, strict=True))
            return [found[place] for place in range(len(envelopes))]

    return Shuffling


Sequential = Callable[..., Awaitable[dict[str, list[Any]]]]


@pytest.fixture
def one_after_another(migrated_file: Path) -> Sequential:
    """What a fresh store holds after the same messages, each settled before the next is sent. A function among the
    messages is something else that is done there then."""

    async def told(people: Sequence[Participant], *steps: bytes | Callable[[Scene], None]) -> dict[str, list[Any]]:
        with quick_directory() as directory:
            shutil.copy(migrated_file, directory)
            store = open_store(directory)
            try:
                return await _told(Scene(store), people, steps)
            finally:
                await store.close()

    return told


async def _told(scene: Scene, people: Sequence[Participant], steps: Sequence[Any]) -> dict[str, list[Any]]:
    scene.import_people(*people)
    for step in steps:
        if callable(step):
            step(scene)
        else:
            await scene.send(step)
        await scene.settle()
    await scene.stop_worker()
    return outcome(scene.store)


# -- crashes


@pytest.mark.parametrize("moment", [before_publishing, after_publishing])
async def test_a_relay_that_dies_around_the_handing_over_loses_nothing(road: Road, moment: Any) -> None:
    """Between claim and publish, and between publish and confirm."""
    people, raws = some_results(road.scene, 10)
    halt = Halt()
    road.start_relays(1, wrap=moment(halt))
    road.start_workers()
    await road.take(*raws)
    await halt.reached()
    await road.crash()
    assert road.backlog()["unconfirmed"] >= 10
    await road.start_again()
    await road.settled()
    each_once(road, people)


async def test_a_worker_that_dies_before_it_acknowledges_has_done_it_all_the_same(road: Road) -> None:
    people, raws = some_results(road.scene, 10)
    halt = Halt()
    road.start_relays()
    road.start_workers(1, wrap=before_acknowledging(halt, after=4))
    await road.take(*raws)
    await halt.reached()
    await road.crash()
    await road.start_again()
    await road.settled()
    each_once(road, people)


async def test_killed_again_and_again_at_any_moment_it_finishes(road: Road) -> None:
    random = Random(SEED)
    people, raws = some_results(road.scene, 60)
    for first in range(0, 60, 10):
        await road.start_again()
        sending = asyncio.create_task(road.take(*raws[first : first + 10]))
        await asyncio.sleep(random.uniform(0, 0.08))
        await road.crash()
        assert [answer.code for answer in await sending] == ["AA"] * 10  # the door outlives them here
    await road.start_again()
    await road.settled()
    each_once(road, people)


@servers
async def test_a_relay_that_is_gone_keeps_nothing_from_the_others(real: Real) -> None:
    """What one has claimed the others pass over; when it dies, it is theirs."""
    people, raws = some_results(real.scene, 10)
    halt = Halt()
    await real.take(*raws)
    real.start_relays(1, wrap=before_publishing(halt))
    await halt.reached()
    other = real.store()
    assert await other.write(lambda tx: tx.events.claim(0, 100)) == []
    await real.crash()
    assert len(await other.write(lambda tx: tx.events.claim(0, 100))) == 10
    await real.start_again()
    await real.settled()
    each_once(real, people)


# -- the conveyor forgets


async def test_exactly_what_was_unfinished_goes_again_and_is_finished(road: Road) -> None:
    people, raws = some_results(road.scene, 20)
    await road.start_again()
    await road.take(*raws[:8])
    await road.settled()
    await road.stop()
    road.start_relays()
    await road.take(*raws[8:])
    await road.until(lambda: road.backlog()["unconfirmed"] == 0)
    await road.crash()
    await road.forget()
    assert await refill(road.scene.store, FOREVER) == 12
    published: Counter[str] = Counter()
    road.start_relays(1, wrap=counting(published))
    road.start_workers(2)
    await road.settled()
    lost = [envelope.event_id for raw in raws[8:] for envelope in road.scene.envelopes_of(raw)[:1]]
    assert {event: published[event] for event in lost} == dict.fromkeys(lost, 1)
    finished = [envelope.event_id for raw in raws[:8] for envelope in road.scene.envelopes_of(raw)]
    assert [event for event in finished if published[event]] == []
    each_once(road, people)


async def test_a_refill_while_nothing_is_lost_does_nothing_twice(road: Road) -> None:
    people, raws = some_results(road.scene, 30)
    road.start_relays()
    await road.take(*raws)
    await road.until(lambda: road.backlog()["unconfirmed"] == 0)
    road.start_workers(2)
    for _ in range(5):
        await refill(road.scene.store, road.scene.now)
    await road.settled()
    each_once(road, people)


async def test_a_long_backlog_is_left_alone_and_what_is_lost_of_it_is_not(road: Road) -> None:
    limit = timedelta(seconds=60)
    people, raws = some_results(road.scene, 15)
    conveyor = road.conveyor()
    road.start_relays()
    await road.take(*raws)
    await road.until(lambda: road.backlog()["unconfirmed"] == 0)
    await road.stop()
    assert await look(road, conveyor, limit) == 0, "it is not old yet"
    road.scene.now += 2 * limit
    await depth_is(conveyor, 15)
    assert await look(road, conveyor, limit) == 0, "all of it is still there"
    await conveyor.close()
    await road.crash()
    await road.forget()
    assert await look(road, road.conveyor(), limit) == 15
    await road.start_again()
    await road.settled()
    each_once(road, people)


async def look(road: Road, conveyor: Conveyor, limit: timedelta) -> int:
    return await refill_if_lost(road.scene.store, conveyor, lambda: road.scene.now, limit)


async def depth_is(conveyor: Conveyor, wanted: int) -> None:
    """RabbitMQ counts a moment later than it confirms."""
    for _ in range(200):
        if max(depth.waiting for depth in (await conveyor.depths()).values() if depth.ours) == wanted:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"there are never {wanted}")


# -- at the same moment


async def test_two_versions_of_a_slide_at_once_end_as_one_after_the_other(
    road: Road, one_after_another: Sequential
) -> None:
    random = Random(SEED)
    people = [road.scene.person() for _ in range(40)]
    pairs = [a_pair(road.scene, person, place) for place, person in enumerate(people)]
    raws = [raw for pair in pairs for raw in random.sample(pair, 2)]
    stores = [road.scene.store, road.store()]
    await road.take(*raws)
    road.start_relays(1, wrap=shuffling(random))
    road.start_workers(4, stores=stores)
    await road.settled()
    assert outcome(road.scene.store) == await one_after_another(people, *(raw for pair in pairs for raw in pair))


def a_pair(scene: Scene, person: Participant, place: int) -> list[bytes]:
    """A slide and its correction; every third time the claim fits nobody with certainty."""
    result = scene.result("X0A")
    claim = misspelt(person) if place % 3 == 0 else person
    return [scene.message(claim, result), scene.message(claim, corrected(result, "39S"))]


async def test_two_first_reports_of_a_slide_at_once_are_one_result_and_one_question(road: Road) -> None:
    people = [road.scene.person() for _ in range(20)]
    raws = []
    for person in people:
        first = road.scene.result("X0A")
        raws += [road.scene.message(person, first), road.scene.message(person, replace(first, sender_code="Z99002"))]
    road.start_relays()
    road.start_workers(4, stores=[road.scene.store, road.store()])
    await road.take(*raws)
    await road.settled()
    assert road.scene.read(lambda tx: tx.counts.results()) == {"recorded": 20, "waiting": 20}
    assert [task.reason for task in road.scene.open_tasks()] == ["duplicate-slide"] * 20
    assert [road.scene.codes_of(person) for person in people] == [["X0A"]] * 20


async def test_two_reports_of_a_slide_in_one_commit_are_one_result_and_one_question(road: Road) -> None:
    """The store may put the work of several workers into one transaction."""
    person, first = road.scene.person(), road.scene.result("X0A")
    raws = [road.scene.message(person, each) for each in (first, replace(first, sender_code="Z99002"))]
    await road.take(*raws)
    in_one_commit(road, raws)
    assert road.scene.read(lambda tx: tx.counts.results()) == {"recorded": 1, "waiting": 1}
    assert [task.reason for task in road.scene.open_tasks()] == ["duplicate-slide"]


def in_one_commit(road: Road, raws: list[bytes]) -> None:
    jobs = [Job(envelope) for raw in raws for envelope in road.scene.envelopes_of(raw)]
    worker = Worker(road.scene.store, road.conveyor(), road.context, RECORDS, lambda: None)
    road.scene.store.write_now(lambda tx: [worker.work_off(tx, [job]) for job in jobs])


async def test_whatever_shares_a_commit_is_done_one_after_the_other(road: Road, one_after_another: Sequential) -> None:
    people = [road.scene.person() for _ in range(6)]
    raws = [road.scene.message(person, told) for person in people for told in a_history(road.scene)]
    raws += [raw for place, person in enumerate(people) for raw in a_pair(road.scene, person, place)]
    raws = Random(SEED).sample(raws, len(raws))
    await road.take(*raws)
    in_one_commit(road, raws)
    assert outcome(road.scene.store) == await one_after_another(people, *raws)


async def test_two_results_of_one_person_at_once_end_as_one_after_the_other(
    road: Road, one_after_another: Sequential
) -> None:
    random = Random(SEED)
    people = [road.scene.person() for _ in range(10)]
    raws = [
        road.scene.message(person, road.scene.result(codes, NOW.date() - timedelta(days=days)))
        for person in people
        for codes, days in (("X0A", 2000), ("29R", 400), ("XUR", 200), ("X0A", 20))
    ]
    await road.take(*raws)
    road.start_relays(1, wrap=shuffling(random))
    road.start_workers(4, stores=[road.scene.store, road.store()])
    await road.settled()
    assert outcome(road.scene.store) == await one_after_another(people, *raws)


async def test_a_clerk_and_a_correction_at_once_are_one_after_the_other(
    road: Road, one_after_another: Sequential
) -> None:
    people = [road.scene.person() for _ in range(12)]
    slides = [road.scene.result("X0A") for _ in people]
    firsts = [road.scene.message(misspelt(person), slide) for person, slide in zip(people, slides, strict=True)]
    seconds = [
        road.scene.message(person, corrected(slide, "39S")) for person, slide in zip(people, slides, strict=True)
    ]
    road.start_relays()
    road.start_workers(3, stores=[road.scene.store, road.store()])
    await road.take(*firsts)
    await road.settled()
    deciding = [asyncio.to_thread(decide, road.scene, raw, person) for raw, person in zip(firsts, people, strict=True)]
    await asyncio.gather(road.take(*seconds), *deciding)
    await road.settled()

    def clerk(scene: Scene) -> None:
        for raw, person in zip(firsts, people, strict=True):
            decide(scene, raw, person)

    orders = [
        await one_after_another(people, *firsts, clerk, *seconds),
        await one_after_another(people, *firsts, *seconds, clerk),
    ]
    ended = outcome(road.scene.store)
    for person, *messages in zip(people, firsts, seconds, strict=True):
        assert about(ended, person, messages) in [about(order, person, messages) for order in orders]


def decide(scene: Scene, raw: bytes, person: Participant) -> None:
    """A clerk at work: what the store cannot do just now she tries again, and takes no for an answer."""
    (task, *_) = scene.tasks_of(result_id_of(raw))
    while True:
        try:
            scene.step(
                lambda step: clerks.match(step, task.task_id, person.participant_id, by=CLERK, why=WHY),
            )
            return
        except clerks.Refused:
            return
        except Retry:
            continue


def about(ended: dict[str, list[Any]], person: Participant, messages: list[bytes]) -> list[Any]:
    """The part of an outcome that tells of one person and her messages."""
    named = {person.participant_id, *map(result_id_of, messages)}
    return [row for found in ended.values() for row in found if row[0] in named]


async def test_a_name_of_any_length_stops_nobody(road: Road) -> None:
    """However long a sender writes it: longer than an entry of an index may be, and of letters that stay so long."""
    noise = "".join(Random(SEED).choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=9_000))
    stranger = replace(road.scene.stranger(), family_name=noise, given_names=(noise,), postcode=noise)
    person = road.scene.person()
    raws = [road.scene.message(someone, road.scene.result()) for someone in (stranger, person)]
    await road.start_again()
    await road.take(*raws)
    await road.until(lambda: road.scene.codes_of(person) == ["X0A"])
    await road.settled(5)
    assert len(road.scene.open_tasks()) == 1


async def test_people_who_come_into_the_cohort_while_their_results_do_are_all_found(road: Road) -> None:
    strangers = [road.scene.stranger() for _ in range(45)]
    raws = [road.scene.message(person, road.scene.result()) for person in strangers]
    road.start_relays()
    road.start_workers(3, stores=[road.scene.store, road.store()])
    importing = asyncio.create_task(asyncio.to_thread(import_in_pieces, road.store(), strangers))
    for first in range(0, 45, 5):
        await road.take(*raws[first : first + 5])
    await importing
    await road.settled()
    assert road.scene.open_tasks() == []
    assert road.scene.read(lambda tx: tx.counts.results()) == {"recorded": 45}
    assert [road.scene.codes_of(person) for person in strangers] == [["X0A"]] * 45


def import_in_pieces(store: SqlStore, people: list[Participant]) -> None:
    for first in range(0, len(people), 5):
        put = partial(_put_people, people[first : first + 5], first)
        while True:
            try:
                store.write_now(put)
                break
            except Retry:
                continue


def _put_people(people: list[Participant], number: int, tx: Transaction) -> None:
    take_people(Step(tx, POLICIES, NOW, f"import {number}"), people)


# -- the clock


async def test_a_clock_that_jumps_to_and_fro_changes_nothing(road: Road, one_after_another: Sequential) -> None:
    random = Random(SEED)
    people = [road.scene.person() for _ in range(10)]
    raws = [road.scene.message(person, told) for person in people for told in a_history(road.scene)]
    road.clock = lambda: NOW + timedelta(seconds=random.uniform(-7000, 7000))
    road.start_relays(1)
    road.start_workers(3)
    await road.take(*raws)
    await road.settled()
    assert outcome(road.scene.store) == await one_after_another(people, *raws)


async def test_a_clock_put_back_before_a_crash_keeps_nothing_from_going_again(road: Road) -> None:
    people, raws = some_results(road.scene, 6)
    road.start_relays()
    await road.take(*raws)
    await road.until(lambda: road.backlog()["unconfirmed"] == 0)
    await road.crash()
    road.scene.now -= timedelta(hours=1)
    await road.start_again()
    await road.settled(10)
    each_once(road, people)


async def test_what_was_lost_is_noticed_although_the_clock_was_put_back(road: Road) -> None:
    people, raws = some_results(road.scene, 6)
    road.start_relays()
    await road.take(*raws)
    await road.until(lambda: road.backlog()["unconfirmed"] == 0)
    await road.crash()
    await road.forget()
    road.scene.now -= timedelta(hours=1)
    assert await look(road, road.conveyor(), timedelta(seconds=60)) == 6
    await road.start_again()
    await road.settled()
    each_once(road, people)


async def test_of_two_schedules_one_does_each_turn(road: Road) -> None:
    done: list[datetime] = []

    async def work() -> None:
        done.append(road.scene.now)
        await asyncio.sleep(0)

    duty = Duty("a duty of the tests", timedelta(seconds=60), work)
    stores = [road.scene.store, road.store(), road.store()]
    schedules = [Schedule(store, [duty], lambda: road.scene.now) for store in stores]
    turns = [0, 30, 59, 60, 61, 125, 184, 185, -3600, -3599, -3540, -3480, 100_000]
    for seconds in turns:
        road.scene.now = NOW + timedelta(seconds=seconds)
        await asyncio.gather(*(each.look_after(duty) for each in schedules for _ in range(2)))
    assert [(at - NOW).total_seconds() for at in done] == [0, 60, 125, 185, -3600, -3540, -3480, 100_000]


async def test_a_running_schedule_goes_on_after_a_turn_that_failed(road: Road, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "LOOK_SECONDS", 0.01)
    done: list[None] = []

    async def work() -> None:
        done.append(None)
        raise Retry(Reason.BROKER_AWAY)

    duty = Duty("fails", timedelta(seconds=60), work)
    road.start(Schedule(road.scene.store, [duty], lambda: road.scene.now).run())
    await road.until(lambda: len(done) == 1)
    road.scene.now += timedelta(seconds=61)
    await road.until(lambda: len(done) == 2)


# -- dead letters


async def test_what_our_workers_fail_on_is_a_dead_letter_and_heals_when_it_is_tried_again(
    road: Road, monkeypatch: pytest.MonkeyPatch
) -> None:
    person, result = road.scene.person(), road.scene.result()
    raw = road.scene.message(person, result)
    await road.start_again()
    with monkeypatch.context() as patch:
        patch.setattr("hub.flow.handlers.settle", failing_for(result.slide_number))
        await road.take(raw)
        await road.settled()
    (task,) = road.scene.open_tasks()
    (letter,) = dead_letters(road)
    assert (task.reason, letter.consumer, letter.subject, letter.body) == (
        "our-fault", RECORDS, result_id_of(raw), None,
    )  # fmt: skip
    await tried_again(road, letter)
    assert road.scene.open_tasks() == []
    each_once(road, [person])


def dead_letters(road: Road) -> list[DeadLetter]:
    return road.scene.read(lambda tx: tx.dead.page(100))


async def tried_again(road: Road, letter: DeadLetter) -> None:
    await road.scene.store.write(lambda tx: dead.retry(tx, letter))
    assert dead_letters(road) == []
    await road.settled()
    assert dead_letters(road) == []


def failing_for(slide_number: str) -> Any:
    """Our own `settle` with a fault for one slide."""
    real = settling.settle

    def settle(step: Any, row: Any) -> None:
        if reported(row).result.slide_number == slide_number:
            raise ZeroDivisionError
        real(step, row)

    return settle


@servers
async def test_what_a_stranger_put_into_our_queue_is_kept_with_its_bytes(real: Real) -> None:
    people, raws = some_results(real.scene, 3)
    await real.start_again()
    real.start_burying()
    await real.take(*raws)
    await real.settled()
    await real.publish_as_stranger(queue_of(RECORDS), aio_pika.Message(b"\0poison\xff", headers={"a": 1}))
    await real.until(lambda: len(dead_letters(real)) == 1)
    (letter,) = dead_letters(real)
    assert (letter.body, letter.consumer) == (b"\0poison\xff", queue_of(RECORDS))
    assert letter.event_id == hashlib.sha256(b"\0poison\xff").hexdigest()
    each_once(real, people)


@servers
async def test_an_event_that_is_not_in_our_outbox_stops_nobody(real: Real) -> None:
    """The database was restored from a copy, the broker was not; or somebody writes as we do."""
    await real.start_again()
    real.start_burying()
    people, raws = some_results(real.scene, 2)
    await real.take(*raws[:1])
    await real.settled()
    known = real.scene.envelopes_of(raws[0])[0]
    strange = [
        replace(known, event_id="one that we do not know", digest="0" * 64),
        replace(known, event_id="another", data=b"{}"),
        replace(known, event_id="an id that no column holds " * 9, data=b"[]"),
        replace(known, event_id="with\0NUL", data=b""),
    ]
    for event in strange:
        message = aio_pika.Message(event.data, headers=dict(headers_of(event)), content_type="application/json")
        await real.publish_as_stranger(queue_of(RECORDS), message)
    await real.until(lambda: len(dead_letters(real)) == 4, 20)
    await real.take(*raws[1:])
    await real.settled()
    assert {letter.body for letter in dead_letters(real)} == {event.data for event in strange}
    each_once_but(real, people, taken=2)


def each_once_but(road: Road, people: list[Participant], *, taken: int) -> None:
    """Everybody has her result, beside so many events that were seen and were none of ours."""
    assert [road.scene.codes_of(person) for person in people] == [["X0A"]] * len(people)
    assert rows(road.scene.store, "SELECT count(*) FROM inbox") == [(len(people) + taken,)]


@servers
async def test_an_event_that_kills_whoever_takes_it_is_buried_and_parked(real: Real) -> None:
    people, raws = some_results(real.scene, 2)
    real.start_relays()
    await real.take(*raws[:1])
    await real.until(lambda: real.backlog()["unconfirmed"] == 0)
    assert await given_up(real) >= TRIES
    real.start_burying()
    await real.until(lambda: len(dead_letters(real)) == 1)
    (task,) = real.scene.open_tasks()
    (letter,) = dead_letters(real)
    assert (task.reason, letter.subject, letter.body) == ("our-fault", result_id_of(raws[0]), None)
    real.start_workers()
    await real.take(*raws[1:])
    await real.settled()
    await tried_again(real, letter)
    assert real.scene.open_tasks() == []
    each_once(real, people)


async def given_up(real: Real) -> int:
    """Take what waits and die with it, again and again, until the queue gives it up; how often that was."""
    async with await aio_pika.connect(real.amqp_url) as connection:
        queue = await (await connection.channel()).get_queue(queue_of(RECORDS))
        for times in range(3 * TRIES):
            message = await queue.get(fail=False)
            if message is None:
                return times
            await message.reject(requeue=True)
            await asyncio.sleep(0.005)
    raise AssertionError("the queue never gives up")
