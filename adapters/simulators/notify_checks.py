"""What NHS Notify has against a request, and how it says so: the codes of its errors, with the place of each."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from typing import Any

from hub.domain import nhs_number

MOST_ERRORS = 100
_ABOUT = "https://digital.nhs.uk/developer/api-catalogue/nhs-notify"
_NUMBERS = "https://www.datadictionary.nhs.uk/attributes/nhs_number.html"
_ATTRIBUTES = "/data/attributes"
_AUTHORIZATION: dict[str, str] = {"header": "Authorization"}
_PLAN: dict[str, str] = {"pointer": "/data/attributes/routingPlan"}
_PLAN_ID: dict[str, str] = {"pointer": "/data/attributes/routingPlanId"}
# code: title, detail, source. Where the interface fixes the words, they are the interface's.
_WORDS: dict[str, tuple[str, str, dict[str, str]]] = {
    "CM_MISSING_VALUE": ("Missing property", "This property is required.", {}),
    "CM_NULL_VALUE": ("Property cannot be null", "This property is null.", {}),
    "CM_INVALID_VALUE": ("Invalid value", "This value is not allowed here.", {}),
    "CM_INVALID_NHS_NUMBER": ("Invalid nhs number", "This is no NHS number.", {}),
    "CM_DUPLICATE_VALUE": ("Duplicate value", "This value stands here twice.", {}),
    "CM_TOO_FEW_ITEMS": ("Too few items", "There are too few items here.", {}),
    "CM_ODS_CODE_REQUIRED": ("Originator odsCode must be provided", "There is no ODS code.", {}),
    "CM_CANNOT_SET_ODS_CODE": ("Cannot set ODS code", "This account may not set it.", {}),
    "CM_CANNOT_SET_CONTACT_DETAILS": ("Cannot set contact details", "This account may not set them.", {}),
    "CM_DENIED": (
        "Access denied",
        "Access token missing, invalid or expired, or calling application not configured for this operation.",
        _AUTHORIZATION,
    ),
    "CM_FORBIDDEN": ("Forbidden", "Client not recognised or not yet onboarded.", _AUTHORIZATION),
    "CM_SERVICE_BAN": ("Service ban in effect", "A service ban is in effect on your account.", _AUTHORIZATION),
    "CM_NOT_FOUND": ("Resource not found", "The resource at the requested URI was not found.", {}),
    "CM_NO_SUCH_ROUTING_PLAN": (
        "No such routing plan",
        "The routing plan specified either does not exist or is not in a usable state.",
        _PLAN,
    ),
    "CM_NOT_ALLOWED": ("Method not allowed", "The method at the requested URI was not allowed.", {}),
    "CM_NOT_ACCEPTABLE": (
        "Not acceptable",
        "This service can only generate application/vnd.api+json or application/json.",
        {"header": "Accept"},
    ),
    "CM_UNSUPPORTED_MEDIA": (
        "Unsupported media",
        "Invalid content-type, this API only supports application/vnd.api+json or application/json.",
        {"header": "Content-Type"},
    ),
    "CM_TIMEOUT": ("Request timeout", "The service was unable to receive your request within the timeout period.", {}),
    "CM_TOO_LARGE": ("Request too large", "Request message was larger than the service limit", {}),
    "CM_TOO_MANY_ITEMS": (
        "Too many items",
        "The property at the specified location contains too many items.",
        {"pointer": "/data/attributes/messages"},
    ),
    "CM_DUPLICATE_REQUEST": ("Duplicate request", "This reference has been received already.", {}),
    "CM_RETRY_TOO_EARLY": (
        "Retried too early",
        "You have retried this request too early, the previous request is still being processed. Re-send the request "
        "after the time (in seconds) specified `Retry-After` header.",
        {},
    ),
    "CM_QUOTA": (
        "Too many requests",
        "You have made too many requests. Re-send the request after the time (in seconds) specified `Retry-After` "
        "header.",
        {},
    ),
    "CM_INTERNAL_SERVER_ERROR": (
        "Error processing request",
        "There was an internal error whilst processing this request.",
        {},
    ),
    "CM_MISSING_ROUTING_PLAN_TEMPLATE": (
        "Templates missing",
        "The templates required to use the routing plan were not found.",
        _PLAN_ID,
    ),
    "CM_ROUTING_PLAN_DUPLICATE_TEMPLATES": (
        "Duplicate templates",
        "The routing plan specified contains duplicate templates.",
        _PLAN_ID,
    ),
    "CM_BAD_GATEWAY": ("Unable to call service", "A downstream service is not responding.", {}),
    "CM_SERVICE_UNAVAILABLE": (
        "The service is currently unavailable",
        "The service is currently not able to process this request, try again later.",
        {},
    ),
}
_GATEWAY_TIMEOUT = (
    "Unable to call service",
    "The downstream service has not responded within the configured timeout period.",
)
USUAL_CODES = {
    401: "CM_DENIED",
    403: "CM_FORBIDDEN",
    408: "CM_TIMEOUT",
    413: "CM_TOO_LARGE",
    422: "CM_DUPLICATE_REQUEST",
    425: "CM_RETRY_TOO_EARLY",
    429: "CM_QUOTA",
    500: "CM_INTERNAL_SERVER_ERROR",
    502: "CM_BAD_GATEWAY",
    503: "CM_SERVICE_UNAVAILABLE",
    504: "CM_TIMEOUT",
}
Problem = tuple[str, str]
"""A code, and the place that it is about."""


def error(status: int, code: str, pointer: str = "") -> dict[str, Any]:
    """One entry of `errors`."""
    title, detail, source = _WORDS.get(code, ("Error", "Something is wrong.", {}))
    if status == 504:
        title, detail = _GATEWAY_TIMEOUT
    links = {"about": _ABOUT, **({"nhsNumbers": _NUMBERS} if code == "CM_INVALID_NHS_NUMBER" else {})}
    told = {"id": str(uuid.uuid4()), "code": code, "links": links, "status": str(status)}
    where = {"pointer": pointer} if pointer else source
    return {**told, "title": title, "detail": detail, **({"source": where} if where else {})}


def attributes_of(body: bytes, kind: str) -> tuple[dict[str, Any], list[Problem]]:
    """What a request asks for, and what is wrong with it."""
    try:
        document = json.loads(body)
    except ValueError:
        return {}, [("CM_INVALID_VALUE", "/")]
    data = document.get("data") if isinstance(document, dict) else None
    if not isinstance(data, dict) or not isinstance(attributes := data.get("attributes"), dict):
        return {}, [("CM_MISSING_VALUE", "/data" if not isinstance(data, dict) else _ATTRIBUTES)]
    problems = [] if data.get("type") == kind else [("CM_INVALID_VALUE", "/data/type")]
    return attributes, [*problems, *_problems(attributes, kind)]


def _problems(attributes: dict[str, Any], kind: str) -> Iterator[Problem]:
    yield from _text(attributes, "routingPlanId", _ATTRIBUTES)
    if isinstance(plan := attributes.get("routingPlanId"), str) and not _is_uuid(plan):
        yield "CM_INVALID_VALUE", f"{_ATTRIBUTES}/routingPlanId"
    if kind == "Message":
        yield from _of_message(attributes, _ATTRIBUTES)
        return
    yield from _text(attributes, "messageBatchReference", _ATTRIBUTES)
    yield from _of_messages(attributes)


def _of_messages(attributes: dict[str, Any]) -> Iterator[Problem]:
    place = f"{_ATTRIBUTES}/messages"
    messages = attributes.get("messages")
    if not isinstance(messages, list):
        yield ("CM_INVALID_VALUE" if messages is not None else "CM_MISSING_VALUE"), place
        return
    if not messages:
        yield "CM_TOO_FEW_ITEMS", place
    seen: set[str] = set()
    for index, message in enumerate(messages):
        yield from _of_message(message, f"{place}/{index}")
        reference = message.get("messageReference") if isinstance(message, dict) else None
        if reference in seen:
            yield "CM_DUPLICATE_VALUE", f"{place}/{index}/messageReference"
        seen.add(str(reference))


def _of_message(message: Any, place: str) -> Iterator[Problem]:
    if not isinstance(message, dict):
        yield "CM_INVALID_VALUE", place
        return
    yield from _text(message, "messageReference", place)
    recipient = message.get("recipient")
    if not isinstance(recipient, dict):
        yield "CM_MISSING_VALUE", f"{place}/recipient"
        return
    yield from _text(recipient, "nhsNumber", f"{place}/recipient")
    number = recipient.get("nhsNumber")
    if isinstance(number, str) and not (len(number) == 10 and nhs_number.is_valid(number)):
        yield "CM_INVALID_NHS_NUMBER", f"{place}/recipient/nhsNumber"
    if "contactDetails" in recipient:
        yield "CM_CANNOT_SET_CONTACT_DETAILS", f"{place}/recipient/contactDetails"
    if "originator" in message:
        yield "CM_CANNOT_SET_ODS_CODE", f"{place}/originator"
    if not isinstance(message.get("personalisation", {}), dict):
        yield "CM_INVALID_VALUE", f"{place}/personalisation"


def _text(parent: dict[str, Any], name: str, place: str) -> Iterator[Problem]:
    if name not in parent:
        yield "CM_MISSING_VALUE", f"{place}/{name}"
    elif parent[name] is None:
        yield "CM_NULL_VALUE", f"{place}/{name}"
    elif not isinstance(parent[name], str) or not parent[name]:
        yield "CM_INVALID_VALUE", f"{place}/{name}"


def _is_uuid(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False
