"""kill -9 at any moment loses and repeats nothing.

Laboratories send over several connections while `hub up` is killed again and again, now and then while it is only
starting; each time it is started on the same data, and the laboratories send what was not acknowledged again, the same
bytes. What stands in the store at the end is compared with what was sent and with a run that nobody disturbed.

A few kills here; `make faults` for a long night.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import sqlite3
from collections import Counter, deque
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.journeys.driving import HubUp, Wire, hub, wait_until_finished, write_cohort
from tests.journeys.workload import Day, Sending, day

KILLS = int(os.environ.get("HUB_TEST_KILLS", "5"))
SEED = int(os.environ.get("HUB_TEST_SEED", "20260115"))
LANES = 6
MESSAGES_A_KILL = 70
WINDOWS = (1, 1, 4, 8, 16, 2)
"""How many messages each lane sends ahead of its answers: some laboratories wait for each, some do not."""


@dataclass
class Laboratories:
    """What the senders know: every answer they were given, and how often they had to send again."""

    answers: dict[bytes, list[str]] = field(default_factory=dict)
    answered: int = 0
    sent: int = 0
    _awaited: dict[int, asyncio.Event] = field(default_factory=dict)

    def took(self, sending: Sending, code: str) -> None:
        self.answers.setdefault(sending.raw, []).append(code)
        self.answered += 1
        if self.answered in self._awaited:
            self._awaited[self.answered].set()

    async def were_answered(self, count: int) -> None:
        """Until so many answers have come."""
        if self.answered < count:
            await self._awaited.setdefault(count, asyncio.Event()).wait()


class Supervised:
    """A hub that is started again whenever it was killed; `port` is where it is now, 0 while it is nowhere."""

    def __init__(self, data: Path) -> None:
        self.hub = HubUp(data)
        self.port = 0
        self.starts = 0

    async def start(self) -> None:
        self.hub.start()
        await asyncio.to_thread(self.hub.wait_until_up)
        self.port = self.hub.mllp
        self.starts += 1

    def kill(self) -> None:
        self.port = 0
        self.hub.kill()

    async def kill_while_starting(self, seconds: float) -> None:
        self.hub.start()
        await asyncio.sleep(seconds)
        self.hub.kill()


async def _send_lane(lane: list[Sending], window: int, there: Supervised, told: Laboratories) -> None:
    """One laboratory's connection: in order, resending from the first unanswered message after every loss."""
    waiting = deque(lane)
    while waiting:
        if not there.port:
            await asyncio.sleep(0.01)
            continue
        with suppress(OSError, EOFError):
            async with Wire(there.port) as wire:
                await _send_on(wire, waiting, window, told)


async def _send_on(wire: Wire, waiting: deque[Sending], window: int, told: Laboratories) -> None:
    under_way = 0
    while waiting:
        while under_way < min(window, len(waiting)):
            await wire.send(waiting[under_way].raw)
            under_way += 1
            told.sent += 1
        ack = await wire.ack()
        sending = waiting.popleft()
        under_way -= 1
        assert ack.control_id == sending.control_id, "an answer to another message than the oldest unanswered"
        told.took(sending, ack.code)


async def _kill_now_and_then(there: Supervised, told: Laboratories, total: int, kills: int, random: Random) -> int:
    """SIGKILL after a random number of answers, at once (others of the same commit are on their way) or after a random
    pause; returns how many fell on a hub still starting."""
    early = 0
    for after in sorted(random.sample(range(1, int(total * 0.97)), kills)):
        await told.were_answered(after)
        await asyncio.sleep(random.choice((0.0, random.random() * 0.03)))
        there.kill()
        if random.random() < 0.3:
            await there.kill_while_starting(random.uniform(0.05, 1.2))
            early += 1
        await there.start()
    return early


async def _play(data: Path, plan: Day, kills: int) -> tuple[Laboratories, dict[str, int]]:
    """Send the whole day, with so many kills; the hub is ended in good order."""
    told, there, random = Laboratories(), Supervised(data), Random(SEED)
    cohort = write_cohort(data.with_suffix(".csv"), plan.people)
    imported = await asyncio.to_thread(hub, "cohort", "import", cohort, "--data", data)
    assert imported.code == 0, imported.complained
    await there.start()
    try:
        async with asyncio.timeout(60 + 20 * kills), asyncio.TaskGroup() as group:
            killing = group.create_task(_kill_now_and_then(there, told, len(plan.sendings), kills, random))
            for lane, window in zip(plan.lanes, WINDOWS, strict=True):
                group.create_task(_send_lane(lane, window, there, told))
        if kills:  # once more, while the worker is still at it and nobody sends
            there.kill()
            await there.start()
        await asyncio.to_thread(wait_until_finished, data)
        assert await asyncio.to_thread(there.hub.terminate) == 0
    finally:
        there.kill()
    return told, {"kills": kills + (kills > 0), "of a hub still starting": killing.result()}


_RESULTS = """
    SELECT r.*,
           (SELECT count(*) FROM matches m WHERE m.result_id = r.result_id AND undone_at IS NULL) AS live,
           (SELECT group_concat(reason) FROM tasks t WHERE t.result_id = r.result_id AND state <> 'closed') AS waits
    FROM results r
"""


