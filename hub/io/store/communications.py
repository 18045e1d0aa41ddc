"""Letters handed to NHS Notify: claimed under a reference, followed by its news, and settled where they failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, func, insert, or_, select, update

from hub.domain.communications import ChannelNews, MessageNews, News
from hub.flow.ports.communications import (
    CLAIMED,
    SENT,
    BatchRow,
    CommunicationDecision,
    CommunicationRow,
    Silent,
    Tally,
    Wish,
    Wishes,
)
from hub.io.store import communication_account as account
from hub.io.store.room import Room
from hub.io.store.schema import (
    communication_batches,
    communication_decisions,
    communication_news,
    communications,
    letters,
)
from hub.io.store.statements import insert_all_or_replace, insert_new, insert_or_replace

_MOST_KEYS = 500
_KINDS: Mapping[str, type[MessageNews] | type[ChannelNews]] = {"message": MessageNews, "channel": ChannelNews}
_encoder = msgspec.json.Encoder()
_UNSENT = (letters.c.state == "wished",)


def _since_before(state: str, before: datetime) -> tuple[ColumnElement[bool], ...]:
    return letters.c.state == state, letters.c.changed_at < before


def _batch(row: Row[Any]) -> BatchRow:
    return BatchRow(**row._mapping)


def _communication(row: Row[Any]) -> CommunicationRow:
    return CommunicationRow(**row._mapping)


def _values(row: BatchRow | CommunicationRow | CommunicationDecision) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def _news_values(news: News, at: datetime) -> dict[str, Any]:
    return {
        "key": news.key,
        "reference": news.reference,
        "message_id": news.message_id,
        "kind": "message" if isinstance(news, MessageNews) else "channel",
        "data": _encoder.encode(news),
        "heard_at": at,
    }


def _news(row: Row[Any]) -> News:
    told: News = msgspec.json.decode(bytes(row.data), type=_KINDS[row.kind])
    return told


class SqlCommunications(Room):
    """See `hub.flow.ports.communications.Communications`."""

    # -- handing over

    def wishes(self) -> list[Wishes]:
        """By code, of letters that nobody has claimed."""
        query = select(letters.c.code, func.count(), func.min(letters.c.changed_at)).where(*_UNSENT)
        return [Wishes(*row) for row in self._connection.execute(query.group_by(letters.c.code))]

    def wished(self, codes: Sequence[str], limit: int) -> list[Wish]:
        """The oldest of these codes. To claim one, its person must be held, and the letter read again."""
        query = select(letters.c.letter_id, letters.c.participant_id).where(*_UNSENT, letters.c.code.in_(codes))
        order = query.order_by(letters.c.changed_at, letters.c.letter_id).limit(limit)
        return [Wish(*row) for row in self._connection.execute(order)]

    def in_state_before(self, state: str, before: datetime, limit: int) -> list[Wish]:
        """The oldest letters in this state since before then."""
        query = select(letters.c.letter_id, letters.c.participant_id).where(*_since_before(state, before))
        order = query.order_by(letters.c.changed_at, letters.c.letter_id).limit(limit)
        return [Wish(*row) for row in self._connection.execute(order)]

    def count_before(self, state: str, before: datetime) -> dict[str, int]:
        """How many of each code."""
        query = select(letters.c.code, func.count()).where(*_since_before(state, before)).group_by(letters.c.code)
        return {row[0]: row[1] for row in self._connection.execute(query.order_by(letters.c.code))}

    def begin(self, batch: BatchRow, rows: Sequence[CommunicationRow]) -> None:
        """A claim: from now on these messages are in the hands of whoever made it."""
        insert_or_replace(self._connection, communication_batches, _values(batch))
        self.put(rows)

    def take_due(self, at: datetime, again_at: datetime) -> BatchRow | None:
        """A claim whose time has come, for the taker alone until `again_at`; as it was before this try."""
        table = communication_batches
        due = select(table).where(table.c.state == CLAIMED, table.c.look_at <= at).order_by(table.c.look_at)
        row = self._connection.execute(due.limit(1).with_for_update(skip_locked=True)).first()
        if row is None:
            return None
        taken = replace(_batch(row), look_at=again_at, tries=row.tries + 1)
        insert_or_replace(self._connection, table, _values(replace(taken, maybe=True)))
        return taken

    def waiting_batches(self) -> list[BatchRow]:
        """Claims that nobody knows the end of, the oldest first."""
        table = communication_batches
        query = select(table).where(table.c.state == CLAIMED).order_by(table.c.begun_at, table.c.reference)
        return [_batch(row) for row in self._connection.execute(query)]

    def end(self, batch: BatchRow) -> bool:
        """Whether it was still claimed, as it was taken: of several who bring an answer, one counts."""
        return self._changed(batch, state="ended", why="")

    def put_off(self, batch: BatchRow, look_at: datetime, why: str, *, maybe: bool) -> bool:
        return self._changed(batch, look_at=look_at, why=why, maybe=maybe)

    def _changed(self, batch: BatchRow, **values: Any) -> bool:
        table = communication_batches
        as_taken = (table.c.reference == batch.reference, table.c.state == CLAIMED, table.c.tries == batch.tries)
        return self._connection.execute(update(table).where(*as_taken).values(**values)).rowcount == 1

    def of_batch(self, reference: str) -> list[CommunicationRow]:
        """Nobody else changes them until this transaction ends."""
        query = select(communications).where(communications.c.batch_reference == reference)
        return self._rows(query.order_by(communications.c.reference).with_for_update())

    def put(self, rows: Sequence[CommunicationRow]) -> None:
        insert_all_or_replace(self._connection, communications, [_values(row) for row in rows])

    # -- what Notify tells

    def hear(self, news: Sequence[News], at: datetime) -> list[News]:
        """Write down what is new of it; the same news again changes nothing."""
        by_key = {each.key: each for each in news}
        rows = [_news_values(by_key[key], at) for key in sorted(by_key)]
        return [by_key[row.key] for row in insert_new(self._connection, communication_news, rows, ("key",))]

    def named(self, references: Sequence[str], message_ids: Sequence[str]) -> list[CommunicationRow]:
        """The messages of these names, for this transaction alone until it ends."""
        of_these = or_(communications.c.reference.in_(references), communications.c.message_id.in_(message_ids))
        query = select(communications).where(of_these).order_by(communications.c.reference)
        return self._rows(query.with_for_update())

    def news_about(self, rows: Sequence[CommunicationRow]) -> Mapping[str, list[News]]:
        """By reference, all that was ever told of each."""
        names = {row.message_id: row.reference for row in rows if row.message_id}
        names |= {row.reference: row.reference for row in rows}
        found: dict[str, dict[str, News]] = {row.reference: {} for row in rows}
        for column in (communication_news.c.reference, communication_news.c.message_id):
            for row in self._in_some(select(communication_news), column, list(names)):
                told = _news(row)
                found[names.get(told.reference) or names[told.message_id]][told.key] = told
        return {reference: list(some.values()) for reference, some in found.items()}

    def take_unheard(self, limit: int, at: datetime, again_at: datetime) -> list[CommunicationRow]:
        """Messages to be asked about, for the taker alone until `again_at`."""
        due = select(communications).where(communications.c.state == SENT, communications.c.look_at <= at)
        order = (communications.c.look_at, communications.c.reference)
        found = self._rows(due.order_by(*order).limit(limit).with_for_update(skip_locked=True))
        taken = [replace(row, look_at=again_at) for row in found]
        self.put(taken)
        return taken

    # -- what is looked at

    def of_letters(self, letter_ids: Sequence[str]) -> list[CommunicationRow]:
        """The oldest first."""
        query = select(communications).order_by(communications.c.claimed_at, communications.c.reference)
        rows = self._in_some(query, communications.c.letter_id, letter_ids)
        return [_communication(row) for row in rows]

    def find(self, prefix: str) -> list[CommunicationRow]:
        """Messages whose reference begins so: nobody types a whole UUID."""
        return self._rows(
            select(communications).where(communications.c.reference.startswith(prefix, autoescape=True)).limit(10)
        )

    def needing_somebody(self, limit: int) -> list[CommunicationRow]:
        """Referrals first, then the one that has waited longest."""
        needs = (communications.c.task_at.is_not(None), communications.c.settled_at.is_(None))
        order = (communications.c.priority, communications.c.task_at, communications.c.reference)
        return self._rows(select(communications).where(*needs).order_by(*order).limit(limit))

    def listed(self, state: str, limit: int) -> list[CommunicationRow]:
        """The newest in this state."""
        query = select(communications).where(communications.c.state == state)
        return self._rows(query.order_by(communications.c.claimed_at.desc(), communications.c.reference).limit(limit))

    def decide(self, decision: CommunicationDecision) -> None:
        self._connection.execute(insert(communication_decisions), _values(decision))

    def decisions(self, reference: str) -> list[CommunicationDecision]:
        table = communication_decisions
        query = select(table).where(table.c.reference == reference).order_by(table.c.seq)
        names = CommunicationDecision.__slots__
        return [
            CommunicationDecision(*(getattr(row, name) for name in names)) for row in self._connection.execute(query)
        ]

    def tallies(self) -> list[Tally]:
        return account.tallies(self._connection)

    def troubles(self) -> dict[str, int]:
        return account.troubles(self._connection)

    def paused(self) -> list[Wish]:
        return account.paused(self._connection)

    def silent(self, at: datetime, limit: int) -> list[Silent]:
        return account.silent(self._connection, at, limit)

    def strangers(self) -> int:
        return account.strangers(self._connection)

    def _rows(self, query: Select[Any]) -> list[CommunicationRow]:
        return [_communication(row) for row in self._connection.execute(query)]

    def _in_some(self, query: Select[Any], column: Any, keys: Sequence[str]) -> list[Row[Any]]:
        """Both databases limit how many keys a statement may name."""
        some = [keys[start : start + _MOST_KEYS] for start in range(0, len(keys), _MOST_KEYS)]
        return [row for each in some for row in self._connection.execute(query.where(column.in_(each)))]
