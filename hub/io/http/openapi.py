"""The OpenAPI document of the partners' door, made from what stands here; tests hold it against the running door."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from aiohttp import web

from hub import VERSION
from hub.contract import ANY_BYTES
from hub.io.http import openapi_schemas as schemas
from hub.io.http.answers import FHIR_JSON, FHIR_XML, PROBLEM
from hub.io.http.callers import Caller
from hub.io.http.conformance_page import FORM as MULTIPART
from hub.io.http.messages import BUNDLES, CONFIRMATIONS, FILES
from hub.io.http.notify_callbacks import API_KEY, SIGNATURE
from hub.io.http.notify_callbacks import PATH as CALLBACKS
from hub.io.http.parts import Parts
from hub.io.http.token_service import ASSERTION_TYPE, FORM, GRANT, PATH

Json = dict[str, Any]
TITLE = "The screening hub, for its partners"
ABOUT = (
    "Laboratories send reports, and ask what became of them. A sender proves its feed with a TLS client certificate or "
    f"with a bearer token that {PATH} gives for a signed assertion. Nothing is answered 200 or 201 before it is "
    "stored; whoever hears nothing sends the same again, with the same X-Request-ID, and is answered once."
)
_REASONS = {
    400: "It cannot be read. It is stored, and refused.",
    401: "Nothing proves who sends.",
    403: "Another sender's feed, or one that is closed.",
    404: "There is no such thing.",
    408: "The request did not come to its end in time.",
    409: "Other bytes came under this X-Request-ID before. Nothing is stored.",
    413: "Too large. Nothing is stored.",
    415: "Not in this form.",
    422: "The content is wrong: the answer says what and where. It is stored, and refused.",
    429: "Too much is being worked on. Wait as Retry-After says.",
    500: "A fault of the hub's.",
    503: "The hub cannot store just now. Wait as Retry-After says.",
}
_ANY_BYTES: Json = {"type": "string", "contentMediaType": ANY_BYTES}
_BYTES: Json = {"required": True, "content": {kind: {"schema": _ANY_BYTES} for kind in FILES}}
JSON_API = "application/vnd.api+json"
_ALWAYS = (408, 415, 429, 500, 503)


async def show(_request: web.Request, _parts: Parts, _caller: Caller) -> web.Response:
    """The document."""
    return web.Response(text=openapi_text(), content_type="application/json")


@cache
def openapi_text() -> str:
    """The document as `hub docs` writes it."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def document() -> Json:
    """OpenAPI 3.1."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": TITLE,
            "version": VERSION,
            "description": ABOUT,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}, {"certificate": []}],
        "paths": _paths(),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "certificate": {"type": "mutualTLS"},
                "notifyKey": {"type": "apiKey", "in": "header", "name": API_KEY},
            },
            "schemas": schemas.SCHEMAS,
        },
    }


def _paths() -> Json:
    feed, number = _in_path("feed", schemas.FEED), _in_path("number", schemas.NUMBER)
    return {
        "/metadata": {"get": _capabilities("capabilities")},
        "/FHIR/R4/metadata": {"get": _capabilities("fhirCapabilities")},
        "/openapi.json": {"get": _open("openapi", "This document", _as("application/json", {"type": "object"}))},
        PATH: {"post": _token()},
        CALLBACKS: {"post": _callback()},
        "/FHIR/R4/Bundle": {"post": _bundle("takeBundle", "Send a report, or discharges, as a Bundle")},
        "/FHIR/R4/$process-message": {"post": _bundle("processMessage", "The same, as FHIR messaging names it")},
        "/feeds/{feed}/files": {"parameters": [feed], "post": _file(), "get": _files()},
        "/feeds/{feed}/messages/{number}": {"parameters": [feed, number], "get": _message()},
        "/feeds/{feed}/results/search": {"parameters": [feed], "post": _search()},
        "/conformance/{feed}": {"parameters": [feed], "post": _conformance()},
        "/conformance/{feed}/page": {"parameters": [feed], "get": _page(), "post": _tried_on_page()},
        "/feeds/{feed}/refusals": {"parameters": [feed], "get": _refusals()},
        "/feeds/{feed}/refusals/{number}/taken": {"parameters": [feed, number], "post": _taken()},
    }


def _callback() -> Json:
    """NHS Notify's, and nobody else's: as its own specification has it."""
    signature = {"name": SIGNATURE, "in": "header", "required": True, "schema": {"type": "string"}}
    signature["description"] = "HMAC-SHA256 of the body, byte for byte, in hexadecimal."
    body = {"required": True, "content": _as(JSON_API, {"type": "object"})}
    return {
        "operationId": "takeCallback",
        "summary": "NHS Notify tells what became of messages; stored before it is answered",
        "security": [{"notifyKey": []}],
        "parameters": [signature],
        "requestBody": body,
        "responses": {"202": {"description": "Stored, or known before."}}
        | _refused(_as(PROBLEM, _schema("Problem")), 400, 401, 403, 413, *_ALWAYS),
    }


def _bundle(name: str, summary: str) -> Json:
    outcome = _as(FHIR_JSON, _schema("OperationOutcome")) | _as(FHIR_XML, {"type": "string"})
    content: Json = {kind: {"schema": {"type": "string"} if "xml" in kind else _schema("Bundle")} for kind in BUNDLES}
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [schemas.REQUEST_ID],
        "requestBody": {"required": True, "content": content},
        "responses": _stored(outcome) | _refused(outcome, 400, 401, 403, 409, 413, 422, *_ALWAYS),
    }


def _file() -> Json:
    problem = _as(PROBLEM, _schema("Problem"))
    confirmation = {kind: {"schema": {} if kind == FHIR_JSON else _ANY_BYTES} for kind in CONFIRMATIONS}
    refused = _refused(problem, 401, 409, 413, *_ALWAYS) | _refused(problem | confirmation, 400, 403, 422)
    return {
        "operationId": "takeFile",
        "summary": "Drop a file, in the language agreed for the feed; the answer confirms it, row by row",
        "parameters": [schemas.REQUEST_ID, schemas.FILE_NAME],
        "requestBody": _BYTES,
        "responses": _stored(confirmation) | refused,
    }


def _files() -> Json:
    return _listing("listFiles", "The newest files, and the numbers that may be missing", "Files", [schemas.LIMIT], 400)


def _message() -> Json:
    return _listing("showMessage", "What became of a message or file", "Message", [], 404)


def _search() -> Json:
    listing = _listing("searchResults", "Where is my result? What it is named by stands in the body", "Found", [], 400)
    refused = _refused(_as(PROBLEM, _schema("Problem")), 413, *_ALWAYS)
    body = {"required": True, "content": _as("application/json", schemas.SEARCH)}
    return {**listing, "requestBody": body, "responses": listing["responses"] | refused}


def _conformance() -> Json:
    summary = "What the hub would answer to a message, and why. Nothing is stored; of its values only shapes are told"
    listing = _listing("proveConformance", summary, "Conformance", [])
    listing["responses"]["200"]["content"]["text/plain"] = {"schema": {"type": "string"}}
    refused = _refused(_as(PROBLEM, _schema("Problem")), 413, *_ALWAYS)
    return {**listing, "requestBody": _BYTES, "responses": listing["responses"] | refused}


def _page() -> Json:
    listing = _listing("showConformancePage", "The page on which a laboratory tries a message by itself", "Problem", [])
    listing["responses"]["200"] = {"description": "The form.", "content": _as("text/html", {"type": "string"})}
    return listing


def _tried_on_page() -> Json:
    """The same with the report in it."""
    page = _page()
    form = {
        "type": "object",
        "required": ["message"],
        "properties": {"message": {"type": "string", "format": "binary"}},
    }
    refused = _refused(_as(PROBLEM, _schema("Problem")), 400, 413, *_ALWAYS)
    body = {"required": True, "content": _as(MULTIPART, form)}
    return {
        **page,
        "operationId": "tryOnConformancePage",
        "requestBody": body,
        "responses": page["responses"] | refused,
    }


def _refusals() -> Json:
    summary = "What a clerk refused after it had been acknowledged, the oldest first"
    return _listing("listRefusals", summary, "Refusals", [schemas.LIMIT, schemas.AFTER, schemas.TAKEN], 400)


def _taken() -> Json:
    return _listing("takeRefusal", "Say that you have it, as it stands; again changes nothing", "Refusal", [], 404)


def _listing(name: str, summary: str, schema: str, parameters: list[Json], *refused: int) -> Json:
    responses = {"200": {"description": "As it stands now.", "content": _as("application/json", _schema(schema))}}
    problem = _as(PROBLEM, _schema("Problem"))
    refusals = _refused(problem, 401, 403, *refused, 429, 500, 503)
    return {"operationId": name, "summary": summary, "parameters": parameters, "responses": responses | refusals}


def _token() -> Json:
    form = {
        "type": "object",
        "required": ["grant_type", "client_assertion_type", "client_assertion"],
        "properties": {
            "grant_type": {"const": GRANT},
            "client_assertion_type": {"const": ASSERTION_TYPE},
            "client_assertion": {"type": "string", "description": schemas.ASSERTION},
        },
    }
    token, problem = _as("application/json", _schema("Token")), _as(PROBLEM, _schema("Problem"))
    no_token = _as("application/json", _schema("NoToken"))
    return _open("token", "A bearer token for a signed assertion", token) | {
        "requestBody": {"required": True, "content": {FORM: {"schema": form}}},
        "responses": {"200": {"description": "A token for ten minutes.", "content": token}}
        | _refused(no_token | problem, 400)
        | _refused(no_token, 401)
        | _refused(problem, 413, *_ALWAYS),
    }


def _capabilities(name: str) -> Json:
    return _open(name, "What the FHIR addresses can do", _as(FHIR_JSON, _schema("CapabilityStatement")))


def _open(name: str, summary: str, content: Json) -> Json:
    refused = _refused(_as(PROBLEM, _schema("Problem")) | _as(FHIR_JSON, _schema("OperationOutcome")), 429, 500)
    responses = {"200": {"description": summary, "content": content}} | refused
    return {"operationId": name, "summary": summary, "security": [], "responses": responses}


def _stored(content: Json) -> Json:
    headers = {"Location": {"description": "What became of it.", "schema": {"type": "string"}}}
    return {
        "201": {"description": "Stored.", "content": content, "headers": headers},
        "200": {"description": "It was stored before: the same answer again.", "content": content, "headers": headers},
        "204": {"description": "An acknowledgement: stored, and not answered.", "headers": headers},
    }


def _refused(content: Json, *statuses: int) -> Json:
    return {str(status): _refusal(content, status) for status in sorted(statuses)}


def _refusal(content: Json, status: int) -> Json:
    response: Json = {"description": _REASONS[status], "content": content}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "string"}}}
    return response


def _as(kind: str, schema: Json) -> Json:
    return {kind: {"schema": schema}}


def _schema(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _in_path(name: str, schema: Json) -> Json:
    return {"name": name, "in": "path", "required": True, "schema": schema}
