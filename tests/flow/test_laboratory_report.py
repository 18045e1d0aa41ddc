"""The weekly report: figures that can be checked by hand, faults without people, peers without names."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters import ADAPTERS
from hub.flow.laboratory_report import (
    Figures,
    LaboratoryReport,
    laboratory_report,
    last_whole_week,
    peers_of,
    percentile,
    week_of,
)
from hub.flow.replies import ReplyLedger
from tests.flow.scene import FEEDS, Scene, misspelt

FUTURE = date(2027, 1, 1)
WEEK = (date(2026, 3, 2), date(2026, 3, 8))


def reported(scene: Scene, feed: str = "northmoor") -> LaboratoryReport:
    return scene.read(lambda tx: laboratory_report(tx, FEEDS, ADAPTERS, feed, WEEK))


async def answered(scene: Scene, raw: bytes, milliseconds: int) -> None:
    """Take a message, and have its answer go out after so long."""
    ledger = ReplyLedger(scene.store, lambda: scene.now + timedelta(milliseconds=milliseconds))
    ledger.replied((await scene.send(raw)).reply_seq, True)
    await ledger.write_down()


async def test_a_week_in_figures(scene: Scene) -> None:
    for milliseconds in (10, 20, 30, 4000):
        await answered(scene, scene.message(scene.person(), scene.result()), milliseconds)
    await scene.report(misspelt(scene.person()), scene.result())  # needs a clerk; when it went out is not known
    for number in range(3):
        await scene.send(scene.message(scene.person(), scene.result(test_on=FUTURE), control_id=f"BAD{number}"))
    report = reported(scene)
    assert report.own == Figures(8, 20, 4000, round(3 / 8, 4), round(1 / 5, 4))
    assert (report.objective_ms, report.met) == (1000, False)
    assert report.answers == {"AA": 5, "AE": 3}
    (fault,) = report.faults
    assert (fault.reason, fault.count, fault.control_id) == ("test-date-in-future", 3, "BAD2")
    assert "[" not in fault.place


async def test_another_week_has_nothing(scene: Scene) -> None:
    scene.now = datetime(2026, 3, 1, 23, 59, tzinfo=UTC)
    await scene.send(scene.message(scene.person(), scene.result()))
    report = reported(scene)
    assert report.own == Figures(0, None, None, None, None)
    assert (report.met, report.faults, report.peers) == (None, (), None)


async def test_control_ids_used_again_are_named(scene: Scene) -> None:
    for _ in range(2):
        await scene.send(scene.message(scene.person(), scene.result(), control_id="SAME"))
    await scene.send(scene.message(scene.person(), scene.result(), control_id="ONCE"))
    assert reported(scene).control_ids_reused == ("SAME",)


async def test_no_person_is_in_it(scene: Scene) -> None:
    person = scene.person()
    await scene.send(scene.message(person, scene.result(test_on=FUTURE)))
    text = json.dumps(reported(scene).as_json()).lower()
    for secret in (person.nhs_number, person.family_name, str(person.date_of_birth), f"{person.date_of_birth:%Y%m%d}"):
        assert secret.lower() not in text


async def test_peers_are_a_median_of_two_at_least(scene: Scene) -> None:
    await scene.send(scene.message(scene.person(), scene.result()))
    for feed, count in (("southwick", 1), ("eastvale", 3)):
        assert reported(scene).peers is None
        for _ in range(count):
            await scene.send(scene.message(scene.person(), scene.result(feed=feed), feed=feed))
    peers = reported(scene).peers
    assert peers is not None
    assert (peers.messages, peers.refused_share, peers.ack_p95_ms) == (2, 0.0, None)


def test_one_peer_is_none() -> None:
    assert peers_of([Figures(1, 2, 3, 0.5, 0.5)]) is None


@given(st.lists(st.integers(0, 50), min_size=1), st.sampled_from([0.5, 0.95]))
def test_a_percentile_is_a_value_that_so_many_do_not_exceed(values: list[int], share: float) -> None:
    counts = {value: values.count(value) for value in values}
    found = percentile(counts, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def test_weeks() -> None:
    assert week_of("2026-W10") == week_of("2026-03-05") == WEEK
    assert last_whole_week(datetime(2026, 3, 9, 0, 30, tzinfo=UTC)) == WEEK
    for wrong in ("2026-W54", "next", "2026-02-30"):
        with pytest.raises(ValueError, match=r"."):
            week_of(wrong)
