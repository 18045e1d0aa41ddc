"""Messages with events of PDS: written down byte for byte, and each hint a question. A hint is never answered."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from hub import telemetry
from hub.domain.demographics import Hints
from hub.flow import hints
from hub.flow.ports.journal import Arrival, JournalEntry, StoredReply
from hub.flow.ports.store import Clock, Store, Transaction

FEED = "pds-events"
"""The name in the journal of what is no laboratory's."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """`read` is the adapter."""

    read: Callable[[bytes], Hints]
    store: Store
    clock: Clock

    async def take(self, raw: bytes, door: str, peer: str) -> None:
        """When this returns, nothing of it is lost any more. The same message again changes nothing that matters."""
        found, at = self.read(raw), self.clock()
        await self.store.write(lambda tx: _written_down(tx, raw, found, Arrival(door, peer, at)))
        telemetry.pds_hinted(len(found.hints), found.others, found.unfit)

    async def away(self) -> str:
        """Why nothing could be written down just now; empty when it could."""
        return await self.store.away()


def _written_down(tx: Transaction, raw: bytes, found: Hints, arrival: Arrival) -> None:
    digest = hashlib.sha256(raw).hexdigest()
    known = tx.journal.find(FEED, digest)
    if known:
        tx.journal.repeated(known.seq, arrival)
    else:
        _journal(tx, _entry(raw, digest, found, arrival), arrival.received_at)
    hints.take(tx, found.hints, arrival.received_at)


def _journal(tx: Transaction, entry: JournalEntry, at: datetime) -> None:
    (seq,) = tx.journal.append([entry])
    tx.journal.answered([(seq, StoredReply("", "", "", None, at))])


def _entry(raw: bytes, digest: str, found: Hints, arrival: Arrival) -> JournalEntry:
    """In the state of what is taken, is never answered, and is no result that a replay should read."""
    notes = tuple(
        f"{name}={number}"
        for name, number in (("events", len(found.hints)), ("others", found.others), ("unfit", found.unfit))
    )
    return JournalEntry(
        feed=FEED,
        digest=digest,
        arrival=arrival,
        control_id="",
        message_type="events",
        state="acknowledgement",
        results=0,
        notes=notes,
        traceparent="",
        raw=raw,
    )
