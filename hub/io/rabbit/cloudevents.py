"""Envelopes as CloudEvents 1.0 in binary mode: the attributes in AMQP headers, the event's JSON as the body.

Header names are those of the CloudEvents AMQP binding with its preferred prefix, `cloudEvents_`. RabbitMQ hands headers
to AMQP 1.0 consumers as application properties, so the one form serves both protocols. `datacontenttype` is the
message's `content_type` property (`CONTENT_TYPE`). What is empty in the envelope is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from hub.contract import EVENT_TYPES, Envelope
from hub.io.rabbit.topology import routing_key

PREFIX = "cloudEvents_"
SPECVERSION = "1.0"
SOURCE = "/screening-hub"
"""One source for every event, so that the id alone tells a repetition. Which laboratory it came from is in `feed`."""
CONTENT_TYPE = "application/json"
TRACEPARENT = "traceparent"
"""Said a second time without the prefix: OpenTelemetry looks for the header of this name."""
EXTENSIONS = {
    "feed": "The laboratory's connection that the event was read from.",
    "digest": "SHA-256 of the message that the event was read from.",
    "position": "Where in that message: message and result, from 1 (`1.2`).",
    "traceparent": "W3C trace context of whatever made the event.",
    "supersedes": "The id of an older event that this one replaces.",
}
"""The extension attributes with what they say; each is named as in the envelope."""


class NotAnEvent(Exception):
    """A message that is none of the hub's events. The text names the attribute and never says what stood there."""


def cloud_type(event_type: str) -> str:
    """`ResultReported` → `screening.cervical.result-reported.v1`."""
    return f"screening.cervical.{routing_key(event_type).replace('.', '-')}.v1"


# A message costs a few microseconds each way, so whatever is the same for all of a type is made once.
_FIXED = {
    name: {f"{PREFIX}specversion": SPECVERSION, f"{PREFIX}source": SOURCE, f"{PREFIX}type": cloud_type(name)}
    for name in EVENT_TYPES
}
_NAMES = {cloud_type(name): name for name in EVENT_TYPES}
_OPTIONAL = tuple((PREFIX + name, name) for name in ("subject", *EXTENSIONS))


def headers_of(envelope: Envelope) -> dict[str, str]:
    """The AMQP headers of an event; its body is `envelope.data`."""
    headers = _FIXED[envelope.type].copy()
    headers[f"{PREFIX}id"] = envelope.event_id
    headers[f"{PREFIX}time"] = _told(envelope.occurred_at)
    for header, name in _OPTIONAL:
        if value := getattr(envelope, name):
            headers[header] = value
    if envelope.traceparent:
        headers[TRACEPARENT] = envelope.traceparent
    return headers


def envelope_of(headers: Mapping[str, object], body: object) -> Envelope:
    """The envelope back from a message; raises `NotAnEvent` for whatever the hub cannot have sent."""
    if _needed(headers, "specversion") != SPECVERSION:
        raise _unfit("specversion")
    if _needed(headers, "source") != SOURCE:
        raise _unfit("source")
    if (kind := _NAMES.get(_needed(headers, "type"))) is None:
        raise _unfit("type")
    if not isinstance(body, bytes):
        raise NotAnEvent("The body is not bytes.")
    return Envelope(
        event_id=_needed(headers, "id"),
        type=kind,
        subject=_text(headers, "subject"),
        occurred_at=_moment(_needed(headers, "time")),
        data=body,
        feed=_text(headers, "feed"),
        digest=_text(headers, "digest"),
        position=_text(headers, "position"),
        traceparent=_text(headers, "traceparent"),
        supersedes=_text(headers, "supersedes"),
    )


def _told(at: datetime) -> str:
    """RFC 3339 in UTC. A naive time is a mistake of ours: nobody could say when that was."""
    if at.tzinfo is not UTC:
        if at.utcoffset() is None:
            raise ValueError("an event needs a time with its zone")
        at = at.astimezone(UTC)
    return f"{at.isoformat()[:-6]}Z"


def _moment(text: str) -> datetime:
    at = _parsed(text)
    if at is None or at.utcoffset() is None:
        raise _unfit("time")
    return at


def _parsed(text: str) -> datetime | None:
    # Raised by the caller, outside of the `except`: this error's own text says what stood there.
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _needed(headers: Mapping[str, object], attribute: str) -> str:
    if text := _text(headers, attribute):
        return text
    raise NotAnEvent(f"The attribute `{attribute}` is missing.")


def _text(headers: Mapping[str, object], attribute: str) -> str:
    """Empty if it is missing. AMQP libraries give a string as str or as bytes."""
    value = headers.get(PREFIX + attribute, "")
    if isinstance(value, str):
        return value
    text = _decoded(value) if isinstance(value, bytes) else None
    if text is None:
        raise _unfit(attribute)
    return text


def _decoded(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _unfit(attribute: str) -> NotAnEvent:
    return NotAnEvent(f"The attribute `{attribute}` is not what the hub writes there.")
