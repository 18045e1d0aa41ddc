"""Envelopes as CloudEvents: what is sent is received, others can read it, and what is none of ours is refused."""

from __future__ import annotations

import json
import re
import traceback
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from cloudevents.core.bindings import amqp
from hypothesis import given
from hypothesis import strategies as st
from pamqp.decode import field_table
from pamqp.encode import field_table as encoded_table

from hub.contract import EVENT_TYPES, Envelope
from hub.io.rabbit.cloudevents import CONTENT_TYPE, EXTENSIONS, SOURCE, NotAnEvent, cloud_type, envelope_of, headers_of

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
ENVELOPE = Envelope(
    event_id="0e6e3c31-1a8b-5f0e-9d3c-6f3c7f1f2b11",
    type="ResultReported",
    subject="6f9619ff-8b86-5011-b42d-00cf4fc964ff",
    occurred_at=datetime(2026, 7, 20, 8, 0, 1, 250_000, tzinfo=UTC),
    data=b'{"claim":{},"result":{}}',
    feed="northmoor",
    digest="ab" * 32,
    position="2.1",
    traceparent=TRACE,
    supersedes="7d444840-9dc0-51d1-b245-5ffdce74fad2",
)
NEEDED = ("specversion", "source", "type", "id", "time")
TEXTS = st.text(max_size=30)
# Fixed offsets: Python calls no two times equal if one stands in the hour that a zone's clock skips or repeats.
OFFSETS = st.just(UTC) | st.timedeltas(timedelta(hours=-12), timedelta(hours=14)).map(timezone)
ENVELOPES = st.builds(
    Envelope,
    event_id=st.text(min_size=1, max_size=40),
    type=st.sampled_from(sorted(EVENT_TYPES)),
    subject=TEXTS,
    occurred_at=st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=OFFSETS),
    data=st.dictionaries(TEXTS, TEXTS | st.integers()).map(lambda data: json.dumps(data).encode()),
    feed=TEXTS,
    digest=TEXTS,
    position=TEXTS,
    traceparent=TEXTS,
    supersedes=TEXTS,
)


def read_by_the_sdk(envelope: Envelope) -> Any:
    message = amqp.AMQPMessage({"content-type": CONTENT_TYPE}, dict(headers_of(envelope)), envelope.data)
    return amqp.from_amqp_event(message)


@given(ENVELOPES)
def test_what_is_sent_is_what_is_received(envelope: Envelope) -> None:
    headers = headers_of(envelope)
    assert envelope_of(headers, envelope.data) == envelope
    assert envelope_of({name: text.encode() for name, text in headers.items()}, envelope.data) == envelope


@given(ENVELOPES)
def test_it_survives_the_encoding_of_amqp(envelope: Envelope) -> None:
    _, headers = field_table(encoded_table(dict(headers_of(envelope))))
    assert envelope_of(headers, envelope.data) == envelope


@given(ENVELOPES)
def test_the_official_library_reads_the_same(envelope: Envelope) -> None:
    event = read_by_the_sdk(envelope)
    told = {name: getattr(envelope, name) for name in ("subject", *EXTENSIONS)}
    assert event.get_attributes() == {
        "specversion": "1.0",
        "source": SOURCE,
        "type": cloud_type(envelope.type),
        "id": envelope.event_id,
        "time": envelope.occurred_at,
        "datacontenttype": CONTENT_TYPE,
        **{name: text for name, text in told.items() if text},
    }
    assert event.get_data() == json.loads(envelope.data)


@given(ENVELOPES)
def test_the_official_library_would_write_the_same(envelope: Envelope) -> None:
    """But for the time, which it writes as an AMQP 1.0 timestamp, and the plain `traceparent`."""
    written = amqp.to_binary_event(read_by_the_sdk(envelope))
    ours = headers_of(envelope)
    ours.pop("traceparent", None)
    theirs = {**written.application_properties, "cloudEvents_time": ours["cloudEvents_time"]}
    assert theirs == ours
    assert written.properties == {"content-type": CONTENT_TYPE}


def test_the_headers_are_these() -> None:
    assert headers_of(ENVELOPE) == {
        "cloudEvents_specversion": "1.0",
        "cloudEvents_source": "/screening-hub",
        "cloudEvents_type": "screening.cervical.result-reported.v1",
        "cloudEvents_id": ENVELOPE.event_id,
        "cloudEvents_time": "2026-07-20T08:00:01.250000Z",
        "cloudEvents_subject": ENVELOPE.subject,
        "cloudEvents_feed": "northmoor",
        "cloudEvents_digest": ENVELOPE.digest,
        "cloudEvents_position": "2.1",
        "cloudEvents_supersedes": ENVELOPE.supersedes,
        "cloudEvents_traceparent": TRACE,
        "traceparent": TRACE,
    }


