"""Our requests, and our reading of every documented answer, before a judge that others wrote: a mock made of NHS
Notify's published document. It takes seconds to start, and is started once."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from http.client import HTTPConnection
from typing import Any

import pytest

from adapters.nhs_notify import NhsNotify
from hub.contract import Later, Request, Response
from hub.domain.communications import Accepted, AcceptedBefore, Batch, Refused
from tests.notify.batches import PLANS, batch, single
from tests.notify.openapi import REFERENCE
from tests.servers import ServersMissing
from tests.servers.prism import PrismNode

DOCUMENT = REFERENCE / "notify/openapi.prism-ready.json"
LANGUAGE = NhsNotify(PLANS)
ID = "2WL3qFTEFM0qMY8xjRbt1LIKCzM"
LATER = {401, 408, 425, 429, 500, 503, 504}


@pytest.fixture(scope="module")
def mock() -> Iterator[PrismNode]:
    if not DOCUMENT.exists():
        pytest.skip("The published OpenAPI document of NHS Notify is not here (../shared/reference).")
    try:
        node = PrismNode(DOCUMENT).__enter__()
    except ServersMissing as missing:
        pytest.skip(str(missing))
    yield node
    node.close()


def ask(mock: PrismNode, request: Request, prefer: str = "") -> tuple[Response, list[str]]:
    """The answer, and what the mock has against the request."""
    headers = {"Authorization": "Bearer x", "X-Correlation-ID": "x", "Accept": "application/vnd.api+json"}
    headers |= {"Content-Type": request.content_type} if request.content_type else {}
    line = HTTPConnection("127.0.0.1", mock.port, timeout=30)
    try:
        line.request(request.method, request.path, request.body, headers | ({"Prefer": prefer} if prefer else {}))
        answer = line.getresponse()
        found = {name.lower(): text for name, text in answer.getheaders()}
        violations = json.loads(found.get("sl-violations", "[]"))
        against = [one["message"] for one in violations if one["location"][0] == "request"]
        return Response(answer.status, answer.read(), found), against
    finally:
        line.close()


def test_every_request_is_taken(mock: PrismNode) -> None:
    for given in (batch(), batch(200, "invitation"), single()):
        response, against = ask(mock, next(LANGUAGE.hand_over(given)))
        assert (response.status, against) == (201, [])
        assert LANGUAGE.later(response) is None
    response, against = ask(mock, next(LANGUAGE.ask(ID)))
    assert (response.status, against) == (200, [])
    assert isinstance(ended(LANGUAGE.ask(ID), response), tuple)


def test_a_wrong_request_would_be_found(mock: PrismNode) -> None:
    right = next(LANGUAGE.hand_over(batch()))
    wrong = Request(right.path, (), "POST", (right.body or b"").replace(b"nhsNumber", b"number"), right.content_type)
    assert ask(mock, wrong)[1] != []


@pytest.mark.parametrize("given", [batch(), single()], ids=["batch", "single"])
def test_every_documented_answer_is_understood(mock: PrismNode, given: Batch) -> None:
    for status in (201, 400, 401, 403, 404, 405, 406, 408, 413, 415, 422, 425, 429, 500, 503, 504):
        if status == 413 and given.single:
            continue  # documented for batches alone
        response, _ = ask(mock, next(LANGUAGE.hand_over(given)), f"code={status}")
        assert response.status == status
        not_now = LANGUAGE.later(response)
        if not_now is None:  # the example of 500 is a plan without templates
            expected = {201: Accepted, 422: AcceptedBefore}.get(status, Refused)
            assert status not in LATER - {500} and type(ended(LANGUAGE.hand_over(given), response)) is expected
        else:
            assert status in LATER and (status != 425 or not_now == Later("CM_RETRY_TOO_EARLY", 300.0, early=True))


def ended(talk: Generator[Request, Response, Any], response: Response) -> Any:
    next(talk)
    with pytest.raises(StopIteration) as end:
        talk.send(response)
    return end.value.value
