"""Where is my result, and what would the hub answer: asked over HTTP, by the laboratory itself alone."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from tests.flow.scene import Scene
from tests.io.partners import Partners, Said

SEARCH, CONFORMANCE = "/feeds/northmoor/results/search", "/conformance/northmoor"


@pytest.fixture
def scene(partners: Partners) -> Scene:
    return Scene(partners.store)


@pytest.fixture
async def token(partners: Partners) -> str:
    return await partners.token()


async def search(partners: Partners, asked: Any, token: str, path: str = SEARCH) -> Said:
    body = asked if isinstance(asked, bytes) else json.dumps(asked).encode()
    return await partners.ask("POST", path, body, token=token, Content_Type="application/json")


async def test_a_result_is_found_by_slide_and_by_control_id(partners: Partners, scene: Scene, token: str) -> None:
    result = scene.result()
    await partners.drop(scene.message(scene.person(), result, control_id="C17"), token)
    by_slide = await search(partners, {"slide_number": result.slide_number}, token)
    by_control_id = await search(partners, {"control_id": "C17"}, token)
    assert by_slide.status == by_control_id.status == 200
    (found,) = by_slide.json["results"]
    assert by_control_id.json["results"] == [found]
    assert (found["control_id"], found["slide_number"], found["position"]) == ("C17", result.slide_number, "1.1")
    assert [one["what"] for one in found["happened"]][:2] == ["received", "answered"]
    assert (await search(partners, {"control_id": "C18"}, token)).json == {"results": []}


async def test_only_its_own_laboratory_finds_it(partners: Partners, scene: Scene, token: str) -> None:
    result = scene.result()
    await partners.drop(scene.message(scene.person(), result), token)
    other, asked = await partners.token("southwick"), {"slide_number": result.slide_number}
    assert (await search(partners, asked, other)).status == 403
    assert (await search(partners, asked, other, "/feeds/southwick/results/search")).json == {"results": []}


@pytest.mark.parametrize(
    "asked", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 9000, {}, {"name": "x"}, {"control_id": 17},
              {"control_id": ""}, {"slide_number": "x" * 257}, {"control_id": None}],
)  # fmt: skip
async def test_what_is_no_question_is_told_so(partners: Partners, token: str, asked: Any) -> None:
    said = await search(partners, asked, token)
    assert (said.status, said.kind) == (400, "application/problem+json")


async def test_a_laboratory_tries_a_message_and_nothing_is_stored(partners: Partners, scene: Scene, token: str) -> None:
    person = scene.person()
    raw = scene.message(person, scene.result())
    said = await partners.ask("POST", CONFORMANCE, raw, token=token, Content_Type="application/hl7-v2")
    assert (said.status, said.json["right"], said.json["answer"], said.json["feed"]) == (200, True, "AA", "northmoor")
    assert person.nhs_number.encode() not in said.body and person.family_name.encode() not in said.body
    kept = await partners.ask(
        "POST", CONFORMANCE, raw, token=token, Content_Type="application/hl7-v2", Accept="text/plain"
    )
    assert (kept.kind, kept.headers["Content-Disposition"]) == ("text/plain", 'attachment; filename="report.txt"')
    assert partners.store.read_now(lambda tx: tx.journal.newest(5)) == []


async def test_what_would_be_refused_is_said_with_its_place(partners: Partners, scene: Scene, token: str) -> None:
    theirs = scene.message(scene.person(), scene.result(feed="southwick"), feed="southwick")
    for raw, answer in ((b"nonsense", "AR"), (theirs, "AR")):
        said = await partners.ask("POST", CONFORMANCE, raw, token=token, Content_Type="text/plain")
        assert (said.status, said.json["right"], said.json["answer"]) == (200, False, answer)
    assert (await partners.ask("POST", CONFORMANCE, theirs, Content_Type="text/plain")).status == 401
    other = await partners.ask("POST", "/conformance/southwick", theirs, token=token, Content_Type="text/plain")
    assert other.status == 403


FORM = b'--b7\r\nContent-Disposition: form-data; name="message"; filename="a.hl7"\r\n\r\n%s\r\n--b7--\r\n'
PAGE = "/conformance/northmoor/page"


async def test_a_laboratory_tries_a_message_on_a_page(partners: Partners, scene: Scene, token: str) -> None:
    empty = await partners.ask("GET", PAGE, token=token)
    assert (empty.status, empty.kind) == (200, "text/html")
    assert b"<script" not in empty.body and "default-src 'none'" in empty.headers["Content-Security-Policy"]
    person = scene.person()
    raw = scene.message(person, scene.result(test_on=date(2030, 1, 1)))
    kind = "multipart/form-data; boundary=b7"
    told = await partners.ask("POST", PAGE, FORM % raw, token=token, Content_Type=kind)
    assert told.status == 200
    assert b"test-date-in-future" in told.body and b"Keep this report" in told.body
    assert person.family_name.encode() not in told.body
    assert partners.store.read_now(lambda tx: tx.journal.newest(5)) == []
    for body, form, status in (
        (b"nothing", kind, 400),
        (FORM % raw, "text/plain", 415),
        (b"", "multipart/form-data", 400),
    ):
        assert (await partners.ask("POST", PAGE, body, token=token, Content_Type=form)).status == status
    assert (await partners.ask("GET", PAGE)).status == 401
