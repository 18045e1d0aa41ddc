"""Messages to laboratories go out once, whoever dies or is away meanwhile: real stores, NHS England's MESH sandbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from hub.errors import Reason
from hub.flow.ports.files import OutgoingRow
from hub.flow.sending import CLAIM_LASTS, FORGOTTEN_AFTER, TRACK_EVERY, Sender
from hub.io.mesh import MeshAway, MeshClient, MeshSettings
from tests.flow.scene import Scene
from tests.io.mesh_gate import Gate
from tests.servers import MeshNode
from tests.servers.mesh import HUB, KEY, LABORATORY, PASSWORD

NewSender = Callable[[str], Sender]
LATER = CLAIM_LASTS + timedelta(seconds=1)


@pytest.fixture
async def sender_at(scene: Scene) -> AsyncIterator[NewSender]:
    """Makes senders, each a process of its own as far as the store and MESH can see."""
    clients: list[MeshClient] = []

    def make(url: str) -> Sender:
        clients.append(MeshClient(MeshSettings(url, HUB, PASSWORD, KEY), lambda: scene.now))
        return Sender(scene.store, clients[-1], lambda: scene.now)

    yield make
    for client in clients:
        await client.close()


def wish(scene: Scene, local_id: str = "c1", mailbox: str = LABORATORY) -> None:
    row = OutgoingRow(local_id, "northmoor", "confirmation", mailbox, "CONFIRM", b"MSA|AA\r", scene.now)
    scene.store.write_now(lambda tx: tx.outgoing.put(row))


def states(scene: Scene) -> dict[str, str]:
    return {row.local_id: row.state for row in scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 1000))}


def only(scene: Scene) -> OutgoingRow:
    (row,) = scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10))
    return row


async def test_sent_then_taken(scene: Scene, mesh: MeshNode, sender_at: NewSender) -> None:
    wish(scene)
    sender, laboratory = sender_at(mesh.url), mesh.mailbox(LABORATORY)
    assert await sender.send_waiting() == 1
    (name,) = laboratory.waiting()
    assert (only(scene).state, only(scene).message_id) == ("sent", name)
    assert laboratory.fetch(name)[1] == b"MSA|AA\r"
    await sender.track_if_due()
    assert only(scene).state == "sent"
    laboratory.take(name)
    await sender.track_if_due()
    assert only(scene).state == "sent", "it is not asked for again so soon"
    scene.now += TRACK_EVERY
    await sender.track_if_due()
    assert (only(scene).state, only(scene).message_id) == ("taken", name)
    assert await sender.send_waiting() == 0
    assert laboratory.waiting() == []


async def test_the_same_wish_twice_is_one(scene: Scene) -> None:
    wish(scene)
    wish(scene)
    assert states(scene) == {"c1": "wished"}


async def test_several_processes_send_each_once(scene: Scene, mesh: MeshNode, sender_at: NewSender) -> None:
    for number in range(12):
        wish(scene, f"c{number}")
    sent = await asyncio.gather(*[sender_at(mesh.url).send_waiting() for _ in range(3)])
    assert sum(sent) == 12
    assert len(mesh.mailbox(LABORATORY).waiting()) == 12
    assert set(states(scene).values()) == {"sent"}


async def test_one_that_died_between_send_and_note_sent_once(
    scene: Scene, mesh: MeshNode, sender_at: NewSender
) -> None:
    wish(scene)
    async with Gate(mesh.port) as gate:
        gate.keeps = lambda method, path: path.endswith("/outbox")
        dying = asyncio.create_task(sender_at(gate.url).send_waiting())
        await gate.held.wait()
        (name,) = mesh.mailbox(LABORATORY).waiting()  # MESH has it, and nobody here knows
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
    assert only(scene).state == "sending"
    other = sender_at(mesh.url)
    assert await other.send_waiting() == 0
    assert only(scene).state == "sending", "whoever claimed it may still be at it"
    scene.now += LATER
    await other.send_waiting()
    assert mesh.mailbox(LABORATORY).waiting() == [name]
    assert (only(scene).state, only(scene).message_id) == ("sent", name)


async def test_one_that_died_before_it_sent_anything_is_made_up_for(
    scene: Scene, mesh: MeshNode, sender_at: NewSender
) -> None:
    wish(scene)
    row = only(scene)
    assert scene.store.write_now(lambda tx: tx.outgoing.claim(row, scene.now))
    assert not scene.store.write_now(lambda tx: tx.outgoing.claim(row, scene.now)), "two had it"
    scene.now += LATER
    assert await sender_at(mesh.url).send_waiting() == 1
    assert len(mesh.mailbox(LABORATORY).waiting()) == 1


async def test_an_answer_that_says_nothing_of_the_message(scene: Scene, mesh: MeshNode, sender_at: NewSender) -> None:
    """A gateway answers in MESH's place, after MESH has taken it."""
    wish(scene)
    async with Gate(mesh.port) as gate:
        gate.garbles = lambda method, path: path.endswith("/outbox")
        with pytest.raises(MeshAway):
            await sender_at(gate.url).send_waiting()
    assert only(scene).state == "sending"
    scene.now += LATER
    await sender_at(mesh.url).send_waiting()
    assert only(scene).state == "sent"
    assert len(mesh.mailbox(LABORATORY).waiting()) == 1


async def test_mesh_away_nothing_is_lost_or_doubled(scene: Scene, mesh: MeshNode, sender_at: NewSender) -> None:
    wish(scene)
    mesh.kill()
    sender = sender_at(mesh.url)
    with pytest.raises(MeshAway) as caught:
        await sender.send_waiting()
    assert caught.value.reason is Reason.MESH_AWAY
    assert only(scene).state == "wished", "it certainly did not arrive"
    mesh.start()
    assert await sender.send_waiting() == 1
    assert len(mesh.mailbox(LABORATORY).waiting()) == 1


async def test_the_loop_goes_on_when_mesh_is_back(scene: Scene, mesh: MeshNode, sender_at: NewSender) -> None:
    wish(scene)
    mesh.kill()
    running = asyncio.create_task(sender_at(mesh.url).run())
    await asyncio.sleep(0.2)
    mesh.start()
    async with asyncio.timeout(30):
        while only(scene).state != "sent":  # noqa: ASYNC110 - the sandbox is another process: nobody would wake us
            await asyncio.sleep(0.05)
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    assert len(mesh.mailbox(LABORATORY).waiting()) == 1


async def test_what_mesh_refuses_has_failed_and_holds_nothing_up(
    scene: Scene, mesh: MeshNode, sender_at: NewSender
) -> None:
    wish(scene, "bad", mailbox="X26NOBODY")
    wish(scene, "good")
    assert await sender_at(mesh.url).send_waiting() == 1
    assert states(scene) == {"bad": "failed", "good": "sent"}
    (bad,) = scene.read(lambda tx: tx.outgoing.in_state("failed", 10))
    assert bad.why == "MESH 417 code 12"


async def test_what_the_carrier_has_forgotten_has_failed(scene: Scene, mesh: MeshNode, sender_at: NewSender) -> None:
    wish(scene)
    sender = sender_at(mesh.url)
    await sender.send_waiting()
    mesh.empty()
    await sender.track_sent()
    assert only(scene).state == "sent", "it may only be late"
    scene.now += FORGOTTEN_AFTER + timedelta(days=1)
    await sender.track_sent()
    assert only(scene).state == "failed"
