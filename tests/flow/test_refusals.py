"""Refusals after AA: from the clerk's decision to the laboratory's taking note, and back again."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec

from hub.flow.ports.partners import RefusalRow
from hub.flow.refusals import REFUSED, WITHDRAWN, sentence_of, tell_laboratories
from hub.mapping import FeedTables
from hub.mapping.feed_table import Answer
from tests.flow.scene import FEEDS, WHY, Scene, misspelt

TOLD = FeedTables(
    tuple(
        msgspec.structs.replace(table, answer=Answer(mailbox="X26LAB1", workflow="REFUSALS"))
        if table.feed == "northmoor"
        else table
        for table in FEEDS
    )
)


def refusals(scene: Scene, *, taken: bool | None = None, feed: str | None = None) -> list[RefusalRow]:
    return scene.read(lambda tx: tx.refusals.page(0, 100, feed, taken))


async def doubtful(scene: Scene, feed: str = "northmoor") -> str:
    """A result that waits for a clerk."""
    return await scene.report(misspelt(scene.person()), scene.result(feed=feed), feed=feed)


async def test_what_a_clerk_refuses_comes_before_its_laboratory(scene: Scene) -> None:
    result_id = await doubtful(scene)
    scene.reject(result_id)
    (refusal,) = refusals(scene)
    row = scene.row(result_id)
    assert (refusal.feed, refusal.result_id, refusal.position) == ("northmoor", result_id, "1.1")
    assert refusal.journal_seq == row.journal_seq
    assert refusal.control_id.startswith("T")
    assert refusal.slide_number == row.event.result.slide_number  # type: ignore[union-attr]  # it was read
    assert (refusal.reason, refusal.refused_at, refusal.taken_at) == ("unsure", scene.now, None)
    assert sentence_of(refusal).startswith(REFUSED)


async def test_a_clerks_own_words_stay_with_the_hub(scene: Scene) -> None:
    scene.reject(await doubtful(scene))
    await tell_laboratories(scene.store, TOLD, lambda: scene.now)
    (message,) = scene.read(lambda tx: tx.outgoing.in_state("wished", 10))
    assert WHY.encode() not in message.body
    assert WHY not in repr(refusals(scene))


async def test_a_refusal_that_is_undone_is_withdrawn_and_to_be_taken_again(scene: Scene) -> None:
    task = scene.reject(await doubtful(scene))
    (refusal,) = refusals(scene)
    scene.store.write_now(lambda tx: tx.refusals.take(refusal.seq, scene.now, "lab"))
    assert refusals(scene, taken=False) == []
    scene.now += timedelta(hours=1)
    scene.undo(task)
    (withdrawn,) = refusals(scene, taken=False)
    assert (withdrawn.seq, withdrawn.withdrawn_at, withdrawn.taken_at) == (refusal.seq, scene.now, None)
    assert sentence_of(withdrawn) == WITHDRAWN


async def test_a_result_that_is_refused_again_is_a_refusal_of_its_own(scene: Scene) -> None:
    result_id = await doubtful(scene)
    task = scene.reject(result_id)
    scene.undo(task)
    scene.reject(result_id)
    assert [bool(refusal.withdrawn_at) for refusal in refusals(scene)] == [True, False]
    scene.undo(task)
    assert [bool(refusal.withdrawn_at) for refusal in refusals(scene)] == [True, True]


async def test_taking_it_again_changes_nothing(scene: Scene) -> None:
    scene.reject(await doubtful(scene))
    (refusal,) = refusals(scene)
    first = scene.now
    for _ in range(2):
        scene.store.write_now(lambda tx: tx.refusals.take(refusal.seq, scene.now, f"lab {scene.now:%H}"))
        scene.now += timedelta(hours=1)
    (taken,) = refusals(scene, taken=True)
    assert (taken.taken_at, taken.taken_by) == (first, f"lab {first:%H}")


async def test_a_page_after_a_page_of_one_feeds(scene: Scene) -> None:
    for feed in ("northmoor", "southwick", "northmoor", "northmoor"):
        scene.reject(await doubtful(scene, feed))
    assert [refusal.feed for refusal in refusals(scene)] == ["northmoor", "southwick", "northmoor", "northmoor"]
    first = scene.read(lambda tx: tx.refusals.page(0, 2, "northmoor"))
    rest = scene.read(lambda tx: tx.refusals.page(first[-1].seq, 2, "northmoor"))
    assert [refusal.seq for refusal in (*first, *rest)] == sorted(row.seq for row in refusals(scene, feed="northmoor"))


async def test_a_laboratory_with_an_address_is_told_once_as_it_stands(scene: Scene) -> None:
    tasks = [scene.reject(await doubtful(scene, feed)) for feed in ("northmoor", "southwick", "northmoor")]
    for _ in range(2):
        await tell_laboratories(scene.store, TOLD, lambda: scene.now)
    (message,) = scene.read(lambda tx: tx.outgoing.in_state("wished", 10))
    assert (message.feed, message.kind, message.mailbox, message.workflow) == (
        "northmoor",
        "refusals",
        "X26LAB1",
        "REFUSALS",
    )
    told = json.loads(message.body)
    assert [one["standing"] for one in told["refusals"]] == ["refused", "refused"]
    scene.undo(tasks[0])
    await tell_laboratories(scene.store, TOLD, lambda: scene.now)
    _, later = scene.read(lambda tx: tx.outgoing.in_state("wished", 10))
    (again,) = json.loads(later.body)["refusals"]
    assert (again["standing"], again["sentence"]) == ("withdrawn", WITHDRAWN)


async def test_what_is_taken_already_is_not_told_by_message(scene: Scene) -> None:
    scene.reject(await doubtful(scene))
    (refusal,) = refusals(scene)
    scene.store.write_now(lambda tx: tx.refusals.take(refusal.seq, scene.now, "lab"))
    await tell_laboratories(scene.store, TOLD, lambda: scene.now)
    assert scene.read(lambda tx: tx.outgoing.in_state("wished", 10)) == []
