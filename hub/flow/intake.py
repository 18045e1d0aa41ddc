"""Intake: a message becomes a journal row, its events an outbox row each, and the sender gets an answer, in that order.

Everything up to the answer happens in one transaction. What this module promises a laboratory stands in the
interface specification (`adapters/hl7v2_oru.md`, "What an answer promises").
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from hub import telemetry
from hub.contract import (
    Adapter,
    Envelope,
    Item,
    Opened,
    Reading,
    named_identity,
    result_identity,
    seal,
    sequence_of,
)
from hub.domain.dates import day_in_england
from hub.errors import Reason, Reject
from hub.flow.admission import is_proven
from hub.flow.consumers import CONSUMERS
from hub.flow.ports import Arrival, Clock, FileRow, JournalEntry, OutgoingRow, Store, StoredReply, Transaction, Via
from hub.flow.together import Together
from hub.mapping import FeedTable, FeedTables

TOGETHER = 256
"""Messages in one commit at most."""
_CORRUPT = {Reason.UNREADABLE, Reason.INCOMPLETE, Reason.HEADER_INCOMPLETE}
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
    """Takes messages, whatever door they came through. Those that come together are written down together."""

    def __init__(
        self,
        store: Store,
        adapters: Mapping[str, Adapter],
        feeds: FeedTables,
        clock: Clock,
        wake: Callable[[], None],
    ) -> None:
        self._adapters = adapters
        self._feeds = feeds
        self._clock = clock
        self._wake = wake
        self._written = Together(store, take_down, at_most=TOGETHER, at_door=True)

    async def take(self, raw: bytes, via: Via, problem: Reason | None = None) -> Answered:
        """Store the message, then answer it. `problem` is what the door saw wrong with the frame itself.

        Raises `hub.errors.Retry` where it could not be stored: then nothing may be answered.
        """
        started = perf_counter()
        message = self._read(raw, via, self._clock(), problem)
        with telemetry.span("intake", message.traceparent, feed=message.reading.feed, door=via.door):
            answered = await self._written.ask(message)
        self._tell(message, answered, perf_counter() - started)
        return answered

    def _read(self, raw: bytes, via: Via, at: datetime, problem: Reason | None) -> Message:
        adapter = self._adapters[via.dialect]
        feeds = self._feeds.of(via.feed) if via.feed else self._feeds.find
        opened = adapter.open(raw)
        table = feeds(opened.application, opened.facility)
        if problem is None and table and not is_proven(via, table):
            problem = Reason.SENDER_NOT_PROVEN
        if problem:
            reading = Reading(table.feed if table else "", (Item("1.1", Reject(problem)),))
        else:
            reading = adapter.decode(opened, feeds, day_in_england(at))
        return Message(
            opened,
            reading,
            Arrival(via.door, via.peer, at),
            hashlib.sha256(raw).hexdigest(),
            adapter.reply(opened, reading, at, _reply_id()),
            adapter.application_reply(opened, reading, feeds, at, _reply_id()),
            via.file,
            sequence_of(opened, reading, table, via.file or ""),
            via.delivery,
            self._confirmed_to(via, table),
        )

    def _confirmed_to(self, via: Via, table: FeedTable | None) -> FeedTable | None:
        """Whom a file is confirmed to: whoever has proven to have sent it, whatever stands in it."""
        asked = self._feeds.by_id.get(via.feed) if via.feed else table
        return asked if asked and asked.answer.mailbox and via.file is not None else None

    def _tell(self, message: Message, answered: Answered, seconds: float) -> None:
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


def take_down(tx: Transaction, messages: Sequence[Message]) -> list[Answered]:
    """The one transaction of a group: journal, events, replies. The same bytes after AA get the stored reply, no more;
    where they stand in the group twice, the second finds the first."""
    answers: dict[int, Answered] = {}
    left = list(messages)
    while left:
        first = {message.name: message for message in reversed(left)}
        these = [message for message in left if first[message.name] is message]
        answers.update((id(message), answer) for message, answer in zip(these, _take_down(tx, these), strict=True))
        left = [message for message in left if id(message) not in answers]
    return [answers[id(message)] for message in messages]


def _take_down(tx: Transaction, messages: Sequence[Message]) -> list[Answered]:
    """Of messages that all differ."""
    known = tx.journal.known([message.name for message in messages])
    new = [message for message in messages if message.name not in known]
    reused = _control_ids_reused(tx, new)
    numbers = tx.journal.append([message.entry(reused=message.name in reused) for message in new])
    written = dict(zip((message.name for message in new), numbers, strict=True))
    answered: dict[tuple[str, str], Answered] = {}
    for message in messages:
        entry = known.get(message.name)
        if entry and entry.state in ("accepted", "acknowledgement"):
            answered[message.name] = _again(tx, message, entry)
        elif entry:  # refused before: read anew under the tables of today
            tx.journal.restate(entry.seq, message.state, len(message.reading.taken))
            written[message.name] = entry.seq
    to_write = [message for message in messages if message.name in written]
    for event in (event for message in to_write for event in message.envelopes()):
        tx.events.put(event, consumed=event.type in CONSUMERS)
    replies = [message.reply() for message in to_write]
    tokens = tx.journal.answered([(written[m.name], reply) for m, reply in zip(to_write, replies, strict=True)])
    for message, reply in zip(to_write, replies, strict=True):
        if message.file is not None:
            tx.files.put(message.file_row(written[message.name]))
            _confirm(tx, message, written[message.name], reply.body)
    for message, reply, token in zip(to_write, replies, tokens, strict=True):
        is_reused = message.name in reused
        answered[message.name] = Answered(reply.code, reply.body, token, reply.then, control_id_reused=is_reused)
    return [answered[message.name] for message in messages]


def _again(tx: Transaction, message: Message, entry: JournalEntry) -> Answered:
    tx.journal.repeated(entry.seq, message.arrival)
    stored = tx.journal.reply(entry.seq)
    _confirm(tx, message, entry.seq, stored.body)
    return Answered(stored.code, stored.body, stored.seq, stored.then, repeated=True)


def _confirm(tx: Transaction, message: Message, journal_seq: int, body: bytes | None) -> None:
    """Wish the confirmation of a file, where the feed's table says where it goes."""
    if message.confirm and body is not None:
        tx.outgoing.put(
            OutgoingRow(
                local_id=named_identity(f"confirmation|{message.delivery}") if message.delivery else _reply_id(),
                feed=message.confirm.feed,
                kind="confirmation",
                mailbox=message.confirm.answer.mailbox,
                workflow=message.confirm.answer.workflow,
                body=body,
                wished_at=message.arrival.received_at,
                journal_seq=journal_seq,
            )
        )


