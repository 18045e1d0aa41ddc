"""Many who ask for the same kind of work at once have it done together, in one transaction."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

from hub.errors import Retry
from hub.flow.ports.store import Store, Transaction

Item = TypeVar("Item")
Answer = TypeVar("Answer")

GATHER_SECONDS = 0.001
"""Rest between two groups where some wait already, and not yet a whole group. Those who were just answered ask again
within it, so that all come together: without it two halves take turns, each paying for a commit of its own. On eight
connections it made a third more messages a second, each answered sooner (1,290 instead of 980, and 5.2 ms instead of
7.4). Whoever comes alone never waits for it."""


class Together(Generic[Item, Answer]):
    """`await together.ask(item)`: while one group is being committed the next one gathers.

    `work` takes a transaction and the items and gives their answers in the same order. If it fails for a group, each
    item is done again by itself, so that nobody pays for another's fault; what is nobody's fault is told to all.
    `abreast`: how many groups may be under way at once.
    """

    def __init__(
        self,
        store: Store,
        work: Callable[[Transaction, Sequence[Item]], list[Answer]],
        *,
        at_most: int,
        at_door: bool = False,
        abreast: int = 1,
    ) -> None:
        self._store = store
        self._work = work
        self._at_most = at_most
        self._at_door = at_door
        self._waiting: deque[tuple[Item, asyncio.Future[Answer]]] = deque()
        self._abreast = abreast
        self._under_way = 0
        self._running: set[asyncio.Task[None]] = set()

    async def ask(self, item: Item) -> Answer:
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._under_way < self._abreast:
            self._under_way += 1
            task = asyncio.create_task(self._run())
            self._running.add(task)
            task.add_done_callback(self._running.discard)
        return await future

    async def _run(self) -> None:
        try:
            await self._work_on_all()
        finally:
            self._under_way -= 1  # with nothing in between: whoever asks next either is seen above, or begins anew

    async def _work_on_all(self) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(self._at_most, len(self._waiting)))]
            try:
                await self._do(group)
            except Exception as error:  # handed to whoever asked, here or when each has found out for himself
                if len(group) == 1 or (isinstance(error, Retry) and error.whole):
                    _fail(group, error)
                else:
                    await self._one_by_one(group)
            if 0 < len(self._waiting) < self._at_most:
                await asyncio.sleep(GATHER_SECONDS)

    async def _do(self, group: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        items = [item for item, _ in group]
        answers = await self._store.write(partial(self._work_on, items), at_door=self._at_door)
        for (_, future), answer in zip(group, answers, strict=True):
            if not future.done():  # whoever asked may have gone
                future.set_result(answer)

    def _work_on(self, items: list[Item], tx: Transaction) -> list[Answer]:
        return self._work(tx, items)

    async def _one_by_one(self, group: list[tuple[Item, asyncio.Future[Answer]]]) -> None:
        for one in group:
            try:
                await self._do([one])
            except Exception as error:  # handed to whoever asked
                _fail([one], error)


def _fail(group: Sequence[tuple[object, asyncio.Future[Answer]]], error: Exception) -> None:
    for _, future in group:
        if not future.done():
            future.set_exception(error)
