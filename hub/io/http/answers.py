"""How the door says no: OperationOutcomes at the FHIR addresses, problem+json (RFC 9457) elsewhere.

What it says comes from this hub's own sentences, never from what was sent.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from hub.formats.fhir import Issue, operation_outcome

FHIR = "/FHIR/R4/"
FHIR_JSON, FHIR_XML, PROBLEM = "application/fhir+json", "application/fhir+xml", "application/problem+json"
RETRY_SECONDS = "5"
# The codes of http://hl7.org/fhir/issue-type that fit.
_ISSUES = {
    400: "structure",
    401: "login",
    403: "forbidden",
    404: "not-found",
    405: "not-supported",
    408: "timeout",
    409: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "invalid",
    429: "throttled",
    500: "exception",
    503: "transient",
}


class Refused(Exception):
    """The request is not done. The sentence says why and what to do, and holds nothing of what was sent."""

    def __init__(
        self, status: int, sentence: str, headers: Mapping[str, str] | None = None, *, unread: bool = False
    ) -> None:
        self.status = status
        self.sentence = sentence
        self.headers = dict(headers or {})
        self.unread = unread  # what the partner still sends is not waited for
        super().__init__(sentence)


def not_proven(sentence: str) -> Refused:
    """401, with what would prove it."""
    return Refused(401, sentence, {"WWW-Authenticate": 'Bearer realm="screening-hub"'}, unread=True)


def refusal(path: str, accepts: str, refused: Refused) -> web.Response:
    """The answer, in the words of the address that was asked."""
    if path.startswith(FHIR):
        kind = FHIR_XML if "xml" in accepts else FHIR_JSON
        body = _outcome(refused, xml=kind == FHIR_XML)
    else:
        kind, body = PROBLEM, _problem(refused)
    response = web.Response(status=refused.status, body=body, headers={**refused.headers, "Content-Type": kind})
    if refused.unread:
        response.force_close()
    return response


def _problem(refused: Refused) -> bytes:
    title = HTTPStatus(refused.status).phrase
    return json.dumps({"title": title, "status": refused.status, "detail": refused.sentence}).encode()


def _outcome(refused: Refused, *, xml: bool) -> bytes:
    issue = Issue("error", _ISSUES.get(refused.status, "processing"), refused.sentence)
    return operation_outcome([issue], str(uuid.uuid4()), as_xml=xml)
