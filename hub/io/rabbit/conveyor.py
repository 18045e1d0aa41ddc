"""RabbitMQ as the conveyor: confirmed publishing, bounded consuming, dead letters.

Every confirm has a time limit. What was not confirmed in time counts as not handed over, whatever became of it: the
relay hands it over again, and the consumers know an event by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from aiormq.abc import DeliveredMessage
from aiormq.channel import Channel
from aiormq.exceptions import DeliveryError, PublishError

from hub import telemetry
from hub.contract import Envelope
from hub.flow.patience import FIRST_REST_SECONDS, LONGEST_REST_SECONDS
from hub.flow.ports.events import DeadDelivery, Delivery, Depth
from hub.io.rabbit.cloudevents import NotAnEvent, envelope_of
from hub.io.rabbit.link import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    FAILURES,
    BrokerAway,
    RabbitLink,
    in_time,
    saying_away,
    stop_if_cancelled,
    urls_of,
)
from hub.io.rabbit.publishing import forget, hand_over
from hub.io.rabbit.topology import DEAD, QUEUES, queue_of

PREFETCH = 100
"""Events a worker may hold unhandled: enough that it never waits for the next, few enough to share with others."""
LONGEST_ID = 36
"""A UUID."""


class RabbitConveyor:
    """See `hub.flow.ports.events.Conveyor`. `confirm_seconds`: how long a whole hand-over may take to be confirmed."""

    def __init__(self, url: str, name: str, *, confirm_seconds: float = ANSWER_SECONDS) -> None:
        self._link = RabbitLink(urls_of(url), name)
        self._confirm_seconds = confirm_seconds
        self._publishing: Channel | None = None

    # -- publishing

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """One True for each event that a queue holds safely; raises `BrokerAway` where none could be handed over."""
        if not envelopes:
            return []
        channel = await self._publishing_channel()
        steps = telemetry.steps("publish")
        errors = await self._hand_over(channel, envelopes)
        for envelope, error in zip(envelopes, errors, strict=True):
            steps.ended(envelope.traceparent, error, event_type=envelope.type, feed=envelope.feed)
            if isinstance(error, PublishError):
                telemetry.event_returned(envelope.type)
        if broken := next((error for error in errors if error and not isinstance(error, DeliveryError)), None):
            await self._give_up(broken)
            if all(errors):
                raise BrokerAway(broken)
        elif any(errors):  # an answer all the same: no queue took the event, or its queue is full or without a leader
            self._link.doubt()  # it may have come back because its queue is gone
        return [error is None for error in errors]

    async def _hand_over(self, channel: Channel, envelopes: Sequence[Envelope]) -> list[BaseException | None]:
        """What kept each from being confirmed in time; None where it was."""
        confirms: list[asyncio.Future[object]] = []
        errors: list[BaseException | None] = []
        try:
            async with asyncio.timeout(self._confirm_seconds):
                confirms = await hand_over(channel, envelopes)
                await asyncio.wait(confirms)
        except FAILURES as error:
            stop_if_cancelled()
            errors = [] if confirms else [error] * len(envelopes)
        finally:
            errors = errors or [_ended(confirm) for confirm in confirms]
            forget(channel, envelopes)
        return errors

    async def _give_up(self, error: BaseException) -> None:
        """The channel is in doubt: what was not confirmed on it goes again on another."""
        telemetry.broker_failed(error)
        self._publishing = None
        await self._link.lose()

    async def _publishing_channel(self) -> Channel:
        await self._link.ready()
        if self._publishing is None or self._publishing.is_closed:
            self._publishing = await self._link.publishing_channel()
        return self._publishing

    # -- consuming

    async def deliveries(self, consumer: str) -> AsyncIterator[Delivery]:
        """Without end: a lost line is taken up again. What was not acknowledged on the old one comes again."""
        async for message, channel in self._messages(queue_of(consumer)):
            try:
                envelope = _event_in(message)
            except NotAnEvent:
                await _tell(channel.basic_reject, message, requeue=False)  # it becomes a dead letter
                continue
            yield Delivery(consumer, envelope, _acknowledging(channel, message))

    async def dead(self) -> AsyncIterator[DeadDelivery]:
        """What the queues gave up on, one at a time."""
        async for message, channel in self._messages(DEAD, prefetch=1):
            queue, why = _death(message.header.properties.headers)
            try:
                envelope = _event_in(message)
            except NotAnEvent:
                envelope = None
            yield DeadDelivery(queue, why, message.body, envelope, _acknowledging(channel, message))

    async def _messages(self, queue: str, prefetch: int = PREFETCH) -> AsyncIterator[tuple[DeliveredMessage, Channel]]:
        rest = FIRST_REST_SECONDS
        while True:
            try:
                async with self._link.channel() as channel:
                    arrived = await _consume(channel, queue, prefetch)
                    rest = FIRST_REST_SECONDS
                    while (message := await arrived.get()) is not None:
                        yield message, channel
            except BrokerAway as error:
                telemetry.broker_failed(error)
            await asyncio.sleep(rest)
            rest = min(2 * rest, LONGEST_REST_SECONDS)

    # -- how it is

    async def depths(self) -> dict[str, Depth]:
        found = {}
        async with self._link.channel() as channel:
            for queue in QUEUES:
                async with in_time():
                    told = await channel.queue_declare(queue.name, passive=True)
                hands = PREFETCH * (told.consumer_count or 0)
                found[queue.name] = Depth(told.message_count or 0, hands, ours=queue.is_ours)
        return found

    async def away(self) -> str:
        try:
            async with saying_away(), in_time(CONNECT_SECONDS), self._link.channel():
                return ""
        except BrokerAway as error:
            return error.hint

    async def close(self) -> None:
        await self._link.close()


def _ended(confirm: asyncio.Future[object]) -> BaseException | None:
    """What became of it; whoever is late has failed. Asked of each, even where nobody waits any more: an error that was
    not looked at asyncio would print, and with it the event that came back."""
    return TimeoutError() if confirm.cancel() or confirm.cancelled() else confirm.exception()


async def _consume(channel: Channel, queue: str, prefetch: int) -> asyncio.Queue[DeliveredMessage | None]:
    """Consume; None stands in the queue when nothing more will come."""
    arrived: asyncio.Queue[DeliveredMessage | None] = asyncio.Queue()

    async def take(message: DeliveredMessage) -> None:
        arrived.put_nowait(message)

    def end(*_: object) -> None:
        arrived.put_nowait(None)

    channel.closing.add_done_callback(end)
    channel.on_consumer_cancel_callbacks.add(end)
    async with in_time():
        await channel.basic_qos(prefetch_count=prefetch)
        await channel.basic_consume(queue, take)
    return arrived


def _acknowledging(channel: Channel, message: DeliveredMessage) -> Callable[[], None]:
    def acknowledge() -> None:
        asyncio.get_running_loop().create_task(_tell(channel.basic_ack, message))

    return acknowledge


async def _tell(how: Callable[..., Awaitable[None]], message: DeliveredMessage, **more: bool) -> None:
    """Answer a delivery. If the line is gone the message comes again, which its consumer will notice."""
    with suppress(*FAILURES):
        await how(message.delivery_tag, wait=False, **more)


def _event_in(message: DeliveredMessage) -> Envelope:
    envelope = envelope_of(message.header.properties.headers or {}, message.body)
    name = envelope.event_id
    if len(name) > LONGEST_ID or not (name.isascii() and name.isprintable()):
        raise NotAnEvent("The id is none of the hub's: no database could even look for it.")
    return envelope


def _death(headers: object) -> tuple[str, str]:
    """The queue that gave up on it, and why, as RabbitMQ says in `x-death`."""
    deaths = headers.get("x-death") if isinstance(headers, dict) else None
    last = deaths[0] if isinstance(deaths, list) and deaths and isinstance(deaths[0], dict) else {}
    return str(last.get("queue", DEAD)), str(last.get("reason", "unknown"))
