"""Files that came, and the numbers their senders gave them."""

from __future__ import annotations

from sqlalchemy import func, select

from hub.flow.ports.files import FileRow
from hub.io.store.room import Room
from hub.io.store.schema import files
from hub.io.store.statements import insert_or_replace


class SqlFiles(Room):
    """See `hub.flow.ports.files.Files`."""

    def put(self, file: FileRow) -> None:
        values = {
            "journal_seq": file.journal_seq,
            "feed": file.feed,
            "name": file.name,
            "sequence": file.sequence,
            "state": file.state,
            "received_at": file.received_at,
        }
        insert_or_replace(self._connection, files, values)

    def page(self, feed: str, limit: int) -> list[FileRow]:
        """The newest first."""
        query = select(files).where(files.c.feed == feed).order_by(files.c.journal_seq.desc()).limit(limit)
        return [FileRow(**row._mapping) for row in self._connection.execute(query)]

    def gaps(self, feed: str, limit: int) -> list[tuple[int, int]]:
        """The numbers (first, last) between two that came, under which nothing came: the newest first."""
        came = select(files.c.sequence).where(files.c.feed == feed, files.c.sequence.is_not(None)).distinct().subquery()
        after = func.lead(came.c.sequence).over(order_by=came.c.sequence).label("after")
        pairs = select(came.c.sequence, after).subquery()
        query = (
            select(pairs.c.sequence + 1, pairs.c.after - 1)
            .where(pairs.c.after > pairs.c.sequence + 1)
            .order_by(pairs.c.sequence.desc())
            .limit(limit)
        )
        return [(first, last) for first, last in self._connection.execute(query)]
