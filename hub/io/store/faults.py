"""Files that are missing or corrupt, and the diary of what was done about each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from hub.flow.ports.feeds import FileFault, FileNote
from hub.io.store.room import Room
from hub.io.store.schema import file_faults, file_notes, files
from hub.io.store.statements import insert_or_leave


def _fault(row: Row[Any]) -> FileFault:
    return FileFault(**row._mapping)


class SqlFileFaults(Room):
    """See `hub.flow.ports.feeds.FileFaults`."""

    def put(self, fault: FileFault) -> bool:
        """True if it was new; one that is known stays as it is."""
        return insert_or_leave(self._connection, file_faults, _values(fault))

    def change(self, fault: FileFault) -> None:
        query = update(file_faults).where(file_faults.c.fault_id == fault.fault_id).values(_values(fault))
        self._connection.execute(query)

    def get(self, fault_id: str) -> FileFault | None:
        row = self._connection.execute(select(file_faults).where(file_faults.c.fault_id == fault_id)).first()
        return _fault(row) if row else None

    def find(self, prefix: str) -> list[FileFault]:
        """Those whose id begins so."""
        query = select(file_faults).where(file_faults.c.fault_id.startswith(prefix, autoescape=True)).limit(10)
        return [_fault(row) for row in self._connection.execute(query)]

    def of_feed(self, feed: str, limit: int) -> list[FileFault]:
        """Those that nobody has resolved first, of them the newest."""
        query = (
            select(file_faults)
            .where(file_faults.c.feed == feed)
            .order_by(file_faults.c.state == "resolved", file_faults.c.found_at.desc(), file_faults.c.first.desc())
            .limit(limit)
        )
        return [_fault(row) for row in self._connection.execute(query)]

    def unresolved(self) -> dict[tuple[str, str], int]:
        """How many of each feed and kind."""
        query = (
            select(file_faults.c.feed, file_faults.c.kind, func.count())
            .where(file_faults.c.state != "resolved")
            .group_by(file_faults.c.feed, file_faults.c.kind)
        )
        return {(feed, kind): count for feed, kind, count in self._connection.execute(query)}

    def note(self, note: FileNote) -> None:
        values = {name: getattr(note, name) for name in FileNote.__slots__ if name != "seq"}
        self._connection.execute(insert(file_notes), values)

    def diary(self, fault_id: str) -> list[FileNote]:
        """The oldest first."""
        query = select(file_notes).where(file_notes.c.fault_id == fault_id).order_by(file_notes.c.seq)
        return [FileNote(**row._mapping) for row in self._connection.execute(query)]

    def feeds_with_files(self) -> list[str]:
        return list(self._connection.execute(select(files.c.feed).distinct().order_by(files.c.feed)).scalars())

    def corrupt(self, feed: str) -> list[tuple[int, str]]:
        """Number and name of the corrupt files of which no fault is known yet."""
        known = select(file_faults.c.fault_id).where(file_faults.c.journal_seq == files.c.journal_seq)
        query = (
            select(files.c.journal_seq, files.c.name)
            .where(files.c.feed == feed, files.c.state == "corrupt", ~known.exists())
            .order_by(files.c.journal_seq)
        )
        return [(seq, name) for seq, name in self._connection.execute(query)]

    def numbers_came(self, feed: str, first: int, last: int) -> dict[int, datetime]:
        """Which of these numbers came after all, and when first."""
        query = (
            select(files.c.sequence, func.min(files.c.received_at))
            .where(files.c.feed == feed, files.c.sequence.between(first, last))
            .group_by(files.c.sequence)
        )
        return dict(self._connection.execute(query).all())


def _values(fault: FileFault) -> dict[str, Any]:
    values = {name: getattr(fault, name) for name in FileFault.__slots__}
    return {**values, "changed_at": fault.changed_at or fault.found_at}
