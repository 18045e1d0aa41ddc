"""Batch → request, and what Notify takes at once: how many messages, how many bytes, how long a text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hub.contract import Request
from hub.domain.catalogue import MOST_CHARACTERS
from hub.domain.communications import Batch, Fault, Message

MEDIA_TYPE = "application/vnd.api+json"
MOST_MESSAGES = 45_000
MOST_BYTES = 5_200_000
_ENVELOPE = 400
"""More than what stands around the messages: two names of 36 signs, and the words of the form."""


def unfit(batch: Batch, plans: Mapping[str, str]) -> Fault | None:
    """Why this batch cannot be a request; Notify would not take it either."""
    if batch.routing_plan not in plans:
        return Fault("no-id-of-this-routing-plan", place="/data/attributes/routingPlanId")
    if not batch.messages or (batch.single and len(batch.messages) > 1):
        return Fault("no-message" if not batch.messages else "not-single", place="/data/attributes/messages")
    return None


def request_of(batch: Batch, plan_id: str) -> Request:
    """The same batch gives the same bytes."""
    attributes: dict[str, Any] = {"routingPlanId": plan_id}
    if batch.single:
        path, kind = "/v1/messages", "Message"
        attributes |= _message(batch.messages[0])
    else:
        path, kind = "/v1/message-batches", "MessageBatch"
        attributes |= {"messageBatchReference": batch.reference, "messages": [_message(one) for one in batch.messages]}
    body = _encoded({"data": {"type": kind, "attributes": attributes}})
    return Request(path, method="POST", body=body, content_type=MEDIA_TYPE)


def cut(
    messages: Iterable[Message], most: int = MOST_MESSAGES, most_bytes: int = MOST_BYTES
) -> Iterator[tuple[Message, ...]]:
    """Messages of one routing plan, in their order, as many at a time as Notify takes in one batch: by number or by
    size as encoded, whichever comes first."""
    begun: list[Message] = []
    size = _ENVELOPE
    for message in messages:
        longer = len(_encoded(_message(message))) + 1
        if begun and (len(begun) == most or size + longer > most_bytes):
            yield tuple(begun)
            begun, size = [], _ENVELOPE
        begun.append(message)
        size += longer
    if begun:
        yield tuple(begun)


def too_long(message: Message, channels: Iterable[str]) -> tuple[str, ...]:
    """The placeholders whose text alone is longer than one of these channels takes. Notify would take the message, and
    never send it."""
    most = min(MOST_CHARACTERS[channel] for channel in channels)
    return tuple(name for name, text in message.personalisation.items() if len(text) > most)


def _message(message: Message) -> dict[str, Any]:
    return {
        "messageReference": message.reference,
        "recipient": {"nhsNumber": message.nhs_number},
        "personalisation": dict(message.personalisation),
    }


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
