"""A laboratory reads over HTTP what a clerk refused, and says that it has it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from tests.flow.scene import Scene, misspelt
from tests.io.partners import Partners

LIST = "/feeds/northmoor/refusals"


@pytest.fixture
async def scene(partners: Partners) -> AsyncIterator[Scene]:
    scene = Scene(partners.store)
    yield scene
    await scene.stop_worker()


async def refuse(scene: Scene, feed: str = "northmoor") -> None:
    person = scene.person()
    scene.reject(await scene.report(misspelt(person), scene.result(feed=feed), feed=feed))


async def test_from_the_list_to_taken(partners: Partners, scene: Scene) -> None:
    for _ in range(3):
        await refuse(scene)
    token = await partners.token()
    page = (await partners.ask("GET", f"{LIST}?limit=2", token=token)).json
    rest = (await partners.ask("GET", f"{LIST}?limit=2&after={page['next']}", token=token)).json
    assert [len(page["refusals"]), len(rest["refusals"]), rest["next"]] == [2, 1, None]
    first = page["refusals"][0]
    assert (first["standing"], first["taken_at"], first["position"]) == ("refused", None, "1.1")
    taken = await partners.ask("POST", f"{LIST}/{first['refusal']}/taken", token=token)
    again = await partners.ask("POST", f"{LIST}/{first['refusal']}/taken", token=token)
    assert (taken.status, again.status) == (200, 200)
    assert taken.json == again.json
    assert taken.json["taken_at"]
    left = (await partners.ask("GET", LIST, token=token)).json["refusals"]
    assert [one["refusal"] for one in left] == [2, 3]
    done = (await partners.ask("GET", f"{LIST}?taken=true", token=token)).json["refusals"]
    assert done == [taken.json]


async def test_only_its_own_laboratory_hears_of_it(partners: Partners, scene: Scene) -> None:
    await refuse(scene)
    other = await partners.token("southwick")
    assert (await partners.ask("GET", LIST, token=other)).status == 403
    assert (await partners.ask("GET", LIST)).status == 401
    theirs = await partners.ask("GET", "/feeds/southwick/refusals", token=other)
    assert theirs.json == {"refusals": [], "next": None}
    assert (await partners.ask("POST", "/feeds/southwick/refusals/1/taken", token=other)).status == 404
    assert (await partners.ask("POST", f"{LIST}/1/taken", token=other)).status == 403
    (row,) = partners.store.read_now(lambda tx: tx.refusals.page(0, 5))
    assert row.taken_at is None


async def test_questions_that_cannot_be_answered(partners: Partners) -> None:
    token = await partners.token()
    for question in ("after=-1", "after=x", "limit=0", "taken=yes", "after=" + "9" * 20):
        assert (await partners.ask("GET", f"{LIST}?{question}", token=token)).status == 400
    for number in ("1", "x", "9" * 15):
        assert (await partners.ask("POST", f"{LIST}/{number}/taken", token=token)).status == 404


async def test_taken_by_several_at_once(partners: Partners, scene: Scene) -> None:
    await refuse(scene)
    token = await partners.token()
    said = await asyncio.gather(*(partners.ask("POST", f"{LIST}/1/taken", token=token) for _ in range(8)))
    assert {one.json["taken_at"] for one in said} == {said[0].json["taken_at"]}
    (row,) = partners.store.read_now(lambda tx: tx.refusals.page(0, 5))
    assert replace(row, taken_at=None, taken_by="").reason == "unsure"
