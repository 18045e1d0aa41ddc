"""What the schedules do by the clock, and whose turn it is."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import bindparam, or_, select, update

from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import duties
from hub.io.store.statements import insert_or_leave

_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_TAKE = Prepared(
    update(duties)
    .where(
        duties.c.name == bindparam("duty"),
        # A time of the last turn that lies ahead says that the clock was put back: nothing may wait until then.
        or_(duties.c.done_at <= bindparam("due"), duties.c.done_at > bindparam("now")),
    )
    .values(done_at=bindparam("at"))
    .returning(duties.c.name)
)

_KEEP = Prepared(
    update(duties)
    .where(duties.c.name == bindparam("duty"), duties.c.done_at == bindparam("begun"))
    .values(done_at=bindparam("at"))
    .returning(duties.c.name)
)


class SqlDuties(Room):
    """See `hub.flow.ports.store.Duties`."""

    def take_turn(self, name: str, every: timedelta, at: datetime) -> bool:
        """Whether it is time for this duty and nobody else has taken this turn."""
        insert_or_leave(self._connection, duties, {"name": name, "done_at": _NEVER})
        values = {"duty": name, "due": at - every, "now": at, "at": at}
        return bool(_TAKE.rows(self._connection, values))

    def begun_at(self, name: str) -> datetime:
        """When the newest turn was taken, or last kept; long ago where it never was."""
        found = self._connection.execute(select(duties.c.done_at).where(duties.c.name == name)).scalar()
        return found or _NEVER

    def keep_turn(self, name: str, begun_at: datetime, at: datetime) -> bool:
        """Go on with a turn that takes long, so that nobody else thinks it died. False: somebody has taken it over."""
        return bool(_KEEP.rows(self._connection, {"duty": name, "begun": begun_at, "at": at}))
