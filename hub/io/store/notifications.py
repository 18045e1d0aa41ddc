"""The practices' lists, and what each day's run of call and recall did."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from hub.flow.ports.recall import NotificationRow, RunReport
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import notifications, recall_runs
from hub.io.store.statements import Several, insert_all_or_replace, insert_or_leave


def _notification(row: Row[Any]) -> NotificationRow:
    return NotificationRow(*(getattr(row, name) for name in NotificationRow.__slots__))


_OPEN_OF = Prepared(
    select(notifications).where(notifications.c.participant_id == bindparam("id"), notifications.c.state == "open")
)
_OPEN_OF_ALL = Several(select(notifications).where(notifications.c.state == "open"), notifications.c.participant_id)


class SqlNotifications(Room):
    """See `hub.flow.ports.recall.Notifications`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._unwritten: dict[str, NotificationRow] = {}
        self._ahead: dict[str, list[NotificationRow]] = {}

    def read_ahead(self, participant_ids: Sequence[str]) -> None:
        """Read at once which lists many people stand on. They must be held."""
        self._ahead.update((each, []) for each in participant_ids)
        for row in _OPEN_OF_ALL.rows(self._bare, participant_ids):
            self._ahead[row.participant_id].append(_notification(row))

    def forget(self) -> None:
        self._ahead.clear()

    @property
    def keeps_back(self) -> bool:
        return bool(self._unwritten)

    def write_down(self) -> None:
        unwritten, self._unwritten = self._unwritten, {}
        rows = [{name: getattr(row, name) for name in NotificationRow.__slots__} for row in unwritten.values()]
        insert_all_or_replace(self._bare, notifications, rows)

    def put(self, row: NotificationRow) -> None:
        self._unwritten[row.notification_id] = row

    def get(self, notification_id: str) -> NotificationRow | None:
        rows = self._rows(select(notifications).where(notifications.c.notification_id == notification_id))
        return rows[0] if rows else None

    def open_of(self, participant_id: str) -> list[NotificationRow]:
        written = self._ahead.get(participant_id)
        if written is None:
            written = [_notification(row) for row in _OPEN_OF.rows(self._bare, {"id": participant_id})]
        hers = {key: row for key, row in self._unwritten.items() if row.participant_id == participant_id}
        merged = {row.notification_id: row for row in written} | hers
        return [row for row in merged.values() if row.state == "open"]

    def of_practice(self, practice_code: str, of_list: str, since: date, limit: int) -> list[NotificationRow]:
        """Whoever stands open on a practice's list, the longest first, then who is due first; listed since that day."""
        query = select(notifications).where(
            notifications.c.practice_code == practice_code,
            notifications.c.list == of_list,
            notifications.c.state == "open",
            notifications.c.listed_on >= since,
        )
        order = (notifications.c.listed_on, notifications.c.about_due_on, notifications.c.notification_id)
        return self._rows(query.order_by(*order).limit(limit))

    def _rows(self, query: Select[Any]) -> list[NotificationRow]:
        return [_notification(row) for row in self._connection.execute(query)]


class SqlRecallRuns(Room):
    """See `hub.flow.ports.recall.RecallRuns`."""

    def begin(self, run_on: date, at: datetime) -> None:
        insert_or_leave(self._connection, recall_runs, {"run_on": run_on, "begun_at": at, "counts": "{}"})

    def add(self, run_on: date, counts: Mapping[str, int]) -> None:
        """Add to what the run of that day has counted so far."""
        known = self.report(run_on)
        so_far = known.taken if known else {}
        total = {name: so_far.get(name, 0) + counts.get(name, 0) for name in sorted({*so_far, *counts})}
        self._change(run_on, counts=json.dumps(total))

    def end(self, run_on: date, at: datetime, cohort: Mapping[str, int], silent: Mapping[str, int]) -> None:
        stood, waited = (json.dumps(dict(sorted(each.items()))) for each in (cohort, silent))
        self._change(run_on, ended_at=at, cohort=stood, silent=waited)

    def report(self, run_on: date) -> RunReport | None:
        return self._one(select(recall_runs).where(recall_runs.c.run_on == run_on))

    def newest_ended(self) -> RunReport | None:
        """That of the last day whose run came to its end."""
        ended = select(recall_runs).where(recall_runs.c.ended_at.is_not(None))
        return self._one(ended.order_by(recall_runs.c.run_on.desc()).limit(1))

    def any_begun(self) -> bool:
        return self._connection.execute(select(recall_runs.c.run_on).limit(1)).first() is not None

    def _one(self, query: Select[Any]) -> RunReport | None:
        row = self._connection.execute(query).first()
        if row is None:
            return None
        taken, cohort, silent = (json.loads(each) for each in (row.counts, row.cohort, row.silent))
        return RunReport(row.run_on, taken, cohort, row.ended_at, silent)

    def _change(self, run_on: date, **values: object) -> None:
        self._connection.execute(update(recall_runs).where(recall_runs.c.run_on == run_on).values(**values))
