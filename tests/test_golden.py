"""Every golden case comes out as its file says: events, refusals with their places, notes, and the answer."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest

from adapters import ADAPTERS
from hub.contract import Item, Reading, event_to_json
from hub.domain import nhs_number
from hub.domain.codes import COMBINATIONS
from hub.errors import Place, Reason, Reject
from tests.golden_cases import CASES, EXPECTED, FEEDS, GOLDEN, Case, expectation_of

AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)


def outcome(item: Item) -> dict[str, Any]:
    """An item as the golden files write it."""
    stop = item.outcome
    if isinstance(stop, Reject):
        place = stop.place.text if stop.place else ""
        return {"position": item.position, "refused": stop.reason.code, "place": place}
    return {"position": item.position, "event": type(stop).__name__, "data": json.loads(event_to_json(stop))}


def things_wrong(reading: Reading) -> set[tuple[str, Reason, Place | None, str]]:
    """Each thing wrong once for its message: two orders of one person say the same of her."""
    return {
        (item.position.split(".")[0], stop.reason, stop.place, stop.hint)
        for item in reading.refused
        if isinstance(stop := item.outcome, Reject)
    }


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_case_comes_out_as_written(case: Case) -> None:
    adapter = ADAPTERS[case.dialect]
    opened = adapter.open(case.raw)
    reading = adapter.decode(opened, case.feeds, case.received_on)
    reply = adapter.reply(opened, reading, AT, "HUB1")
    got = {
        "received_on": case.expected["received_on"],
        "feed": reading.feed,
        "answer": None if reply is None else reading.answer,
        "notes": [*opened.notes, *reading.notes],
        "items": [outcome(item) for item in reading.items],
    }
    assert got == case.expected
    if reply is not None and case.dialect == "hl7v2_oru":
        assert f"\rMSA|{reading.answer}".encode() in reply.replace(b"%", b"^")
        errors = re.findall(rb"\rERR[^\r]*", reply)
        assert len(errors) == len(set(errors)) == len(things_wrong(reading))


def test_every_message_has_its_expectation_and_the_other_way_round() -> None:
    assert {expectation_of(case.path) for case in CASES} == set(GOLDEN.glob(f"*/*{EXPECTED}"))


def test_none_waits_to_be_looked_at() -> None:
    """`hub new` writes what comes of a sample today: somebody must have said that it is right."""
    assert not [str(case) for case in CASES if case.sentence.startswith("to be checked")]


def test_every_valid_combination_is_somewhere() -> None:
    seen = set()
    for case in CASES:
        for item in case.expected["items"]:
            if item.get("event") == "ResultReported":
                result = item["data"]["result"]
                codes = result["result_code"] + result["infection_code"] + result["action_code"]
                seen.add((codes, result["self_sample"]))
    assert set(COMBINATIONS) <= seen


def test_every_feed_has_cases() -> None:
    assert {case.feed for case in CASES} == set(FEEDS.by_id)


def test_the_people_are_synthetic() -> None:
    """Valid NHS numbers begin with 999, which is kept for testing (domain.md 4.6)."""
    for case in CASES:
        for item in case.expected["items"]:
            claim = (item.get("data") or {}).get("claim") or {}
            number = claim.get("nhs_number") or ""
            assert number.startswith("999") or not nhs_number.is_valid(number), case
