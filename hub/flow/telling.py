"""People are told: letters wished are handed to NHS Notify, each once, whoever dies meanwhile.

A batch is claimed in one transaction (`flow/leaving`), handed over in none, and settled in another (`flow/handed`).
Role worker; any number side by side.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from hub import telemetry
from hub.domain.catalogue import Catalogue, Plan
from hub.errors import Reason, Retry
from hub.flow.handed import known_to_have_arrived, never_left, not_answered, settle
from hub.flow.handlers import Context
from hub.flow.leaving import LEASE, Handing, claim, take_over
from hub.flow.patience import over_and_over, patiently
from hub.flow.ports.communications import Messenger, Wishes
from hub.flow.ports.store import Store, Transaction
from hub.flow.step import Step, tell_all

T = TypeVar("T")

LOOK_SECONDS = 1.0
HAND_OVER_SECONDS = 300.0
FILL = timedelta(minutes=1)
MOST = 500
"""Messages in a batch. Notify takes 45,000; but the people of a batch are held while it is claimed, and each is a lock
on the database server."""


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Hands over until cancelled. A letter that need not go at once waits for others, as long as `fill` says."""

    store: Store
    messenger: Messenger
    catalogue: Catalogue
    context: Context
    fill: timedelta = FILL
    most: int = MOST

    async def run(self) -> None:
        await over_and_over(self.tell_some, LOOK_SECONDS, "dispatcher")

    async def tell_some(self) -> int:
        """Hand over what was left by others, then what is wished; how much there was to do."""
        done = await self._unless_at_fault(self._taken_over)
        for plan in await self._ripe():
            done += await self._unless_at_fault(partial(self._claim, plan))
        return done

    async def _unless_at_fault(self, begin: Callable[[Step], Handing]) -> int:
        """A bug with one batch must not hold up the others of every plan."""
        try:
            return await self._hand_over(await self._step(begin))
        except Exception as error:  # a bug with one claim must not stop the other plans (a Retry never comes here)
            telemetry.our_fault(error, "dispatcher")
            return 0

    def _claim(self, plan: Plan, step: Step) -> Handing:
        return claim(step, self.catalogue, plan, self.most)

    async def _ripe(self) -> list[Plan]:
        at = self.context.clock()
        return await self.store.read(lambda tx: ripe(tx, self.catalogue, at, self.fill, self.most))

    def _taken_over(self, step: Step) -> Handing:
        """One batch whose claim has grown old, or whose rest is over."""
        batch = step.tx.communications.take_due(step.now, step.now + LEASE)
        if batch is None:
            return Handing()
        rows = step.tx.communications.of_batch(batch.reference)
        if not any(row.message_id for row in rows):
            handing = take_over(step, self.catalogue, batch, rows)
            if handing.messages:
                return handing
            if not batch.maybe:
                never_left(step, handing)
                return Handing(seen=len(rows))
        known_to_have_arrived(step, self.catalogue.following, batch)
        return Handing(seen=len(rows))

    async def _hand_over(self, handing: Handing) -> int:
        batch = handing.batch
        if batch is None:
            return handing.seen
        try:
            async with asyncio.timeout(HAND_OVER_SECONDS):
                answer = await self.messenger.hand_over(handing.as_asked())
        except Retry as later:
            why, after = later.hint or later.reason.code, later.after
            await self._step(lambda step: not_answered(step, batch, why, after))
        except TimeoutError:
            await self._step(lambda step: not_answered(step, batch, "no-answer", None))
        except Exception as error:  # a bug must neither stop the other batches nor lose this one
            telemetry.our_fault(error, "dispatcher")
            await self._step(lambda step: not_answered(step, batch, Reason.OUR_FAULT.code, None))
        else:
            await self._step(lambda step: settle(step, self.catalogue, handing, answer))
        return handing.seen

    async def _step(self, work: Callable[[Step], T]) -> T:
        """However long the store is away: what was sent must not be sent again for want of a note."""
        cause = str(uuid.uuid4())

        def done(tx: Transaction) -> tuple[Step, T]:
            step = Step(tx, self.context.policies, self.context.clock(), cause=cause)
            return step, work(step)

        ended: tuple[Step, T] = await patiently(self.store.write, done)
        tell_all(ended[0].told)
        return ended[1]


def ripe(tx: Transaction, catalogue: Catalogue, at: datetime, fill: timedelta, most: int) -> list[Plan]:
    """The plans of which a batch is to be begun, those that go at once first. Of a plan whose last batch waits to be
    tried again none is: whatever stands in its way stands in the way of all."""
    held = {batch.plan for batch in tx.communications.waiting_batches() if batch.why}
    wishes = _by_plan(catalogue, tx.communications.wishes())
    ready = [
        plan
        for plan, (many, oldest) in wishes
        if many >= most or at - oldest >= (timedelta() if plan.at_once else fill)
    ]
    return sorted((plan for plan in ready if plan.name not in held), key=lambda plan: (not plan.at_once, plan.name))


def _by_plan(catalogue: Catalogue, wishes: Iterable[Wishes]) -> list[tuple[Plan, tuple[int, datetime]]]:
    found: dict[str, tuple[int, datetime]] = {}
    for code, many, oldest in wishes:
        if letter := catalogue.letters.get(code):  # one that is no longer in the catalogue shows in the report
            before = found.get(letter.plan, (0, oldest))
            found[letter.plan] = before[0] + many, min(before[1], oldest)
    return [(catalogue.plans[name], figures) for name, figures in found.items()]