def _control_ids_reused(tx: Transaction, messages: Sequence[Message]) -> set[tuple[str, str]]:
    """The messages whose control id came before. It names a message for the sender alone: no result is dropped for it,
    but it is worth a note."""
    named = [message for message in messages if message.control_id and message.reading.feed]
    used = tx.journal.control_ids_used([(message.reading.feed, message.control_id) for message in named])
    reused = set()
    for message in named:
        name = (message.reading.feed, message.control_id)
        if name in used:
            reused.add(message.name)
        used.add(name)
    return reused


@dataclass(frozen=True, slots=True)
class Message:
    """One received message, read and answered, on its way into the store."""

    opened: Opened
    reading: Reading
    arrival: Arrival
    digest: str
    body: bytes | None
    then: bytes | None
    file: str | None = None
    sequence: int | None = None
    delivery: str = ""
    confirm: FeedTable | None = None

    @property
    def name(self) -> tuple[str, str]:
        """What it is known by: the feed, and the digest of the bytes."""
        return self.reading.feed, self.digest

    @property
    def control_id(self) -> str:
        return self.opened.control_id[:256]

    @property
    def traceparent(self) -> str:
        return traceparent_of(self.digest)

    @property
    def state(self) -> str:
        if self.opened.is_acknowledgement:
            return "acknowledgement"
        if not self.reading.refused:
            return "accepted"
        return "partly" if self.reading.taken else "refused"

    def entry(self, *, reused: bool) -> JournalEntry:
        notes = (CONTROL_ID_REUSED,) if reused else ()
        return JournalEntry(
            feed=self.reading.feed,
            digest=self.digest,
            arrival=self.arrival,
            control_id=self.control_id,
            message_type=self.opened.message_type[:64],
            state=self.state,
            results=len(self.reading.taken),
            notes=(*self.opened.notes, *self.reading.notes, *notes),
            traceparent=self.traceparent,
            raw=self.opened.raw,
        )

    def file_row(self, journal_seq: int) -> FileRow:
        reasons = {stop.outcome.reason for stop in self.reading.refused if isinstance(stop.outcome, Reject)}
        return FileRow(
            journal_seq=journal_seq,
            feed=self.reading.feed,
            name=(self.file or "")[:256],
            sequence=self.sequence,
            state="corrupt" if reasons & _CORRUPT else "read",
            received_at=self.arrival.received_at,
        )

    def reply(self) -> StoredReply:
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

    def envelopes(self) -> list[Envelope]:
        feed = self.reading.feed
        envelopes = []
        for item in self.reading.taken:
            assert not isinstance(item.outcome, Reject)
            envelope = seal(
                item.outcome,
                feed=feed,
                digest=self.digest,
                position=item.position,
                subject=result_identity(feed, self.digest, item.position),
                at=self.arrival.received_at,
                traceparent=self.traceparent,
            )
            envelopes.append(envelope)
        return envelopes
