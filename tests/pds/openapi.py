"""The judge: PDS's own published OpenAPI document, where the shared reference is at hand."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.samples import SHARED

DOCUMENT = SHARED / "reference/api-data/pds/openapi.bundled.json"
SAMPLES = DOCUMENT.parent


@cache
def document() -> dict[str, Any]:
    if not DOCUMENT.exists():
        pytest.skip("The published OpenAPI document of PDS is not here (../shared/reference).")
    found: dict[str, Any] = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    return found


def sample(name: str) -> dict[str, Any]:
    document()
    found: dict[str, Any] = json.loads(Path(SAMPLES, name).read_text(encoding="utf-8"))
    return found


def request_problems(path: str, query: tuple[tuple[str, str], ...], headers: dict[str, str] | None) -> list[str]:
    """What the document has against a GET; its headers are looked at where they are given."""
    template = "/Patient" if path == "/Patient" else "/Patient/{id}"
    known = {one["name"].lower(): one for one in map(_resolved, _parameters(template))}
    problems = [f"unknown parameter {name}" for name, _ in query if name not in known]
    given: dict[str, list[str]] = {}
    for name, text in [*query, *([("id", path.rpartition("/")[2])] if "{" in template else [])]:
        given.setdefault(name, []).append(text)
    if headers is not None:
        given |= {name: [text] for name, text in headers.items() if name in known and known[name]["in"] == "header"}
        problems += [f"{name} is missing" for name, one in known.items() if one.get("required") and name not in given]
    for name, texts in given.items():
        if name in known:
            problems += _value_problems(known[name], texts)
    return problems


def _parameters(template: str) -> list[dict[str, Any]]:
    path = document()["paths"][template]
    return [*path["parameters"], *path["get"].get("parameters", ())]


def _value_problems(parameter: dict[str, Any], texts: list[str]) -> list[str]:
    schema = parameter["schema"]
    if schema["type"] != "array" and len(texts) > 1:
        return [f"{parameter['name']} is repeated"]
    read = {"boolean": {"true": True, "false": False}.get, "integer": int, "array": lambda _: texts}
    value = read.get(schema["type"], str)(texts[0])
    return [f"{parameter['name']}: {error.message}" for error in _validator(schema).iter_errors(value)]


def response_problems(path: str, status: int, body: bytes) -> list[str]:
    """What the document has against a response; where 200 brings an OperationOutcome, it is judged as one."""
    found = json.loads(body)
    template = "/Patient" if path == "/Patient" else "/Patient/{id}"
    responses = document()["paths"][template]["get"]["responses"]
    answer = responses["200" if found["resourceType"] != "OperationOutcome" else "4XX"]
    schema = answer["content"]["application/fhir+json"]["schema"]
    wrong = [] if (found["resourceType"] == "OperationOutcome") or status == 200 else [f"status {status}"]
    return wrong + [f"{error.json_path}: {error.message}" for error in _validator(schema).iter_errors(found)]


def _validator(schema: dict[str, Any]) -> jsonschema.Draft4Validator:
    """References of the schema lead into the document; OpenAPI 3.0 is near enough to draft 4."""
    return jsonschema.Draft4Validator({**schema, "components": document()["components"]})


def _resolved(parameter: dict[str, Any]) -> dict[str, Any]:
    found: Any = parameter
    if "$ref" in parameter:
        found = document()
        for part in parameter["$ref"].removeprefix("#/").split("/"):
            found = found[part]
    return dict(found)