def test_what_is_empty_is_left_out() -> None:
    bare = Envelope("id", "TaskClosed", "", ENVELOPE.occurred_at, b"{}")
    assert headers_of(bare).keys() == {f"cloudEvents_{name}" for name in NEEDED}


def test_the_headers_of_one_event_do_not_reach_another() -> None:
    headers_of(ENVELOPE)["cloudEvents_subject"] = "somebody"
    assert "cloudEvents_subject" not in headers_of(replace(ENVELOPE, subject=""))


def test_every_type_has_a_name_of_its_own() -> None:
    names = {cloud_type(name) for name in EVENT_TYPES}
    assert len(names) == len(EVENT_TYPES)
    assert all(re.fullmatch(r"screening\.cervical\.[a-z]+(-[a-z]+)+\.v1", name) for name in names)


def test_extension_names_are_as_cloudevents_allows() -> None:
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in EXTENSIONS)


def test_an_event_without_a_zone_is_not_sent() -> None:
    with pytest.raises(ValueError, match="zone"):
        headers_of(replace(ENVELOPE, occurred_at=datetime(2026, 7, 20)))


def refusals() -> Iterator[Any]:
    for name in NEEDED:
        yield pytest.param(name, None, "missing", id=f"no {name}")
        yield pytest.param(name, "", "missing", id=f"empty {name}")
    for name in (*NEEDED, "subject", *EXTENSIONS):
        yield pytest.param(name, 9_991_112_223, "not what", id=f"{name} is a number")
        yield pytest.param(name, b"Sm\xffith", "not what", id=f"{name} is not UTF-8")
    for name, value in {
        "specversion": ("0.3", "1.0 "),
        "source": ("/another-hub", "/screening-hub/"),
        "type": ("ResultReported", "screening.cervical.result-reported.v2", "screening.cervical.result-lost.v1"),
        "time": ("2026-07-20T08:00:00", "2026-07-20", "yesterday at Smith's", "2026-02-30T08:00:00Z", "1784534400"),
    }.items():
        yield from (pytest.param(name, one, "not what", id=f"{name} {one}") for one in value)


@pytest.mark.parametrize(("name", "value", "why"), list(refusals()))
def test_a_message_of_others_is_refused_by_the_attribute(name: str, value: object, why: str) -> None:
    headers: dict[str, object] = {**headers_of(ENVELOPE), f"cloudEvents_{name}": value}
    if value is None:
        del headers[f"cloudEvents_{name}"]
    with pytest.raises(NotAnEvent) as refused:
        envelope_of(headers, ENVELOPE.data)
    assert f"`{name}`" in str(refused.value)
    assert why in str(refused.value)
    assert_tells_nothing_of(value, refused.value)


def assert_tells_nothing_of(value: object, refused: BaseException) -> None:
    """Neither its text nor what it was raised from: both may be logged."""
    assert refused.__context__ is None
    told = "".join(traceback.format_exception_only(refused))
    assert not value or (str(value) not in told and repr(value) not in told)


@pytest.mark.parametrize(
    "body", ["{}", None, bytearray(b"{}"), {"claim": "Smith"}], ids=lambda body: type(body).__name__
)
def test_a_body_that_is_not_bytes_is_refused(body: object) -> None:
    with pytest.raises(NotAnEvent, match="body") as refused:
        envelope_of(headers_of(ENVELOPE), body)
    assert "Smith" not in str(refused.value)


def test_a_message_without_headers_is_refused() -> None:
    with pytest.raises(NotAnEvent, match="`specversion` is missing"):
        envelope_of({}, b"{}")


ANYTHING = st.none() | st.text() | st.binary() | st.integers() | st.booleans() | st.datetimes() | st.lists(st.text())


@given(st.dictionaries(st.sampled_from(sorted(headers_of(ENVELOPE))), ANYTHING, min_size=1))
def test_whatever_the_headers_nothing_else_is_raised(strange: dict[str, object]) -> None:
    try:
        envelope = envelope_of({**headers_of(ENVELOPE), **strange}, ENVELOPE.data)
    except NotAnEvent as refused:
        assert refused.__context__ is None
    else:
        assert envelope.occurred_at.utcoffset() is not None
        assert envelope.event_id
