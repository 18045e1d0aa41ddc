"""A laboratory's list of a day against ours: every slide in one place, and the counts add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from hub.flow.ports.feeds import SlideRow
from hub.flow.reconciliation import (
    KIND,
    MissingHere,
    our_list,
    read_list,
    reconcile,
    send_reconciliations,
    the_day,
)
from hub.mapping.feed_table import Answer
from tests.flow.scene import FEEDS, Scene, misspelt

TODAY = date(2026, 3, 2)
FUTURE = date(2027, 1, 1)
TABLE = msgspec.structs.replace(FEEDS.by_id["northmoor"], answer=Answer(mailbox="X26LAB1", workflow="RECON"))


async def sent(scene: Scene, **changes: date) -> str:
    """The slide of a message that was sent now."""
    result = scene.result(**changes)
    await scene.send(scene.message(scene.person(), result))
    return result.slide_number


async def test_differences_by_number_and_counts_that_add_up(scene: Scene) -> None:
    both, only_ours, refused = await sent(scene), await sent(scene), await sent(scene, test_on=FUTURE)
    scene.now -= timedelta(days=1)
    yesterdays = await sent(scene)
    theirs = [both, refused, yesterdays, "26999999", both]
    found = scene.read(lambda tx: reconcile(tx, "northmoor", TODAY, theirs))
    assert (found.theirs, found.repeated_in_theirs, found.in_both, found.agrees) == (4, 1, 1, False)
    assert found.missing_there == (only_ours,)
    assert {one.slide_number: (one.known, one.reason) for one in found.missing_here} == {
        refused: ("refused", "test-date-in-future"),
        yesterdays: ("another-day", ""),
        "26999999": ("nothing", ""),
    }
    assert found.theirs == found.in_both + len(found.missing_here)
    as_json = found.as_json()
    assert (as_json["taken"], as_json["refused"]) == (2, 1)
    assert as_json["taken"] == found.in_both + len(found.missing_there)


async def test_the_same_lists_agree(scene: Scene) -> None:
    slides = [await sent(scene) for _ in range(3)]
    found = scene.read(lambda tx: reconcile(tx, "northmoor", TODAY, slides))
    assert (found.agrees, found.in_both) == (True, 3)
    assert scene.read(lambda tx: reconcile(tx, "southwick", TODAY, [])).ours == ()


async def test_a_refusal_after_the_answer_is_told_on_its_day(scene: Scene) -> None:
    result = scene.result()
    result_id = await scene.report(misspelt(scene.person()), result)
    scene.now += timedelta(days=1)
    scene.reject(result_id)
    assert scene.read(lambda tx: reconcile(tx, "northmoor", TODAY)).refused_later == ()
    (later,) = scene.read(lambda tx: reconcile(tx, "northmoor", TODAY + timedelta(days=1))).refused_later
    assert (later.slide_number, later.reason, later.refused_at) == (result.slide_number, "unsure", scene.now)


async def test_the_days_list_is_sent_once(scene: Scene) -> None:
    slide = await sent(scene)
    scene.now = datetime(2026, 3, 3, 0, 30, tzinfo=UTC)
    await send_reconciliations(scene.store, lambda: scene.now, [TABLE])
    assert scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10)) == []
    for _ in range(2):
        scene.now += timedelta(hours=1)
        await send_reconciliations(scene.store, lambda: scene.now, [TABLE])
    (wished,) = scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10))
    assert (wished.kind, wished.mailbox, wished.workflow, wished.state) == (KIND, "X26LAB1", "RECON", "wished")
    assert wished.body.decode().splitlines() == ["slide_number,outcome,reason,place", f"{slide},taken,,"]


async def test_days_that_a_schedule_missed_are_made_up_for(scene: Scene) -> None:
    await sent(scene)
    scene.now += timedelta(days=1)
    await sent(scene)
    scene.now += timedelta(days=4)
    await send_reconciliations(scene.store, lambda: scene.now, [TABLE])
    assert len(scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10))) == 2


async def test_a_feed_without_a_mailbox_or_deactivated_is_sent_nothing(scene: Scene) -> None:
    await sent(scene)
    scene.now += timedelta(days=1)
    closed = msgspec.structs.replace(TABLE, status="deactivated")
    await send_reconciliations(scene.store, lambda: scene.now, [FEEDS.by_id["northmoor"], closed])
    assert scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10)) == []


def test_a_list_is_read_with_or_without_a_heading() -> None:
    assert read_list("slide number\n26010017\n\n 26010018 ,x\n") == ["26010017", "26010018"]
    assert read_list("\N{BYTE ORDER MARK}26010017\r\n26010018\r\n") == ["26010017", "26010018"]
    assert read_list("26010017\r26010018\r") == ["26010017", "26010018"]
    assert read_list("") == []


def test_a_day_is_a_day_in_england() -> None:
    assert the_day(date(2026, 7, 1)) == (datetime(2026, 6, 30, 23, tzinfo=UTC), datetime(2026, 7, 1, 23, tzinfo=UTC))
    first, last = the_day(date(2026, 3, 29))
    assert last - first == timedelta(hours=23)


@given(st.lists(st.tuples(st.sampled_from("ABC"), st.sampled_from(["", "unreadable", "missing-data"]))))
def test_a_slide_is_taken_if_it_was_taken_once(came: list[tuple[str, str]]) -> None:
    rows = [SlideRow(number, "1.1", "lab", slide, reason) for number, (slide, reason) in enumerate(came)]
    listed = our_list(rows)
    assert [one.slide_number for one in listed] == sorted({slide for slide, _ in came})
    taken = {slide for slide, reason in came if not reason}
    assert {one.slide_number for one in listed if one.outcome == "taken"} == taken


def test_what_is_missing_here_is_plain_data() -> None:
    assert MissingHere("1", "nothing").reason == ""
