"""The SQS door: receives what waits in our queue, has it stored, and only then deletes it.

Whatever ends between two of these steps loses nothing: what is not deleted comes again, and the journal knows the same
bytes. Any number of processes may receive from one queue.
"""

from __future__ import annotations

import asyncio

from hub import telemetry
from hub.errors import Reason, Retry
from hub.flow.hearing import Hearing
from hub.flow.patience import patiently_outside
from hub.io.sqs.queue import SqsMessage, SqsQueue


class SqsDoor:
    """Receives until cancelled; away, it knocks less and less often."""

    def __init__(self, queue: SqsQueue, hearing: Hearing) -> None:
        self._queue = queue
        self._hearing = hearing

    async def run(self) -> None:
        try:
            while True:
                await patiently_outside(self.take_some)
        finally:
            await self._queue.close()

    async def take_some(self) -> int:
        """Receive one page, store, delete: in this order. How much of it is settled; raises Retry."""
        if why := await self._hearing.away():  # or a queue would set aside what it gave too often for nothing
            raise Retry(Reason.STORE_AWAY, hint=why)
        messages = await self._received()
        stored = [each for each in await asyncio.gather(*map(self._stored, messages)) if each]
        settled = await self._queue.delete(stored)
        telemetry.pds_events_taken(len(messages), settled)
        return settled

    async def _received(self) -> list[SqsMessage]:
        try:
            messages = await self._queue.receive()
        except Retry as away:
            telemetry.part_away("pds-events", away.hint)
            raise
        telemetry.part_away("pds-events", "")
        return messages

    async def _stored(self, message: SqsMessage) -> SqsMessage | None:
        """None where it is not: it comes again when the queue's visibility timeout is over, and holds up nobody."""
        try:
            await self._hearing.take(message.body, "sqs", self._queue.name)
        except Retry as error:
            telemetry.store_failed(error)
            return None
        except Exception as error:  # a fault of ours on this one message: the others must not wait for it
            telemetry.our_fault(error, "sqs")
            return None
        return message
