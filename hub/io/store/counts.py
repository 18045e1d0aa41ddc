"""Figures over the whole store."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, func, select

from hub.io.store.schema import journal, letters, repeats, replies, results, tasks


class SqlCounts:
    """See `hub.flow.ports.Counts`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _by(self, column: Any, *conditions: Any) -> dict[str, int]:
        query = select(column, func.count()).group_by(column).order_by(column)
        return {row[0]: row[1] for row in self._connection.execute(query.where(*conditions))}

    def answers(self) -> dict[str, int]:
        return self._by(replies.c.code, replies.c.code != "")

    def refusals(self) -> dict[str, int]:
        return self._by(replies.c.reason, replies.c.reason != "")

    def results(self) -> dict[str, int]:
        return self._by(results.c.state)

    def parked(self) -> dict[str, int]:
        return self._by(tasks.c.reason, tasks.c.state != "closed")

    def letters(self) -> dict[str, int]:
        """Letters by code; those held back or cancelled stand under `waiting` and `cancelled`."""
        wished = self._by(letters.c.code, letters.c.state == "wished")
        return {**wished, **self._by(letters.c.state, letters.c.state != "wished")}

    def journal(self) -> dict[str, int]:
        again = self._connection.execute(select(func.count()).select_from(repeats)).scalar_one()
        return {**self._by(journal.c.state), "repeats": again}

    def without_outcome(self) -> int:
        """Messages from which results were taken, but of which not every result has an outcome."""
        settled = (
            select(func.count())
            .select_from(results)
            .where(results.c.journal_seq == journal.c.seq, results.c.state != "")
            .scalar_subquery()
        )
        query = select(func.count()).select_from(journal).where(journal.c.results > settled)
        return self._connection.execute(query).scalar_one()
