"""What partners send: FHIR Bundles, and files in the language agreed for their feed."""

from __future__ import annotations

import asyncio

from aiohttp import web

from hub.contract import ANY_BYTES
from hub.errors import Reason
from hub.flow.intake import Answered
from hub.flow.ports.journal import Via
from hub.io.http.answers import FHIR_JSON, FHIR_XML, Refused
from hub.io.http.bodies import body_of, file_name_of, media_type_of, request_id_of
from hub.io.http.callers import Caller
from hub.io.http.parts import Parts
from hub.mapping import FeedTable

BUNDLES = (FHIR_JSON, FHIR_XML, "application/json", "application/xml", "text/xml")
HL7, EDIFACT = "application/hl7-v2", "application/edifact"
FILES = (ANY_BYTES, "text/plain", "text/csv", HL7, EDIFACT, *BUNDLES)
CONFIRMATIONS = (HL7, EDIFACT, ANY_BYTES, FHIR_JSON, FHIR_XML)
"""In what the hub answers: its languages say it (`Adapter.media_type`)."""
_NOT_THEIRS = {Reason.UNKNOWN_SENDER.code, Reason.SENDER_NOT_PROVEN.code, Reason.SENDER_DEACTIVATED.code}


async def take_bundle(request: web.Request, parts: Parts, caller: Caller) -> web.StreamResponse:
    """A Bundle, at either of its addresses, in the dialect of FHIR that its sender's table names."""
    table = caller.of_fhir(parts.feeds, lambda table: parts.media_type(table) == FHIR_JSON)
    media_type_of(request, BUNDLES)
    return await _take(request, parts, caller, table, None)


async def take_file(request: web.Request, parts: Parts, caller: Caller) -> web.StreamResponse:
    """A file of many results, confirmed at once."""
    table = caller.of_feed(parts.feeds, request.match_info["feed"])
    media_type_of(request, FILES)
    return await _take(request, parts, caller, table, file_name_of(request.headers, request.query))


async def _take(
    request: web.Request, parts: Parts, caller: Caller, table: FeedTable, file: str | None
) -> web.StreamResponse:
    request_id = request_id_of(request)
    settings = parts.settings
    body = await body_of(request, settings.max_bytes, settings.patience_seconds)
    via = Via(
        "http",
        caller.peer,
        table.dialect,
        feed=table.feed,
        certificate=caller.certificate,
        address=caller.address,
        file=file,
        request=request_id,
    )
    answered = await parts.intake.take(body, via)
    if answered.conflict:
        raise Refused(409, "Other bytes came with this X-Request-ID before. Give each request an id of its own.")
    response = _response(table, parts.media_type(table), answered)
    return await _sent(request, parts, response, answered.reply_seq)


def status_of(answered: Answered) -> int:
    """Stored 201, or 200 where it was before; what is refused by whose fault it is. A file taken in part is taken."""
    if answered.state == "acknowledgement":
        return 204
    if answered.code == "AA" or answered.state == "partly":
        return 200 if answered.repeated else 201
    if answered.reason in _NOT_THEIRS:
        return 403
    return 422 if answered.code == "AE" else 400


def _response(table: FeedTable, kind: str, answered: Answered) -> web.Response:
    body, status = answered.body or b"", status_of(answered)
    if kind == FHIR_JSON and body.lstrip()[:1] == b"<":
        kind = FHIR_XML
    headers = {"Location": f"/feeds/{table.feed}/messages/{answered.journal_seq}"}
    if status == 204:
        return web.Response(status=status, headers=headers)
    return web.Response(status=status, body=body, headers={**headers, "Content-Type": kind})


async def _sent(request: web.Request, parts: Parts, response: web.Response, reply: int) -> web.StreamResponse:
    """Send the answer here, where it can be told whether it went out."""
    try:
        async with asyncio.timeout(parts.settings.patience_seconds):
            await response.prepare(request)
            await response.write_eof()
    except (ConnectionError, TimeoutError):
        parts.replied(reply, False)
        if request.transport:
            request.transport.abort()
    else:
        parts.replied(reply, True)
    return response
