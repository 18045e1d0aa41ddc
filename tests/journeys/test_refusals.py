"""`hub refusals`: what is not taken yet, and what is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from hub.io.store import open_store
from tests.flow.scene import WHY, Scene, misspelt
from tests.journeys.driving import Inside, is_one_sentence


async def _three_refusals(data: Path) -> None:
    """Of two feeds; the first is taken."""
    store = open_store(data)
    scene = Scene(store)
    try:
        for feed in ("northmoor", "southwick", "northmoor"):
            scene.reject(await scene.report(misspelt(scene.person()), scene.result(feed=feed), feed=feed))
        store.write_now(lambda tx: tx.refusals.take(1, scene.now, "lab.northmoor.example"))
    finally:
        await scene.stop_worker()
        store.close_now()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    asyncio.run(_three_refusals(tmp_path / "data"))
    return tmp_path / "data"


def test_refusals_are_listed_by_whether_they_were_taken(data: Path, inside: Inside) -> None:
    waiting = json.loads(inside("refusals", "--data", data, "--json").out)
    assert [(row["refusal"], row["feed"], row["taken_at"]) for row in waiting] == [
        (2, "southwick", None),
        (3, "northmoor", None),
    ]
    (taken,) = json.loads(inside("refusals", "--taken", "--data", data, "--json").out)
    assert (taken["refusal"], taken["taken_by"]) == (1, "lab.northmoor.example")
    (of_feed,) = json.loads(inside("refusals", "--feed", "northmoor", "--data", data, "--json").out)
    assert of_feed["refusal"] == 3
    assert json.loads(inside("refusals", "--after", 2, "--limit", 5, "--data", data, "--json").out) == [waiting[1]]
    text = inside("refusals", "--data", data)
    assert text.code == 0
    assert "not yet" in text.said and "unsure" in text.said and WHY not in text.said
    assert inside("refusals", "--feed", "nobody", "--data", data).said == "Every refusal has been taken.\n"


def test_without_a_store_it_says_so(tmp_path: Path, inside: Inside) -> None:
    assert is_one_sentence(inside("refusals", "--data", tmp_path / "none"))
