"""`/metadata`: the CapabilityStatement of the FHIR addresses."""

from __future__ import annotations

import json

from aiohttp import web

from hub import VERSION
from hub.io.http.answers import FHIR_JSON
from hub.io.http.callers import Caller
from hub.io.http.parts import Parts

_PUBLISHED_ON = "2026-07-01"
_PROCESS_MESSAGE = "http://hl7.org/fhir/OperationDefinition/MessageHeader-process-message"


async def show(_request: web.Request, parts: Parts, _caller: Caller) -> web.Response:
    """What the hub can do, in FHIR."""
    statement = {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _PUBLISHED_ON,
        "kind": "instance",
        "software": {"name": "Cervical screening hub", "version": VERSION},
        "implementation": {
            "description": "Takes laboratories' reports and clinics' discharges",
            "url": f"{parts.url}/FHIR/R4",
        },
        "fhirVersion": "4.0.1",
        "format": ["json", "xml"],
        "rest": [_rest()],
    }
    return web.Response(body=json.dumps(statement).encode(), headers={"Content-Type": FHIR_JSON})


def _rest() -> dict[str, object]:
    return {
        "mode": "server",
        "documentation": "Reports come as Bundles of type document, message, transaction or collection, discharges "
        "from colposcopy as messages with the event colposcopy-discharge. Repeat a request with the same "
        "X-Request-ID: it is answered once.",
        "security": {"description": "TLS client certificate, or a bearer token for a signed client assertion."},
        "resource": [{"type": "Bundle", "interaction": [{"code": "create"}]}],
        "operation": [{"name": "process-message", "definition": _PROCESS_MESSAGE}],
    }
