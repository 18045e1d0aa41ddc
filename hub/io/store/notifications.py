"""The practices' lists, and what each day's run of call and recall did."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Select, func, select, update

from hub.flow.ports import NotificationRow
from hub.io.store.room import Room
from hub.io.store.schema import notifications, recall_runs
from hub.io.store.statements import insert_all_or_replace, insert_or_leave


def _notification(row: Row[Any]) -> NotificationRow:
    return NotificationRow(**row._mapping)


class SqlNotifications(Room):
    """See `hub.flow.ports.Notifications`."""

    def put(self, row: NotificationRow) -> None:
        self.put_all([row])

    def put_all(self, rows: Sequence[NotificationRow]) -> None:
        values = [{name: getattr(row, name) for name in NotificationRow.__slots__} for row in rows]
        insert_all_or_replace(self._connection, notifications, values)

    def get(self, notification_id: str) -> NotificationRow | None:
        rows = self._rows(select(notifications).where(notifications.c.notification_id == notification_id))
        return rows[0] if rows else None

    def open_of(self, participant_id: str) -> list[NotificationRow]:
        mine = notifications.c.participant_id == participant_id
        return self._rows(select(notifications).where(mine, notifications.c.state == "open"))

    def of_practice(self, practice_code: str, of_list: str, since: date, limit: int) -> list[NotificationRow]:
        """Whoever stands open on a practice's list, the longest first; listed since that day."""
        query = select(notifications).where(
            notifications.c.practice_code == practice_code,
            notifications.c.list == of_list,
            notifications.c.state == "open",
            notifications.c.listed_on >= since,
        )
        return self._rows(query.order_by(notifications.c.listed_on, notifications.c.notification_id).limit(limit))

    def _rows(self, query: Select[Any]) -> list[NotificationRow]:
        return [_notification(row) for row in self._connection.execute(query)]


class SqlRecallRuns(Room):
    """See `hub.flow.ports.RecallRuns`."""

    def begin(self, run_on: date, at: datetime) -> None:
        insert_or_leave(self._connection, recall_runs, {"run_on": run_on, "begun_at": at, "counts": "{}"})

    def add(self, run_on: date, counts: Mapping[str, int]) -> None:
        """Add to what the run of that day has counted so far."""
        so_far = self.counts(run_on) or {}
        total = {name: so_far.get(name, 0) + counts.get(name, 0) for name in sorted({*so_far, *counts})}
        self._change(run_on, counts=json.dumps(total))

    def end(self, run_on: date, at: datetime) -> None:
        self._change(run_on, ended_at=at)

    def counts(self, run_on: date) -> dict[str, int] | None:
        found = self._connection.execute(select(recall_runs.c.counts).where(recall_runs.c.run_on == run_on)).scalar()
        return json.loads(found) if found is not None else None

    def newest_ended(self) -> date | None:
        """The last day whose run came to its end."""
        query = select(func.max(recall_runs.c.run_on)).where(recall_runs.c.ended_at.is_not(None))
        return self._connection.execute(query).scalar()

    def _change(self, run_on: date, **values: object) -> None:
        self._connection.execute(update(recall_runs).where(recall_runs.c.run_on == run_on).values(**values))
