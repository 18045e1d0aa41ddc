"""Refilling the conveyor: events that it confirmed and that nobody finished are let go again through the relays.

An event is *confirmed* when the conveyor holds it, and *finished* when the inbox of every consumer holds its id. A
conveyor that lost its memory (a wiped broker, this process killed) is refilled from the difference.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from hub import telemetry
from hub.flow.ports.events import FOREVER, Conveyor
from hub.flow.ports.store import Clock, Store, Transaction

PAGE = 500


async def refill(
    store: Store, before: datetime, ahead: datetime = FOREVER, told: Callable[[int], None] = lambda count: None
) -> int:
    """Let go again what was confirmed up to `before` and is not finished, page by page, never all in memory. `told`
    hears the size of each page. What was confirmed after `ahead`, as it seems, goes too: the clock was put back since,
    and nothing may wait until it has caught up."""
    let_go = after = 0
    while True:
        count, after = await store.write(partial(_page, before=before, ahead=ahead, after=after))
        if not count:
            return let_go
        let_go += count
        telemetry.events_resent(count)
        told(count)


async def refill_if_lost(store: Store, conveyor: Conveyor, clock: Clock, limit: timedelta) -> int:
    """Refill what has been under way for longer than `limit`, unless the conveyor may still hold all of it: a long
    backlog is no loss, and sending it again would only make it longer."""
    before, ahead = clock() - limit, clock() + limit  # no other process's clock is as far ahead as that
    old = await store.read(lambda tx: tx.events.unfinished(before, ahead))
    if not old:
        return 0
    depths = [depth for depth in (await conveyor.depths()).values() if depth.ours]
    waiting = sum(depth.waiting for depth in depths)
    in_hands = sum(depth.in_hands for depth in depths)
    if waiting and old <= waiting + in_hands:
        return 0
    return await refill(store, before, ahead)


def _page(tx: Transaction, *, before: datetime, ahead: datetime, after: int) -> tuple[int, int]:
    return tx.events.relay_again(before, ahead, after, PAGE)
