"""Events of PDS over SQS: received, stored, deleted, in this order. A real server (moto's), stores, processes."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic

import pytest
from aiohttp import web

from adapters.pds_events import read_events
from hub.app.doors import by_sqs
from hub.app.parts import parts_of
from hub.config import Settings
from hub.errors import CannotRun, Reason, Retry
from hub.flow.hearing import FEED, Hearing
from hub.io.sqs import QueueAway, SqsDoor, SqsQueue
from hub.io.store import SqlStore, open_store, sqlite
from tests.io.mesh_gate import Gate
from tests.journeys.driving import HubUp
from tests.servers.sqs import CREDENTIALS, SqsNode, TestQueue

NOW = datetime(2026, 6, 23, 9, 30, tzinfo=UTC)
NUMBERS = ("9990000018", "9990000026", "9990000034")


@pytest.fixture(scope="module")
def node() -> Iterator[SqsNode]:
    with SqsNode() as node:
        yield node


@pytest.fixture
def queue(node: SqsNode, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestQueue]:
    """Whoever has received a message and does not delete it has it for a second."""
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    queue = node.queue(f"hub-{abs(hash(request.node.name))}", VisibilityTimeout="1")
    yield queue
    queue.close()


@pytest.fixture
async def door(queue: TestQueue, store: SqlStore) -> AsyncIterator[SqsDoor]:
    async with opened(queue.url(), store) as door:
        yield door


@asynccontextmanager
async def opened(url: str, store: SqlStore) -> AsyncIterator[SqsDoor]:
    """A door, a process of its own as far as queue and store can see."""
    queue = SqsQueue(url, wait_seconds=0)
    yield SqsDoor(queue, Hearing(read_events, store, lambda: NOW))
    await queue.close()


def event(number: str, name: str = "e1", kind: str = "pds-record-change-2") -> str:
    return json.dumps({"specversion": "1.0", "id": name, "source": "s", "type": kind, "subject": number})


def enveloped(text: str) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:x:1:t", "Message": text})


def beyond(gate: Gate, queue: TestQueue) -> str:
    """The queue's URL for whoever stands before the gate."""
    return queue.url(int(gate.url.rpartition(":")[2]))


def asked(store: SqlStore) -> int:
    return store.read_now(lambda tx: tx.questions.backlog())["person"].waiting


def journal(store: SqlStore) -> list[tuple[str, str, str, int]]:
    entries = store.read_now(lambda tx: tx.journal.newest(100))
    return sorted((each.feed, each.arrival.door, each.state, each.repeats) for each in entries)


async def test_each_event_is_stored_is_a_question_and_is_gone(queue: TestQueue, store: SqlStore, door: SqsDoor) -> None:
    queue.send(event(NUMBERS[0]), event(NUMBERS[1], kind="pds-death-notification-2"), enveloped(event(NUMBERS[2])))
    assert await door.take_some() == 3
    assert (asked(store), queue.left()) == (3, 0)
    assert journal(store) == [(FEED, "sqs", "acknowledgement", 0)] * 3
    assert await door.take_some() == 0


async def test_what_is_no_event_is_kept_byte_for_byte_and_does_not_come_again(
    queue: TestQueue, store: SqlStore, door: SqsDoor
) -> None:
    unfit = "no event: \N{SNOWMAN}"
    queue.send(unfit, event("9990000019"), event(NUMBERS[0], kind="mns-test-signal-1"))
    assert await door.take_some() == 3
    assert (asked(store), queue.left()) == (0, 0)
    raws = [entry.raw for seq in (1, 2, 3) if (entry := store.read_now(lambda tx, seq=seq: tx.journal.entry(seq)))]
    assert unfit.encode() in raws
    notes = {note for entry in store.read_now(lambda tx: tx.journal.newest(9)) for note in entry.notes}
    assert {"unfit=1", "others=1"} <= notes


async def test_the_same_event_twice_is_stored_once(queue: TestQueue, store: SqlStore, door: SqsDoor) -> None:
    queue.send(event(NUMBERS[0]), event(NUMBERS[0]))
    assert await door.take_some() == 2
    assert (asked(store), journal(store)) == (1, [(FEED, "sqs", "acknowledgement", 1)])


