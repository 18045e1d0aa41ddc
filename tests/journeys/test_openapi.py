"""The OpenAPI document is true: a running hub answers as it says, whatever schemathesis makes of it."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import urlencode

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable

from hub.io.http.openapi import document, openapi_text
from hub.io.http.site import OPERATIONS
from hub.io.http.token_service import ASSERTION_TYPE, GRANT
from tests.io.partners import ACCESS, assertion, tables
from tests.journeys.driving import ROOT, HubUp

EXAMPLES = 15
NAMES = [operation.name for operation in OPERATIONS]
HEALTHY = list(HealthCheck)
NOT_ASKED = [
    schemathesis.checks.positive_data_acceptance,  # what fits the form may still be no message, and is refused
    schemathesis.checks.negative_data_rejection,  # bytes of any form are a file; what they say is looked at when read
    schemathesis.checks.ignored_auth,  # tests/io/test_http_proofs.py asks it of each kind of proof
]


def test_every_operation_is_in_the_document_and_no_other() -> None:
    described = {
        (method.upper(), path, operation["operationId"])
        for path, item in document()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }
    assert described == {(one.method, one.path, one.name) for one in OPERATIONS}
    open_to_all = {
        operation["operationId"]
        for item in document()["paths"].values()
        for operation in item.values()
        if isinstance(operation, dict) and operation.get("security") == []
    }
    assert open_to_all == {one.name for one in OPERATIONS if not one.proven} - {
        "takeCallback"
    }  # Notify has a proof of its own


def test_the_document_in_the_repository_is_this_one() -> None:
    assert (ROOT / "hub/schemas/openapi.json").read_text(encoding="utf-8") == openapi_text(), "run `hub docs`"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubUp]:
    directory = tmp_path_factory.mktemp("openapi")
    shutil.copytree(ROOT / "mappings", directory / "mappings")
    tables(directory / "mappings" / "feeds", ACCESS)
    chosen = {"HUB_MAPPINGS": str(directory / "mappings"), "HUB_PARTNERS_MAX_BYTES": "64 KiB"}
    with HubUp(directory / "data", settings=chosen) as hub:
        yield hub
        assert "our_fault" not in hub.log.read_text()


@pytest.fixture(scope="module")
def address(running: HubUp) -> str:
    return f"http://127.0.0.1:{running.ports['PARTNERS']}"


@pytest.fixture(scope="module")
def token(address: str) -> str:
    signed = assertion(f"{address}/oauth2/token", datetime.now(UTC))
    form = {"grant_type": GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}
    with urllib.request.urlopen(f"{address}/oauth2/token", urlencode(form).encode(), timeout=10) as answer:
        return str(json.load(answer)["access_token"])


@pytest.fixture(scope="module")
def api(address: str) -> schemathesis.BaseSchema:
    with urllib.request.urlopen(f"{address}/openapi.json", timeout=10) as answer:
        schema = schemathesis.openapi.from_dict(json.load(answer))
    schema.config.update(base_url=address)
    return schema


def tried(api: schemathesis.BaseSchema, name: str, count: int, headers: dict[str, str]) -> None:
    """Whatever the document lets somebody ask of this operation, and what it does not: `count` times each."""
    operation = next(one.ok() for one in api.get_all_operations() if name == one.ok().definition.raw["operationId"])
    for mode in schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE:

        @settings(max_examples=count, derandomize=True, deadline=None, database=None, suppress_health_check=HEALTHY)
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            if "feed" in (case.path_parameters or {}):
                case.path_parameters["feed"] = "northmoor"
            case.call_and_validate(headers=headers, excluded_checks=NOT_ASKED)

        with suppress(Unsatisfiable):  # of what takes nothing, nothing can be wrong
            ask()


@pytest.mark.parametrize("name", NAMES)
def test_the_hub_answers_as_the_document_says(api: schemathesis.BaseSchema, name: str, token: str) -> None:
    tried(api, name, EXAMPLES, {"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("name", NAMES)
def test_without_a_proof_too(api: schemathesis.BaseSchema, name: str) -> None:
    tried(api, name, 3, {})
