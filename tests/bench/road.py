"""The embedded road end to end: durable answers and results on records, on one connection and on eight.

The sender waits for each answer before it sends the next, as laboratories do. Each figure is the median of three
fresh hubs. Beside them the raw material: SQLite commits, one by one, on the same disk in the same run.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from hub.domain.people import Participant
from hub.io.mllp import MllpClient
from hub.io.store import open_store
from tests.bench.a_hub import AHub, a_hub, cohort, reports

PEOPLE = 10_000
RUNS = 3


@dataclass(frozen=True, slots=True)
class Measured:
    """Answers a second, results on a record (or task) a second, the most memory held."""

    answers: float
    settled: float
    mebibytes: float


async def send_all(port: int, messages: list[bytes], connections: int) -> None:
    """Stop and wait on each connection; every answer must be AA."""

    async def laboratory(mine: list[bytes]) -> None:
        async with MllpClient("127.0.0.1", port) as client:
            for message in mine:
                reply = await client.send(message)
                assert b"MSA|AA|" in reply, reply[:200]

    await asyncio.gather(*(laboratory(messages[one::connections]) for one in range(connections)))


def _drained(hub: AHub) -> None:
    store = open_store(hub.data, create=False)
    try:
        while any(store.read_now(lambda tx: tx.events.backlog()).values()):
            asyncio.run(asyncio.sleep(0.02))
    finally:
        store.close_now()


def measure(people: list[Participant], count: int, connections: int, role: tuple[str, ...] = ("up",)) -> Measured:
    messages = reports(people, count)
    with a_hub(people, role) as hub:
        started = perf_counter()
        asyncio.run(send_all(hub.port, messages, connections))
        answered = perf_counter() - started
        if role == ("up",):
            _drained(hub)
        settled = perf_counter() - started
        return Measured(count / answered, count / settled, hub.peak_mebibytes())


def commits_a_second() -> float:
    """One small durable SQLite commit after another, as a yardstick of this disk at this moment."""
    with TemporaryDirectory() as place:
        connection = sqlite3.connect(Path(place) / "raw.sqlite", isolation_level=None)
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=FULL").close()
        connection.execute("CREATE TABLE t (a BLOB)")
        started = perf_counter()
        for _ in range(2_000):
            connection.execute("INSERT INTO t VALUES (?)", (b"x" * 1_000,))
        rate = 2_000 / (perf_counter() - started)
        connection.close()
        return rate


def main() -> None:
    people = cohort(PEOPLE)
    raw = statistics.median(commits_a_second() for _ in range(RUNS))
    sys.stdout.write(f"raw durable commits, one by one: {raw:,.0f} a second (the yardstick)\n")
    sys.stdout.write(f"{'':44}{'answers/s':>12}{'settled/s':>12}{'of raw':>9}{'peak MiB':>10}\n")
    for name, connections, count, role in (
        ("whole road, 1 connection", 1, 2_000, ("up",)),
        ("whole road, 8 connections", 8, 4_000, ("up",)),
        ("door alone (durable answers), 1 connection", 1, 2_000, ("run", "intake")),
        ("door alone (durable answers), 8 connections", 8, 6_000, ("run", "intake")),
    ):
        runs = [measure(people, count, connections, role) for _ in range(RUNS)]
        answers = statistics.median(run.answers for run in runs)
        settled = statistics.median(run.settled for run in runs)
        memory = statistics.median(run.mebibytes for run in runs)
        shown = f"{settled:12,.0f}" if role == ("up",) else f"{'-':>12}"
        sys.stdout.write(f"{name:44}{answers:12,.0f}{shown}{answers / raw:9.0%}{memory:10.0f}\n")
        sys.stdout.flush()
    sys.stdout.write(
        "For orientation, another machine of two cores: Open Integration Engine 4.5.2 on PostgreSQL, mapped,\n"
        "180-243 a second on one connection, 412-573 on eight; stored only 228-651 and 863-1,021.\n"
        "NHS Wales' hub: 22-33.\n"
    )
