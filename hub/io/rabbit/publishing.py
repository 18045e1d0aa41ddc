"""Events as AMQP frames, a whole hand-over in one write, and a future for each confirm.

aiormq publishes one message at a time: a task, a lock, three frame objects and a header table encoded anew for each,
which was most of what a relay did. Here whatever is the same for all events of a type is encoded once, and the rest is
a few strings; the channel's own book of confirms is kept as aiormq keeps it, so confirms, returns and a channel that
closes reach the futures in aiormq's way. Held against pamqp's encoder by `tests/io/test_publishing.py`.
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
from hub.io.rabbit.cloudevents import CONTENT_TYPE, fixed_headers, own_headers
from hub.io.rabbit.topology import EVENTS, is_wanted, routing_key

PERSISTENT = 2
_HEADER, _BODY, _END = 2, 3, b"\xce"
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
    `DeliveryError` when a queue refused it, and with what closed the channel where that comes first. Whoever gives up
    before must give up the channel as well.
    """
    payload = b"".join(piece for envelope in envelopes for piece in frames(envelope, channel))
    async with channel.lock:
        confirms = [_expected(channel, envelope) for envelope in envelopes]
        await channel.write_queue.put(ChannelFrame(payload, should_close=False))
    return confirms


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


def frames(envelope: Envelope, channel: Channel) -> Iterator[bytes]:
    """Method, header and body frames of one event."""
    number, data = channel.number, envelope.data
    yield _publish_frame(envelope.type, number)
    head = _content_header(envelope, len(data))
    yield _FRAME.pack(_HEADER, number, len(head)) + head + _END
    for begin in range(0, len(data), channel.max_content_size):
        piece = data[begin : begin + channel.max_content_size]
        yield _FRAME.pack(_BODY, number, len(piece)) + piece + _END


@cache
def _publish_frame(event_type: str, number: int) -> bytes:
    publish = spec.Basic.Publish(
        exchange=EVENTS, routing_key=routing_key(event_type), mandatory=is_wanted(event_type), immediate=False
    )
    return pamqp.frame.marshal(publish, number)


@cache
def _fixed(event_type: str) -> bytes:
    return b"".join(_entry(name, text) for name, text in fixed_headers(event_type).items())


@cache
def _name(name: str) -> bytes:
    """A header's name, and that its value is a long string."""
    return encode.short_string(name) + b"S"


def _entry(name: str, text: str) -> bytes:
    value = text.encode()
    return _name(name) + _LONG.pack(len(value)) + value


def _content_header(envelope: Envelope, size: int) -> bytes:
    table = _fixed(envelope.type) + b"".join([_entry(name, text) for name, text in own_headers(envelope)])
    name = envelope.event_id.encode()
    return b"".join(
        (
            _CONTENT.pack(_BASIC, 0, size, _PROPERTIES),
            _TYPE_OF_CONTENT,
            _LONG.pack(len(table)),
            table,
            _MODE,
            bytes([len(name)]),
            name,
        )
    )
