"""Figures over the whole store."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import func, select

from hub.io.store.room import Room
from hub.io.store.schema import discharges, journal, letters, repeats, replies, results, tasks

_WISHED = ("wished", "sent", "delivered", "failed", "elsewhere")


class SqlCounts(Room):
    """See `hub.flow.ports.store.Counts`."""

    def _by(self, column: Any, *conditions: Any) -> dict[Any, int]:
        query = select(column, func.count()).group_by(column).order_by(column)
        return {row[0]: row[1] for row in self._connection.execute(query.where(*conditions))}

    def answers(self) -> dict[str, int]:
        return self._by(replies.c.code, replies.c.code != "")

    def refusals(self) -> dict[str, int]:
        return self._by(replies.c.reason, replies.c.reason != "")

    def results(self) -> dict[str, int]:
        return self._by(results.c.state)

    def parked(self) -> dict[str, int]:
        return self._by(tasks.c.reason, tasks.c.state.not_in(("closed", "asking")))

    def discharge_clocks(self) -> dict[date, int]:
        """Discharges that wait for somebody, by the day on which their clock ends."""
        return self._by(tasks.c.due_on, tasks.c.discharge_id.is_not(None), tasks.c.state != "closed")

    def letters(self) -> dict[str, int]:
        """Letters wished, by code."""
        return self._by(letters.c.code, letters.c.state.in_(_WISHED))

    def letters_held(self) -> dict[str, int]:
        """Letters that wait for a clerk, those cancelled because the record changed, and results that get none."""
        return self._by(letters.c.state, letters.c.state.not_in(_WISHED))

    def journal(self) -> dict[str, int]:
        again = self._connection.execute(select(func.count()).select_from(repeats)).scalar_one()
        return {**self._by(journal.c.state), "repeats": again}

    def without_outcome(self) -> int:
        """Messages of which not everything taken has an outcome, and what waits with nobody to see it."""
        settled = sum(
            select(func.count())
            .select_from(rows)
            .where(rows.c.journal_seq == journal.c.seq, rows.c.state != "")
            .scalar_subquery()
            for rows in (results, discharges)
        )
        unsettled = select(func.count()).select_from(journal).where(journal.c.results > settled)
        unseen = [
            select(func.count())
            .select_from(rows)
            .where(
                rows.c.state == "waiting",
                ~select(tasks.c.task_id).where(named == own, tasks.c.state != "closed").exists(),
            )
            for rows, own, named in (
                (results, results.c.result_id, tasks.c.result_id),
                (discharges, discharges.c.discharge_id, tasks.c.discharge_id),
            )
        ]
        return sum(self._connection.execute(query).scalar_one() for query in (unsettled, *unseen))