class Kept:
    """What the store holds at the end, read past the hub's own code."""

    def __init__(self, data: Path) -> None:
        with closing(sqlite3.connect(data / "hub.sqlite")) as store:
            store.row_factory = sqlite3.Row
            self._store = store
            assert store.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            assert not store.execute("PRAGMA foreign_key_check").fetchall()
            self.journal = self._all("SELECT seq, feed, digest, raw, state, results FROM journal")
            self.replies = self._all("SELECT journal_seq, code FROM replies")
            self.repeats = self._all("SELECT journal_seq FROM repeats")
            self.results = self._all(_RESULTS)
            self.letters = self._all("SELECT * FROM letters")
            self.events = self._all("SELECT event_id, type, subject, data, finished_at FROM outbox")
            self.inbox = self._all("SELECT event_id, consumer FROM inbox")
            self.records = self._all(
                "SELECT p.nhs_number, r.recall_type, r.next_test_due_on, r.policy, r.data"
                " FROM records r JOIN participants p USING (participant_id)"
            )

    def _all(self, query: str) -> list[sqlite3.Row]:
        return self._store.execute(query).fetchall()

    def folded(self) -> dict[str, Any]:
        """Every person's record in what does not depend on how often it was made: slides, not ids."""
        slides = {row["result_id"]: row["slide_number"] for row in self.results}
        return {
            row["nhs_number"]: (*tuple(row)[1:4], *_by_slide(json.loads(row["data"]), slides)) for row in self.records
        }

    def endings(self) -> Counter[tuple[Any, ...]]:
        """How every result ended."""
        facts = ("digest", "position", "state", "waits", "live")
        return Counter(tuple(row[fact] for fact in facts) for row in self.results)

    def letter_states(self) -> Counter[tuple[str, str, str]]:
        return Counter((row["result_id"], row["code"], row["state"]) for row in self.letters)

    def wishes(self) -> Counter[tuple[str, str]]:
        """How often each letter about a result was wished for by an event."""
        letters = (json.loads(row["data"]) for row in self.events if row["type"] == "LetterWished")
        return Counter((letter["result_id"], letter["code"]) for letter in letters)


def _by_slide(record: dict[str, Any], slides: dict[str, str]) -> tuple[Any, ...]:
    facts = ("combination", "test_on", "laboratory_code", "slide_number", "version", "months")
    results = tuple(tuple(kept[fact] for fact in facts) for kept in record["results"])
    alerts = tuple(sorted((slides[alert["result_id"]], alert["reason"]) for alert in record["alerts"]))
    return results, alerts, tuple(record["because"])


def _nothing_lost(kept: Kept, plan: Day, told: Laboratories) -> None:
    """Every message acknowledged stands in the journal exactly once, byte for byte, and each of its results ended."""
    rows: dict[str, list[sqlite3.Row]] = {}
    for row in kept.journal:
        rows.setdefault(row["digest"], []).append(row)
        assert hashlib.sha256(row["raw"]).hexdigest() == row["digest"]
    for sending in plan.sendings:
        assert set(told.answers[sending.raw]) == {sending.answer}
        found = rows.get(hashlib.sha256(sending.raw).hexdigest(), [])
        assert len(found) == 1, f"an acknowledged message stands in the journal {len(found)} times"
        (row,) = found
        assert row["raw"] == sending.raw
        ended = [result for result in kept.results if result["journal_seq"] == row["seq"]]
        assert len(ended) == row["results"] == sending.results
        assert all(_one_outcome(result) for result in ended), [tuple(result) for result in ended]
    assert len(kept.journal) == len({sending.raw for sending in plan.sendings})


def _one_outcome(result: sqlite3.Row) -> bool:
    """On one record; or off every record before one task; or set aside by a correction."""
    waits = len(result["waits"].split(",")) if result["waits"] else 0
    wanted = {"recorded": (1, 0), "waiting": (0, 1), "superseded": (0, 0)}
    return (result["live"], waits) == wanted.get(result["state"])


def _nothing_repeated(kept: Kept) -> None:
    assert not [row for row in kept.events if row["finished_at"] is None]
    assert max(Counter(row["event_id"] for row in kept.events).values()) == 1
    handled = Counter(row["event_id"] for row in kept.inbox)
    reported = {row["event_id"] for row in kept.events if row["type"] in ("ResultReported", "ReportParked")}
    assert set(handled) == reported and max(handled.values()) == 1
    assert max(kept.wishes().values()) == 1, "a letter was wished twice"
    live = Counter(row["result_id"] for row in kept.letters if row["state"] == "wished")
    assert max(live.values()) == 1, "two letters for one result"


@pytest.mark.timeout(120 + 40 * KILLS)
async def test_kill_9_at_any_moment_loses_and_repeats_nothing(tmp_path: Path) -> None:
    plan = day(SEED, LANES, MESSAGES_A_KILL * (KILLS + 1))
    told, kills = await _play(tmp_path / "killed", plan, KILLS)
    undisturbed, _ = await _play(tmp_path / "left alone", plan, 0)
    kept, alone = Kept(tmp_path / "killed"), Kept(tmp_path / "left alone")
    planned_twice = len(plan.sendings) - len({sending.raw for sending in plan.sendings})
    figures = {
        **kills,
        "messages": len(plan.sendings),
        "acknowledged": told.answered,
        "sent again after a kill": told.sent - len(plan.sendings),
        "of these stored already": len(kept.repeats) - planned_twice,
        "results": len(kept.results),
        "letters wished": sum(kept.wishes().values()),
        "lost": sum(
            hashlib.sha256(raw).hexdigest() not in {row["digest"] for row in kept.journal} for raw in told.answers
        ),
    }
    print("\n" + ", ".join(f"{name} {value}" for name, value in figures.items()))
    for store, laboratories in ((alone, undisturbed), (kept, told)):
        _nothing_lost(store, plan, laboratories)
        _nothing_repeated(store)
    assert kept.folded() == alone.folded()
    assert kept.endings() == alone.endings()
    assert kept.wishes() == alone.wishes()
    assert kept.letter_states() == alone.letter_states()
