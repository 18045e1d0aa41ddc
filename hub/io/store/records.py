"""Participants' records: the live matches, the facts, and the outcome of their fold."""

from __future__ import annotations

import typing
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import msgspec
from sqlalchemy import Case, Connection, Row, and_, bindparam, case, func, literal, or_, select, tuple_, update

from hub.contract import named_identity
from hub.domain.call import SUSPENDED
from hub.domain.facts import CallStep, Fact
from hub.domain.record import Record
from hub.flow.ports.records import DueStep, MatchRow, Summary
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import facts, matches, participants, records
from hub.io.store.statements import Several, insert_all, insert_all_or_leave, insert_all_or_replace

PAUSED, NO_RECORD = "paused", "no record"
_KINDS: dict[str, type[Fact]] = {kind.__name__: kind for kind in typing.get_args(Fact)}
_encoder = msgspec.json.Encoder(order="deterministic")

_UNDO = Prepared(
    update(matches)
    .where(matches.c.match_id == bindparam("match"))
    .values(undone_at=bindparam("at"), undone_by=bindparam("who"))
)
_LIVE = Prepared(select(matches).where(matches.c.result_id == bindparam("result"), matches.c.undone_at.is_(None)))
_MATCHES = Prepared(select(matches).where(matches.c.result_id == bindparam("result")).order_by(matches.c.matched_at))
_FACTS = Prepared(select(facts.c.fact_id, facts.c.kind, facts.c.data).where(facts.c.participant_id == bindparam("id")))
_FACTS_OF = Several(select(facts.c.participant_id, facts.c.fact_id, facts.c.kind, facts.c.data), facts.c.participant_id)
_RECORDS_OF = Several(
    select(records.c.participant_id, *(records.c[name] for name in Summary._fields)),
    records.c.participant_id,
)
_RECORD = Prepared(select(records).where(records.c.participant_id == bindparam("id")))


_DUE = Prepared(
    select(records.c.participant_id, records.c.next_step, records.c.next_step_on)
    .where(
        records.c.next_step_on <= bindparam("on"),
        tuple_(records.c.next_step_on, records.c.participant_id) > tuple_(bindparam("day"), bindparam("who")),
    )
    .order_by(records.c.next_step_on, records.c.participant_id)
    .limit(bindparam("size"))
)
_STILL_DUE = Several(
    select(records.c.participant_id, records.c.next_step, records.c.next_step_on).where(
        records.c.next_step_on <= bindparam("on"),
        or_(
            records.c.last_step_on.is_(None),
            records.c.last_step_on < bindparam("on"),
            records.c.last_step == CallStep.INVITE_NOW.value,
        ),
    ),
    records.c.participant_id,
)


def _summary(row: Any) -> Summary:
    return Summary(*(getattr(row, name) for name in Summary._fields))


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


def _fact(row: Row[Any]) -> Fact:
    fact: Fact = msgspec.json.decode(bytes(row.data), type=_KINDS[row.kind])
    return fact


def _fact_id(participant_id: str, fact: Fact) -> str:
    return named_identity(f"fact|{participant_id}|{type(fact).__name__}|{_encoder.encode(fact).decode()}")


def _fact_values(fact_id: str, fact: Fact, participant_id: str, at: datetime) -> dict[str, Any]:
    return {
        "fact_id": fact_id,
        "participant_id": participant_id,
        "kind": type(fact).__name__,
        "data": _encoder.encode(fact),
        "recorded_at": at,
    }


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
        "because": [each.sentence for each in record.because],
        "sources": [each.source for each in record.because],
    }


def record_values(participant_id: str, record: Record, at: datetime) -> dict[str, Any]:
    """What the fold has come to, as the columns keep it."""
    return {
        "participant_id": participant_id,
        "recall_type": record.recall_type,
        "next_test_due_on": record.next_test_due_on,
        "recall_status": record.call.status,
        "ceased": record.call.ceased,
        "non_responses": record.call.non_responses,
        "next_step": record.next_step.step.value if record.next_step else None,
        "next_step_on": record.next_step.on if record.next_step else None,
        "last_step": record.call.last_step.step.value if record.call.last_step else None,
        "last_step_on": record.call.last_step.taken_on if record.call.last_step else None,
        "gone": record.gone,
        "referred_on": record.referred_on,
        "policy": record.policy,
        "data": _encoder.encode(_folded(record)),
        "folded_at": at,
    }


def _place(on: date) -> Case[str]:
    """Where one person stands: a step was taken about her on that day, or why none was."""
    return case(
        (records.c.participant_id.is_(None), NO_RECORD),
        (and_(records.c.last_step_on == on, records.c.last_step != CallStep.INVITE_NOW.value), records.c.last_step),
        (records.c.gone != "", records.c.gone),
        (records.c.ceased != "", literal("ceased: ") + records.c.ceased),
        (records.c.recall_type == SUSPENDED, "suspended"),
        (records.c.next_step_on.is_(None), "no date"),
        (records.c.next_step_on <= on, PAUSED),
        else_="not yet due",
    )


