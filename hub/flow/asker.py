"""The asker: takes questions that wait in the store, asks PDS, and settles them. Role worker; any number side by side.

A question is taken in one transaction, asked in none, and settled in another. Whoever dies in between leaves it to the
next, when its time has come again; of two who bring an answer one counts.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from hub import telemetry
from hub.domain.demographics import Answer, Fault, Question, Refused, WhoHas
from hub.domain.people import Claim
from hub.errors import Reason, Retry
from hub.flow import asking, hints
from hub.flow.handlers import Context
from hub.flow.parking import ASKING
from hub.flow.patience import patiently
from hub.flow.ports.cohort import DemographicsRegister
from hub.flow.ports.questions import Kind, QuestionRow
from hub.flow.ports.store import Store, Transaction
from hub.flow.step import Step, tell_all

AT_ONCE = 3
"""Questions of one asker under way at a time. At five requests a second more would only wait, each in a thread."""
LOOK_SECONDS = 1.0
AWAY_SECONDS = 5.0
"""Rest of an asker whose question PDS did not answer: it need not find that out of every question that waits."""
LEASE = timedelta(minutes=5)
"""How long a question is its taker's: more than the time that its requests may take, all together."""
FIRST_REST, LONGEST_REST = timedelta(seconds=10), timedelta(minutes=5)


class NotAnswered(Exception):
    """Now, or until an engineer has mended something. `why` is a code."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


@dataclass(frozen=True, slots=True)
class Asker:
    """`register` is None where no PDS is configured: what still waits is then given to the clerks."""

    store: Store
    register: DemographicsRegister | None
    context: Context
    patience: timedelta
    wake: Callable[[], None]
    _settling: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Whoever settles a question waits until nobody decides about anything. One at a time, or all threads of the
    process would wait for each other."""

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                rest = await self.ask_some()
            except Retry as error:
                telemetry.store_failed(error)
                rest = LOOK_SECONDS
            if rest:
                await asyncio.sleep(rest)

    async def ask_some(self) -> float:
        """Take some questions and settle them; how long to rest before the next."""
        at = self.context.clock()
        taken = await self.store.write(lambda tx: tx.questions.take(AT_ONCE, at, at + LEASE))
        answered = await asyncio.gather(*(self._watched(question) for question in taken))
        if not all(answered):
            return AWAY_SECONDS
        return 0.0 if taken else LOOK_SECONDS

    async def _watched(self, question: QuestionRow) -> bool:
        """Whether it is settled. A fault of ours stops this one question, which comes again, and no other."""
        try:
            return await _ROADS[question.kind](self, question)
        except Retry:
            raise
        except Exception as error:  # a bug must neither stop the other questions nor lose this one
            telemetry.our_fault(error, "asker")
            await self._put_off(question, Reason.OUR_FAULT.code)
            return False

    # -- claims

    async def about_claim(self, question: QuestionRow) -> bool:
        claim = await self.store.read(lambda tx: _claim_of(tx, question.subject))
        if self.register is None:
            await self._step(lambda step: asking.given_up(step, question, asking.NOT_ASKED))
            return True
        try:
            asked = await ask_about(self.register, claim) if claim else []
        except NotAnswered as away:
            return await self._not_answered(question, away.why)
        await self._step(lambda step: asking.answered(step, question, asked))
        return True

    async def _not_answered(self, question: QuestionRow, why: str) -> bool:
        if self.context.clock() - question.opened_at < self.patience:
            await self._put_off(question, why)
        else:
            await self._step(lambda step: asking.given_up(step, question, asking.NOT_ANSWERED))
        return False

    # -- people

    async def about_person(self, question: QuestionRow) -> bool:
        """An event hinted that PDS knows something new of her. Such a question waits as long as it must."""
        if not await self.store.read(lambda tx: hints.concerns_us(tx, question)):
            await self._step(lambda step: hints.not_ours(step, question))
            return True
        if self.register is None:
            await self._put_off(question, "no-pds")
            return False
        try:
            answer = await _answer(self.register, WhoHas(question.subject))
        except NotAnswered as away:
            await self._put_off(question, away.why)
            return False
        await self._step(lambda step: hints.answered(step, question, answer))
        return True

    # -- the store

    async def _put_off(self, question: QuestionRow, why: str) -> None:
        rest = min(LONGEST_REST, FIRST_REST * 2 ** min(question.tries, 10))
        at = self.context.clock() + rest
        await patiently(self.store.write, lambda tx: tx.questions.put_off(question.seq, at, why))
        telemetry.pds_put_off(why)

    async def _step(self, work: Callable[[Step], None]) -> None:
        cause = str(uuid.uuid4())

        def done(tx: Transaction) -> Step:
            step = Step(tx, self.context.policies, self.context.clock(), cause=cause)
            work(step)
            return step

        async with self._settling:
            step: Step = await patiently(self.store.write, done)
        tell_all(step.told)
        self.wake()


async def ask_about(register: DemographicsRegister, claim: Claim) -> list[asking.Asked]:
    """Ask by the number, and by everything else unless that is who the claim says. Raises NotAnswered."""
    asked: list[asking.Asked] = []
    for question in asking.questions_about(claim):
        asked.append(asking.Asked(question, await _answer(register, question)))
        person = asked[-1].person
        if person and asking.is_she(claim, person):
            break
    return asked


async def _answer(register: DemographicsRegister, question: Question) -> Answer:
    try:
        answer = await register.ask(question)
    except Retry as away:
        raise NotAnswered(away.hint or away.reason.code) from None
    if isinstance(answer, Refused) and answer.fault is Fault.HUB:  # asking again helps once an engineer has mended it
        raise NotAnswered(answer.code)
    return answer


def _claim_of(tx: Transaction, task_id: str) -> Claim | None:
    """None where nobody need be asked any more: whoever settles the question sees why."""
    task = tx.tasks.get(task_id)
    row = tx.results.get(task.result_id) if task and task.state == ASKING else None
    return row.event.claim if row else None


_ROADS: dict[Kind, Callable[[Asker, QuestionRow], Awaitable[bool]]] = {
    Kind.CLAIM: Asker.about_claim,
    Kind.PERSON: Asker.about_person,
}
