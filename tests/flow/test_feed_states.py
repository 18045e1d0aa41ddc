"""How each feed is, and that the hours kept of it agree with its journal."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import pytest

from adapters import ADAPTERS
from hub import telemetry
from hub.flow.consumers import CONSUMERS
from hub.flow.feed_states import FeedState, feed_states
from hub.flow.listening import Heard, count_hours
from hub.flow.ports.journal import Via
from hub.flow.watch import Watch
from hub.io.conveyor import InProcessConveyor
from tests.flow.scene import FEEDS, NOW, Scene
from tests.golden_cases import CASES

FUTURE = date(2027, 1, 1)
WEEK = timedelta(weeks=1)


def states(scene: Scene) -> dict[str, FeedState]:
    found = scene.read(lambda tx: feed_states(tx, FEEDS, ADAPTERS, scene.now))
    return {state.feed: state for state in found}


async def send(scene: Scene, **changes: date) -> None:
    await scene.send(scene.message(scene.person(), scene.result(**changes)))


def counted(scene: Scene) -> list[tuple[datetime, str, int]]:
    hours = scene.read(lambda tx: Heard.by(tx, scene.now).hours(NOW - 10 * WEEK, "northmoor"))
    return sorted((hour.hour_at, hour.code, hour.count) for hour in hours)


async def test_answers_of_today_and_of_seven_days(scene: Scene) -> None:
    scene.now = NOW - timedelta(days=8)
    await send(scene)
    scene.now = NOW - timedelta(days=2)
    await send(scene)
    await count_hours(scene.store, lambda: scene.now)
    scene.now = NOW
    await send(scene)
    await send(scene, test_on=FUTURE)
    scene.now += timedelta(minutes=1)
    state = states(scene)["northmoor"]
    assert (state.today, state.week) == ({"AA": 1, "AE": 1}, {"AA": 2, "AE": 1})
    assert (state.last_at, state.refused_week) == (NOW, 1)
    assert states(scene)["southwick"].as_json()["last_at"] is None


async def test_hours_counted_in_turns_are_the_hours_of_the_journal(scene: Scene) -> None:
    """However the turns fall, and if one is done twice: nothing is counted twice or lost."""
    scene.now = NOW - timedelta(hours=9)
    came: list[datetime] = []
    for number in range(40):
        scene.now += timedelta(minutes=13)
        await send(scene)
        came.append(scene.now.replace(minute=0))
        if number % 7 == 0:
            await count_hours(scene.store, lambda: scene.now)
            await count_hours(scene.store, lambda: scene.now)
    expected = [(hour, "AA", len(list(some))) for hour, some in groupby(came)]
    assert counted(scene) == expected
    scene.now += timedelta(seconds=1)
    await count_hours(scene.store, lambda: scene.now)
    assert counted(scene) == expected


async def test_a_clock_put_back_does_not_stop_the_counting(scene: Scene) -> None:
    scene.now = NOW + timedelta(days=3)
    await send(scene)
    scene.now += timedelta(seconds=1)
    await count_hours(scene.store, lambda: scene.now)
    scene.now = NOW
    await send(scene)
    scene.now += timedelta(seconds=1)
    await count_hours(scene.store, lambda: scene.now)
    assert (NOW.replace(minute=0), "AA", 1) in counted(scene)


async def fill_weeks(scene: Scene, until: datetime) -> None:
    """A message at ten every working day for nine weeks."""
    for back in range(63, 0, -1):
        scene.now = until - timedelta(days=back)
        if scene.now.weekday() < 5:
            await send(scene)


async def test_a_silence_is_noticed_told_and_ended(scene: Scene) -> None:
    await fill_weeks(scene, datetime(2026, 3, 4, 10, 30, tzinfo=UTC))
    scene.now = datetime(2026, 3, 4, 9, 59, tzinfo=UTC)
    live = ["northmoor", "southwick"]
    assert scene.read(lambda tx: Heard.by(tx, scene.now).silences(live)) == {}
    scene.now = datetime(2026, 3, 4, 11, 1, tzinfo=UTC)
    assert set(scene.read(lambda tx: Heard.by(tx, scene.now).silences(live))) == {"northmoor"}
    await count_hours(scene.store, lambda: scene.now)  # the same with everything counted
    assert set(scene.read(lambda tx: Heard.by(tx, scene.now).silences(live))) == {"northmoor"}
    (concern,) = states(scene)["northmoor"].concerns
    assert concern == "Silent. In 8 of 8 weeks more had come by this time of the week."
    await look(scene, live)
    assert 'hub_feed_silent{feed="northmoor"} 1.0' in telemetry.render_metrics().decode()
    assert 'hub_feed_silent{feed="southwick"} 0.0' in telemetry.render_metrics().decode()
    await send(scene)
    assert scene.read(lambda tx: Heard.by(tx, scene.now).silences(live)) == {}
    await look(scene, live)
    assert 'hub_feed_silent{feed="northmoor"} 0.0' in telemetry.render_metrics().decode()


async def look(scene: Scene, live: list[str]) -> None:
    await Watch(scene.store, InProcessConveyor(CONSUMERS), lambda: scene.now, live).look()


async def test_when_a_feed_was_last_heard_is_known_without_the_schedule(scene: Scene) -> None:
    await send(scene)
    assert scene.read(lambda tx: Heard.by(tx, scene.now).last("northmoor")) == scene.now


async def test_the_senders_clock_against_ours(scene: Scene) -> None:
    """It writes the time of sending; the median forgives one message that lay about."""
    for late in (600, 600, 90_000):
        raw = scene.message(scene.person(), scene.result())
        scene.now += timedelta(seconds=late)
        await scene.send(raw)
    state = states(scene)["northmoor"]
    assert state.clock_seconds is not None
    assert -660 <= state.clock_seconds <= -540
    assert any("behind ours" in concern for concern in state.concerns)
    assert states(scene)["southwick"].clock_seconds is None


JULY = datetime(2026, 7, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sentence", "said_at"),
    [
        ("HPV negative, routine recall", JULY.replace(hour=8, minute=31)),
        ("HPV negative, early repeat in 12 months, as XML", JULY.replace(hour=8, minute=31)),
        ("one message, HPV negative, routine recall", JULY.replace(hour=9, minute=35)),
    ],
)
async def test_the_clock_of_a_bundle_and_of_an_interchange(scene: Scene, sentence: str, said_at: datetime) -> None:
    """A Bundle names its offset; an interchange is of England's summer, an hour before UTC's."""
    case = next(case for case in CASES if case.sentence == sentence and case.feed in ("ashdown", "kelham"))
    way = Via("http", "somebody", case.dialect, feed=case.feed)
    scene.now = said_at - timedelta(minutes=10)
    assert (await scene.intake.take(case.raw, way)).code == "AA"
    state = states(scene)[case.feed]
    assert state.clock_seconds == 600
    assert any("ahead of ours" in concern for concern in state.concerns)


async def test_a_file_that_comes_late_says_nothing_of_a_clock(scene: Scene) -> None:
    """It may have lain in a mailbox; a Bundle that comes late may not. Rows do not say when they were sent."""
    scene.now = JULY.replace(hour=18)
    for feed in ("kelham", "ashdown", "birchwood"):
        case = next(case for case in CASES if case.feed == feed and case.expected["answer"] == "AA")
        assert (await scene.intake.take(case.raw, Via("http", "somebody", case.dialect, feed=feed))).code == "AA"
    found = states(scene)
    assert found["kelham"].clock_seconds is found["birchwood"].clock_seconds is None
    assert (found["ashdown"].clock_seconds or 0) < -8 * 3600


async def test_what_is_owed_and_under_way(scene: Scene) -> None:
    await scene.stop_worker()
    await send(scene)
    assert states(scene)["northmoor"].oldest_owed_at is None
    scene.now += timedelta(minutes=2)
    state = states(scene)["northmoor"]
    assert (state.oldest_owed_at, state.oldest_underway_at) == (NOW, NOW)
    await scene.settle()
    assert states(scene)["northmoor"].oldest_underway_at is None
