"""The judge: NHS Notify's own published OpenAPI document, where the shared reference is at hand."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.samples import SHARED

REFERENCE = SHARED / "reference/api-data"
DOCUMENT = REFERENCE / "notify/openapi.bundled.json"
PATHS = ("/v1/message-batches", "/v1/messages", "/v1/messages/{messageId}")
CALLBACKS = {
    "MessageStatus": "/<client-provided-message-status-URI>",
    "ChannelStatus": "/<client-provided-channel-status-URI>",
}


@cache
def document() -> dict[str, Any]:
    if not DOCUMENT.exists():
        pytest.skip("The published OpenAPI document of NHS Notify is not here (../shared/reference).")
    found: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return found


def documented_errors() -> set[tuple[int, str]]:
    """Every status of an error with every code that it may have, of all that we ask."""
    operations = [document()["paths"][path].get(method) for path in PATHS for method in ("get", "post")]
    told = {
        (int(status), one["$ref"].rpartition("/")[2])
        for operation in operations if operation
        for status, one in operation["responses"].items() if status >= "400"
    }  # fmt: skip
    return {(status, code) for status, name in told for code in _codes(name)}


def _codes(response: str) -> list[str]:
    components = document()["components"]
    schema = components["responses"][response]["content"]["application/vnd.api+json"]["schema"]
    errors = components["schemas"][schema["$ref"].rpartition("/")[2]]["properties"]["errors"]
    code = errors["items"]["properties"]["code"]["$ref"].rpartition("/")[2]
    codes: list[str] = components["schemas"][code]["enum"]
    return codes


def samples() -> list[dict[str, Any]]:
    """Messages as they stand in Notify's sandbox."""
    document()
    paths = sorted((REFERENCE / "notify/get-message").glob("*.json"))
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def vector() -> dict[str, str]:
    """A signed callback, and what a verifier would compute that writes the body again."""
    path = Path(REFERENCE, "vectors/vectors.json")
    if not path.exists():
        pytest.skip("The vectors are not here (../shared/reference).")
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))["notify_callback_hmac"]
    return found


def request_problems(method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> list[str]:
    """What the document has against a request."""
    operation = document()["paths"].get(_template(path), {}).get(method.lower())
    if operation is None:
        return [f"{method} {path} is not in the document"]
    known = {document()["components"]["parameters"][one["$ref"].rpartition("/")[2]]["name"].lower()
             for one in operation["parameters"]}  # fmt: skip
    problems = [f"{name} is missing" for name in known if name not in headers]
    if not body:
        return problems
    content = operation["requestBody"]["content"].get(headers["content-type"])
    return problems + (_errors(content["schema"], json.loads(body)) if content else ["content type"])


def response_problems(method: str, path: str, status: int, body: bytes) -> list[str]:
    """What the document has against a response."""
    operation = document()["paths"][_template(path)][method.lower()]
    told = operation["responses"].get(str(status))
    if told is None:
        return [f"status {status} is not in the document"]
    answer = document()["components"]["responses"][told["$ref"].rpartition("/")[2]]
    return _errors(answer["content"]["application/vnd.api+json"]["schema"], json.loads(body))


def callback_problems(body: bytes) -> list[str]:
    """What the document has against a callback; the kinds have a schema each."""
    found = json.loads(body)
    path = CALLBACKS[found["data"][0]["type"]]
    operation = document()["paths"][path]["post"]
    return _errors(operation["requestBody"]["content"]["application/vnd.api+json"]["schema"], found)


def _template(path: str) -> str:
    return "/v1/messages/{messageId}" if path.startswith("/v1/messages/") else path


def _errors(schema: dict[str, Any], value: object) -> list[str]:
    """References of the schema lead into the document; OpenAPI 3.0 is near enough to draft 4."""
    whole = {**schema, "components": document()["components"]}
    return [f"{error.json_path}: {error.message}" for error in jsonschema.Draft4Validator(whole).iter_errors(value)]
