"""Participants' records: the live matches, the facts, and the outcome of their fold."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from hub.contract import named_identity
from hub.domain.record import Fact, Record, ResultFact, UndoneFact
from hub.flow.ports import MatchRow
from hub.io.store.prepared import Prepared
from hub.io.store.schema import facts, matches, records
from hub.io.store.statements import insert_or_leave, insert_or_replace

_KINDS: dict[str, type[ResultFact | UndoneFact]] = {kind.__name__: kind for kind in (ResultFact, UndoneFact)}
_encoder = msgspec.json.Encoder(order="deterministic")

_MATCH = Prepared(insert(matches), [column.name for column in matches.columns])
_UNDO = Prepared(
    update(matches)
    .where(matches.c.match_id == bindparam("match"))
    .values(undone_at=bindparam("at"), undone_by=bindparam("who"))
)
_LIVE = Prepared(select(matches).where(matches.c.result_id == bindparam("result"), matches.c.undone_at.is_(None)))
_MATCHES = Prepared(select(matches).where(matches.c.result_id == bindparam("result")).order_by(matches.c.matched_at))
_FACTS = Prepared(select(facts.c.kind, facts.c.data).where(facts.c.participant_id == bindparam("id")))
_RECORD = Prepared(select(records).where(records.c.participant_id == bindparam("id")))


def _match(row: Row[Any]) -> MatchRow:
    return MatchRow(
        match_id=row.match_id,
        result_id=row.result_id,
        participant_id=row.participant_id,
        how=row.how,
        by=row.by,
        why=row.why,
        matched_at=row.matched_at,
        undone_at=row.undone_at,
        undone_by=row.undone_by,
    )


def _folded(record: Record) -> dict[str, Any]:
    return {
        "results": [
            {
                "result_id": kept.result_id,
                "match_id": kept.match_id,
                "combination": kept.result.combination,
                "test_on": kept.result.test_on,
                "laboratory_code": kept.result.laboratory_code,
                "slide_number": kept.result.slide_number,
                "version": kept.result.version.value,
                "months": kept.months,
            }
            for kept in record.results
        ],
        "alerts": [{"result_id": alert.result_id, "reason": alert.reason.code} for alert in record.alerts],
        "because": list(record.because),
    }


class SqlRecords:
    """See `hub.flow.ports.Records`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def match(self, row: MatchRow) -> None:
        """Put a live match; the database refuses a second one for the same result."""
        values = {
            "match_id": row.match_id,
            "result_id": row.result_id,
            "participant_id": row.participant_id,
            "how": row.how,
            "by": row.by,
            "why": row.why,
            "matched_at": row.matched_at,
            "undone_at": None,
            "undone_by": "",
        }
        _MATCH.change(self._connection, values)

    def undo_match(self, match_id: str, by: str, at: datetime) -> None:
        _UNDO.change(self._connection, {"match": match_id, "who": by, "at": at})

    def live_match(self, result_id: str) -> MatchRow | None:
        row = _LIVE.first(self._connection, {"result": result_id})
        return _match(row) if row else None

    def matches_of(self, result_id: str) -> list[MatchRow]:
        return [_match(row) for row in _MATCHES.rows(self._connection, {"result": result_id})]

    def add_fact(self, participant_id: str, fact: Fact, at: datetime) -> None:
        """Facts are only ever added; the same fact twice is one fact."""
        data = _encoder.encode(fact)
        kind = type(fact).__name__
        values = {
            "fact_id": named_identity(f"fact|{participant_id}|{kind}|{data.decode()}"),
            "participant_id": participant_id,
            "kind": kind,
            "data": data,
            "recorded_at": at,
        }
        insert_or_leave(self._connection, facts, values)

    def facts(self, participant_id: str) -> list[Fact]:
        rows = _FACTS.rows(self._connection, {"id": participant_id})
        return [msgspec.json.decode(bytes(row.data), type=_KINDS[row.kind]) for row in rows]

    def save(self, participant_id: str, record: Record, at: datetime) -> None:
        values = {
            "participant_id": participant_id,
            "recall_type": record.recall_type,
            "next_test_due_on": record.next_test_due_on,
            "policy": record.policy,
            "data": _encoder.encode(_folded(record)),
            "folded_at": at,
        }
        insert_or_replace(self._connection, records, values)

    def summary(self, participant_id: str) -> tuple[str, date | None, str] | None:
        row = _RECORD.first(self._connection, {"id": participant_id})
        return (row.recall_type, row.next_test_due_on, row.policy) if row else None

    def get(self, participant_id: str) -> dict[str, Any] | None:
        row = _RECORD.first(self._connection, {"id": participant_id})
        if row is None:
            return None
        return {
            "recall_type": row.recall_type,
            "next_test_due_on": row.next_test_due_on.isoformat() if row.next_test_due_on else None,
            "policy": row.policy,
            **msgspec.json.decode(bytes(row.data)),
        }
