"""What Notify tells of a message, by callbacks or when asked → news.

Statuses, channels and reasons that we do not know are kept as they come; a callback of a type that we do not know is
passed over. What lacks a part that Notify promises is `UnreadNews`: nothing of it is taken, and nothing of it told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from adapters.nhs_notify.json_api import document, is_message_id, part, parts
from hub.domain.communications import ChannelNews, MessageNews, News, UnreadNews

_LONGEST_WORD = 100
_LONGEST_TEXT = 1_000
_Fields = Mapping[str, Any]


class _Unread(Exception):
    """Carries the place, and never what stands there."""

    def __init__(self, place: str, why: str) -> None:
        super().__init__(place)
        self.place = place
        self.why = why


def read_callback(raw: bytes) -> tuple[News, ...] | UnreadNews:
    """All the news of one callback, in their order."""
    data = document(raw).get("data")
    items = [data] if isinstance(data, dict) else data  # JSON:API allows one alone, Notify sends a list
    if not isinstance(items, list):
        return UnreadNews("/data", "is no list")
    try:
        news = [_item(item, f"/data/{index}") for index, item in enumerate(items)]
    except _Unread as unread:
        return UnreadNews(unread.place, unread.why)
    return tuple(one for one in news if one is not None)


def news_of_message(body: bytes) -> tuple[News, ...] | UnreadNews:
    """How a message that was asked for stands: its own news, then each channel's in the order of the cascade."""
    data = part(document(body), "data")
    message_id, attributes = data.get("id"), part(data, "attributes")
    fields = {**attributes, "messageId": message_id, "timestamp": _own_time(attributes, "messageStatus")}
    try:
        message = _message(fields, "", "/data/attributes")
        channels = [
            _channel(_as_told(one, message), "", f"/data/attributes/channels/{index}")
            for index, one in enumerate(parts(attributes, "channels"))
        ]
    except _Unread as unread:
        return UnreadNews(unread.place, unread.why)
    return (message, *channels)


def _item(item: object, place: str) -> News | None:
    if not isinstance(item, dict):
        raise _Unread(place, "is no object")
    fields, key = part(item, "attributes"), part(item, "meta").get("idempotencyKey")
    read = _READERS.get(str(item.get("type")))
    if read is None:
        return None
    if key is not None:
        key = _word(part(item, "meta"), "idempotencyKey", f"{place}/meta")
    return read(fields, key or "", f"{place}/attributes")


def _message(fields: _Fields, key: str, place: str) -> MessageNews:
    identity = _message_id(fields, place), _word(fields, "messageReference", place)
    status, at = _word(fields, "messageStatus", place), _at(fields, place)
    return MessageNews(
        key or _key(*identity, status, at.isoformat()),
        *identity,
        status,
        at,
        reason=_optional(fields, "messageFailureReasonCode", place),
        description=_text(fields.get("messageStatusDescription")),
    )


def _channel(fields: _Fields, key: str, place: str) -> ChannelNews:
    identity = _message_id(fields, place), _word(fields, "messageReference", place)
    channel, status = _word(fields, "channel", place), _word(fields, "channelStatus", place)
    cascade, order = _word(fields, "cascadeType", place), _number(fields, "cascadeOrder", place)
    supplier, at = _optional(fields, "supplierStatus", place), _at(fields, place)
    retry = _number(fields, "retryCount", place) if "retryCount" in fields else 0
    return ChannelNews(
        key or _key(*identity, cascade, str(order), channel, status, supplier, str(retry), at.isoformat()),
        *identity,
        channel,
        status,
        at,
        order=order,
        cascade=cascade,
        supplier_status=supplier,
        retry=retry,
        reason=_optional(fields, "channelFailureReasonCode", place),
        description=_text(fields.get("channelStatusDescription")),
    )


def _as_told(channel: _Fields, message: MessageNews) -> dict[str, Any]:
    """A channel as a callback would tell of it."""
    return {
        **channel,
        "channel": channel.get("type"),
        "messageId": message.message_id,
        "messageReference": message.reference,
        "timestamp": _own_time(channel, "channelStatus"),
    }


def _own_time(fields: _Fields, status: str) -> Any:
    """Some times have the name of the status that began with them; for any other status it is the latest of all."""
    times = part(dict(fields), "timestamps")
    own = times.get(str(fields.get(status)))
    return own or max((time for time in times.values() if isinstance(time, str)), default=None)


def _message_id(fields: _Fields, place: str) -> str:
    found = fields.get("messageId")
    if not is_message_id(found):
        raise _Unread(f"{place}/messageId", "is no id of a message")
    return str(found)


def _word(fields: _Fields, name: str, place: str) -> str:
    """A short text that somebody can read and a database can keep."""
    found = fields.get(name)
    if not isinstance(found, str) or not found or len(found) > _LONGEST_WORD or not found.isprintable():
        raise _Unread(f"{place}/{name}", "is no short text")
    return found


def _optional(fields: _Fields, name: str, place: str) -> str:
    return _word(fields, name, place) if fields.get(name) not in (None, "") else ""


def _text(found: object) -> str:
    return "".join(sign for sign in found if sign.isprintable())[:_LONGEST_TEXT] if isinstance(found, str) else ""


def _number(fields: _Fields, name: str, place: str) -> int:
    found = fields.get(name)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found < 1_000_000:
        raise _Unread(f"{place}/{name}", "is no number")
    return found


def _at(fields: _Fields, place: str) -> datetime:
    found = fields.get("timestamp")
    try:
        at = datetime.fromisoformat(found if isinstance(found, str) else "")
        if at.tzinfo is not None:
            return at.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise _Unread(f"{place}/timestamp", "is no time with its zone")


def _key(*identity: str) -> str:
    """The same news, however often it is told, has the same key; Notify's own are of this form."""
    return hashlib.sha256("|".join(identity).encode()).hexdigest()


_READERS: Mapping[str, Callable[[_Fields, str, str], News]] = {"MessageStatus": _message, "ChannelStatus": _channel}
