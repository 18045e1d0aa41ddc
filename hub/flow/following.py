"""What was sent is followed until it has an end: heard of by callbacks, asked about where nothing was heard.

Notify tries to call us back for two hours and then no more. Whoever is asked about is in one asker's hands for a while;
what needs somebody becomes a task, and is asked about all the same now and then: it may still turn out well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub import telemetry
from hub.domain.catalogue import Catalogue
from hub.domain.communications import News
from hub.domain.delivery import NO_NEWS, NOT_KNOWN, Look, Trouble, after_asking, delivery
from hub.errors import Retry
from hub.flow.handed import Needing, hear
from hub.flow.patience import over_and_over, patiently
from hub.flow.ports.communications import SENT, CommunicationRow, Messenger
from hub.flow.ports.store import Clock, Store, Transaction

AT_ONCE = 10
LOOK_SECONDS = 5.0
LEASE = timedelta(minutes=10)
AGAIN = timedelta(hours=24)
NOT_ANSWERED = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Follower:
    """Follows until cancelled. Several may run side by side."""

    store: Store
    messenger: Messenger
    catalogue: Catalogue
    clock: Clock

    async def run(self) -> None:
        await over_and_over(self.follow_some, LOOK_SECONDS, "follower")

    async def follow_some(self) -> int:
        at = self.clock()
        rows = await self.store.write(lambda tx: tx.communications.take_unheard(AT_ONCE, at, at + LEASE))
        await asyncio.gather(*(self._follow(row) for row in rows))
        return len(rows)

    async def _follow(self, row: CommunicationRow) -> None:
        if not row.message_id:
            await self._write(lambda tx, at: unheard(tx, row.reference, self.catalogue, at))
            return
        try:
            news = await self.messenger.ask(row.message_id)
        except Retry as later:
            rest = timedelta(seconds=later.after or 0) + NOT_ANSWERED
            await self._write(lambda tx, at: not_answered(tx, row.reference, rest, self.catalogue, at))
            return
        telemetry.communication_asked("unknown" if news is None else "answered")
        await self._write(lambda tx, at: answered(tx, row.reference, news, self.catalogue, at))

    async def _write(self, work: Callable[[Transaction, datetime], Needing]) -> None:
        at = self.clock()
        told: Needing = await patiently(self.store.write, lambda tx: work(tx, at))
        for code, why in told:
            telemetry.communication_failed(code, why)


def answered(
    tx: Transaction, reference: str, news: Sequence[News] | None, catalogue: Catalogue, at: datetime
) -> Needing:
    """Notify was asked about a message, and has said how it stands; None: it knows no such message."""
    needing = hear(tx, news, catalogue.following, at)[1] if news else []
    row = _still_sent(tx, reference)
    if row is None:
        return needing
    if news is None:
        return _needs_somebody(tx, row, NOT_KNOWN, at)
    next_ = _next(tx, row, catalogue, at)
    if isinstance(next_, Trouble):
        return _needs_somebody(tx, row, next_.why, at)
    tx.communications.put([replace(row, look_at=next_.at, why="", task_at=None)])
    return []


def not_answered(tx: Transaction, reference: str, rest: timedelta, catalogue: Catalogue, at: datetime) -> Needing:
    """Notify was asked about a message, and has not said how it stands. It is asked again; but what it has not said for
    as long as the margin is judged by what was heard, or a message would wait silently for as long as nobody answers.
    """
    row = _still_sent(tx, reference)
    if row is None:
        return []
    next_ = _next(tx, row, catalogue, at - catalogue.following.margin)
    if isinstance(next_, Trouble):
        return _needs_somebody(tx, row, next_.why, at)
    return _look_again(tx, reference, at + rest)


def _next(tx: Transaction, row: CommunicationRow, catalogue: Catalogue, at: datetime) -> Look | Trouble:
    """What is to be done about it, by all that was told of it until now. A plan may have got another name since."""
    stands = delivery(tx.communications.news_about([row])[row.reference])
    plan = catalogue.plans.get(row.plan) or catalogue.plans[catalogue.letters[row.code].plan]
    return after_asking(stands, row.sent_at or row.claimed_at, plan, catalogue.following, at)


def unheard(tx: Transaction, reference: str, catalogue: Catalogue, at: datetime) -> Needing:
    """A message of which we know no id, so that nobody can be asked: it had arrived before we heard so."""
    row = _still_sent(tx, reference)
    if row is None or row.message_id:
        return []
    waited_since = row.sent_at or row.claimed_at
    if at - waited_since >= catalogue.following.no_news:
        return _needs_somebody(tx, row, NO_NEWS, at)
    return _look_again(tx, reference, waited_since + catalogue.following.no_news)


def _still_sent(tx: Transaction, reference: str) -> CommunicationRow | None:
    """The message, as it is now that nobody else changes it; None where it has an end."""
    return next((row for row in tx.communications.named([reference], []) if row.state == SENT), None)


def _needs_somebody(tx: Transaction, row: CommunicationRow, why: str, at: datetime) -> Needing:
    tx.communications.put([replace(row, why=why, task_at=row.task_at or at, look_at=at + AGAIN)])
    return [] if row.task_at else [(row.code, why)]


def _look_again(tx: Transaction, reference: str, at: datetime) -> Needing:
    if row := _still_sent(tx, reference):
        tx.communications.put([replace(row, look_at=at)])
    return []
