"""Every wish by state and age, and which of them waits silently: with neither an end nor a next action."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal, select, union_all

from hub.flow.ports.communications import CLAIMED, FAILED, SENT, Silent, Tally, Wish
from hub.io.store.schema import communication_batches, communication_news, communications, letters

OVERDUE = timedelta(minutes=30)
"""So much later than it was to be done, what nobody has done waits silently."""
_SENT = ("sent", "delivered", "failed")


def tallies(connection: Connection) -> list[Tally]:
    """Each letter once: by its own state while it is not sent, else by that of its newest message."""
    newest = _newest()
    state = func.coalesce(newest.c.state, letters.c.state).label("state")
    why = case((newest.c.state.is_not(None), newest.c.why), else_=letters.c.rule).label("why")
    query = (
        select(letters.c.code, state, why, func.count(), func.min(letters.c.changed_at))
        .select_from(letters.outerjoin(newest, and_(newest.c.letter_id == letters.c.letter_id, _is_sent())))
        .where(letters.c.state != "withheld")
        .group_by(letters.c.code, state, why)
    )
    return [Tally(*row) for row in connection.execute(query)]


def troubles(connection: Connection) -> dict[str, int]:
    """By the code of why, how many need somebody."""
    needs = (communications.c.task_at.is_not(None), communications.c.settled_at.is_(None))
    query = select(communications.c.why, func.count()).where(*needs).group_by(communications.c.why)
    return {row[0]: row[1] for row in connection.execute(query)}


def strangers(connection: Connection) -> int:
    """News about messages that are none of ours."""
    ours = select(communications.c.reference).where(
        (communications.c.reference == communication_news.c.reference)
        | (communications.c.message_id == communication_news.c.message_id)
    )
    query = select(func.count()).select_from(communication_news).where(~ours.exists())
    return int(connection.execute(query).scalar_one())


def paused(connection: Connection) -> list[Wish]:
    """Letters that wait for a task about her."""
    query = select(letters.c.letter_id, letters.c.participant_id)
    waiting = query.where(letters.c.state == "waiting", letters.c.rule == "paused").order_by(letters.c.letter_id)
    return [Wish(*row) for row in connection.execute(waiting)]


def silent(connection: Connection, at: datetime, limit: int) -> list[Silent]:
    """Empty where everything has an end, or something that is done about it next."""
    late = at - OVERDUE
    letter, message = letters.c.letter_id, communications.c.letter_id
    none_sent = ~select(message).where(message == letter).exists()
    unclaimed = ~select(communication_batches.c.reference).where(
        communication_batches.c.reference == communications.c.batch_reference,
        communication_batches.c.state == CLAIMED,
        communication_batches.c.look_at >= late,
    ).exists()  # fmt: skip
    unheard = communications.c.look_at.is_(None) | (communications.c.look_at < late)
    needless = communications.c.task_at.is_(None)
    found = (
        _silent(letter, "no-message", letters.c.state.in_(_SENT), none_sent),
        _silent(message, "claimed-and-left", communications.c.state == CLAIMED, unclaimed),
        _silent(message, "not-followed-up", communications.c.state == SENT, unheard, needless),
        _silent(message, "failed-without-task", communications.c.state == FAILED, needless),
    )
    return [Silent(*row) for row in connection.execute(union_all(*found).limit(limit))]


def _silent(letter_id: Any, what: str, *conditions: Any) -> Any:
    return select(letter_id, literal(what)).where(*conditions)


def _newest() -> Any:
    """Of each letter its newest message."""
    order = (communications.c.claimed_at.desc(), communications.c.reference)
    rank = func.row_number().over(partition_by=communications.c.letter_id, order_by=order).label("rank")
    ranked = select(communications.c.letter_id, communications.c.state, communications.c.why, rank).subquery()
    return select(ranked).where(ranked.c.rank == 1).subquery()


def _is_sent() -> Any:
    return letters.c.state.in_(_SENT)
