"""What became of every result, for its letter: counted for a day, a feed or everything, and listed by id."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Column, Select, and_, case, func, select

from hub.domain.letter_account import Standing
from hub.flow.ports.records import Span
from hub.io.store.room import Room
from hub.io.store.schema import discharges, journal, letters, matches, outbox, results

_STRONGEST = ("cancelled", "withheld", "failed", "waiting", "wished", "elsewhere", "sent", "delivered")
"""Of several letters of one result the last of these says where it stands."""
_REPORTED = ("ResultReported", "ReportParked")
_DISCHARGED = ("DischargeReported", "DischargeUnread")
_LISTED_AT_ONCE = 1000


class SqlLetterAccount(Room):
    """See `hub.flow.ports.records.LetterAccount`."""

    def received(self, span: Span) -> int:
        """How many results were taken, as the journal counted them; what it counted of a clinic's list is none."""
        counted = select(func.coalesce(func.sum(journal.c.results), 0)).where(*_within(span))
        listed = select(func.count()).select_from(discharges.join(journal, journal.c.seq == discharges.c.journal_seq))
        coming = select(func.count()).select_from(_unhandled(span, _DISCHARGED, discharges.c.discharge_id).subquery())
        taken, *others = (
            self._connection.execute(each).scalar_one() for each in (counted, listed.where(*_within(span)), coming)
        )
        return int(taken - sum(others))

    def standings(self, span: Span) -> list[tuple[Standing, int]]:
        """How many results stand so."""
        each = _each(span).subquery()
        kinds = (each.c.state, each.c.strength, each.c.withheld, each.c.cancelled)
        rows = self._connection.execute(select(*kinds, func.count().label("many")).group_by(*kinds))
        unhandled = self._connection.execute(
            select(func.count()).select_from(_results_coming(span).subquery())
        ).scalar_one()
        return [*((_standing(row), row.many) for row in rows), (Standing(""), unhandled)]

    def each(self, span: Span) -> Iterator[tuple[str, Standing]]:
        """Every result by its id."""
        rows = self._connection.execution_options(yield_per=_LISTED_AT_ONCE).execute(_each(span))
        yield from ((row.result_id, _standing(row)) for row in rows)
        yield from ((row.subject, Standing("")) for row in self._connection.execute(_results_coming(span)))


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


def _results_coming(span: Span) -> Select[Any]:
    return _unhandled(span, _REPORTED, results.c.result_id)


def _unhandled(span: Span, types: Sequence[str], own: Column[str]) -> Select[Any]:
    """What was taken and has no row yet: its events are under way."""
    known = select(own).where(own == outbox.c.subject)
    came = and_(journal.c.digest == outbox.c.digest, journal.c.feed == outbox.c.feed)
    return (
        select(outbox.c.subject)
        .distinct()
        .select_from(outbox.join(journal, came))
        .where(outbox.c.finished_at.is_(None), outbox.c.type.in_(types), ~known.exists(), *_within(span))
    )


def _standing(row: Any) -> Standing:
    letter = _STRONGEST[row.strength - 1] if row.strength else ""
    rule = {"withheld": row.withheld, "cancelled": row.cancelled}.get(letter) or ""
    return Standing(row.state, letter, rule)
