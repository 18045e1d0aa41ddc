"""What PDS says instead of an answer: the codes of its OperationOutcome, and who must act on each (apis.md 2.7)."""

from __future__ import annotations

import json
from typing import Any

from hub.contract import Later, Response
from hub.domain.demographics import Ambiguous, Fault, Invalidated, NotFound, Refused

TOO_MANY_MATCHES = "TOO_MANY_MATCHES"
_LATER = {408, 429}
_OF_THE_QUESTION = {"INVALID_RESOURCE_ID", "INVALID_VALUE", "TOO_MANY_VALUES_SUBMITTED"}
"""With status 400. Every other code is about how we ask: parameters and headers are the adapter's and the door's."""
_IN_OUR_HEADERS = "header"
_SEVERAL = "more than one result"


def resource(body: bytes) -> dict[str, Any]:
    """The body as a FHIR resource; an empty one where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def later(response: Response) -> Later | None:
    """See `hub.contract.Enquirer`."""
    status = response.status
    if status == 401:
        return Later(code_of(response), token=True)
    if status in _LATER or status >= 500:
        return Later(code_of(response), _after(response), busy=status == 429)
    return None


def refusal(response: Response) -> NotFound | Ambiguous | Invalidated | Refused:
    """What a response that brings neither a person nor a list of them means."""
    code, status = code_of(response), response.status
    if code == TOO_MANY_MATCHES:  # with status 200: no success
        return Ambiguous()
    if status == 404 and code == "RESOURCE_NOT_FOUND":  # and no other 404: a wrong address is nobody's absence
        return NotFound()
    if status == 404 and code == "INVALIDATED_RESOURCE":
        return Invalidated()
    diagnostics = _diagnostics(response)
    if status == 403 and code == "INVALID_VALUE" and _SEVERAL in diagnostics:
        return Ambiguous()
    ours = code not in _OF_THE_QUESTION or _IN_OUR_HEADERS in diagnostics
    return Refused(code, Fault.HUB if status != 400 or ours else Fault.QUESTION)


def _issues(response: Response) -> list[dict[str, Any]]:
    found = resource(response.body)
    issues = found.get("issue") if found.get("resourceType") == "OperationOutcome" else None
    return [issue for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []


def code_of(response: Response) -> str:
    """PDS's word: the first code of its OperationOutcome; without one, the status is all that is known."""
    for issue in _issues(response):
        details = issue.get("details")
        codings = details.get("coding") if isinstance(details, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            code = coding.get("code") if isinstance(coding, dict) else None
            if isinstance(code, str) and code.isascii() and code.replace("_", "").isalpha():
                return code
    return f"http-{response.status}"


def _diagnostics(response: Response) -> str:
    """For looking into, never for telling: PDS repeats values in it."""
    texts = (issue.get("diagnostics") for issue in _issues(response))
    return " ".join(text for text in texts if isinstance(text, str)).lower()


def _after(response: Response) -> float | None:
    """Seconds; the form with a date, which would need a clock, PDS does not use."""
    text = response.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() and len(text) < 6 else None
