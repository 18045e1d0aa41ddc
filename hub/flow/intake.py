"""Intake: a message becomes a journal row, its events an outbox row each, and the sender gets an answer, in that order.

Everything up to the answer happens in one transaction. What this module promises a laboratory stands in the
interface specification (`adapters/hl7v2_oru.md`, "What an answer promises").
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from time import perf_counter

from hub import telemetry
from hub.contract import Adapter, Item, Reading, named_identity, sequence_of
from hub.domain.dates import day_in_england
from hub.errors import Reason, Reject
from hub.flow.admission import admitted, objection_to
from hub.flow.answered import Answered as Answered
from hub.flow.answered import once, stored
from hub.flow.consumers import CONSUMERS
from hub.flow.message import Message, reply_id
from hub.flow.ports.files import OutgoingRow
from hub.flow.ports.journal import Arrival, JournalEntry, Via
from hub.flow.ports.store import Clock, Store, Transaction
from hub.flow.readings import superseding
from hub.flow.receipts import slide_rows
from hub.flow.together import Together
from hub.mapping import FeedTable, FeedTables

QUICKLY_READ = 128 * 1024
"""Bytes that are read at once. What is larger (a file of thousands of rows takes seconds) is read in a thread, so that
the doors stay open for the others."""
TOGETHER = 256
"""Messages in one commit at most."""


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
        self._written = Together(store, partial(once, take_down), at_most=TOGETHER, at_door=True)

    async def take(self, raw: bytes, via: Via, problem: Reason | None = None) -> Answered:
        """Store the message, then answer it. `problem` is what the door saw wrong with the frame itself.

        Raises `hub.errors.Retry` where it could not be stored: then nothing may be answered.
        """
        started = perf_counter()
        reading = partial(self._read, raw, via, self._clock(), problem)
        message = await asyncio.to_thread(reading) if len(raw) > QUICKLY_READ else reading()
        with telemetry.span("intake", message.traceparent, feed=message.feed, door=via.door):
            answered = replace(await self._written.ask(message), feed=message.feed)
        self._tell(message, answered, perf_counter() - started)
        return answered

    def _read(self, raw: bytes, via: Via, at: datetime, problem: Reason | None) -> Message:
        adapter = self._adapters[via.dialect]
        feeds = self._feeds.of(via.feed) if via.feed else self._feeds.speaking(via.dialect)
        opened = adapter.open(raw)
        table = feeds(opened.application, opened.facility)
        if problem is None and table:
            problem = objection_to(via, table)
        if problem:
            reading = Reading(table.feed if table else "", (Item("1.1", Reject(problem)),))
        else:
            reading = adapter.decode(opened, admitted(via, feeds), day_in_england(at))
        if via.feed in self._feeds.by_id and not reading.feed:  # what came is the proven sender's, whatever it says
            reading = replace(reading, feed=via.feed)
        return Message(
            opened,
            reading,
            Arrival(via.door, via.peer, at),
            hashlib.sha256(raw).hexdigest(),
            adapter.reply(opened, reading, at, reply_id()),
            adapter.application_reply(opened, reading, feeds, at, reply_id()),
            via.file,
            sequence_of(opened, reading, table, via.file or ""),
            via.delivery,
            self._confirmed_to(via, table),
            (via.feed, via.request) if via.request else None,
        )

    def _confirmed_to(self, via: Via, table: FeedTable | None) -> FeedTable | None:
        """Whom a file is confirmed to: whoever has proven to have sent it, whatever stands in it."""
        asked = self._feeds.by_id.get(via.feed) if via.feed else table
        return asked if asked and asked.answer.mailbox and via.file is not None else None

    def _tell(self, message: Message, answered: Answered, seconds: float) -> None:
        if answered.conflict:
            return
        telemetry.message_received(message.feed, len(message.opened.raw))
        telemetry.message_answered(message.feed, answered.code, seconds)
        if answered.control_id_reused:
            telemetry.control_id_reused(message.feed)
        if answered.repeated:
            telemetry.message_repeated(message.feed)
            return
        for item in message.reading.refused:
            assert isinstance(item.outcome, Reject)
            telemetry.message_refused(message.feed, item.outcome.reason.code)
        if message.reading.taken:
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
    for message in to_write:
        events = message.envelopes()
        for event in superseding(tx, events) if events and message.name in known else events:
            tx.events.put(event, consumed=event.type in CONSUMERS)
    replies = [message.reply() for message in to_write]
    tokens = tx.journal.answered([(written[m.name], reply) for m, reply in zip(to_write, replies, strict=True)])
    tx.slides.put(
        [row for message in to_write for row in slide_rows(message.feed, message.reading, written[message.name])]
    )
    for message, reply in zip(to_write, replies, strict=True):
        if message.file is not None:
            tx.files.put(message.file_row(written[message.name]))
            _confirm(tx, message, written[message.name], reply.body)
    for message, reply, token in zip(to_write, replies, tokens, strict=True):
        answer = stored(replace(reply, seq=token), written[message.name], message.state)
        answered[message.name] = replace(answer, control_id_reused=message.name in reused)
    return [answered[message.name] for message in messages]


def _again(tx: Transaction, message: Message, entry: JournalEntry) -> Answered:
    tx.journal.repeated(entry.seq, message.arrival)
    reply = tx.journal.reply(entry.seq)
    _confirm(tx, message, entry.seq, reply.body)
    return replace(stored(reply, entry.seq, entry.state), repeated=True)


def _confirm(tx: Transaction, message: Message, journal_seq: int, body: bytes | None) -> None:
    """Wish the confirmation of a file, where the feed's table says where it goes."""
    if message.confirm and body is not None:
        tx.outgoing.put(
            OutgoingRow(
                local_id=named_identity(f"confirmation|{message.delivery}") if message.delivery else reply_id(),
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
    named = [message for message in messages if message.control_id and message.feed]
    used = tx.journal.control_ids_used([(message.feed, message.control_id) for message in named])
    reused = set()
    for message in named:
        name = (message.feed, message.control_id)
        if name in used:
            reused.add(message.name)
        used.add(name)
    return reused
