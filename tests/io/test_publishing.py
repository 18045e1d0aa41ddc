"""Our own encoding of events, held against pamqp's: what it reads back is what was meant."""

from __future__ import annotations

from datetime import UTC, datetime

import pamqp.frame
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands as spec
from pamqp.body import ContentBody
from pamqp.header import ContentHeader

from hub.contract import EVENT_TYPES, Envelope
from hub.io.rabbit.cloudevents import CONTENT_TYPE, headers_of
from hub.io.rabbit.publishing import PERSISTENT, frames
from hub.io.rabbit.topology import EVENTS, is_wanted, routing_key

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)
EVENTS_OF_ALL_KINDS = st.builds(
    Envelope,
    event_id=st.uuids().map(str),
    type=st.sampled_from(sorted(EVENT_TYPES)),
    subject=TEXTS,
    occurred_at=st.datetimes(timezones=st.just(UTC)),
    data=st.binary(max_size=3000),
    feed=TEXTS,
    digest=TEXTS,
    position=TEXTS,
    traceparent=TEXTS,
    supersedes=TEXTS,
)


def _read(envelope: Envelope, number: int, size: int) -> list[object]:
    found = []
    for piece in frames(envelope, number, size):
        used, channel, frame = pamqp.frame.unmarshal(piece)
        assert (used, channel) == (len(piece), number)
        found.append(frame)
    return found


@given(EVENTS_OF_ALL_KINDS, st.integers(1, 65_535), st.integers(1, 4000))
def test_what_is_written_is_the_event(envelope: Envelope, number: int, size: int) -> None:
    publish, header, *bodies = _read(envelope, number, size)
    assert isinstance(publish, spec.Basic.Publish)
    assert isinstance(header, ContentHeader)
    assert (publish.exchange, publish.routing_key) == (EVENTS, routing_key(envelope.type))
    assert (publish.mandatory, publish.immediate) == (is_wanted(envelope.type), False)
    assert header.body_size == len(envelope.data)
    assert dict(header.properties) == dict(
        spec.Basic.Properties(
            content_type=CONTENT_TYPE,
            delivery_mode=PERSISTENT,
            message_id=envelope.event_id,
            headers=dict(headers_of(envelope)),
        )
    )
    assert all(isinstance(body, ContentBody) and len(body) <= size for body in bodies)
    assert b"".join(body.value for body in bodies if isinstance(body, ContentBody)) == envelope.data


def test_an_event_without_a_zone_is_not_written() -> None:
    envelope = Envelope("1", "ResultMatched", "", datetime(2026, 1, 1), b"{}")
    with pytest.raises(ValueError, match="zone"):
        _read(envelope, 1, 100)
