"""Senders that die at random moments: each letter is accepted exactly once, and ends. The whole count: `make soak`."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, date, datetime, timedelta
from typing import cast

from hub.domain.communications import Batch, Handed, News
from hub.flow.ports.store import Store
from hub.flow.recall_run import RecallRun
from hub.flow.telling import FILL, Dispatcher
from tests.flow.dying import Killed, Mortal
from tests.flow.postbox import Lost, Postbox, channel, refuses, told
from tests.flow.scene import POLICIES, Scene
from tests.flow.test_communication_clerks import report
from tests.flow.test_telling import CATALOGUE, follow, hears

PEOPLE = 120


def wished(scene: Scene, many: int) -> list[str]:
    """So many invitations; the ids of the letters."""
    for _ in range(many):
        scene.person(next_test_due_on=date(2026, 9, 1), practice_code="Y00001")
    for on in (date(2026, 6, 23), date(2026, 7, 21)):
        scene.now = datetime(on.year, on.month, on.day, 2, tzinfo=UTC)
        RecallRun(scene.store.write_now, POLICIES, lambda: scene.now, on).run()
    codes = CATALOGUE.codes_of("invitation")
    return [wish.letter_id for wish in scene.read(lambda tx: tx.communications.wished(codes, many))]


def troubled(chance: random.Random, postbox: Postbox) -> None:
    """Answers are lost on either way, now and then nothing is taken at all, and some messages never are."""

    def before(batch: Batch) -> Handed | None:
        roll = chance.random()
        if roll < 0.1:
            raise Lost
        return refuses(ours=True, code="CM_FORBIDDEN")(batch) if roll < 0.15 else None

    def after(_: Batch) -> None:
        if chance.random() < 0.15:
            raise Lost

    postbox.before, postbox.after = before, after


async def lives(scene: Scene, postbox: Postbox, chance: random.Random) -> None:
    """Several senders at a time, each until it dies."""

    async def one() -> None:
        mortal = Mortal(scene.store, postbox, chance, 0.08)
        try:
            while await Dispatcher(cast(Store, mortal), mortal, CATALOGUE, scene.context, most=20).tell_some():
                pass
        except Killed:
            pass

    await asyncio.gather(*(one() for _ in range(3)))


async def test_each_is_accepted_once_whatever_dies(scene: Scene) -> None:
    chance, postbox = random.Random(1), Postbox()
    letters = wished(scene, PEOPLE)
    assert len(letters) == PEOPLE
    troubled(chance, postbox)
    for _ in range(300):
        await lives(scene, postbox, chance)
        scene.now += timedelta(minutes=3)
        if scene.read(lambda tx: (tx.communications.wishes(), tx.communications.waiting_batches())) == ([], []):
            break
    assert postbox.accepted == dict.fromkeys(letters, 1)
    assert len(postbox.batches) > len({batch.reference for batch in postbox.batches}), "some were handed over again"
    found = scene.read(lambda tx: tx.communications.of_letters(letters))
    assert {row.state for row in found} == {"sent"}
    assert len(found) == PEOPLE
    assert report(scene).silent == ()


async def test_callbacks_in_any_order_and_replayed_give_the_same_standing(scene: Scene) -> None:
    """Three times, each time in another order; then what nobody was told of is asked for."""
    postbox, chance = Postbox(), random.Random(3)
    letters = wished(scene, 60)
    scene.now += FILL
    while await Dispatcher(scene.store, postbox, CATALOGUE, scene.context, most=20).tell_some():
        pass
    news: list[News] = []
    for number, letter in enumerate(letters):
        end = ("delivered", "failed", "sending")[number % 3]
        at = scene.now
        news += [told(letter, "created", at), told(letter, "sending", at, 5), told(letter, end, at, 60, "MFR_1")]
        news += [channel(letter, "nhsapp", "sending", at), channel(letter, "nhsapp", "failed", at, reason="CFR_1")]
    standings = []
    for _ in range(3):
        chance.shuffle(news)
        for start in range(0, len(news), 7):
            hears(scene, *news[start : start + 7])
        rows = scene.read(lambda tx: tx.communications.of_letters(letters))
        standings.append({row.reference: (row.state, row.why, row.channel, row.ended_at) for row in rows})
    assert standings[0] == standings[1] == standings[2]
    assert sorted({state for state, *_ in standings[0].values()}) == ["delivered", "failed", "sent"]
    postbox.news = {row.message_id: [told(row.reference, "delivered", scene.now, 90)] for row in rows}
    await follow(scene, postbox, timedelta(hours=2))
    assert {row.state for row in scene.read(lambda tx: tx.communications.of_letters(letters))} == {
        "delivered",
        "failed",
    }
