"""`hub relay` and `hub dead`: what an operator sees of the way of events, and does about it. And how much memory the
hub needs for a backlog of any length."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
import tracemalloc
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from hub.__main__ import main
from hub.contract import Envelope
from hub.flow.consumers import RECORDS
from hub.flow.dead import stranger
from hub.flow.ports.events import FOREVER, DeadLetter, Delivery
from hub.flow.refill import refill
from hub.flow.relay import BATCH, Relay
from hub.io.store import SqlStore, connect_store, open_store
from tests.flow.conftest import empty, quick_directory
from tests.flow.scene import NOW
from tests.flow.test_relay_and_worker import failing_for
from tests.journeys.driving import Finished, Inside, is_one_sentence
from tests.promises.road import Embedded, Watched

BACKLOG = 100_000 if os.environ.get("HUB_TEST_ALL") else 20_000
MEBIBYTE = 1024 * 1024


@pytest.fixture
def data(empty_file: Path) -> Iterator[Path]:
    """The directory of a store without rows."""
    with quick_directory() as directory:
        (directory / "hub.sqlite").write_bytes(empty_file.read_bytes())
        yield directory


@pytest.fixture
async def road(data: Path) -> AsyncIterator[Embedded]:
    road = Embedded(data)
    yield road
    await road.close()


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], data: Path) -> Inside:
    """The command line in this process, on that store."""

    def ask(*words: object) -> Finished:
        said = (*map(str, words), "--data", str(data))
        code = main(list(said))
        out, err = capfd.readouterr()
        return Finished(said, code, out.encode(), err.encode())

    return ask


async def confirmed(road: Embedded, number: int) -> list[bytes]:
    """So many results that the conveyor holds and nobody has handled."""
    raws = [road.scene.message(road.scene.person(), road.scene.result()) for _ in range(number)]
    await road.take(*raws)
    road.start_relays()
    await road.until(lambda: road.backlog()["unconfirmed"] == 0)
    await road.crash()
    return raws


# -- hub relay


async def test_the_status_tells_what_waits_and_since_when(road: Embedded, ask: Inside) -> None:
    nothing = await asyncio.to_thread(ask, "relay", "status", "--json")
    assert json.loads(nothing.said) == {
        "waiting_for_the_broker": 0, "oldest_of_them": None,
        "unfinished": 0, "oldest_unfinished": None, "dead_letters": 0,
    }  # fmt: skip
    await confirmed(road, 2)
    road.scene.now += timedelta(hours=1)
    await road.take(road.scene.message(road.scene.person(), road.scene.result()))
    told = json.loads((await asyncio.to_thread(ask, "relay", "status", "--json")).said)
    assert told == {
        "waiting_for_the_broker": 1, "oldest_of_them": (NOW + timedelta(hours=1)).isoformat(),
        "unfinished": 3, "oldest_unfinished": NOW.isoformat(), "dead_letters": 0,
    }  # fmt: skip
    plain = await asyncio.to_thread(ask, "relay", "status")
    assert (plain.code, plain.complained) == (0, "")
    words = dict(line.rsplit(maxsplit=1) for line in plain.said.splitlines())
    assert (words["waiting for the broker"], words["unfinished"], words["dead letters"]) == ("1", "3", "0")


async def test_a_refill_lets_the_unfinished_go_again_and_says_how_many(road: Embedded, ask: Inside) -> None:
    await confirmed(road, 3)
    done = await asyncio.to_thread(ask, "relay", "refill")
    assert done.code == 0
    assert done.said.startswith("3 events go again.")
    assert "`hub relay status`" in done.said
    again = await asyncio.to_thread(ask, "relay", "refill", "--json")
    assert json.loads(again.said) == {"let_go_again": 0}, "they have not been confirmed since"
    assert road.backlog() == {"unconfirmed": 3, "unfinished": 3}
    road.start_relays()
    road.start_workers()
    await road.settled()
    assert road.scene.read(lambda tx: tx.counts.results()) == {"recorded": 3}


# -- hub dead


async def test_a_dead_letter_is_listed_and_tried_again(
    road: Embedded, ask: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [road.scene.person() for _ in range(2)]
    results = [road.scene.result() for _ in people]
    raws = [road.scene.message(person, result) for person, result in zip(people, results, strict=True)]
    road.start_relays()
    road.start_workers()
    for raw, result in zip(raws, results, strict=True):
        with monkeypatch.context() as patch:
            patch.setattr("hub.flow.handlers.settle", failing_for(result.slide_number, ZeroDivisionError("secret")))
            await road.take(raw)
            await road.settled()
    listed = json.loads((await asyncio.to_thread(ask, "dead", "list", "--json")).said)
    assert [(row["consumer"], row["type"], row["can_be_retried"]) for row in listed] == [
        (RECORDS, "ResultReported", True)
    ] * 2
    events = [road.scene.envelopes_of(raw)[0] for raw in raws]
    assert {row["event"]: row["subject"] for row in listed} == {event.event_id: event.subject for event in events}
    plain = (await asyncio.to_thread(ask, "dead", "list")).said
    assert events[0].event_id[:8] in plain
    assert "hub dead retry EVENT (or --all)" in plain
    assert "secret" not in plain
    one = await asyncio.to_thread(ask, "dead", "retry", events[0].event_id[:8], "--json")
    assert json.loads(one.said) == {"retried": [events[0].event_id]}
    await road.settled()
    assert [road.scene.codes_of(person) for person in people] == [["X0A"], []]
    rest = await asyncio.to_thread(ask, "dead", "retry", "--all")
    assert rest.said.startswith("1 go again.")
    await road.settled()
    assert [road.scene.codes_of(person) for person in people] == [["X0A"], ["X0A"]]
    assert (await asyncio.to_thread(ask, "dead", "list")).said == "There are no dead letters.\n"


BODY = b"\0no event\xff"


@pytest.fixture
def letters(data: Path) -> list[str]:
    """An event of the hub, two whose ids begin alike, and what a stranger wrote."""
    store = open_store(data)
    own = [DeadLetter(name, RECORDS, "ResultReported", "r1", "failed", NOW) for name in ("aaaa-1", "abab-1", "abab-2")]
    strange = stranger("screening.records", BODY, "rejected", NOW)
    for letter in (*own, strange):
        store.write_now(lambda tx, each=letter: tx.dead.put(each))
    store.close_now()
    return [letter.event_id for letter in (*own, strange)]


def test_what_a_stranger_wrote_is_shown_and_dropped(ask: Inside, letters: list[str], tmp_path: Path) -> None:
    name = letters[-1]
    assert name == hashlib.sha256(BODY).hexdigest()
    shown = ask("dead", "show", name[:8], "--out", tmp_path / "body")
    assert shown.said == f"{len(BODY)} bytes written.\n"
    assert (tmp_path / "body").read_bytes() == BODY
    assert ask("dead", "drop", name[:8]).said == "Forgotten.\n"
    assert name not in [row["event"] for row in json.loads(ask("dead", "list", "--json").said)]


def test_a_list_is_as_long_as_asked_for(ask: Inside, letters: list[str]) -> None:
    assert len(json.loads(ask("dead", "list", "--limit", 2, "--json").said)) == 2
    assert len(json.loads(ask("dead", "list", "--json").said)) == len(letters)


def test_what_cannot_be_done_is_said_with_what_to_do(ask: Inside, letters: list[str], tmp_path: Path) -> None:
    strange = letters[-1][:8]
    calls: dict[Sequence[object], str] = {
        ("dead", "retry"): "Name one event, or say --all.",
        ("dead", "retry", "aaaa", "--all"): "Name one event, or say --all.",
        ("dead", "retry", "ffff"): "No dead letter begins with 'ffff'.",
        ("dead", "retry", "abab"): "Several dead letters begin with 'abab': type more of it.",
        ("dead", "retry", "%"): "No dead letter begins with '%'.",
        ("dead", "retry", strange): "`hub dead drop`",
        ("dead", "drop", "aaaa"): "`hub dead retry`",
        ("dead", "drop", "abab"): "Several dead letters",
        ("dead", "show", "aaaa", "--out", tmp_path / "x"): "`hub trace r1`",
        ("dead", "show", strange, "--out", tmp_path / "no" / "directory"): "cannot be written",
    }
    for words, sentence in calls.items():
        done = ask(*words)
        assert is_one_sentence(done), (words, done.said, done.complained)
        assert sentence in done.complained, words
    assert len(json.loads(ask("dead", "list", "--json").said)) == len(letters)
    assert not (tmp_path / "x").exists()


def test_retrying_all_leaves_what_is_no_event(ask: Inside, letters: list[str]) -> None:
    assert ask("dead", "retry", "--all").said.startswith("3 go again.")
    (left,) = json.loads(ask("dead", "list", "--json").said)
    assert (left["event"], left["can_be_retried"]) == (letters[-1], False)
    assert ask("dead", "retry", "--all").said.startswith("0 go again.")


# -- a backlog of any length


class Swallowing(Watched):
    """Confirms everything and keeps nothing, but how much came at once."""

    def __init__(self) -> None:
        self.count = self.largest = 0

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        self.count += len(envelopes)
        self.largest = max(self.largest, len(envelopes))
        return [True] * len(envelopes)

    def deliveries(self, consumer: str) -> AsyncIterator[Delivery]:
        raise AssertionError("nothing is consumed here")


_INSERT = (
    "INSERT INTO outbox (event_id, type, subject, feed, digest, position, supersedes, traceparent, occurred_at, data, "
    "confirmed_at, finished_at) "
)
_OF_SQLITE = _INSERT + (
    "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < :count) "
    "SELECT 'e' || n, 'ResultReported', 'r' || n, 'northmoor', 'd', '1.1', '', '', :at, zeroblob(1000), :at, NULL "
    "FROM n"
)
_OF_POSTGRES = _INSERT + (
    "SELECT 'e' || n, 'ResultReported', 'r' || n, 'northmoor', 'd', '1.1', '', '', now(), "
    "decode(repeat('00', 1000), 'hex'), now(), NULL FROM generate_series(1, %s) n"
)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.servers)])
def crowded(request: pytest.FixtureRequest) -> Iterator[SqlStore]:
    """A store of BACKLOG events that were confirmed long ago and that nobody has finished, a kilobyte each."""
    if request.param == "sqlite":
        directory = request.getfixturevalue("data")
        at = (NOW - timedelta(days=1)).isoformat(timespec="microseconds")
        with closing(sqlite3.connect(directory / "hub.sqlite")) as connection, connection:
            connection.execute(_OF_SQLITE, {"count": BACKLOG, "at": at})
        store = open_store(directory)
    else:
        url = request.getfixturevalue("emptied_database")
        empty(url)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_OF_POSTGRES, (BACKLOG,))
        store = connect_store(url)
    yield store
    store.close_now()


@contextmanager
def memory_below(mebibytes: float) -> Iterator[None]:
    tracemalloc.start(1)
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1] / MEBIBYTE
    finally:
        tracemalloc.stop()
    assert peak < mebibytes, f"{peak:.1f} MiB"


async def test_a_backlog_of_any_length_takes_little_memory(crowded: SqlStore) -> None:
    conveyor = Swallowing()
    relay = Relay(crowded, conveyor, lambda: NOW)
    pages: list[int] = []
    with memory_below(12):
        assert await refill(crowded, FOREVER, told=pages.append) == BACKLOG
        assert await relay.relay_once() == BACKLOG
    assert (conveyor.count, conveyor.largest) == (BACKLOG, BATCH)
    assert sum(pages) == BACKLOG
    assert max(pages) <= BATCH
    assert crowded.read_now(lambda tx: tx.events.backlog()) == {"unconfirmed": 0, "unfinished": BACKLOG}


async def test_the_measure_would_notice(crowded: SqlStore) -> None:
    await refill(crowded, FOREVER)
    with pytest.raises(AssertionError, match="MiB"), memory_below(12):
        crowded.write_now(lambda tx: tx.events.claim(0, BACKLOG))
