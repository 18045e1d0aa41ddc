"""Results as reported: one row per place of a message, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from hub.contract import event_from_json, event_to_json
from hub.domain.events import ReportParked, ResultReported
from hub.flow.ports.results import ResultRow
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import results
from hub.io.store.statements import Several, insert_all_or_replace

_GET = Prepared(select(results).where(results.c.result_id == bindparam("id")))
_OF_SLIDE = Prepared(
    select(results)
    .where(results.c.laboratory_code == bindparam("laboratory"), results.c.slide_number == bindparam("slide"))
    .order_by(results.c.result_id)
)
_OF_MESSAGE = Prepared(select(results).where(results.c.journal_seq == bindparam("seq")).order_by(results.c.position))
_RESTATE = Prepared(update(results).where(results.c.result_id == bindparam("id")).values(state=bindparam("to")))

_GET_ALL = Several(select(results), results.c.result_id)
_OF_SLIDES = Several(select(results), results.c.slide_number)
_Slide = tuple[str, str]
_LONGEST_NUMBER = 200
"""Characters of a slide number in the index: a database's has a limit, and no laboratory's numbers come near it."""


def kept_number(slide_number: str) -> str:
    return slide_number[:_LONGEST_NUMBER]


def _slide_of(row: ResultRow) -> _Slide:
    slide = row.event.result if isinstance(row.event, ResultReported) else row.event
    return slide.laboratory_code or "", slide.slide_number or ""


def _row(row: Row[Any]) -> ResultRow:
    event = event_from_json(row.type, bytes(row.data))
    assert isinstance(event, ResultReported | ReportParked)
    return ResultRow(
        result_id=row.result_id,
        journal_seq=row.journal_seq,
        feed=row.feed,
        digest=row.digest,
        position=row.position,
        event_id=row.event_id,
        event=event,
        state=row.state,
    )


class SqlResults(Room):
    """See `hub.flow.ports.results.Results`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._known: dict[str, ResultRow | None] = {}
        self._of_slide: dict[_Slide, set[str]] = {}
        self._unwritten: dict[str, ResultRow] = {}
        self._fresh: set[str] = set()

    def read_ahead(self, result_ids: Sequence[str], slides: Sequence[tuple[str, str]]) -> None:
        """Read many at once. They must be held: nobody else may change them until the transaction ends."""
        found = [_row(row) for row in _GET_ALL.rows(self._bare, result_ids)]
        found += [_row(row) for row in _OF_SLIDES.rows(self._bare, [kept_number(slide) for _, slide in slides])]
        self._known.update(dict.fromkeys(result_ids))
        self._known.update((row.result_id, row) for row in found)
        self._fresh.update(result_id for result_id in result_ids if self._known[result_id] is None)
        self._of_slide.update((slide, set()) for slide in slides)
        for row in found:
            self._sort_in(row)

    def _sort_in(self, row: ResultRow) -> None:
        slide = _slide_of(row)
        if slide in self._of_slide:
            self._of_slide[slide].add(row.result_id)

    def get(self, result_id: str) -> ResultRow | None:
        if result_id in self._known:
            return self._known[result_id]
        row = _GET.first(self._bare, {"id": result_id})
        return _row(row) if row else None

    def put(self, row: ResultRow) -> None:
        self._known[row.result_id] = self._unwritten[row.result_id] = row
        self._sort_in(row)

    @property
    def keeps_back(self) -> bool:
        return bool(self._unwritten)

    def write_down(self) -> None:
        unwritten, self._unwritten = self._unwritten, {}
        self._fresh.difference_update(unwritten)
        insert_all_or_replace(self._bare, results, [self._values(row) for row in unwritten.values()])

    def is_fresh(self, result_id: str) -> bool:
        """Whether this transaction has made it, keeps it back still, and knows of no other of its slide."""
        row = self._unwritten.get(result_id)
        return row is not None and result_id in self._fresh and self._of_slide.get(_slide_of(row)) == {result_id}

    @staticmethod
    def _values(row: ResultRow) -> dict[str, Any]:
        event = row.event
        slide = event.result if isinstance(event, ResultReported) else event
        return {
            "result_id": row.result_id,
            "journal_seq": row.journal_seq,
            "feed": row.feed,
            "digest": row.digest,
            "position": row.position,
            "event_id": row.event_id,
            "type": type(event).__name__,
            "laboratory_code": slide.laboratory_code or "",
            "slide_number": kept_number(slide.slide_number or ""),
            "version": event.result.version.value if isinstance(event, ResultReported) else "",
            "authorised_at": event.result.authorised_at if isinstance(event, ResultReported) else None,
            "state": row.state,
            "data": event_to_json(event),
        }

    def restate(self, result_id: str, state: str) -> None:
        known = self._known.get(result_id)
        if known:
            self.put(replace(known, state=state))
        else:
            _RESTATE.change(self._connection, {"id": result_id, "to": state})

    def of_slide(self, laboratory_code: str, slide_number: str) -> list[ResultRow]:
        slide = (laboratory_code, slide_number)
        if slide in self._of_slide:
            rows = (self._known[result_id] for result_id in sorted(self._of_slide[slide]))
            return [row for row in rows if row]
        values = {"laboratory": laboratory_code, "slide": kept_number(slide_number)}
        return [_row(row) for row in _OF_SLIDE.rows(self._connection, values)]

    def of_slide_number(self, slide_number: str) -> list[ResultRow]:
        """Of whatever laboratory."""
        query = (
            select(results)
            .where(results.c.slide_number == kept_number(slide_number))
            .order_by(results.c.journal_seq)
            .limit(200)
        )
        return [_row(row) for row in self._connection.execute(query)]

    def of_message(self, journal_seq: int) -> list[ResultRow]:
        return [_row(row) for row in _OF_MESSAGE.rows(self._connection, {"seq": journal_seq})]
