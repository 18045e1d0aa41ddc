"""Results as reported: one row per place of a message, whatever became of it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from hub.contract import event_from_json, event_to_json
from hub.domain.events import ReportParked, ResultReported
from hub.flow.ports import ResultRow
from hub.io.store.prepared import Prepared
from hub.io.store.schema import results
from hub.io.store.statements import insert_or_replace

_GET = Prepared(select(results).where(results.c.result_id == bindparam("id")))
_OF_SLIDE = Prepared(
    select(results)
    .where(results.c.laboratory_code == bindparam("laboratory"), results.c.slide_number == bindparam("slide"))
    .order_by(results.c.result_id)
)
_OF_MESSAGE = Prepared(select(results).where(results.c.journal_seq == bindparam("seq")).order_by(results.c.position))
_RESTATE = Prepared(update(results).where(results.c.result_id == bindparam("id")).values(state=bindparam("to")))


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


class SqlResults:
    """See `hub.flow.ports.Results`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, result_id: str) -> ResultRow | None:
        row = _GET.first(self._connection, {"id": result_id})
        return _row(row) if row else None

    def put(self, row: ResultRow) -> None:
        event = row.event
        slide = event.result if isinstance(event, ResultReported) else event
        values = {
            "result_id": row.result_id,
            "journal_seq": row.journal_seq,
            "feed": row.feed,
            "digest": row.digest,
            "position": row.position,
            "event_id": row.event_id,
            "type": type(event).__name__,
            "laboratory_code": slide.laboratory_code or "",
            "slide_number": slide.slide_number or "",
            "version": event.result.version.value if isinstance(event, ResultReported) else "",
            "authorised_at": event.result.authorised_at if isinstance(event, ResultReported) else None,
            "state": row.state,
            "data": event_to_json(event),
        }
        insert_or_replace(self._connection, results, values)

    def restate(self, result_id: str, state: str) -> None:
        _RESTATE.change(self._connection, {"id": result_id, "to": state})

    def of_slide(self, laboratory_code: str, slide_number: str) -> list[ResultRow]:
        rows = _OF_SLIDE.rows(self._connection, {"laboratory": laboratory_code, "slide": slide_number})
        return [_row(row) for row in rows]

    def of_slide_number(self, slide_number: str) -> list[ResultRow]:
        """Of whatever laboratory."""
        query = select(results).where(results.c.slide_number == slide_number).order_by(results.c.journal_seq).limit(200)
        return [_row(row) for row in self._connection.execute(query)]

    def of_message(self, journal_seq: int) -> list[ResultRow]:
        return [_row(row) for row in _OF_MESSAGE.rows(self._connection, {"seq": journal_seq})]
