"""While the store is away nobody is told AA: the sender hears nothing, the worker waits, and afterwards it heals."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.journeys.driving import HubUp, Wire, hub, wait_until_finished, write_cohort
from tests.journeys.leaks import leaks
from tests.journeys.workload import Day, day

LANES, MESSAGES = 1, 12


@contextmanager
def _without(data: Path, table: str) -> Iterator[None]:
    """The table is gone, as on a broken disk; and comes back as it was."""
    with closing(sqlite3.connect(data / "hub.sqlite", timeout=15, isolation_level=None)) as store:
        store.execute("PRAGMA legacy_alter_table=ON")  # the other tables go on naming it
        store.execute(f"ALTER TABLE {table} RENAME TO {table}_gone")
        try:
            yield
        finally:
            store.execute(f"ALTER TABLE {table}_gone RENAME TO {table}")


@pytest.fixture
def plan() -> Day:
    return day(5, LANES, MESSAGES)


async def _is_ready(url: str) -> bool:
    def ask() -> bool:
        try:
            with urllib.request.urlopen(f"{url}/ready", timeout=10) as answer:  # our own hub on this machine
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            assert error.code == 503 and json.loads(error.read())["away"]
            return False

    return await asyncio.to_thread(ask)


async def test_nothing_is_acknowledged_while_the_store_is_away(tmp_path: Path, plan: Day) -> None:
    data = tmp_path / "data"
    cohort = write_cohort(tmp_path / "cohort.csv", plan.people)
    assert (await asyncio.to_thread(hub, "cohort", "import", cohort, "--data", data)).code == 0
    (lane,) = plan.lanes
    with HubUp(data, settings={"HUB_LOG": "debug", "HUB_LOG_FORMAT": "json"}) as running:
        assert await _is_ready(running.url)
        with _without(data, "journal"):
            for sending in lane[:3]:
                async with Wire(running.mllp) as wire:
                    await wire.send(sending.raw)
                    with pytest.raises(EOFError):
                        await wire.ack()
            listed = await asyncio.to_thread(hub, "journal", "list", "--data", data)
        with _without(data, "outbox"):
            assert not await _is_ready(running.url)
        async with Wire(running.mllp) as wire:
            with _without(data, "matches"):  # taken and acknowledged, but the worker cannot put it anywhere
                answers = [await wire.ask(sending.raw) for sending in lane]
                await asyncio.sleep(0.5)
        await asyncio.to_thread(wait_until_finished, data)
        assert await _is_ready(running.url)
        assert await asyncio.to_thread(running.terminate) == 0
    assert [(ack.code, ack.control_id) for ack in answers] == [(one.answer, one.control_id) for one in lane]
    assert listed.code == 2 and listed.complained.count("\n") == 1 and "Try again" in listed.complained
    tasks = json.loads((await asyncio.to_thread(hub, "tasks", "list", "--json", "--data", data)).out)
    assert "our-fault" not in {task["reason"] for task in tasks}, "the worker waited; it did not give up"
    log = running.log.read_text()
    assert '"event": "store_failed"' in log
    assert leaks(log + listed.complained, plan.people) == []
