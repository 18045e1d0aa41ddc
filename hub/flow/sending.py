"""Messages to laboratories: handed to their carrier, each once, and followed until the laboratory has them.

A carrier may take the same message twice, so a message is claimed before it is handed over, in a commit of its own.
Whoever finds a claim that is old (its claimer died, or never learnt what became of it) asks the carrier first whether
it has the message, by our own name for it.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from hub import telemetry
from hub.errors import Retry
from hub.flow.patience import patiently, patiently_outside
from hub.flow.ports.files import Carrier, CarrierAway, NotCarried, OutgoingRow
from hub.flow.ports.store import Clock, Store, Transaction

LOOK_SECONDS = 1.0
AT_ONCE, TRACKED_AT_ONCE = 100, 1000
SEND_SECONDS = 300.0
CLAIM_LASTS = timedelta(minutes=10)
"""Longer than a message can take to be handed over: whoever claimed it is done with it, one way or the other."""
TRACK_EVERY = timedelta(hours=1)
"""MESH asks that messages are not tracked often; a laboratory has days to collect them."""
FORGOTTEN_AFTER = timedelta(days=30)
_TURN = "outgoing tracked"


class Sender:
    """Sends until cancelled. Several may run side by side."""

    def __init__(self, store: Store, carrier: Carrier, clock: Clock) -> None:
        self._store = store
        self._carrier = carrier
        self._clock = clock

    async def run(self) -> None:
        while True:
            await patiently_outside(self.send_waiting)
            await self.track_if_due()
            await asyncio.sleep(LOOK_SECONDS)

    async def send_waiting(self) -> int:
        """Hand over what waits; how much was. Raises Retry where the carrier or the store is away."""
        before = self._clock() - CLAIM_LASTS
        sent = 0
        for message in await self._store.read(lambda tx: _waiting(tx, before)):
            sent += await self._send(message)
        return sent

    async def _send(self, message: OutgoingRow) -> bool:
        at = self._clock()
        if not await self._store.write(lambda tx: tx.outgoing.claim(message, at)):
            return False  # somebody else is at it
        # Where nobody can say whether it was tried, the carrier says what it has.
        tracked = await self._carrier.track(message.local_id) if message.state == "sending" else None
        if tracked is not None and tracked.state != "partly":
            await self._settle(message, tracked.state, tracked.message_id, tracked.why)
            return False
        return await self._hand_over(message, tracked.message_id if tracked else "")

    async def _hand_over(self, message: OutgoingRow, begun: str) -> bool:
        try:
            async with asyncio.timeout(SEND_SECONDS):
                message_id = await self._carrier.send(message, begun)
        except NotCarried as refused:
            telemetry.outgoing_refused(message.kind, refused.why)
            await self._settle(message, "failed", why=refused.why)
            return False
        except CarrierAway as away:
            if away.unsent and not begun:  # nothing of it has arrived: it waits as before
                await self._settle(message, "wished")
            raise
        except TimeoutError:  # its claim stays, and grows old
            return False
        await self._settle(message, "sent", message_id)
        telemetry.outgoing_sent(message.kind)
        return True

    async def track_if_due(self) -> None:
        """Of each turn one process takes care. A turn that fails is not made up for."""
        at = self._clock()
        try:
            if await self._store.write(lambda tx: tx.duties.take_turn(_TURN, TRACK_EVERY, at)):
                await self.track_sent()
        except CarrierAway as away:
            telemetry.mesh_failed(away)
        except Retry as error:
            telemetry.store_failed(error)

    async def track_sent(self) -> None:
        """Ask the carrier what became of what it took."""
        for message in await self._store.read(lambda tx: tx.outgoing.in_state("sent", TRACKED_AT_ONCE)):
            tracked = await self._carrier.track(message.local_id)
            if tracked is None:
                if self._clock() - message.wished_at > FORGOTTEN_AFTER:
                    await self._settle(message, "failed", why="the carrier no longer knows it")
            elif tracked.state in ("taken", "failed"):
                await self._settle(message, tracked.state, tracked.message_id, tracked.why)
                telemetry.outgoing_followed(message.kind, tracked.state)

    async def _settle(self, message: OutgoingRow, state: str, message_id: str = "", why: str = "") -> None:
        """However long the store is away: what was sent must not be sent again for want of a note."""
        at = self._clock()
        await patiently(self._store.write, lambda tx: tx.outgoing.settle(message.local_id, state, at, message_id, why))


def _waiting(tx: Transaction, before: datetime) -> list[OutgoingRow]:
    """What is wished, and what somebody began to send so long ago that he is done with it."""
    begun = [message for message in tx.outgoing.in_state("sending", AT_ONCE) if _at(message) < before]
    return [*begun, *tx.outgoing.in_state("wished", AT_ONCE)]


def _at(message: OutgoingRow) -> datetime:
    return message.changed_at or message.wished_at
