"""What clerks refused after it had been acknowledged, and whether its laboratory has taken note."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, insert, select, update

from hub.flow.ports.partners import RefusalRow
from hub.io.store.room import Room
from hub.io.store.schema import refusals


class SqlRefusals(Room):
    """See `hub.flow.ports.partners.Refusals`."""

    def put(self, refusal: RefusalRow) -> None:
        values = {name: getattr(refusal, name) for name in RefusalRow.__slots__ if name != "seq"}
        self._connection.execute(insert(refusals), values)

    def withdraw(self, result_id: str, at: datetime) -> None:
        """The last refusal of this result no longer holds, of which its laboratory has to take note (again)."""
        last = select(func.max(refusals.c.seq)).where(refusals.c.result_id == result_id).scalar_subquery()
        changed = {"withdrawn_at": at, "told_at": None, "taken_at": None, "taken_by": ""}
        self._connection.execute(update(refusals).where(refusals.c.seq == last).values(changed))

    def get(self, seq: int) -> RefusalRow | None:
        return next(iter(self._listed(select(refusals).where(refusals.c.seq == seq))), None)

    def page(self, after: int, limit: int, feed: str | None = None, taken: bool | None = None) -> list[RefusalRow]:
        """The oldest first."""
        query = select(refusals).where(refusals.c.seq > after).order_by(refusals.c.seq).limit(limit)
        if feed is not None:
            query = query.where(refusals.c.feed == feed)
        if taken is not None:
            query = query.where(refusals.c.taken_at.is_not(None) if taken else refusals.c.taken_at.is_(None))
        return self._listed(query)

    def take(self, seq: int, at: datetime, by: str) -> None:
        """The laboratory has it; what it took before stays as it was."""
        query = update(refusals).where(refusals.c.seq == seq, refusals.c.taken_at.is_(None))
        self._connection.execute(query.values(taken_at=at, taken_by=by))

    def not_told(self, feed: str, limit: int) -> list[RefusalRow]:
        """Those that no message was wished about, as they stand, and that were not taken without: the oldest first."""
        mine = select(refusals).where(refusals.c.feed == feed, refusals.c.taken_at.is_(None))
        return self._listed(mine.where(refusals.c.told_at.is_(None)).order_by(refusals.c.seq).limit(limit))

    def told(self, seqs: Sequence[int], at: datetime) -> None:
        self._connection.execute(update(refusals).where(refusals.c.seq.in_(seqs)).values(told_at=at))

    def _listed(self, query: Select[Any]) -> list[RefusalRow]:
        return [RefusalRow(**row._mapping) for row in self._connection.execute(query)]
