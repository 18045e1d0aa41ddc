"""kill -9 at any moment loses and repeats nothing.

Laboratories send over several connections while `hub up` is killed again and again, now and then while it is only
starting; each time it is started on the same data, and the laboratories send what was not acknowledged again, the same
bytes. What stands in the store at the end is compared with what was sent and with a run that nobody disturbed.

A few kills here; `make faults` for a long night. The same of every role by itself: `test_faults`.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from random import Random

import pytest

from tests.journeys.deployment import import_cohort, left_alone
from tests.journeys.driving import HubUp, wait_until_finished
from tests.journeys.kept import Kept, nothing_lost, nothing_repeated, same_history
from tests.journeys.laboratories import LANES, Laboratories
from tests.journeys.workload import Day, day

KILLS = int(os.environ.get("HUB_TEST_KILLS", "5"))
SEED = int(os.environ.get("HUB_TEST_SEED", "20260115"))
MESSAGES_A_KILL = 70


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


async def _kill_now_and_then(there: Supervised, told: Laboratories, total: int, random: Random) -> int:
    """SIGKILL after a random number of answers, at once (others of the same commit are on their way) or after a random
    pause; returns how many fell on a hub still starting."""
    early = 0
    for after in sorted(random.sample(range(1, int(total * 0.97)), KILLS)):
        await told.were_answered(after)
        await asyncio.sleep(random.choice((0.0, random.random() * 0.03)))
        there.kill()
        if random.random() < 0.3:
            await there.kill_while_starting(random.uniform(0.05, 1.2))
            early += 1
        await there.start()
    return early


async def _play(data: Path, plan: Day) -> tuple[Laboratories, int]:
    """Send the whole day, with all the kills; the hub is ended in good order. Returns how many fell on a start."""
    told, there, random = Laboratories(), Supervised(data), Random(SEED)
    await import_cohort(data, plan)
    await there.start()
    try:
        async with asyncio.timeout(60 + 20 * KILLS), asyncio.TaskGroup() as group:
            killing = group.create_task(_kill_now_and_then(there, told, len(plan.sendings), random))
            group.create_task(told.send(plan, lambda _: there.port))
        there.kill()  # once more, while the worker is still at it and nobody sends
        await there.start()
        await asyncio.to_thread(wait_until_finished, data)
        assert await asyncio.to_thread(there.hub.terminate) == 0
    finally:
        there.kill()
    return told, killing.result()


@pytest.mark.timeout(120 + 40 * KILLS)
async def test_kill_9_at_any_moment_loses_and_repeats_nothing(tmp_path: Path) -> None:
    plan = day(SEED, LANES, MESSAGES_A_KILL * (KILLS + 1))
    told, early = await _play(tmp_path / "killed", plan)
    undisturbed, alone = await left_alone(tmp_path / "left alone", plan)
    kept = Kept.in_directory(tmp_path / "killed")
    planned_twice = len(plan.sendings) - len({sending.raw for sending in plan.sendings})
    figures = {
        "kills": KILLS + 1,
        "of a hub still starting": early,
        "messages": len(plan.sendings),
        "acknowledged": told.answered,
        "sent again after a kill": told.sent - len(plan.sendings),
        "of these stored already": len(kept.repeats) - planned_twice,
        "results": len(kept.results),
        "letters wished": sum(kept.wishes().values()),
        "lost": len(kept.missing(told.acknowledged())),
    }
    print("\n" + ", ".join(f"{name} {value}" for name, value in figures.items()))
    for store, laboratories in ((alone, undisturbed), (kept, told)):
        nothing_lost(store, plan, laboratories)
        nothing_repeated(store)
    same_history(kept, alone)
