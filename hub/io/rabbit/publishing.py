"""Events as AMQP frames, a whole hand-over in one write, and a future for each confirm.

aiormq publishes one message at a time: a task, a lock, a time limit and three frame objects for each, which was most of
what a relay did (decision 0018). Here the events are encoded straight into bytes, and the channel's own book of
confirms is kept as aiormq keeps it, so confirms, returns and a channel that closes reach the futures in aiormq's way.
Held against pamqp's encoder by `tests/io/test_publishing.py`.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator, Sequence
from functools import cache

import pamqp.frame
from aiormq.abc import ChannelFrame
from aiormq.channel import Channel
from pamqp import commands as spec
from pamqp import encode

from hub.contract import Envelope
from hub.io.rabbit.cloudevents import CONTENT_TYPE, headers_of
from hub.io.rabbit.topology import EVENTS, is_wanted, routing_key

PERSISTENT = 2
_METHOD, _HEADER, _BODY, _END = 1, 2, 3, b"\xce"
_BASIC = 60
_PROPERTIES = 0x8000 | 0x2000 | 0x1000 | 0x0080
"""That content type, headers, delivery mode and message id are there, and nothing else."""
_FRAME = struct.Struct(">BHI")
_CONTENT = struct.Struct(">HHQH")
_LONG = struct.Struct(">I")
_TYPE_OF_CONTENT = encode.short_string(CONTENT_TYPE)
_MODE = bytes([PERSISTENT])


async def hand_over(channel: Channel, envelopes: Sequence[Envelope]) -> list[asyncio.Future[object]]:
    """Write all of them to the broker; the futures of their confirms, in the same order.

    A future ends well when the broker has the event, with aiormq's `PublishError` when no queue took it, with its
    `DeliveryError` when a queue refused it, and with what closed the channel where that comes first. It waits where the
    line takes nothing; whoever stops waiting then has handed over nothing.
    """
    number, largest = channel.number, channel.max_content_size
    payload = b"".join(piece for envelope in envelopes for piece in frames(envelope, number, largest))
    async with channel.lock:
        await channel.write_queue.put(ChannelFrame(payload, should_close=False))
        # Nothing is awaited from here on, so no confirm can come before it is expected, and a cancellation finds
        # either nothing written or all of it counted: else a confirm might be taken for another event's.
        return [_expected(channel, envelope) for envelope in envelopes]


def forget(channel: Channel, envelopes: Sequence[Envelope]) -> None:
    """Nothing more is expected of them: what comes back from now on is not theirs."""
    for envelope in envelopes:
        channel.message_id_delivery_tag.pop(envelope.event_id, None)


def _expected(channel: Channel, envelope: Envelope) -> asyncio.Future[object]:
    channel.delivery_tag += 1
    confirm: asyncio.Future[object] = channel.create_future()
    channel.confirmations[channel.delivery_tag] = confirm
    channel.message_id_delivery_tag[envelope.event_id] = channel.delivery_tag
    return confirm


def frames(envelope: Envelope, number: int, largest: int) -> Iterator[bytes]:
    """Method, header and body frames of one event on the channel of this number; a body frame takes at most `largest`
    bytes of the event."""
    data = envelope.data
    yield _frame(_METHOD, number, _publish(envelope.type))
    yield _frame(_HEADER, number, _content_header(envelope))
    for begin in range(0, len(data), largest):
        yield _frame(_BODY, number, data[begin : begin + largest])


def _frame(kind: int, number: int, payload: bytes) -> bytes:
    return _FRAME.pack(kind, number, len(payload)) + payload + _END


@cache
def _publish(event_type: str) -> bytes:
    """What the method frame says, the same for all events of a type."""
    publish = spec.Basic.Publish(
        exchange=EVENTS, routing_key=routing_key(event_type), mandatory=is_wanted(event_type), immediate=False
    )
    return pamqp.frame.marshal(publish, 0)[_FRAME.size : -len(_END)]


@cache
def _name(name: str) -> bytes:
    """A header's name, and that its value is a long string."""
    return encode.short_string(name) + b"S"


def _entry(name: str, text: str) -> bytes:
    value = text.encode()
    return _name(name) + _LONG.pack(len(value)) + value


def _content_header(envelope: Envelope) -> bytes:
    table = b"".join([_entry(name, text) for name, text in headers_of(envelope).items()])
    name = envelope.event_id.encode()
    pieces = (
        _CONTENT.pack(_BASIC, 0, len(envelope.data), _PROPERTIES),
        _TYPE_OF_CONTENT,
        _LONG.pack(len(table)),
        table,
        _MODE,
        bytes([len(name)]),
        name,
    )
    return b"".join(pieces)
