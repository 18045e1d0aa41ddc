"""Intake: a message becomes a journal row, its events an outbox row each, and the sender gets an answer, in that order.

Everything up to the answer happens in one transaction. What this module promises a laboratory stands in the
interface specification (`adapters/hl7v2_oru.md`, "What an answer promises").
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from hub import telemetry
from hub.contract import Adapter, Envelope, Feeds, Item, Opened, Reading, result_identity, seal
from hub.domain.dates import day_in_england
from hub.domain.events import ReportParked, ResultReported
from hub.errors import Reason, Reject
from hub.flow.consumers import CONSUMERS
from hub.flow.ports import Arrival, Clock, JournalEntry, Store, StoredReply, Transaction

CONTROL_ID_REUSED = "control id seen before with other bytes"


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to the sender. `reply_seq` names the stored reply; `body` is None for an acknowledgement; `then`
    is the application acknowledgement, a second message."""

    code: str
    body: bytes | None
    reply_seq: int
    then: bytes | None = None
    repeated: bool = False
    control_id_reused: bool = False


def _reply_id() -> str:
    """Our own control id (MSH-10): twenty characters, as many as every receiver takes."""
    return uuid.uuid4().hex[:20].upper()


def traceparent_of(digest: str) -> str:
    """The W3C trace of a message, drawn from its digest: whoever handles it again is in the same trace."""
    return f"00-{digest[:32]}-{digest[32:48]}-01"


class Intake:
    """Takes messages of one dialect, whatever door they came through."""

    def __init__(self, store: Store, adapter: Adapter, feeds: Feeds, clock: Clock, wake: Callable[[], None]) -> None:
        self._store = store
        self._adapter = adapter
        self._feeds = feeds
        self._clock = clock
        self._wake = wake

    async def take(self, raw: bytes, door: str, peer: str, problem: Reason | None = None) -> Answered:
        """Store the message, then answer it. `problem` is what the door saw wrong with the frame itself.

        Raises `hub.errors.Retry` where it could not be stored: then nothing may be answered.
        """
        started = perf_counter()
        arrival = Arrival(door, peer, self._clock())
        opened = self._adapter.open(raw)
        reading = (
            self._refused(opened, problem)
            if problem
            else self._adapter.decode(opened, self._feeds, day_in_england(arrival.received_at))
        )
        at = arrival.received_at
        body = self._adapter.reply(opened, reading, at, _reply_id())
        then = self._adapter.application_reply(opened, reading, self._feeds, at, _reply_id())
        message = _Message(opened, reading, arrival, hashlib.sha256(raw).hexdigest(), body, then)
        answered = await self._store.write(message.store, at_door=True)
        self._tell(message, answered, perf_counter() - started)
        return answered

    def _refused(self, opened: Opened, problem: Reason) -> Reading:
        table = self._feeds(opened.application, opened.facility)
        return Reading(feed=table.feed if table else "", items=(Item("1.1", Reject(problem)),))

    def _tell(self, message: _Message, answered: Answered, seconds: float) -> None:
        reading = message.reading
        telemetry.message_received(reading.feed, len(message.opened.raw))
        telemetry.message_answered(reading.feed, answered.code, seconds)
        if answered.control_id_reused:
            telemetry.control_id_reused(reading.feed)
        if answered.repeated:
            telemetry.message_repeated(reading.feed)
            return
        for item in reading.refused:
            assert isinstance(item.outcome, Reject)
            telemetry.message_refused(reading.feed, item.outcome.reason.code)
        if reading.taken:
            self._wake()


@dataclass(frozen=True, slots=True)
class _Message:
    """One received message, read and answered, on its way into the store."""

    opened: Opened
    reading: Reading
    arrival: Arrival
    digest: str
    body: bytes | None
    then: bytes | None

    def store(self, transaction: Transaction) -> Answered:
        """The one transaction: journal, events, reply. The same bytes after AA get the stored reply, no more."""
        journal = transaction.journal
        known = journal.find(self.reading.feed, self.digest)
        reused = False
        if known is None:
            reused = self._control_id_reused(transaction)
            seq = journal.append(self._entry((CONTROL_ID_REUSED,) if reused else ()))
        elif known.state in ("accepted", "acknowledgement"):
            journal.repeated(known.seq, self.arrival)
            stored = journal.reply(known.seq)
            return Answered(stored.code, stored.body, stored.seq, stored.then, repeated=True)
        else:
            seq = known.seq
            journal.restate(seq, self._state(), len(self.reading.taken))
        for envelope in self._envelopes():
            transaction.events.put(envelope, consumed=envelope.type in CONSUMERS)
        reply = self._reply()
        return Answered(reply.code, reply.body, journal.answered(seq, reply), reply.then, control_id_reused=reused)

    def _control_id_reused(self, transaction: Transaction) -> bool:
        """A control id names a message for the sender alone: no result is dropped for it, but it is worth a note."""
        name = self.opened.control_id[:256]
        return bool(name and self.reading.feed) and transaction.journal.control_id_used(self.reading.feed, name)

    def _state(self) -> str:
        if self.opened.is_acknowledgement:
            return "acknowledgement"
        if not self.reading.refused:
            return "accepted"
        return "partly" if self.reading.taken else "refused"

    def _entry(self, notes: tuple[str, ...]) -> JournalEntry:
        return JournalEntry(
            feed=self.reading.feed,
            digest=self.digest,
            arrival=self.arrival,
            control_id=self.opened.control_id[:256],
            message_type=self.opened.message_type[:64],
            state=self._state(),
            results=len(self.reading.taken),
            notes=(*self.opened.notes, *self.reading.notes, *notes),
            traceparent=traceparent_of(self.digest),
            raw=self.opened.raw,
        )

    def _reply(self) -> StoredReply:
        refusal = self.reading.refused[0].outcome if self.reading.refused else None
        assert refusal is None or isinstance(refusal, Reject)
        return StoredReply(
            code="" if self.body is None else self.reading.answer,
            reason=refusal.reason.code if refusal else "",
            place=refusal.place.text[:128] if refusal and refusal.place else "",
            body=self.body,
            answered_at=self.arrival.received_at,
            then=self.then,
        )

    def _envelopes(self) -> list[Envelope]:
        feed = self.reading.feed
        envelopes = []
        for item in self.reading.taken:
            assert isinstance(item.outcome, ResultReported | ReportParked)
            envelope = seal(
                item.outcome,
                feed=feed,
                digest=self.digest,
                position=item.position,
                subject=result_identity(feed, self.digest, item.position),
                at=self.arrival.received_at,
                traceparent=traceparent_of(self.digest),
            )
            envelopes.append(envelope)
        return envelopes