async def test_a_store_that_cannot_write_is_given_nothing(
    queue: TestQueue, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the queue would set aside, by its own rule, what it gave too often for nothing."""
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "busy_timeout=20"))
    locked = open_store(data)
    queue.send(event(NUMBERS[0]))
    async with Gate(queue.port) as gate, opened(beyond(gate, queue), locked) as door:
        with closing(sqlite3.connect(data / "hub.sqlite", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            assert await door.take_some() == 0, "here it finds out"
            for _ in range(3):
                with pytest.raises(Retry, match="store-away"):
                    await door.take_some()
            assert len(gate.calls) == 1
        await until_taken(door)
    locked.close_now()


async def test_away_is_a_retry_that_names_no_address_and_the_door_comes_back_by_itself(
    queue: TestQueue, store: SqlStore
) -> None:
    down = True

    def answer(_: web.Request) -> web.StreamResponse | None:
        return web.Response(status=503) if down else None

    async with Gate(queue.port, answer) as gate, opened(beyond(gate, queue), store) as door:
        with pytest.raises(QueueAway) as away:
            await door.take_some()
        assert away.value.reason is Reason.EVENTS_AWAY
        assert "127.0.0.1" not in str(away.value)
        queue.send(event(NUMBERS[0]))
        running = asyncio.create_task(door.run())
        await until(lambda: len(gate.calls) > 1)
        down = False
        await until(lambda: asked(store) == 1)
        await until(lambda: queue.left() == 0)  # deleted once it is stored: not at the same moment
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_queue_that_is_not_there_and_a_server_that_is_not(queue: TestQueue, store: SqlStore) -> None:
    async with opened(f"{queue.url()}-of-nobody", store) as door:
        with pytest.raises(Retry, match=r"QueueDoesNotExist|NonExistentQueue"):
            await door.take_some()
    async with opened("http://127.0.0.1:1/123456789012/hub", store) as door:
        with pytest.raises(Retry, match="EndpointConnectionError"):
            await door.take_some()


def test_without_the_extra_it_says_what_to_install(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("hub.io.sqs")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "aiobotocore", None)
    monkeypatch.setitem(sys.modules, "aiobotocore.session", None)
    settings = Settings(data=data, pds_events_queue="https://sqs.eu-west-2.amazonaws.com/1/hub")
    parts = parts_of(settings, ("intake",), lambda: NOW)
    with pytest.raises(CannotRun, match=r"extra `sqs`.*requirements-sqs\.lock"):
        by_sqs(parts)
    parts.store.close_now()


async def test_killed_between_storing_and_deleting(queue: TestQueue, data: Path) -> None:
    """A hub by itself, killed when the journal has it and the queue does not know: it comes again, and is one."""
    queue.send(event(NUMBERS[0]))
    deletions: list[web.Request] = []

    def never(request: web.Request) -> web.StreamResponse | None:
        if "Delete" not in request.headers.get("X-Amz-Target", ""):
            return None
        deletions.append(request)
        return web.Response(status=504)

    async with Gate(queue.port, never) as gate:
        first = HubUp(data, settings=_settings(beyond(gate, queue)))
        await asyncio.to_thread(first.start)
        try:
            await until(lambda: deletions)
        finally:
            first.kill()
    assert queue.left() == 1
    again = open_store(data)
    async with opened(queue.url(), again) as door:
        await until_taken(door)
    assert queue.left() == 0
    assert journal(again) == [(FEED, "sqs", "acknowledgement", 1)]
    again.close_now()
    said = first.log.read_text()
    assert '"event": "pds_hinted"' in said
    assert not [word for word in (*CREDENTIALS.values(), NUMBERS[0]) if word in said]


async def until_taken(door: SqsDoor) -> None:
    """Whoever was killed has the message for a second more."""
    deadline = monotonic() + 20
    while not await door.take_some():
        assert monotonic() < deadline, "it does not come again"
        await asyncio.sleep(0.1)


def _settings(url: str) -> dict[str, str]:
    return {"HUB_PDS_EVENTS_QUEUE": url, "HUB_LOG": "debug", "HUB_LOG_FORMAT": "json", **CREDENTIALS}


async def until(true: Callable[[], object]) -> None:
    deadline = monotonic() + 20
    while not true():
        assert monotonic() < deadline, "it does not come about"
        await asyncio.sleep(0.02)
