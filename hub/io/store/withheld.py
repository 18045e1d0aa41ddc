"""Answers that a rehearsal kept back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select

from hub.io.store.room import Room
from hub.io.store.schema import journal, replies, withheld
from hub.io.store.statements import insert_or_leave


class SqlWithheld(Room):
    """See `hub.flow.ports.journal.Withheld`."""

    def put(self, reply_seq: int, at: datetime) -> None:
        insert_or_leave(self._connection, withheld, {"reply_seq": reply_seq, "withheld_at": at})

    def of_feed(self, feed: str) -> dict[int, datetime]:
        """By journal number, when the first answer was kept back."""
        query = (
            select(replies.c.journal_seq, withheld.c.withheld_at)
            .join(replies, replies.c.seq == withheld.c.reply_seq)
            .join(journal, journal.c.seq == replies.c.journal_seq)
            .where(journal.c.feed == feed)
            .order_by(withheld.c.withheld_at.desc())
        )
        return {row.journal_seq: row.withheld_at for row in self._connection.execute(query)}
