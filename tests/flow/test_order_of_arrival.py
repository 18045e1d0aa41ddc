"""One person's results in any order of arrival, some of them twice: the same record and the same live letters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from hub.domain.events import TestResult
from tests.flow.scene import Scene, corrected, withdrawn

History = Sequence[TestResult]


def a_plain_history(scene: Scene) -> History:
    return [
        scene.result("X0A", date(2019, 3, 4)),
        scene.result("X0A", date(2022, 5, 6)),
        scene.result("29R", date(2025, 2, 1)),
        scene.result("X0A", date(2026, 2, 10)),
    ]


def a_corrected_history(scene: Scene) -> History:
    first, second = scene.result("XUR", date(2025, 9, 1)), scene.result("X0A", date(2026, 2, 10))
    again = replace(corrected(second, "29R"), authorised_at=second.authorised_at + timedelta(days=5))
    return [first, corrected(first, "X0A"), second, corrected(second, "39S"), again]


def a_withdrawn_history(scene: Scene) -> History:
    first, second = scene.result("29R", date(2026, 1, 8)), scene.result("39S", date(2026, 2, 10))
    return [first, second, withdrawn(second), scene.result("X0A", date(2022, 1, 8))]


def a_history_of_self_samples(scene: Scene) -> History:
    return [
        scene.result("XUH", date(2025, 12, 10), self_sample=True),
        scene.result("XUH", date(2026, 1, 12), self_sample=True),
        scene.result("X9R", date(2026, 2, 8), self_sample=True, repeat_months=None),
    ]


async def tell(scene: Scene, history: History, order: Sequence[int]) -> tuple[Any, Any]:
    """Send one new person's history in this order, all at once; what stands on her record in the end."""
    person = scene.person(next_test_due_on=date(2026, 4, 1), date_of_birth=date(1990, 5, 14))
    slides = {result.slide_number: replace(result, slide_number=f"99{next(scene.numbers):06}") for result in history}
    own = [replace(result, slide_number=slides[result.slide_number].slide_number) for result in history]
    raws = [scene.message(person, result) for result in own]
    for index in order:
        assert (await scene.send(raws[index])).code == "AA"
    await scene.settle()
    names = {number: index for index, number in enumerate(dict.fromkeys(result.slide_number for result in own))}
    places = {hashlib.sha256(raw).hexdigest(): index for index, raw in enumerate(raws)}
    return _record(scene, person, names, places), _letters(scene, person, places)


def _record(scene: Scene, person: Any, names: dict[str, int], places: dict[str, int]) -> Any:
    record = scene.record_of(person)
    for kept in record["results"]:
        kept["result_id"] = places[scene.row(kept["result_id"]).digest]
        kept["slide_number"] = names[kept["slide_number"]]
    return record


def _letters(scene: Scene, person: Any, places: dict[str, int]) -> set[tuple[int, str, str]]:
    live = [letter for letter in scene.every_letter_of(person) if letter.state in ("wished", "waiting")]
    return {(places[scene.row(letter.result_id).digest], letter.code, letter.state) for letter in live}


@pytest.mark.parametrize(
    "history",
    [a_plain_history, a_corrected_history, a_withdrawn_history, a_history_of_self_samples],
    ids=lambda history: history.__name__,
)
async def test_any_order_and_any_repetition_gives_the_same_record(scene: Scene, history: Any) -> None:
    results = history(scene)
    told = await tell(scene, results, range(len(results)))
    assert told[0]["results"]
    assert told[1]
    random = Random(history.__name__)
    for _ in range(6):
        order = random.sample(range(len(results)), len(results)) + random.choices(range(len(results)), k=2)
        assert await tell(scene, results, order) == told, order
    assert scene.open_tasks() == []
