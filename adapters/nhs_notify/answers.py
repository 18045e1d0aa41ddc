"""What Notify answers to a batch: the codes of its errors, and who must act on each (apis.md 4.2 and 4.3)."""

from __future__ import annotations

import re
from typing import Any

from adapters.nhs_notify.json_api import document, is_message_id, part, parts
from hub.contract import Later, Response
from hub.domain.communications import Accepted, AcceptedBefore, Batch, Fault, Handed, Refused

_LATER = {408, 502, 503, 504}
_STILL_AT_IT_SECONDS, _QUIET_SECONDS = 300.0, 5.0
"""What Retry-After says at least, with 425 and with 429."""
_CONFIGURATION = {"CM_MISSING_ROUTING_PLAN_TEMPLATE", "CM_ROUTING_PLAN_DUPLICATE_TEMPLATES"}
"""With status 500, and yet no passing trouble: the routing plan is not made as it should be."""
_OF_THE_MESSAGE = {"CM_INVALID_NHS_NUMBER", "CM_INVALID_VALUE", "CM_MISSING_VALUE", "CM_NULL_VALUE"}
"""Where they name a message, it can never go as it is. Every other code is about how we ask, or what we may."""
_CODE = re.compile(r"[A-Z][A-Z0-9_]{2,60}", re.ASCII)
_POINTER = re.compile(r"(/[\w~.-]{1,64}){1,10}", re.ASCII)
_OF_A_BATCH = re.compile(r"/data/attributes/messages/(\d{1,6})(?:/.*)?", re.ASCII)
_OF_A_SINGLE = re.compile(r"/data/attributes/(recipient|personalisation|messageReference)(/.*)?", re.ASCII)


def later(response: Response) -> Later | None:
    """See `hub.contract.Teller`."""
    status, code, after = response.status, code_of(response), _after(response)
    if status == 401:
        return Later(code, token=True)
    if status == 425:
        return Later(code, after or _STILL_AT_IT_SECONDS, early=True)
    if status == 429:
        return Later(code, after or _QUIET_SECONDS, busy=True)
    if status == 201 and not _says_what_was_made(response):
        return Later("unreadable")  # if it was taken, the next try is told so
    passing = status in _LATER or (status >= 500 and code not in _CONFIGURATION)
    return Later(code, after) if passing else None


def handed(batch: Batch, response: Response) -> Handed:
    """What became of the batch, by a response that is not `later`."""
    if response.status == 201:
        return Accepted(_ids(batch, response))
    if response.status == 422 and code_of(response) == "CM_DUPLICATE_REQUEST":
        return AcceptedBefore()
    return refused(response, batch)


def refused(response: Response, batch: Batch | None = None) -> Refused:
    """Every fault that is told. `ours` unless each of them is a message's own."""
    told = [_fault(error, batch) for error in parts(document(response.body), "errors")]
    faults = tuple(told) or (Fault(code_of(response)),)
    of_messages = response.status in (400, 422) and all(
        fault.reference and fault.code in _OF_THE_MESSAGE for fault in faults
    )
    return Refused(faults, ours=not of_messages)


def code_of(response: Response) -> str:
    """Notify's word: the first code of its errors; without one, the status is all that is known."""
    codes = (_code(error) for error in parts(document(response.body), "errors"))
    return next((code for code in codes if code), f"http-{response.status}")


def _fault(error: dict[str, Any], batch: Batch | None) -> Fault:
    pointer = part(error, "source").get("pointer")
    place = pointer if isinstance(pointer, str) and _POINTER.fullmatch(pointer) else ""
    return Fault(_code(error) or "unknown", _reference(place, batch) if batch else "", place)


def _reference(place: str, batch: Batch) -> str:
    """Whose message the place lies in."""
    if batch.single:
        return batch.messages[0].reference if _OF_A_SINGLE.fullmatch(place) else ""
    found = _OF_A_BATCH.fullmatch(place)
    index = int(found[1]) if found else len(batch.messages)
    return batch.messages[index].reference if index < len(batch.messages) else ""


def _ids(batch: Batch, response: Response) -> dict[str, str]:
    """What is left out, callbacks bring."""
    data = part(document(response.body), "data")
    attributes = part(data, "attributes")
    told = [{**attributes, "id": data.get("id")}] if batch.single else parts(attributes, "messages")
    asked = {message.reference for message in batch.messages}
    ids = {one.get("messageReference"): one.get("id") for one in told if isinstance(one.get("messageReference"), str)}
    return {reference: str(ids[reference]) for reference in asked & ids.keys() if is_message_id(ids[reference])}


def _says_what_was_made(response: Response) -> bool:
    return part(document(response.body), "data").get("type") in ("MessageBatch", "Message")


def _code(error: dict[str, Any]) -> str:
    code = error.get("code")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""


def _after(response: Response) -> float | None:
    """Seconds; the form with a date, which would need a clock, Notify does not use."""
    text = response.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
