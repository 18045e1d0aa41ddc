"""Those who ask for the same work at once have it done together."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from hub.flow.ports.store import Transaction
from hub.flow.together import Together
from hub.io.store import open_store

SENDERS, TIMES = 8, 5


async def groups_of(data: Path, at_most: int) -> list[int]:
    """How many were done together, group by group, where every sender asks again as soon as it is answered, and half
    of them begin while the first group of the others is being done."""
    sizes: list[int] = []
    loop, begun, joined = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def work(_tx: Transaction, items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        loop.call_soon_threadsafe(begun.set)
        joined.wait(10)
        return [2 * item for item in items]

    store = open_store(data)
    together = Together(store, work, at_most=at_most)

    async def sender(number: int) -> None:
        for _ in range(TIMES):
            assert await together.ask(number) == 2 * number

    try:
        async with asyncio.TaskGroup() as senders:
            for number in range(SENDERS // 2):
                senders.create_task(sender(number))
            await begun.wait()
            for number in range(SENDERS // 2, SENDERS):
                senders.create_task(sender(number))
            loop.call_later(0.01, joined.set)
    finally:
        await store.close()
    assert sum(sizes) == SENDERS * TIMES
    return sizes


async def test_those_who_were_just_answered_come_with_those_who_wait(tmp_path: Path) -> None:
    """Else the two halves would take turns, each with a commit of its own."""
    half = SENDERS // 2
    assert await groups_of(tmp_path, at_most=100) == [half, *[SENDERS] * (TIMES - 1), half]


async def test_a_group_is_never_larger_than_it_may_be(tmp_path: Path) -> None:
    assert max(await groups_of(tmp_path, at_most=3)) == 3
