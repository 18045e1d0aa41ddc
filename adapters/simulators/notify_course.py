"""What becomes of a message at the simulator of NHS Notify: its fate, step by step, and how Notify tells of each.

created ► pending_enrichment ► enriched ► sending ► delivered · failed          the message
                                          created ► sending ► delivered · failed   each channel in its turn
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

_HOUR = 3600.0
_SECONDS = {"nhsapp": 600.0, "email": 60.0, "sms": 60.0, "letter": 48 * _HOUR}
_PATIENCE = {"nhsapp": 72 * _HOUR, "email": 72 * _HOUR, "sms": 72 * _HOUR, "letter": 96 * _HOUR}
_SUPPLIER = {"delivered": {"nhsapp": "read", "letter": "accepted"}, "failed": {"nhsapp": "unnotified"}}
_NOBODY_REACHED = "MFR_PDSV_0008"
"""Of the codes that were seen. Which of them says this is not published."""
_SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, slots=True)
class Fate:
    """`ends`: how each channel of the plan in its turn ends, the last of them for all that follow; an empty one never
    ends. A `reason` is found before any channel is begun."""

    ends: tuple[str, ...] = ("delivered",)
    reason: str = ""
    description: str = ""
    channel_reason: str = "CFR_SUPE_0007"


DELIVERED = Fate()
ON_THE_SECOND_CHANNEL = Fate(("failed", "delivered"))
UNREACHABLE = Fate(("failed",), description="Failed reason: No reachable communication channels")
NEVER_ENDS = Fate(("",))
LEFT_THE_NHS = Fate(reason="MFR_PDSV_0110", description="Failed reason: Patient has exit code")
NO_CONTACT_DETAIL = Fate(reason="MFR_PDSV_0002", description="Failed reason: Contact detail is missing")
OF_A_NEW_REASON = Fate(reason="MFR_NEWS_0001", description="Failed reason: none that was ever heard of")


@dataclass(slots=True)
class Channel:
    """One channel of a message."""

    type: str
    order: int
    status: str = "created"
    supplier: str = ""
    reason: str = ""
    times: dict[str, datetime] = field(default_factory=dict)


@dataclass(slots=True)
class Told:
    """A message, as Notify keeps it. `seconds` is how far its course has come."""

    id: str
    reference: str
    nhs_number: str
    personalisation: dict[str, Any]
    plan: str
    batch_id: str
    created_at: datetime
    fate: Fate
    channels: list[Channel]
    status: str = "created"
    reason: str = ""
    seconds: float = 0.0
    times: dict[str, datetime] = field(default_factory=dict)

    @property
    def at(self) -> datetime:
        return self.created_at + timedelta(seconds=self.seconds)

    @property
    def description(self) -> str:
        return self.fate.description if self.status == "failed" else ""


def ksuid(*parts: str) -> str:
    """27 letters and digits, the same for the same parts."""
    number = int.from_bytes(hashlib.sha256("|".join(parts).encode()).digest(), "big")
    return "".join(_SIGNS[number // 62**place % 62] for place in range(27))


def course(told: Told) -> Iterator[float | Told | Channel]:
    """What happens to a message: yields how many seconds pass, and then (the message has changed meanwhile) itself or
    the channel of which there is something to tell."""
    yield told
    yield from _step(told, "pending_enrichment", 1.0)
    if told.fate.reason:
        yield from _step(told, "failed", 1.0, told.fate.reason)
        return
    yield from _step(told, "enriched", 1.0)
    for channel in told.channels:
        channel.times["created"] = told.at
        yield channel
    yield from _step(told, "sending", 1.0)
    yield from _cascade(told)


def _step(told: Told, status: str, seconds: float, reason: str = "") -> Iterator[float | Told]:
    yield seconds
    told.seconds += seconds
    told.status, told.reason, told.times[status] = status, reason, told.at
    yield told


def _cascade(told: Told) -> Iterator[float | Told | Channel]:
    for index, channel in enumerate(told.channels):
        end = told.fate.ends[min(index, len(told.fate.ends) - 1)]
        channel.status = "sending"
        yield channel
        if not end:
            return
        yield from _ended(told, channel, end)
        if end == "delivered":
            yield from _step(told, "delivered", 0.0)
            yield from _skipped(told.channels[index + 1 :])
            return
    yield from _step(told, "failed", 0.0, _NOBODY_REACHED)


def _ended(told: Told, channel: Channel, end: str) -> Iterator[float | Channel]:
    seconds = (_SECONDS if end == "delivered" else _PATIENCE)[channel.type]
    yield seconds
    told.seconds += seconds
    channel.status, channel.times[end] = end, told.at
    channel.supplier = _SUPPLIER.get(end, {}).get(channel.type, "delivered" if end == "delivered" else "rejected")
    channel.reason = told.fate.channel_reason if end == "failed" else ""
    yield channel


def _skipped(channels: list[Channel]) -> Iterator[Channel]:
    for channel in channels:
        channel.status = "skipped"
        yield channel


# -- how Notify tells it


def as_asked(told: Told, url: str, plan: dict[str, Any]) -> dict[str, Any]:
    """The answer to GET /v1/messages/{id}."""
    attributes = {
        "messageReference": told.reference,
        "messageStatus": told.status,
        **_where("messageStatusDescription", told.description),
        **_where("messageFailureReasonCode", told.reason),
        "channels": [_channel_as_asked(channel, plan) for channel in told.channels if channel.times],
        "timestamps": _times(told.times, "created", "enriched", "delivered", "failed"),
        "routingPlan": plan,
    }
    related = {"messageBatch": {"data": {"type": "MessageBatch", "id": told.batch_id}}} if told.batch_id else {}
    data = {"type": "Message", "id": told.id, "attributes": attributes, "links": {"self": url}}
    return {"data": {**data, **({"relationships": related} if related else {})}}


def _channel_as_asked(channel: Channel, plan: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": channel.type,
        "cascadeType": "primary",
        "cascadeOrder": channel.order,
        "channelStatus": channel.status,
        **_where("channelFailureReasonCode", channel.reason),
        **_where("supplierStatus", channel.supplier),
        "timestamps": _times(channel.times, "created", "delivered", "failed"),
        "routingPlan": {"id": plan["id"], "type": "original"},
    }


def as_called_back(told: Told, about: Told | Channel, url: str, plan: dict[str, Any]) -> dict[str, Any]:
    """One entry of a callback's `data`: of a channel of the message, or of the message itself."""
    channel = about if isinstance(about, Channel) else None
    kind, own = ("ChannelStatus", _of_channel(channel)) if channel else ("MessageStatus", _of_message(told, plan))
    key = "|".join((told.id, channel.type if channel else "", about.status, str(told.seconds)))
    return {
        "type": kind,
        "attributes": {
            "messageId": told.id,
            "messageReference": told.reference,
            "timestamp": stamp(told.at),
            **own,
        },
        "links": {"message": url},
        "meta": {"idempotencyKey": hashlib.sha256(key.encode()).hexdigest()},
    }


def _of_message(told: Told, plan: dict[str, Any]) -> dict[str, Any]:
    ended = [one for one in told.channels if one.status in ("delivered", "failed")]
    return {
        "messageStatus": told.status,
        **_where("messageStatusDescription", told.description),
        **_where("messageFailureReasonCode", told.reason),
        "channels": [{"type": one.type, "channelStatus": one.status} for one in ended],
        "routingPlan": plan,
    }


def _of_channel(channel: Channel) -> dict[str, Any]:
    return {
        "cascadeType": "primary",
        "cascadeOrder": channel.order,
        "channel": channel.type,
        "channelStatus": channel.status,
        **_where("channelFailureReasonCode", channel.reason),
        **_where("supplierStatus", channel.supplier),
        "retryCount": 0,
    }


def stamp(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _times(times: dict[str, datetime], *names: str) -> dict[str, str]:
    return {name: stamp(times[name]) for name in names if name in times}


def _where(name: str, text: str) -> dict[str, str]:
    return {name: text} if text else {}
