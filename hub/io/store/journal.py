"""The journal: what arrived, byte for byte, and what was answered. Rows never change but for their state."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    DateTime,
    Row,
    Select,
    String,
    bindparam,
    func,
    insert,
    or_,
    select,
    update,
)

from hub.flow.ports.journal import Arrival, JournalEntry, StoredReply, Stretch
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import as_kept, journal, repeats, replies
from hub.io.store.statements import Several, numbered

_LISTED = [column for column in journal.columns if column.name != "raw"]
_FIND = Prepared(select(*_LISTED).where(journal.c.feed == bindparam("feed"), journal.c.digest == bindparam("digest")))
_NUMBERS = Several(select(journal.c.feed, journal.c.digest, journal.c.seq), journal.c.feed, journal.c.digest)
_KNOWN = Several(select(*_LISTED), journal.c.feed, journal.c.digest)
_USED = Several(select(journal.c.feed, journal.c.control_id).distinct(), journal.c.control_id)
_LAST_REPLY = Prepared(
    select(replies).where(replies.c.journal_seq == bindparam("seq")).order_by(replies.c.seq.desc()).limit(1)
)
_RESTATE = Prepared(
    update(journal).where(journal.c.seq == bindparam("row")).values(state=bindparam("to"), results=bindparam("count"))
)
_REPLIED_ALONE = Prepared(
    update(replies)
    .where(replies.c.seq == bindparam("reply"))
    .values(state=bindparam("to"), sent_at=bindparam("at", type_=replies.c.sent_at.type))
)
_told = select(
    func.unnest(bindparam("numbers", type_=ARRAY(BigInteger))).label("reply"),
    func.unnest(bindparam("states", type_=ARRAY(String))).label("to"),
    func.unnest(bindparam("times", type_=ARRAY(DateTime(timezone=True)))).label("at"),
).subquery()
_REPLIED = Prepared(update(replies).where(replies.c.seq == _told.c.reply).values(state=_told.c.to, sent_at=_told.c.at))
_HEXADECIMAL = frozenset("0123456789abcdef")
_LONGEST_NUMBER = 18
"""Digits of a journal number. Control ids made of time and counter may have more, and more than databases can count."""


def _entry(row: Row[Any], raw: bytes = b"") -> JournalEntry:
    return JournalEntry(
        seq=row.seq,
        feed=row.feed,
        digest=row.digest,
        arrival=Arrival(row.door, row.peer, row.received_at),
        control_id=row.control_id,
        message_type=row.message_type,
        state=row.state,
        results=row.results,
        notes=tuple(json.loads(row.notes)),
        traceparent=row.traceparent,
        raw=raw,
        answer=getattr(row, "code", "") or "",
        reason=getattr(row, "reason", "") or "",
        place=getattr(row, "place", "") or "",
        reply_state=getattr(row, "reply_state", "") or "",
        answered_at=getattr(row, "answered_at", None),
        repeats=getattr(row, "repeats", 0) or 0,
    )


def _reply(row: Row[Any]) -> StoredReply:
    return StoredReply(row.code, row.reason, row.place, row.body, row.answered_at, row.then, row.seq, row.sent_at)


def _journal_values(entry: JournalEntry) -> dict[str, Any]:
    return {
        "feed": entry.feed,
        "digest": entry.digest,
        "door": entry.arrival.door,
        "peer": entry.arrival.peer,
        "received_at": entry.arrival.received_at,
        "control_id": entry.control_id,
        "message_type": entry.message_type,
        "state": entry.state,
        "results": entry.results,
        "notes": json.dumps(entry.notes),
        "traceparent": entry.traceparent,
        "raw": entry.raw,
    }


def _reply_values(seq: int, reply: StoredReply) -> dict[str, Any]:
    return {
        "journal_seq": seq,
        "answered_at": reply.answered_at,
        "code": reply.code,
        "reason": reply.reason,
        "place": reply.place,
        "body": reply.body,
        "then": reply.then,
        "state": "owed" if reply.body is not None else "none",
    }


def _listing() -> Select[Any]:
    """Journal rows with their newest reply and how often the same bytes came again."""
    every = replies.alias()
    newest = (
        select(func.max(every.c.seq)).where(every.c.journal_seq == journal.c.seq).correlate(journal).scalar_subquery()
    )
    again = (
        select(func.count())
        .select_from(repeats)
        .where(repeats.c.journal_seq == journal.c.seq)
        .scalar_subquery()
        .label("repeats")
    )
    answered = (replies.c.code, replies.c.reason, replies.c.place, replies.c.state.label("reply_state"))
    return select(*_LISTED, *answered, replies.c.answered_at, again).select_from(
        journal.outerjoin(replies, replies.c.seq == newest)
    )


def _only(feed: str | None, state: str | None) -> list[ColumnElement[bool]]:
    """The conditions of a listing: of this feed, in this state, where they are given."""
    given = ((journal.c.feed, feed), (journal.c.state, state))
    return [column == value for column, value in given if value is not None]


def _within(stretch: Stretch) -> list[ColumnElement[bool]]:
    conditions = _only(stretch.feed, None)
    if stretch.since:
        conditions.append(journal.c.received_at >= stretch.since)
    if stretch.until:
        conditions.append(journal.c.received_at < stretch.until)
    return conditions


class SqlJournal(Room):
    """See `hub.flow.ports.journal.Journal`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._numbers: dict[tuple[str, str], int] = {}

    def read_ahead(self, names: Sequence[tuple[str, str]]) -> None:
        """Look up the numbers of many at once; they never change."""
        rows = _NUMBERS.rows(self._bare, [feed for feed, _ in names], [digest for _, digest in names])
        self._numbers.update(((row.feed, row.digest), row.seq) for row in rows)

    def number(self, feed: str, digest: str) -> int | None:
        """The number of the message with these bytes."""
        if (feed, digest) not in self._numbers:
            self.read_ahead([(feed, digest)])
        return self._numbers.get((feed, digest))

    def find(self, feed: str, digest: str) -> JournalEntry | None:
        row = _FIND.first(self._bare, {"feed": feed, "digest": digest})
        return _entry(row) if row else None

    def known(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], JournalEntry]:
        """The entries of these (feed, digest) that there are."""
        rows = _KNOWN.rows(self._connection, [feed for feed, _ in names], [digest for _, digest in names])
        found = {(row.feed, row.digest): _entry(row) for row in rows}
        return {name: found[name] for name in names if name in found}

    def append(self, entries: Sequence[JournalEntry]) -> list[int]:
        """New rows; returns their numbers."""
        return numbered(self._connection, journal, [_journal_values(entry) for entry in entries], ("feed", "digest"))

    def control_ids_used(self, names: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
        """Of these (feed, control id) those with which a message came before."""
        rows = _USED.rows(self._connection, [control_id for _, control_id in names])
        used = {(row.feed, row.control_id) for row in rows}
        return {(feed, control_id) for feed, control_id in names if (feed, as_kept(control_id)) in used}

    def restate(self, seq: int, state: str, results: int) -> None:
        _RESTATE.change(self._connection, {"row": seq, "to": state, "count": results})

    def answered(self, replies_to: Sequence[tuple[int, StoredReply]]) -> list[int]:
        """What was answered to these rows; returns the replies' own numbers."""
        rows = [_reply_values(seq, reply) for seq, reply in replies_to]
        return numbered(self._connection, replies, rows, ("journal_seq",))

    def repeated(self, seq: int, arrival: Arrival) -> None:
        values = {"journal_seq": seq, "received_at": arrival.received_at, "peer": arrival.peer}
        self._connection.execute(insert(repeats), values)

    def reply(self, seq: int) -> StoredReply:
        return _reply(_LAST_REPLY.rows(self._connection, {"seq": seq})[0])

    def replied(self, outcomes: Iterable[tuple[int, bool, datetime]]) -> None:
        """Which replies went out, and when. Told twice of one (the same bytes came again), the last counts."""
        told = {seq: ("sent", at) if sent else ("undelivered", None) for seq, sent, at in outcomes}
        connection = self._connection
        if connection.dialect.name == "sqlite":
            rows = [{"reply": seq, "to": state, "at": at} for seq, (state, at) in told.items()]
            _REPLIED_ALONE.change_all(connection, rows)
        elif told:
            states, times = zip(*told.values(), strict=True)
            _REPLIED.change(connection, {"numbers": list(told), "states": list(states), "times": list(times)})

    def entry(self, seq: int) -> JournalEntry | None:
        row = self._connection.execute(_listing().where(journal.c.seq == seq)).first()
        if row is None:
            return None
        raw = self._connection.execute(select(journal.c.raw).where(journal.c.seq == seq)).scalar_one()
        return _entry(row, bytes(raw))

    def listed(self, seqs: Sequence[int]) -> list[JournalEntry]:
        """These entries with their answers, without their bytes."""
        query = _listing().where(journal.c.seq.in_(list(seqs))).order_by(journal.c.seq)
        return [_entry(row) for row in self._connection.execute(query)]

    def lookup(self, name: str) -> list[JournalEntry]:
        """Entries by journal number, digest (or its first 8 characters and more) or control id, oldest first."""
        named = journal.c.control_id == name
        if len(name) >= 8 and _HEXADECIMAL.issuperset(name):
            named = or_(named, journal.c.digest.between(name, name + "g"))  # what begins so, by the index
        if name.isdecimal() and len(name) <= _LONGEST_NUMBER:
            named = or_(named, journal.c.seq == int(name))
        rows = self._connection.execute(_listing().where(named).order_by(journal.c.seq).limit(200))
        return [_entry(row) for row in rows]

    def page(self, after: int, limit: int, feed: str | None = None, state: str | None = None) -> list[JournalEntry]:
        query = _listing().where(journal.c.seq > after, *_only(feed, state)).order_by(journal.c.seq).limit(limit)
        return [_entry(row) for row in self._connection.execute(query)]

    def newest(self, limit: int, feed: str | None = None, state: str | None = None) -> list[JournalEntry]:
        query = _listing().where(*_only(feed, state)).order_by(journal.c.seq.desc()).limit(limit)
        return [_entry(row) for row in self._connection.execute(query)][::-1]

    def whole(self, after: int, limit: int, stretch: Stretch) -> list[JournalEntry]:
        """A page of messages with their bytes."""
        query = _listing().add_columns(journal.c.raw).where(journal.c.seq > after, *_within(stretch))
        rows = self._connection.execute(query.order_by(journal.c.seq).limit(limit))
        return [_entry(row, bytes(row.raw)) for row in rows]

    def count(self, stretch: Stretch) -> int:
        """How many messages such pages hold together."""
        query = select(func.count()).select_from(journal).where(*_within(stretch))
        return self._connection.execute(query).scalar_one()

    def replies(self, seq: int) -> list[StoredReply]:
        rows = self._connection.execute(select(replies).where(replies.c.journal_seq == seq).order_by(replies.c.seq))
        return [_reply(row) for row in rows]

    def came_again(self, seq: int) -> list[Arrival]:
        """When the same bytes came again, and from whom."""
        query = select(repeats, journal.c.door).join(journal, journal.c.seq == repeats.c.journal_seq)
        rows = self._connection.execute(query.where(repeats.c.journal_seq == seq).order_by(repeats.c.seq))
        return [Arrival(row.door, row.peer, row.received_at) for row in rows]
