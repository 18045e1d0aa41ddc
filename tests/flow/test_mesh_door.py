"""Collect, store, acknowledge: nothing is lost, nothing doubled. Real stores, NHS England's MESH sandbox."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from adapters import ADAPTERS
from adapters.hl7v2_oru import Hl7v2Oru
from adapters.pds_events import read_events
from hub.contract import Adapter, Opened, Reading
from hub.flow.hearing import Hearing
from hub.flow.intake import Intake
from hub.flow.ports.files import OutgoingRow
from hub.io.mesh import MeshAway, MeshClient, MeshDoor, MeshSettings
from hub.io.store import StoreAway, open_store, sqlite
from hub.mapping import Feeds, FeedTables, check_tables
from hub.mapping.feed_table import Access, Answer
from tests.flow.conftest import quick_directory
from tests.flow.scene import FEEDS, ROOT, Scene
from tests.io.mesh_gate import Gate
from tests.servers import MeshNode
from tests.servers.mesh import HUB, KEY, LABORATORY, OTHER, PASSWORD, Mailbox

EVERY = timedelta(minutes=5)
NORTHMOOR = msgspec.structs.replace(
    FEEDS.by_id["northmoor"], access=Access(mailbox=LABORATORY), answer=Answer(mailbox=LABORATORY, workflow="CONFIRM")
)
TABLES = FeedTables((NORTHMOOR, FEEDS.by_id["southwick"]))
NewDoor = Callable[..., MeshDoor]


@pytest.fixture
def laboratory(mesh: MeshNode) -> Mailbox:
    return mesh.mailbox(LABORATORY)


@pytest.fixture
async def door_at(scene: Scene) -> AsyncIterator[NewDoor]:
    """Makes doors, each a process of its own as far as the store and MESH can see."""
    clients: list[MeshClient] = []

    def make(url: str, password: str = PASSWORD, adapters: Mapping[str, Adapter] = ADAPTERS) -> MeshDoor:
        settings = MeshSettings(url, HUB, password, KEY, page=10, max_bytes=1024 * 1024)
        clients.append(MeshClient(settings, lambda: scene.now))
        intake = Intake(scene.store, adapters, TABLES, lambda: scene.now, lambda: None)
        hearing = Hearing(read_events, scene.store, lambda: scene.now)
        return MeshDoor(clients[-1], intake, TABLES, scene.store, lambda: scene.now, EVERY, {"PDS_EVENTS": hearing})

    yield make
    for client in clients:
        await client.close()


def a_file(scene: Scene, feed: str = "northmoor") -> bytes:
    return scene.message(scene.person(), scene.result(feed=feed), feed=feed)


def journal(scene: Scene) -> list[tuple[str, str, str, str, int]]:
    entries = scene.read(lambda tx: tx.journal.newest(1000))
    return [(each.feed, each.arrival.door, each.arrival.peer, each.state, each.repeats) for each in entries]


def confirmations(scene: Scene) -> int:
    return len(scene.read(lambda tx: tx.outgoing.in_state("wished", 1000)))


@pytest.mark.parametrize("count", [0, 1, 25])
async def test_all_that_waits_is_stored_and_acknowledged(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor, count: int
) -> None:
    raws = [a_file(scene) for _ in range(count)]
    for number, raw in enumerate(raws):
        laboratory.send(raw, packed=number % 2 == 0)
    assert await door_at(mesh.url).poll() == count
    assert mesh.mailbox(HUB).waiting() == []
    assert journal(scene) == [("northmoor", "mesh", LABORATORY, "accepted", 0)] * count
    kept = [scene.read(lambda tx, seq=seq: tx.journal.entry(seq)) for seq in range(1, count + 1)]
    assert sorted(entry.raw for entry in kept if entry) == sorted(raws)
    assert confirmations(scene) == count


async def test_by_turns(scene: Scene, mesh: MeshNode, door_at: NewDoor) -> None:
    async with Gate(mesh.port) as gate:
        first, second = door_at(gate.url), door_at(gate.url)
        await first.look()
        await second.look()
        assert (gate.count("GET", "/inbox"), gate.count("POST", f"/{HUB}")) == (1, 1)
        scene.now += EVERY
        await second.look()
        await first.look()
        assert (gate.count("GET", "/inbox"), gate.count("POST", f"/{HUB}")) == (2, 2)
        scene.now += timedelta(hours=24)
        await first.look()
        assert gate.count("POST", f"/{HUB}") == 3, "a handshake every day"


async def test_two_who_poll_at_once_harm_nothing(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    for _ in range(15):
        laboratory.send(a_file(scene))
    await asyncio.gather(door_at(mesh.url).poll(), door_at(mesh.url).poll())
    assert mesh.mailbox(HUB).waiting() == []
    assert [state for _, _, _, state, _ in journal(scene)] == ["accepted"] * 15
    assert confirmations(scene) == 15


async def test_one_that_died_before_it_acknowledged_gets_it_again_and_once(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    raw = a_file(scene)
    name = laboratory.send(raw)

    def never(request: web.Request) -> web.StreamResponse | None:
        if request.path.endswith("/acknowledged"):
            gate.held.set()
            return web.Response(status=504)
        return None

    async with Gate(mesh.port, never) as gate:
        dying = asyncio.create_task(door_at(gate.url).poll())
        await gate.held.wait()
        dying.cancel()
        with suppress(asyncio.CancelledError):
            await dying
    assert mesh.mailbox(HUB).waiting() == [name]
    assert [row[3:] for row in journal(scene)] == [("accepted", 0)]
    await door_at(mesh.url).poll()
    assert mesh.mailbox(HUB).waiting() == []
    assert [row[3:] for row in journal(scene)] == [("accepted", 1)]
    assert confirmations(scene) == 1
    laboratory.send(raw)
    await door_at(mesh.url).poll()
    assert confirmations(scene) == 2, "whoever sends a file anew is told anew"


async def test_what_cannot_be_stored_is_not_acknowledged(
    mesh: MeshNode, laboratory: Mailbox, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "busy_timeout=20"))
    with quick_directory() as directory:
        shutil.copy(empty_file, directory)
        store = open_store(directory)
        scene = Scene(store)
        client = MeshClient(MeshSettings(mesh.url, HUB, PASSWORD, KEY), lambda: scene.now)
        door = MeshDoor(client, scene.intake_with(TABLES), TABLES, store, lambda: scene.now, EVERY)
        name = laboratory.send(a_file(scene))
        holder = sqlite3.connect(directory / "hub.sqlite", isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreAway):
            await door.poll()
        assert mesh.mailbox(HUB).waiting() == [name]
        await door.look()  # told, not raised
        holder.execute("ROLLBACK")
        holder.close()
        await door.look()
        assert mesh.mailbox(HUB).waiting() == []
        assert [row[3] for row in journal(scene)] == ["accepted"]
        await client.close()
        store.close_now()


async def test_a_stranger_is_stored_refused_and_given_to_no_feed(
    scene: Scene, mesh: MeshNode, door_at: NewDoor
) -> None:
    """Even where the file names a laboratory that we know: the mailbox is the proof."""
    mesh.mailbox(OTHER).send(a_file(scene))
    assert await door_at(mesh.url).poll() == 1
    assert mesh.mailbox(HUB).waiting() == []
    (entry,) = scene.read(lambda tx: tx.journal.newest(10))
    assert (entry.feed, entry.arrival.peer, entry.state, entry.reason) == ("", OTHER, "refused", "unknown-sender")
    assert confirmations(scene) == 0
    assert scene.read(lambda tx: tx.files.page("northmoor", 10)) == []


async def test_a_laboratory_speaks_for_itself_alone(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    laboratory.send(a_file(scene, "southwick"))
    await door_at(mesh.url).poll()
    assert [row[3] for row in journal(scene)] == ["refused"]
    (told,) = scene.read(lambda tx: tx.outgoing.in_state("wished", 10))
    assert (told.feed, told.mailbox) == ("northmoor", LABORATORY)
    assert b"MSA|AR" in told.body
    assert not any(scene.read(lambda tx: tx.events.backlog()).values())


async def test_what_is_too_large_or_spoilt_is_kept_refused_and_acknowledged(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    laboratory.send(a_file(scene) + b"OBX|1\r" * 400_000, packed=True)
    laboratory.send(b"\x1f\x8b spoilt", **{"Content-Encoding": "gzip"})
    laboratory.send(a_file(scene))
    await door_at(mesh.url).poll()
    assert mesh.mailbox(HUB).waiting() == []
    entries = scene.read(lambda tx: tx.journal.newest(10))
    assert sorted((each.state, each.reason) for each in entries) == [
        ("accepted", ""),
        ("refused", "too-large"),
        ("refused", "unreadable"),
    ]
    assert {each.feed for each in entries} == {"northmoor"}
    assert [row.state for row in scene.read(lambda tx: tx.files.page("northmoor", 10))].count("corrupt") == 1


async def test_one_that_cannot_be_had_does_not_hold_up_the_others(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    bad, *_ = [laboratory.send(a_file(scene)) for _ in range(12)]

    def broken(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=500) if request.path.endswith(bad) else None

    async with Gate(mesh.port, broken) as gate:
        assert await door_at(gate.url).poll() == 11
    assert mesh.mailbox(HUB).waiting() == [bad]


class Faulty(Hl7v2Oru):
    """An adapter with a bug that one message brings out."""

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        if b"BUG" in opened.raw:
            raise ZeroDivisionError
        return super().decode(opened, feeds, today)


async def test_a_fault_of_ours_on_one_message_does_not_hold_up_the_others(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    bad = laboratory.send(a_file(scene) + b"NTE|1||BUG\r")
    laboratory.send(a_file(scene))
    assert await door_at(mesh.url, adapters={"hl7v2_oru": Faulty()}).poll() == 1
    assert mesh.mailbox(HUB).waiting() == [bad]


async def test_when_nothing_can_be_had_the_turn_ends(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    for _ in range(9):
        laboratory.send(a_file(scene))

    def broken(request: web.Request) -> web.StreamResponse | None:
        return web.Response(status=503) if "/inbox/" in request.path else None

    async with Gate(mesh.port, broken) as gate:
        with pytest.raises(MeshAway):
            await door_at(gate.url).poll()
        assert gate.count("GET", "/inbox/") == 3


async def test_the_sandbox_restarted(scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor) -> None:
    door = door_at(mesh.url)
    await door.look()
    laboratory.send(a_file(scene))
    mesh.kill()
    scene.now += EVERY
    await door.look()  # told, not raised
    mesh.start()
    await door.look()
    assert journal(scene) == [], "its turn has not come"
    scene.now += EVERY
    await door.look()
    assert [row[3] for row in journal(scene)] == ["accepted"]


async def test_a_wrong_password_stops_nothing_else_and_is_told(
    scene: Scene, mesh: MeshNode, door_at: NewDoor, capfd: pytest.CaptureFixture[str]
) -> None:
    await door_at(mesh.url, password="not-the-password").look()
    said = capfd.readouterr().err
    assert "mesh_failed" in said
    assert "HTTP/403" in said
    assert "not-the-password" not in said


@pytest.mark.parametrize("named", ["local id", "message"])
async def test_a_report_says_of_ours_that_it_failed(scene: Scene, mesh: MeshNode, door_at: NewDoor, named: str) -> None:
    for local_id in ("ours", "another"):
        row = OutgoingRow(local_id, "northmoor", "confirmation", LABORATORY, "CONFIRM", b"x", scene.now)
        scene.store.write_now(lambda tx, row=row: tx.outgoing.put(row))
        scene.store.write_now(lambda tx, one=local_id: tx.outgoing.settle(one, "sent", scene.now, f"M-{one}"))
    mesh.report(HUB, **({"local_id": "ours"} if named == "local id" else {"about": "M-ours"}))
    mesh.report(HUB, local_id="nobody's", about="M0")
    assert await door_at(mesh.url).poll() == 2
    assert mesh.mailbox(HUB).waiting() == []
    rows = {row.local_id: row for row in scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10))}
    assert (rows["ours"].state, rows["ours"].why) == ("failed", "undelivered, MESH code 14")
    assert rows["another"].state == "sent"
    assert journal(scene) == [], "a report is no laboratory's message"


def test_two_feeds_cannot_share_a_mailbox(tmp_path: Path) -> None:
    for feed in ("northmoor", "southwick"):
        text = (ROOT / f"mappings/feeds/{feed}.toml").read_text()
        (tmp_path / f"{feed}.toml").write_text(f'{text}\n[access]\nmailbox = "X26ABC2"\n')
    (problem,) = check_tables(tmp_path)
    assert "has the same mailbox" in str(problem)


async def test_events_of_pds_become_questions_and_a_laboratory_cannot_hide_a_report_among_them(
    scene: Scene, mesh: MeshNode, laboratory: Mailbox, door_at: NewDoor
) -> None:
    number, workflow = scene.person().nhs_number, {"Mex-WorkflowID": "PDS_EVENTS"}
    event = {"specversion": "1.0", "id": "e", "type": "pds-record-change-2", "subject": number}
    mesh.mailbox(OTHER).send(json.dumps(event).encode(), **workflow)
    laboratory.send(a_file(scene), **workflow)
    assert await door_at(mesh.url).poll() == 2
    assert sorted(feed for feed, *_ in journal(scene)) == ["northmoor", "pds-events"]
    assert [question.by for question in scene.read(lambda tx: tx.questions.about(number))] == ["pds-record-change-2"]
