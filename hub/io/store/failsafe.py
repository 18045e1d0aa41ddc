"""Failsafe: where each participant stands, in one pass over the cohort, and what waits with nobody to see it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import CTE, Select, and_, case, func, literal, select, union

from hub.domain.call import SUSPENDED
from hub.domain.dates import day_in_england
from hub.domain.failsafe import MISSED, RUN_WITHIN, Position
from hub.io.store.room import Room
from hub.io.store.schema import discharges, letters, matches, participants, questions, records, results, tasks

_LISTED_AT_ONCE = 1000
_HERS, _SAME_SLIDE = results.alias("hers"), results.alias("same_slide")


class SqlFailsafe(Room):
    """See `hub.flow.ports.records.Failsafe`."""

    def positions(self, at: datetime) -> list[tuple[Position, int]]:
        """How many people stand so."""
        self._look_at_everybody()
        each = _each(at).subquery()
        kinds = [each.c[name] for name in _COLUMNS]
        rows = self._connection.execute(select(*kinds, func.count().label("many")).group_by(*kinds))
        return [(_position(row), row.many) for row in rows]

    def each(self, at: datetime) -> Iterator[tuple[str, Position]]:
        """Everybody, by her participant id."""
        self._look_at_everybody()
        rows = self._connection.execution_options(yield_per=_LISTED_AT_ONCE).execute(_each(at))
        yield from ((row.participant_id, _position(row)) for row in rows)

    def unseen(self) -> list[str]:
        """The ids of results and discharges that wait for a clerk without a task, and of tasks that ask PDS without a
        question."""
        return [row[0] for row in self._connection.execute(union(*_unseen()))]

    def _look_at_everybody(self) -> None:
        if self._bare.dialect.name == "postgresql":
            self._bare.exec_driver_sql("SET LOCAL statement_timeout = '30min'")


_COLUMNS = ("recorded", "merged", "gone", "ceased", "suspended", "step", "task", "letter_waits", "referred_on")


def _position(row: Any) -> Position:
    return Position(
        recorded=bool(row.recorded),
        merged=bool(row.merged),
        gone=row.gone,
        ceased=row.ceased,
        recall_type=SUSPENDED if row.suspended else "",
        step=row.step,
        task=bool(row.task),
        letter_waits=bool(row.letter_waits),
        referred_on=row.referred_on,
    )


def _each(at: datetime) -> Select[Any]:
    tasked, held = _with_a_task(), _with_a_letter_held()
    joined = participants.outerjoin(records).outerjoin(tasked, tasked.c.hers == participants.c.participant_id)
    return select(
        participants.c.participant_id,
        _flag(records.c.participant_id.is_not(None), "recorded"),
        _flag(participants.c.merged_into != "", "merged"),
        func.coalesce(records.c.gone, "").label("gone"),
        func.coalesce(records.c.ceased, "").label("ceased"),
        _flag(records.c.recall_type == SUSPENDED, "suspended"),
        _step(at).label("step"),
        _flag(tasked.c.hers.is_not(None), "task"),
        _flag(held.c.hers.is_not(None), "letter_waits"),
        records.c.referred_on,
    ).select_from(joined.outerjoin(held, held.c.hers == participants.c.participant_id))


def _flag(condition: Any, name: str) -> Any:
    return case((condition, 1), else_=0).label(name)


def _step(at: datetime) -> Any:
    missed = and_(records.c.next_step_on < day_in_england(at), records.c.folded_at <= at - RUN_WITHIN)
    return case((records.c.next_step_on.is_(None), literal("")), (missed, MISSED), else_="ahead")


def _with_a_task() -> CTE:
    """Whoever a task is open about: her own, or one about a version of a slide that stands on her record. Beginning
    with the open tasks, which are few."""
    hers = select(tasks.c.participant_id.label("hers")).where(
        tasks.c.state != "closed", tasks.c.participant_id.is_not(None)
    )
    same_slide = and_(
        _HERS.c.laboratory_code == _SAME_SLIDE.c.laboratory_code, _HERS.c.slide_number == _SAME_SLIDE.c.slide_number
    )
    on_her_slide = (
        select(matches.c.participant_id)
        .select_from(tasks)
        .join(_SAME_SLIDE, _SAME_SLIDE.c.result_id == tasks.c.result_id)
        .join(_HERS, same_slide)
        .join(matches, matches.c.result_id == _HERS.c.result_id)
        .where(tasks.c.state != "closed", matches.c.undone_at.is_(None))
    )
    return union(hers, on_her_slide).cte("tasked")


def _with_a_letter_held() -> CTE:
    waiting = select(letters.c.participant_id.label("hers")).where(letters.c.state == "waiting")
    return waiting.distinct().cte("held")


def _unseen() -> Iterator[Select[Any]]:
    for rows, own, named in (
        (results, results.c.result_id, tasks.c.result_id),
        (discharges, discharges.c.discharge_id, tasks.c.discharge_id),
    ):
        seen = select(tasks.c.task_id).where(named == own, tasks.c.state != "closed").exists()
        yield select(own).select_from(rows).where(rows.c.state == "waiting", ~seen)
    asked = select(questions.c.seq).where(questions.c.subject == tasks.c.task_id, questions.c.state == "waiting")
    yield select(tasks.c.task_id).where(tasks.c.state == "asking", ~asked.exists())
