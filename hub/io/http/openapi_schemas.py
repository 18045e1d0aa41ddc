"""The shapes of the OpenAPI document: what is asked with, and what is answered."""

from __future__ import annotations

from typing import Any

from hub.io.http.lists import DEFAULT, LARGEST, MOST

Json = dict[str, Any]
_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_AT: Json = {"type": "string", "format": "date-time"}
_AT_OR_NOT: Json = {"type": ["string", "null"], "format": "date-time"}

FEED: Json = {"type": "string", "pattern": "^[a-z][a-z0-9_]*$", "maxLength": 64}
NUMBER: Json = {"type": "integer", "minimum": 1, "maximum": LARGEST}
ASSERTION = (
    "A JWT signed with a key of the feed's JWKS (header: alg, kid). iss and sub: the feed; aud: the address of this "
    "operation; exp: five minutes ahead at most; jti: used once."
)


def _asked(name: str, description: str, place: str = "query", **schema: Any) -> Json:
    return {"name": name, "in": place, "required": False, "description": description, "schema": schema}


REQUEST_ID = _asked(
    "X-Request-ID", "Names the request; the same again is answered once.", "header", type="string", format="uuid"
)
FILE_NAME = _asked("name", "The file's name, where Content-Disposition does not give it.", type="string", maxLength=256)
LIMIT = _asked("limit", "How many.", type="integer", minimum=1, maximum=MOST, default=DEFAULT)
AFTER = _asked(
    "after", "Only those after this one: `next` of the page before.", type="integer", minimum=0, maximum=LARGEST
)
TAKEN = _asked("taken", "Those that you have taken, instead of the others.", type="boolean", default=False)


def _of(**properties: Json) -> Json:
    return {"type": "object", "required": list(properties), "properties": properties}


_REFUSAL = _of(
    refusal={**_COUNT, "description": "Its number."},
    message={**_COUNT, "description": "The number of the message it came in."},
    position={**_TEXT, "description": "message.result, both from 1."},
    control_id=_TEXT,
    slide_number=_TEXT,
    standing={"enum": ["refused", "withdrawn"]},
    reason={**_TEXT, "description": "What was in question; see hub/REASONS.md."},
    sentence={**_TEXT, "description": "What to do."},
    refused_at=_AT,
    withdrawn_at=_AT_OR_NOT,
    taken_at=_AT_OR_NOT,
)
_FILE = _of(
    message={**_COUNT, "description": "Its number, as in /feeds/{feed}/messages/{number}."},
    name=_TEXT,
    sequence={"type": ["integer", "null"], "description": "The number that its sender gave it."},
    state={"enum": ["read", "corrupt"]},
    received_at=_AT,
)

_NAME: Json = {"type": "string", "minLength": 1, "maxLength": 256}
SEARCH: Json = {
    "type": "object",
    "properties": {"control_id": _NAME, "slide_number": _NAME},
    "minProperties": 1,
    "additionalProperties": False,
}
_WHEREABOUTS = _of(
    control_id=_TEXT,
    slide_number=_TEXT,
    position=_TEXT,
    stands={**_TEXT, "description": "refused, underway, waiting, on-record, superseded or acknowledgement."},
    since=_AT,
    reason=_TEXT,
    place=_TEXT,
    happened={"type": "array", "items": _of(at=_AT, what=_TEXT, detail=_TEXT)},
)

SCHEMAS: dict[str, Json] = {
    "Problem": _of(title=_TEXT, status={"type": "integer"}, detail={**_TEXT, "description": "What to do."}),
    "Bundle": {
        "type": "object",
        "required": ["resourceType", "type"],
        "properties": {
            "resourceType": {"const": "Bundle"},
            "type": {"enum": ["document", "message", "transaction", "collection"]},
            "entry": {"type": "array", "items": {"type": "object"}},
        },
    },
    "OperationOutcome": {
        "type": "object",
        "required": ["resourceType", "issue"],
        "properties": {
            "resourceType": {"const": "OperationOutcome"},
            "issue": {"type": "array", "minItems": 1, "items": {"type": "object", "required": ["severity", "code"]}},
        },
    },
    "CapabilityStatement": {
        "type": "object",
        "required": ["resourceType", "status", "date", "kind", "fhirVersion", "format"],
        "properties": {"resourceType": {"const": "CapabilityStatement"}, "fhirVersion": {"const": "4.0.1"}},
    },
    "Token": _of(access_token=_TEXT, token_type={"const": "Bearer"}, expires_in={"type": "integer"}),
    "NoToken": _of(
        error={"enum": ["invalid_request", "invalid_client", "unsupported_grant_type"]}, error_description=_TEXT
    ),
    "Message": _of(
        message=_COUNT,
        control_id=_TEXT,
        message_type=_TEXT,
        received_at=_AT,
        state={"enum": ["accepted", "partly", "refused", "acknowledgement"]},
        results={**_COUNT, "description": "How many results were taken."},
        answer={"enum": ["AA", "AE", "AR", ""]},
        reason=_TEXT,
        place=_TEXT,
        repeats=_COUNT,
    ),
    "Files": _of(
        files={"type": "array", "items": _FILE},
        possibly_missing={"type": "array", "items": _of(first=_COUNT, last=_COUNT)},
    ),
    "Found": _of(results={"type": "array", "items": _WHEREABOUTS}),
    "Conformance": _of(
        right={"type": "boolean", "description": "Taken whole, and nothing of it would wait for a clerk."},
        answer=_TEXT,
        dialect=_TEXT,
        feed=_TEXT,
        results={"type": "array", "items": {"type": "object"}},
        found={"type": "array", "items": {"type": "object"}},
    ),
    "Refusal": _REFUSAL,
    "Refusals": _of(
        refusals={"type": "array", "items": {"$ref": "#/components/schemas/Refusal"}},
        next={"type": ["integer", "null"], "description": "To be given as `after`; null on the last page."},
    ),
}
