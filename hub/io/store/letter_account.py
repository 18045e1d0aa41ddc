"""What became of every result, for its letter: counted for a day, a feed or everything, and listed by id."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Select, and_, case, func, select

from hub.domain.letter_account import Standing
from hub.flow.ports.records import Span
from hub.io.store.room import Room
from hub.io.store.schema import journal, letters, matches, outbox, results

_STRONGEST = ("cancelled", "withheld", "failed", "waiting", "wished", "sent", "delivered")
"""Of several letters of one result the last of these says where it stands."""
_REPORTED = ("ResultReported", "ReportParked")
_LISTED_AT_ONCE = 1000


class SqlLetterAccount(Room):
    """See `hub.flow.ports.records.LetterAccount`."""

    def received(self, span: Span) -> int:
        """How many results were taken, as the journal counted them."""
        counted = select(func.coalesce(func.sum(journal.c.results), 0)).where(*_within(span))
        return int(self._connection.execute(counted).scalar_one())

    def standings(self, span: Span) -> list[tuple[Standing, int]]:
        """How many results stand so."""
        each = _each(span).subquery()
        kinds = (each.c.state, each.c.strength, each.c.withheld, each.c.cancelled)
        rows = self._connection.execute(select(*kinds, func.count().label("many")).group_by(*kinds))
        unhandled = self._connection.execute(select(func.count()).select_from(_unhandled(span).subquery())).scalar_one()
        return [*((_standing(row), row.many) for row in rows), (Standing(""), unhandled)]

    def each(self, span: Span) -> Iterator[tuple[str, Standing]]:
        """Every result by its id."""
        rows = self._connection.execution_options(yield_per=_LISTED_AT_ONCE).execute(_each(span))
        yield from ((row.result_id, _standing(row)) for row in rows)
        yield from ((row.subject, Standing("")) for row in self._connection.execute(_unhandled(span)))


def _within(span: Span) -> list[Any]:
    conditions: list[Any] = []
    if span.since:
        conditions.append(journal.c.received_at >= span.since)
    if span.until:
        conditions.append(journal.c.received_at < span.until)
    if span.feed:
        conditions.append(journal.c.feed == span.feed)
    return conditions


def _each(span: Span) -> Select[Any]:
    strength = case({state: number for number, state in enumerate(_STRONGEST, 1)}, value=letters.c.state, else_=0)
    on_record = results.join(journal, journal.c.seq == results.c.journal_seq).outerjoin(
        matches, and_(matches.c.result_id == results.c.result_id, matches.c.undone_at.is_(None))
    )
    hers = and_(letters.c.participant_id == matches.c.participant_id, letters.c.result_id == results.c.result_id)
    return (
        select(
            results.c.result_id,
            results.c.state,
            func.max(strength).label("strength"),
            func.max(case((letters.c.state == "withheld", letters.c.rule))).label("withheld"),
            func.max(case((letters.c.state == "cancelled", letters.c.rule))).label("cancelled"),
        )
        .select_from(on_record.outerjoin(letters, hers))
        .where(*_within(span))
        .group_by(results.c.result_id, results.c.state)
    )


def _unhandled(span: Span) -> Select[Any]:
    """Results that were taken and have no row yet: their events are under way."""
    known = select(results.c.result_id).where(results.c.result_id == outbox.c.subject)
    came = and_(journal.c.digest == outbox.c.digest, journal.c.feed == outbox.c.feed)
    return (
        select(outbox.c.subject)
        .distinct()
        .select_from(outbox.join(journal, came))
        .where(outbox.c.finished_at.is_(None), outbox.c.type.in_(_REPORTED), ~known.exists(), *_within(span))
    )


def _standing(row: Any) -> Standing:
    letter = _STRONGEST[row.strength - 1] if row.strength else ""
    rule = {"withheld": row.withheld, "cancelled": row.cancelled}.get(letter) or ""
    return Standing(row.state, letter, rule)
