"""The clerks' worklist and every decision taken on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, delete, insert, select, update

from hub.flow.ports.results import DecisionRow, TaskRow
from hub.io.store.prepared import Prepared
from hub.io.store.records import SqlRecords
from hub.io.store.results import SqlResults
from hub.io.store.room import Room
from hub.io.store.schema import decisions, discharges, matches, results, task_keys, tasks
from hub.io.store.statements import Several, insert_all_or_leave

_OPEN = insert(tasks)
_GET = Prepared(select(tasks).where(tasks.c.task_id == bindparam("id")))
_OF_RESULT = Prepared(select(tasks).where(tasks.c.result_id == bindparam("id")).order_by(tasks.c.opened_at))
_OF_DISCHARGE = Prepared(select(tasks).where(tasks.c.discharge_id == bindparam("id")).order_by(tasks.c.opened_at))
_OPEN_FOR = Prepared(select(tasks).where(tasks.c.participant_id == bindparam("id"), tasks.c.state != "closed"))
_HERS, _SAME_SLIDE = results.alias("hers"), results.alias("same_slide")
_ON_SLIDES = (
    select(tasks, matches.c.participant_id.label("hers"))
    .select_from(matches)
    .join(_HERS, _HERS.c.result_id == matches.c.result_id)
    .join(
        _SAME_SLIDE,
        and_(
            _SAME_SLIDE.c.slide_number == _HERS.c.slide_number, _SAME_SLIDE.c.laboratory_code == _HERS.c.laboratory_code
        ),
    )
    .join(tasks, tasks.c.result_id == _SAME_SLIDE.c.result_id)
    .where(matches.c.undone_at.is_(None), tasks.c.state != "closed")
)
_OPEN_FOR_ALL = Several(
    select(tasks, tasks.c.participant_id.label("hers")).where(tasks.c.state != "closed"), tasks.c.participant_id
)
_OPEN_ON_THEIR_SLIDES = Several(_ON_SLIDES, matches.c.participant_id)
_OPEN_ON_HER_SLIDES = Prepared(_ON_SLIDES.where(matches.c.participant_id == bindparam("id")))
"""Asked of every result: a statement of its own, because in one with the other it took five times as long as both."""
_UPDATE = update(tasks).where(tasks.c.task_id == bindparam("row"))
_WAITING = (
    select(tasks)
    .where(
        tasks.c.task_id.in_(select(task_keys.c.task_id).where(task_keys.c.key.in_(bindparam("keys", expanding=True)))),
        tasks.c.state != "closed",
    )
    .order_by(tasks.c.opened_at, tasks.c.task_id)
)
_MOST_KEYS = 10_000
"""Keys in one statement: both databases limit its variables, and a cohort file has thousands of people."""
_ANY_KEY = select(task_keys.c.task_id).limit(1)
_decode = msgspec.json.Decoder(dict[str, Any]).decode


def _task(row: Row[Any]) -> TaskRow:
    data = _decode(bytes(row.data))
    return TaskRow(
        task_id=row.task_id,
        result_id=row.result_id or "",
        discharge_id=row.discharge_id or "",
        reason=row.reason,
        state=row.state,
        priority=row.priority,
        due_on=row.due_on,
        person_key=row.person_key,
        opened_at=row.opened_at,
        participant_id=row.participant_id,
        candidates=tuple(data["candidates"]),
        place=data["place"],
        hint=data["hint"],
        outcome=row.outcome,
        note=row.note,
        closed_at=row.closed_at,
        closed_by=row.closed_by,
    )


def _values(task: TaskRow) -> dict[str, Any]:
    return {
        "result_id": task.result_id or None,
        "discharge_id": task.discharge_id or None,
        "reason": task.reason,
        "state": task.state,
        "outcome": task.outcome,
        "note": task.note,
        "priority": task.priority,
        "due_on": task.due_on,
        "participant_id": task.participant_id,
        "person_key": task.person_key,
        "data": msgspec.json.encode({"candidates": task.candidates, "place": task.place, "hint": task.hint}),
        "opened_at": task.opened_at,
        "closed_at": task.closed_at,
        "closed_by": task.closed_by,
    }


def _oldest_first(found: Iterable[TaskRow]) -> list[TaskRow]:
    return sorted(found, key=lambda task: (task.opened_at, task.task_id))


class SqlTasks(Room):
    """See `hub.flow.ports.results.Tasks`."""

    def __init__(
        self, connection: Connection, write_everything: Callable[[], None], results: SqlResults, records: SqlRecords
    ) -> None:
        super().__init__(connection, write_everything)
        self._results = results
        self._records = records
        self._ahead: dict[str, list[TaskRow]] = {}

    def read_ahead(self, participant_ids: Sequence[str]) -> None:
        """Read what is open about many people at once. They must be held."""
        found: dict[str, dict[str, TaskRow]] = {each: {} for each in participant_ids}
        for statement in (_OPEN_FOR_ALL, _OPEN_ON_THEIR_SLIDES):
            for row in statement.rows(self._bare, participant_ids):
                found[row.hers][row.task_id] = _task(row)
        self._ahead.update((each, _oldest_first(some.values())) for each, some in found.items())

    def forget(self) -> None:
        self._ahead.clear()

    def open(self, task: TaskRow, keys: Iterable[str]) -> None:
        """Open a task; `keys` are the blocking keys under which new evidence about its claim is noticed."""
        self._ahead.clear()
        self._connection.execute(_OPEN, {"task_id": task.task_id, **_values(task)})
        self._key(task, keys)

    def _key(self, task: TaskRow, keys: Iterable[str]) -> None:
        rows = [{"key": key, "task_id": task.task_id} for key in keys]
        if rows:
            insert_all_or_leave(self._connection, task_keys, rows)

    def get(self, task_id: str) -> TaskRow | None:
        row = _GET.first(self._connection, {"id": task_id})
        return _task(row) if row else None

    def of_result(self, result_id: str) -> list[TaskRow]:
        return [_task(row) for row in _OF_RESULT.rows(self._connection, {"id": result_id})]

    def of_discharge(self, discharge_id: str) -> list[TaskRow]:
        return [_task(row) for row in _OF_DISCHARGE.rows(self._connection, {"id": discharge_id})]

    def open_for(self, participant_id: str) -> list[TaskRow]:
        """Her own, and those about any version of a slide of which one version stands on her record."""
        # A result that this very transaction has made, alone on its slide, has no task: no need to write it for this.
        matched = self._records.unwritten_matches(participant_id)
        known = all(self._results.is_fresh(result_id) for result_id in matched)
        if known and participant_id in self._ahead:
            return self._ahead[participant_id]
        connection = self._bare if known else self._connection
        statements = (_OPEN_FOR, _OPEN_ON_HER_SLIDES)
        rows = [row for each in statements for row in each.rows(connection, {"id": participant_id})]
        return _oldest_first({row.task_id: _task(row) for row in rows}.values())

    def waiting_for_keys(self, keys: Iterable[str]) -> list[TaskRow]:
        if self._connection.execute(_ANY_KEY).first() is None:  # nothing waits: the keys need not even be made
            return []
        wanted = sorted(set(keys))
        some = [wanted[start : start + _MOST_KEYS] for start in range(0, len(wanted), _MOST_KEYS)]
        rows = [row for each in some for row in self._connection.execute(_WAITING, {"keys": each})]
        return _oldest_first({row.task_id: _task(row) for row in rows}.values())

    def update(self, task: TaskRow, keys: Iterable[str] = ()) -> None:
        """Renew a task. Closing it forgets its keys; `keys` are those of a task that is opened again."""
        self._ahead.clear()
        self._connection.execute(_UPDATE.values(_values(task)), {"row": task.task_id})
        if task.state == "closed":
            self._connection.execute(delete(task_keys).where(task_keys.c.task_id == task.task_id))
        self._key(task, keys)

    def worklist(self, limit: int, state: str | None = None) -> list[TaskRow]:
        """About results: riskiest first, then the one that falls due first. Without a state: all not closed."""
        condition = and_(tasks.c.state == state if state else tasks.c.state != "closed", tasks.c.result_id.is_not(None))
        order = (tasks.c.priority, tasks.c.due_on, tasks.c.opened_at, tasks.c.task_id)
        return [
            _task(row) for row in self._connection.execute(select(tasks).where(condition).order_by(*order).limit(limit))
        ]

    def about_discharges(self, limit: int, feed: str | None = None) -> list[TaskRow]:
        """Not closed, of one clinic's feed or of all: the one whose clock ends first."""
        query = select(tasks).join(discharges, discharges.c.discharge_id == tasks.c.discharge_id)
        query = query.where(tasks.c.state != "closed")
        if feed:
            query = query.where(discharges.c.feed == feed)
        order = (tasks.c.due_on, tasks.c.priority, tasks.c.opened_at, tasks.c.task_id)
        return [_task(row) for row in self._connection.execute(query.order_by(*order).limit(limit))]

    def find(self, prefix: str) -> list[TaskRow]:
        """Tasks whose id begins so: nobody types a whole UUID."""
        query = select(tasks).where(tasks.c.task_id.startswith(prefix, autoescape=True)).limit(10)
        return [_task(row) for row in self._connection.execute(query)]

    def decide(self, decision: DecisionRow) -> None:
        values = {
            "task_id": decision.task_id,
            "action": decision.action,
            "by": decision.by,
            "why": decision.why,
            "decided_at": decision.decided_at,
            "data": msgspec.json.encode(decision.undo),
        }
        self._connection.execute(insert(decisions), values)

    def decisions(self, task_id: str) -> list[DecisionRow]:
        rows = self._connection.execute(
            select(decisions).where(decisions.c.task_id == task_id).order_by(decisions.c.seq)
        )
        return [
            DecisionRow(row.task_id, row.action, row.by, row.why, row.decided_at, _decode(bytes(row.data)), row.seq)
            for row in rows
        ]
