"""People are told, over real sockets: from the laboratory's message to the letter delivered, whoever dies meanwhile."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest

from adapters.nhs_notify import NhsNotify
from adapters.simulators.laboratory import report as report_of
from adapters.simulators.notify import NotifySimulator
from adapters.simulators.notify_callbacks import Roads
from adapters.simulators.notify_course import LEFT_THE_NHS, NEVER_ENDS, UNREACHABLE
from hub.app import running
from hub.config import Settings
from hub.flow.following import Follower
from hub.flow.ports.store import Store
from hub.flow.telling import Dispatcher
from hub.flow.timeline import timeline
from hub.io.mllp import MllpClient
from hub.io.nhs_api import ApiSettings
from hub.io.notify import NotifyDoor
from hub.io.store import SqlStore
from tests.flow.dying import Killed, Mortal
from tests.flow.scene import Scene
from tests.flow.test_communication_clerks import report
from tests.flow.test_telling import CATALOGUE
from tests.flow.test_telling_crashes import wished
from tests.io.partners import NOTIFY_APPLICATION, NOTIFY_KEY, open_door
from tests.notify.batches import PLANS
from tests.notify.conftest import Simulated

PEOPLE = 40


@pytest.fixture
async def scene(store: SqlStore) -> AsyncIterator[Scene]:
    yield Scene(store)


def settings_for(notify: NotifySimulator, data: Path, key: Path) -> Settings:
    chosen = {
        "DATA": str(data), "MLLP_PORT": "0", "HTTP_PORT": "0", "PARTNERS_PORT": "0", "RECALL_AT": "off",
        "NOTIFY_URL": notify.url, "NOTIFY_TOKEN_URL": notify.token_url, "NOTIFY_CLIENT": notify.client,
        "NOTIFY_KID": notify.kid, "NOTIFY_KEY": str(key), "NOTIFY_APPLICATION_ID": NOTIFY_APPLICATION,
        "NOTIFY_API_KEY": NOTIFY_KEY, "NOTIFY_PLANS": ",".join(f"{name}={one}" for name, one in PLANS.items()),
    }  # fmt: skip
    return Settings.from_environment({f"HUB_{name}": text for name, text in chosen.items()})


async def test_a_result_ends_in_a_message_delivered(
    simulated: Simulated, scene: Scene, store: SqlStore, data: Path, keys: tuple[Path, bytes]
) -> None:
    person, now = scene.person(), datetime.now(UTC)
    result = scene.result("X9S", now.date() - timedelta(days=8))
    async with simulated() as notify, running(settings_for(notify, data, keys[0])) as hub:
        notify.call_back_to(f"{hub.partners_url}/notify/callbacks")
        async with MllpClient("127.0.0.1", hub.mllp_port) as laboratory:
            await laboratory.send(report_of("northmoor", person, result, "C1", now))
        async with asyncio.timeout(20):
            while {letter.state for letter in scene.every_letter_of(person)} != {"delivered"}:  # noqa: ASYNC110 - the hub has a store of its own: nobody would wake us
                await asyncio.sleep(0.02)
        (taken,) = notify.messages.values()
        await notify.settled()
    assert taken.personalisation["test_date"].endswith(str(result.test_on.year))
    what = [one.what for one in store.read_now(lambda tx: timeline(tx, 1)) if "letter" in one.what]
    assert what == ["letter wished", "letter sent", "letter delivered"]


async def test_senders_die_callbacks_are_lost_and_each_letter_is_taken_once_and_has_its_end(
    simulated: Simulated, scene: Scene, store: SqlStore, tmp_path: Path, keys: tuple[Path, bytes]
) -> None:
    letters = wished(scene, PEOPLE)
    chance = random.Random(5)
    roads = Roads(lost=0.3, twice=0.3, late=0.2)
    async with open_door(store, tmp_path / "feeds") as partners, simulated(roads=roads, clock=lambda: scene.now) as sim:
        sim.call_back_to(f"{partners.door.url}/notify/callbacks")
        ids = [letter.participant_id for letter in scene.read(lambda tx: tx.letters.get(letters[:3]))]
        numbers = [person.nhs_number for person in scene.read(lambda tx: tx.cohort.of(ids))]
        sim.fates = dict(zip(numbers, [LEFT_THE_NHS, UNREACHABLE, NEVER_ENDS], strict=True))
        settings = ApiSettings(sim.url, sim.token_url, sim.client, sim.kid, keys[0], per_second=500.0, seconds=2.0)
        async with NotifyDoor(settings, NhsNotify(PLANS), store, lambda: datetime.now(UTC)) as door:
            await _all_handed_over(scene, door, chance)
            await sim.settled()
            follower = Follower(store, door, CATALOGUE, lambda: scene.now)
            for _ in range(19):
                scene.now += timedelta(hours=20)
                partners.now = scene.now
                while await follower.follow_some():
                    pass
        assert sim.taken == dict.fromkeys(letters, 1)
    rows = scene.read(lambda tx: tx.communications.of_letters(letters))
    assert len(rows) == PEOPLE
    states = sorted(row.state for row in rows if row.state != "delivered")
    assert states == ["failed", "failed", "sent"]
    assert {row.why for row in rows if row.state == "sent"} <= {"not-ended", "not-followed"}
    assert sum(row.needs_somebody for row in rows) == 3
    assert report(scene).silent == ()


async def _all_handed_over(scene: Scene, door: NotifyDoor, chance: random.Random) -> None:
    """Senders, each until it dies."""
    for _ in range(200):
        mortal = Mortal(scene.store, door, chance, 0.06)
        try:
            while await Dispatcher(cast(Store, mortal), mortal, CATALOGUE, scene.context, most=15).tell_some():
                pass
        except Killed:
            pass
        scene.now += timedelta(minutes=4)
        if scene.read(lambda tx: (tx.communications.wishes(), tx.communications.waiting_batches())) == ([], []):
            return
    raise AssertionError("some were never handed over")
