"""Batch → request, and what Notify takes at once: how many messages, and how many bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hub.contract import Request
from hub.domain.communications import Batch, Fault, Message

MEDIA_TYPE = "application/vnd.api+json"
MOST_MESSAGES = 45_000
MOST_BYTES = 5_200_000


def unfit(batch: Batch, plans: Mapping[str, str]) -> Fault | None:
    """Why this batch cannot be a request; Notify would not take it either."""
    if batch.routing_plan not in plans:
        return Fault("no-id-of-this-routing-plan", place="/data/attributes/routingPlanId")
    if len(batch.messages) > MOST_MESSAGES:
        return Fault("too-many-messages", place="/data/attributes/messages")
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


def _message(message: Message) -> dict[str, Any]:
    return {
        "messageReference": message.reference,
        "recipient": {"nhsNumber": message.nhs_number},
        "personalisation": dict(message.personalisation),
    }


def _encoded(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode("ascii")
