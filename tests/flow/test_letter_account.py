"""Every result is in exactly one place, and the places add up to what was received."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.domain.letter_account import PLACES, Account, Standing, account, place_of
from hub.flow.ports.records import Span
from tests.flow.scene import Scene, corrected
from tests.flow.test_discharges import DOOR, listed, row


def account_of(scene: Scene, span: Span | None = None) -> Account:
    wanted = span or Span()
    found = scene.read(lambda tx: account(tx.letter_account.received(wanted), tx.letter_account.standings(wanted)))
    assert found.adds_up, (found.received, found.places)
    assert set(found.places) == set(PLACES)
    listed = scene.read(lambda tx: [(name, place_of(where)[0]) for name, where in tx.letter_account.each(wanted)])
    assert len({name for name, _ in listed}) == len(listed) == found.received
    for place, count in found.places.items():
        assert sum(where == place for _, where in listed) == count
    return found


def places(scene: Scene, span: Span | None = None) -> dict[str, int]:
    return {place: count for place, count in account_of(scene, span).places.items() if count}


async def test_each_ending_has_its_place(scene: Scene) -> None:
    await scene.report(scene.person(), scene.result())
    await scene.report(scene.person(), scene.result("39S", source_type="7"))
    await scene.report(scene.person(), scene.result("X0A", date(2025, 11, 1)))
    await scene.report(scene.person(removal="DEA"), scene.result())
    await scene.report(scene.person(removal="SCT"), scene.result())
    await scene.report(scene.stranger(), scene.result())
    changed, result = scene.person(), scene.result()
    await scene.report(changed, result)
    await scene.report(changed, corrected(result, "39S"))
    paused = scene.person()
    await scene.report(paused, scene.result("X0A", date(2026, 1, 20)))
    await scene.report(paused, scene.result("29R", repeat_months=7))
    refused = await scene.report(scene.stranger(), scene.result())
    scene.reject(refused)
    found = account_of(scene)
    assert found.received == 11
    assert dict(found.places) == {
        "letter": 2, "source-type-7": 1, "cancelled": 1, "awaiting": 0, "outside-cut-off": 1, "paused": 1,
        "unmatched": 2, "other": 3,
    }  # fmt: skip
    assert found.reasons == {
        ("letter", "wished"): 2,
        ("cancelled", "record-changed"): 1,
        ("other", "deceased"): 1,
        ("other", "moved-away"): 1,
        ("other", "refused"): 1,
    }


async def test_what_nobody_has_worked_on_is_awaited(scene: Scene) -> None:
    await scene.stop_worker()
    await scene.send(scene.message(scene.person(), scene.result()))
    assert places(scene) == {"awaiting": 1}
    scene.start_worker()
    await scene.settle()
    assert places(scene) == {"letter": 1}


async def test_a_newer_test_cancels_and_an_older_one_gets_none(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 2, 20)))
    await scene.report(person, scene.result("X0A", date(2026, 1, 10)))
    assert account_of(scene).reasons == {("letter", "wished"): 1, ("other", "not-newest"): 1}
    other = scene.person()
    await scene.report(other, scene.result("XUR", date(2025, 12, 20)))
    await scene.report(other, scene.result("X0A", date(2026, 2, 10)))
    assert account_of(scene).reasons == {
        ("letter", "wished"): 2,
        ("other", "not-newest"): 1,
        ("cancelled", "not-newest"): 1,
    }


async def test_a_report_twice_and_one_withdrawn(scene: Scene) -> None:
    person, result = scene.person(), scene.result()
    raw = scene.message(person, result)
    for _ in range(2):
        await scene.send(raw)
    await scene.settle()
    assert places(scene) == {"letter": 1}
    await scene.report(person, corrected(result, "X0A"))
    assert places(scene) == {"cancelled": 1, "letter": 1}


async def test_for_a_day_and_for_a_laboratory(scene: Scene) -> None:
    await scene.report(scene.person(), scene.result())
    scene.now += timedelta(days=1)
    await scene.report(scene.person(), scene.result(feed="eastvale"), feed="eastvale")
    await scene.report(scene.stranger(), scene.result())
    day = scene.now.replace(hour=0)
    assert places(scene, Span(day, day + timedelta(days=1))) == {"letter": 1, "unmatched": 1}
    assert places(scene, Span(feed="eastvale")) == {"letter": 1}
    assert places(scene, Span(day + timedelta(days=1))) == {}


@pytest.mark.parametrize("state", ["", "waiting", "recorded", "superseded", "refused"])
@pytest.mark.parametrize("letter", ["", "wished", "waiting", "withheld", "cancelled", "sent", "delivered", "failed"])
@pytest.mark.parametrize("rule", ["", "source-type", "too-old", "deceased", "moved-away", "not-newest", "no-code"])
def test_there_is_a_place_for_everything(state: str, letter: str, rule: str) -> None:
    place, _ = place_of(Standing(state, letter, rule))
    assert place in PLACES


def test_what_does_not_add_up_is_seen() -> None:
    assert not account(3, [(Standing("recorded", "wished"), 2)]).adds_up
    assert account(2, [(Standing(""), 2)]).adds_up


async def test_what_a_clinic_lists_is_no_result(scene: Scene) -> None:
    """Neither while it is under way, nor afterwards: the journal counts it, and no letter is owed for it."""
    person = scene.person()
    await scene.report(person, scene.result())
    await scene.stop_worker()
    answered = await scene.intake.take(listed(row(person)), DOOR)
    assert answered.code == "AA"
    assert account_of(scene).received == 1
    await scene.settle()
    assert account_of(scene).received == 1