class SqlRecords(Room):
    """See `hub.flow.ports.records.Records`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._matched: dict[str, MatchRow] = {}
        self._added: dict[str, dict[str, tuple[Fact, datetime]]] = {}
        self._saved: dict[str, dict[str, Any]] = {}
        self._facts_ahead: dict[str, dict[str, Fact]] = {}
        self._summaries_ahead: dict[str, Summary | None] = {}

    def read_ahead(self, participant_ids: Sequence[str]) -> None:
        """Read many people's facts and records at once. They must be held."""
        self._facts_ahead.update((each, {}) for each in participant_ids)
        for row in _FACTS_OF.rows(self._bare, participant_ids):
            self._facts_ahead[row.participant_id][row.fact_id] = _fact(row)
        self._summaries_ahead.update(dict.fromkeys(participant_ids))
        for row in _RECORDS_OF.rows(self._bare, participant_ids):
            self._summaries_ahead[row.participant_id] = _summary(row)

    def forget(self) -> None:
        self._facts_ahead.clear()
        self._summaries_ahead.clear()

    @property
    def keeps_back(self) -> bool:
        return bool(self._matched or self._added or self._saved)

    def write_down(self) -> None:
        matched, self._matched = self._matched, {}
        insert_all(self._bare, matches, [self._values(row) for row in matched.values()])
        added, self._added = self._added, {}
        rows = [
            _fact_values(fact_id, fact, participant_id, at)
            for participant_id, some in added.items()
            for fact_id, (fact, at) in some.items()
        ]
        insert_all_or_leave(self._bare, facts, rows)
        saved, self._saved = self._saved, {}
        insert_all_or_replace(self._bare, records, list(saved.values()))

    def unwritten_matches(self, participant_id: str) -> list[str]:
        """The results that this transaction has put on her record and not written down yet."""
        return [row.result_id for row in self._matched.values() if row.participant_id == participant_id]

    def match(self, row: MatchRow) -> None:
        """Put a live match; the database refuses a second one for the same result."""
        self._matched[row.match_id] = row

    @staticmethod
    def _values(row: MatchRow) -> dict[str, Any]:
        return {
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

    def undo_match(self, match_id: str, by: str, at: datetime) -> None:
        _UNDO.change(self._connection, {"match": match_id, "who": by, "at": at})

    def live_match(self, result_id: str) -> MatchRow | None:
        row = _LIVE.first(self._connection, {"result": result_id})
        return _match(row) if row else None

    def matches_of(self, result_id: str) -> list[MatchRow]:
        return [_match(row) for row in _MATCHES.rows(self._connection, {"result": result_id})]

    def add_fact(self, participant_id: str, fact: Fact, at: datetime) -> None:
        """Facts are only ever added; the same fact twice is one fact."""
        self._added.setdefault(participant_id, {})[_fact_id(participant_id, fact)] = (fact, at)

    def facts(self, participant_id: str) -> list[Fact]:
        found = self._facts_ahead.get(participant_id)
        if found is None:
            found = {row.fact_id: _fact(row) for row in _FACTS.rows(self._bare, {"id": participant_id})}
        added = self._added.get(participant_id, {})
        return list({**{fact_id: fact for fact_id, (fact, _) in added.items()}, **found}.values())

    def save(self, participant_id: str, record: Record, at: datetime) -> None:
        self._saved[participant_id] = record_values(participant_id, record, at)

    def summary(self, participant_id: str) -> Summary | None:
        if saved := self._saved.get(participant_id):
            return Summary(**{name: saved[name] for name in Summary._fields})
        if participant_id in self._summaries_ahead:
            return self._summaries_ahead[participant_id]
        row = _RECORD.first(self._bare, {"id": participant_id})
        return _summary(row) if row else None

    def due(self, on: date, after: tuple[date, str] | None, limit: int) -> list[DueStep]:
        """Whoever something is done about up to that day, in the order of the days, behind the last of a page."""
        values = {"on": on, "day": after[0] if after else date.min, "who": after[1] if after else "", "size": limit}
        return [
            DueStep(row.participant_id, row.next_step, row.next_step_on) for row in _DUE.rows(self._connection, values)
        ]

    def page(self, after: str, limit: int) -> list[str]:
        """Whoever has a record, by her id, behind the last of a page."""
        query = select(records.c.participant_id).where(records.c.participant_id > after)
        return [row[0] for row in self._bare.execute(query.order_by(records.c.participant_id).limit(limit))]

    def still_due(self, participant_ids: Sequence[str], on: date) -> list[DueStep]:
        """Of these people, who are held, those about whom something is due and was not done on that very day."""
        rows = _STILL_DUE.rows(self._connection, participant_ids, on=on)
        found = {row.participant_id: DueStep(row.participant_id, row.next_step, row.next_step_on) for row in rows}
        return [found[each] for each in participant_ids if each in found]

    def count_due(self, on: date) -> dict[str, int]:
        """By step."""
        query = (
            select(records.c.next_step, func.count()).where(records.c.next_step_on <= on).group_by(records.c.next_step)
        )
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def whole_cohort(self, on: date) -> dict[str, int]:
        """Where everybody stands after the run of that day: each in one place, so that they add up to the cohort."""
        if self._bare.dialect.name == "postgresql":
            self._bare.exec_driver_sql("SET LOCAL statement_timeout = '30min'")  # it looks at every record
        place = _place(on).label("place")
        query = select(place, func.count()).select_from(participants.outerjoin(records)).group_by(place)
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def get(self, participant_id: str) -> dict[str, Any] | None:
        row = _RECORD.first(self._connection, {"id": participant_id})
        if row is None:
            return None
        return {
            "recall_type": row.recall_type,
            "next_test_due_on": row.next_test_due_on.isoformat() if row.next_test_due_on else None,
            "recall_status": row.recall_status,
            "ceased": row.ceased,
            "non_responses": row.non_responses,
            "next_step": row.next_step,
            "next_step_on": row.next_step_on.isoformat() if row.next_step_on else None,
            "policy": row.policy,
            **msgspec.json.decode(bytes(row.data)),
        }
