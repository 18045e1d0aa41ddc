"""How often a partner is asked: turns that are handed out one after the other, to all processes together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, func, select, update

from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import pace
from hub.io.store.statements import insert_or_leave

_AT_ONCE = datetime(1, 1, 1, tzinfo=UTC)
_IMPOSSIBLE = timedelta(hours=1)
"""Nobody is made to wait so long: a turn that lies so far ahead says that the clock was put back."""
_NEXT = Prepared(select(pace.c.next_at).where(pace.c.partner == bindparam("whom")).with_for_update())
_SET = Prepared(update(pace).where(pace.c.partner == bindparam("whom")).values(next_at=bindparam("then")))
_NOW = Prepared(select(func.clock_timestamp().label("now")))


class SqlPace(Room):
    """See `hub.flow.ports.store.Pace`."""

    def take(self, partner: str, every: timedelta, longest: timedelta, at: datetime) -> timedelta | None:
        """How long to wait for the next free turn, which is now taken; None, and none is taken, where that would be
        longer than `longest`."""
        turn, now = self._next(partner, at)
        if turn - now > longest:
            return None
        self._set(partner, turn + every)
        return turn - now

    def hold_back(self, partner: str, by: timedelta, at: datetime) -> None:
        """The partner asks for quiet: the next free turn is not before."""
        turn, now = self._next(partner, at)
        self._set(partner, max(turn, now + min(by, _IMPOSSIBLE / 2)))

    def _next(self, partner: str, at: datetime) -> tuple[datetime, datetime]:
        """The next free turn, and what time it is. Whoever comes meanwhile waits for this transaction's end."""
        insert_or_leave(self._connection, pace, {"partner": partner, "next_at": _AT_ONCE})
        free: datetime = _NEXT.rows(self._connection, {"whom": partner})[0].next_at
        now = self._now(at)
        return (now if free - now > _IMPOSSIBLE else max(free, now)), now

    def _now(self, at: datetime) -> datetime:
        """On a server, its clock: those of the machines that ask may differ."""
        if self._connection.dialect.name == "sqlite":
            return at
        now: datetime = _NOW.rows(self._connection, {})[0].now
        return now

    def _set(self, partner: str, then: datetime) -> None:
        _SET.change(self._connection, {"whom": partner, "then": then})
