"""The partners' site: every operation, who may ask for it, and how what goes wrong is said."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from time import perf_counter

from aiohttp import hdrs, web

from hub import telemetry
from hub.errors import Retry
from hub.io.http import capabilities, openapi
from hub.io.http.answers import RETRY_SECONDS, Refused, refusal
from hub.io.http.bodies import echoed, wait_for_body
from hub.io.http.callers import Caller
from hub.io.http.conformance_page import show_page, try_on_page
from hub.io.http.inquiries import prove_conformance, search_results
from hub.io.http.lists import list_files, list_refusals, show_message, take_refusal
from hub.io.http.messages import take_bundle, take_file
from hub.io.http.notify_callbacks import PATH as CALLBACKS
from hub.io.http.notify_callbacks import take_callback
from hub.io.http.parts import PARTS, Operation, Parts
from hub.io.http.token_service import PATH, give_token

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NOBODY = Caller(frozenset(), "", "", "")
AWAY = Refused(503, "The hub cannot store just now. Nothing was taken: send it again.", {"Retry-After": RETRY_SECONDS})
FAULT = Refused(500, "The hub failed on this; an engineer hears of it. Send it again later.")

OPERATIONS = (
    Operation("GET", "/metadata", "capabilities", capabilities.show, proven=False),
    Operation("GET", "/FHIR/R4/metadata", "fhirCapabilities", capabilities.show, proven=False),
    Operation("GET", "/openapi.json", "openapi", openapi.show, proven=False),
    Operation("POST", PATH, "token", give_token, proven=False),
    Operation("POST", CALLBACKS, "takeCallback", take_callback, proven=False),
    Operation("POST", "/FHIR/R4/Bundle", "takeBundle", take_bundle),
    Operation("POST", "/FHIR/R4/$process-message", "processMessage", take_bundle),
    Operation("POST", "/feeds/{feed}/files", "takeFile", take_file),
    Operation("GET", "/feeds/{feed}/files", "listFiles", list_files),
    Operation("GET", "/feeds/{feed}/messages/{number}", "showMessage", show_message),
    Operation("POST", "/feeds/{feed}/results/search", "searchResults", search_results),
    Operation("POST", "/conformance/{feed}", "proveConformance", prove_conformance),
    Operation("GET", "/conformance/{feed}/page", "showConformancePage", show_page),
    Operation("POST", "/conformance/{feed}/page", "tryOnConformancePage", try_on_page),
    Operation("GET", "/feeds/{feed}/refusals", "listRefusals", list_refusals),
    Operation("POST", "/feeds/{feed}/refusals/{number}/taken", "takeRefusal", take_refusal),
)


def partners_site(parts: Parts) -> web.Application:
    """The application, without a socket."""
    app = web.Application(middlewares=[_unknown])
    app[PARTS] = parts
    app.on_response_prepare.append(_with_names)
    for operation in OPERATIONS:
        # Not `add_get`, which would answer HEAD as well: nothing is done here that is not in the document.
        app.router.add_route(operation.method, operation.path, _answering(operation), expect_handler=wait_for_body)
    return app


def _answering(operation: Operation) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        started = perf_counter()
        response = await _answer(operation, request)
        telemetry.partner_answered(operation.name, response.status, perf_counter() - started)
        return response

    return answer


async def _answer(operation: Operation, request: web.Request) -> web.StreamResponse:
    try:
        return await _done(operation, request, request.app[PARTS])
    except Refused as refused:
        return _said(request, refused)
    except Retry as error:
        telemetry.store_failed(error)
        return _said(request, AWAY)
    except Exception as error:  # a fault of ours: told without its text, which may quote what was sent
        telemetry.our_fault(error, "partners")
        return _said(request, FAULT)


async def _done(operation: Operation, request: web.Request, parts: Parts) -> web.StreamResponse:
    if not operation.proven:
        with parts.room.place():
            return await operation.handler(request, parts, NOBODY)
    try:
        caller = await parts.callers.caller(request)
    except Refused:
        telemetry.partner_not_proven("token" if hdrs.AUTHORIZATION in request.headers else "certificate")
        raise
    with parts.room.place(caller.feeds):
        return await operation.handler(request, parts, caller)


@web.middleware
async def _unknown(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What the router itself refuses, said in our words."""
    try:
        return await handler(request)
    except web.HTTPMethodNotAllowed as error:
        allowed = {"Allow": ", ".join(sorted(error.allowed_methods))}
        return _said(request, Refused(405, "This address does not take this method.", allowed, unread=True))
    except web.HTTPException:
        return _said(request, Refused(404, "There is nothing at this address. See /openapi.json.", unread=True))


def _said(request: web.Request, refused: Refused) -> web.Response:
    accepts = request.headers.get(hdrs.ACCEPT, "") or request.headers.get(hdrs.CONTENT_TYPE, "")
    return refusal(request.path, accepts, refused)


async def _with_names(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(echoed(request))
    response.headers.update(
        {"Server": "screening-hub", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    )
