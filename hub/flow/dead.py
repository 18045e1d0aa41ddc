"""Dead letters: what a queue gave up on comes into the database, where somebody sees it and can have it tried again.

An event of ours that killed whoever touched it is parked like one on which a handler failed: the result waits as a
task, the event counts as handled, and `hub dead retry` lets it go again. What is no event of ours is only kept.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from functools import partial

from hub import telemetry
from hub.flow.consumers import CONSUMERS, RECORDS
from hub.flow.handlers import Context, park_as_our_fault
from hub.flow.patience import patiently
from hub.flow.ports.events import Conveyor, DeadDelivery, DeadLetter
from hub.flow.ports.store import Store, Transaction
from hub.flow.step import Told, tell_all

NOT_OURS = "no-event-of-the-hub"


class DeadLetters:
    """Takes what the queues gave up on, one after another: each may be what kills a process."""

    def __init__(self, store: Store, conveyor: Conveyor, context: Context) -> None:
        self._store = store
        self._conveyor = conveyor
        self._context = context

    async def run(self) -> None:
        """Until cancelled."""
        async for delivery in self._conveyor.dead():
            tell_all(await patiently(self._store.write, partial(self.bury, delivery=delivery)))
            delivery.acknowledge()

    def bury(self, tx: Transaction, delivery: DeadDelivery) -> Told:
        """Keep it as a dead letter, unless it has been handled after all."""
        envelope, at = delivery.envelope, self._context.clock()
        known = tx.events.find(envelope.event_id) if envelope else None
        if known is None:
            tx.dead.put(stranger(delivery.queue, delivery.body, delivery.why, at))
            return [partial(telemetry.event_dead, "unknown", NOT_OURS)]
        if RECORDS not in CONSUMERS.get(known.type, ()) or not tx.events.take([known.event_id], RECORDS, at):
            return []
        step = park_as_our_fault(tx, known, self._context)
        tx.events.finish(known.event_id, len(CONSUMERS[known.type]), at)
        return [*step.told, partial(telemetry.event_dead, known.type, delivery.why)]


def retry(tx: Transaction, letter: DeadLetter) -> None:
    """Let the event go again through relay and worker."""
    tx.events.revive(letter.event_id, letter.consumer)
    tx.dead.take_away([letter.event_id])


def stranger(where: str, body: bytes, why: str, at: datetime) -> DeadLetter:
    """What is no event of the hub: it is known by its bytes."""
    name = hashlib.sha256(body).hexdigest()
    return DeadLetter(name, where, "unknown", "", f"no event of the hub ({why})", at, body)
