"""A laboratory sends its files by MESH to a hub that runs by itself, and hears what became of them: real processes."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep
from urllib.request import urlopen

import pytest
from aiohttp import web

from tests.io.mesh_gate import Gate
from tests.journeys.deployment import Process
from tests.journeys.driving import ROOT, Finished, HubUp, ack_of, hub
from tests.journeys.leaks import leaks
from tests.journeys.workload import Day, day
from tests.servers import Databases, MeshNode
from tests.servers.fresh import execute
from tests.servers.mesh import HUB, KEY, LABORATORY, OTHER, PASSWORD

PATIENCE = 40.0
FILE = "ALDERTON Jane 9990000018.hl7"
"""Laboratories do name files after people."""


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    """The tables as they are, but northmoor sends by MESH."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    table = tmp_path / "mappings/feeds/northmoor.toml"
    door = f'[access]\nmailbox = "{LABORATORY}"\n\n[answer]\nmailbox = "{LABORATORY}"\nworkflow = "CONFIRM"\n'
    table.write_text(table.read_text().replace("[laboratory]", f"{door}\n[laboratory]"))
    return tmp_path / "mappings"


@pytest.fixture(scope="module")
def today() -> Day:
    """Lanes by laboratory; the first is northmoor's."""
    return day(20260302, 3, 60)


def settings_of(url: str, mappings: Path, **more: str) -> dict[str, str]:
    return {
        "HUB_MESH_URL": url,
        "HUB_MESH_MAILBOX": HUB,
        "HUB_MESH_PASSWORD": PASSWORD,
        "HUB_MESH_SHARED_KEY": KEY,
        "HUB_MESH_POLL_SECONDS": "0.3",
        "HUB_MAPPINGS": str(mappings),
        "HUB_LOG": "debug",
        "HUB_LOG_FORMAT": "json",
        **more,
    }


def until(true: Callable[[], object]) -> None:
    deadline = monotonic() + PATIENCE
    while not true():
        assert monotonic() < deadline, "it does not come about"
        sleep(0.05)


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    """What stands in the store, read past the hub's own code."""
    with closing(sqlite3.connect(data / "hub.sqlite")) as store:
        return store.execute(query).fetchall()


def test_a_file_goes_in_and_its_confirmation_comes_back(
    mesh: MeshNode, mappings: Path, tmp_path: Path, today: Day
) -> None:
    laboratory = mesh.mailbox(LABORATORY)
    sending = today.lanes[0][0]
    laboratory.send(sending.raw, file=FILE, packed=True)
    mesh.mailbox(OTHER).send(today.lanes[1][0].raw)
    with HubUp(tmp_path / "hub", settings=settings_of(mesh.url, mappings)) as there:
        until(laboratory.waiting)
        (name,) = laboratory.waiting()
        headers, body = laboratory.fetch(name)
        answer = ack_of(body)
        assert (answer.code, answer.control_id) == (sending.answer, sending.control_id)
        assert (headers["mex-from"], headers["mex-workflowid"]) == (HUB, "CONFIRM")
        until(lambda: not mesh.mailbox(HUB).waiting())
        with urlopen(f"{there.url}/metrics", timeout=10) as said:
            metrics = said.read().decode()
        listed: Finished = hub("journal", "list", "--data", there.data, "--json", settings={"HUB_LOG": "error"})
        assert there.terminate() == 0
    journal = sorted(rows(there.data, "SELECT feed, door, peer, state FROM journal"))
    assert journal == [("", "mesh", OTHER, "refused"), ("northmoor", "mesh", LABORATORY, "accepted")]
    assert rows(there.data, "SELECT state, message_id FROM outgoing") == [("sent", name)]
    assert "hub_mesh_polls_total" in metrics
    assert 'hub_outgoing_messages_total{state="sent",what="confirmation"} 1.0' in metrics
    log = there.log.read_text()
    assert '"event": "outgoing_sent"' in log
    for text in (log, metrics, listed.said):
        assert leaks(text, today.people) == []
        assert not [word for word in ("ALDERTON", PASSWORD, KEY, "9990000018") if word in text]
    assert [json.loads(line)["event"] for line in log.splitlines() if '"our_fault"' in line] == []


async def test_killed_between_storing_and_acknowledging(
    mesh: MeshNode, mappings: Path, tmp_path: Path, today: Day
) -> None:
    name = mesh.mailbox(LABORATORY).send(today.lanes[0][0].raw, file=FILE)
    data = tmp_path / "hub"
    async with Gate(mesh.port, _never_acknowledged) as gate:
        first = HubUp(data, settings=settings_of(gate.url, mappings))
        first.start()
        try:
            await asyncio.to_thread(until, lambda: gate.count("PUT", "/acknowledged"))
        finally:
            first.kill()
    assert mesh.mailbox(HUB).waiting() == [name]
    assert rows(data, "SELECT state FROM journal") == [("accepted",)]
    with HubUp(data, settings=settings_of(mesh.url, mappings)):
        await asyncio.to_thread(until, lambda: not mesh.mailbox(HUB).waiting())
        await asyncio.to_thread(until, mesh.mailbox(LABORATORY).waiting)
    assert rows(data, "SELECT state FROM journal") == [("accepted",)]
    assert rows(data, "SELECT count(*) FROM outbox WHERE type = 'ResultReported'") == [(1,)]
    assert rows(data, "SELECT kind FROM outgoing") == [("confirmation",)]
    assert len(mesh.mailbox(LABORATORY).waiting()) == 1


def _never_acknowledged(request: web.Request) -> web.StreamResponse | None:
    return web.Response(status=504) if request.path.endswith("/acknowledged") else None


@pytest.mark.servers
async def test_two_intakes_over_one_mailbox_and_one_of_them_killed(
    mesh: MeshNode, postgres: Databases, mappings: Path, tmp_path: Path, today: Day
) -> None:
    """Each file once in the journal, each confirmation once in the laboratory's mailbox."""
    laboratory = mesh.mailbox(LABORATORY)
    files = list({sending.raw for sending in today.lanes[0]})
    with postgres.fresh_database() as database:
        settings = settings_of(mesh.url, mappings, HUB_DATABASE_URL=database, HUB_LOG="warning")
        words = ["run", "intake", "--mllp", "0", "--http", "0"]
        intakes = [Process(f"intake{number}", words, tmp_path, settings) for number in range(2)]
        try:
            for intake in intakes:
                await intake.restart()
            for number, raw in enumerate(files):
                await asyncio.to_thread(laboratory.send, raw)
                if number == len(files) // 2:
                    intakes[0].kill()
            await intakes[0].restart()
            await asyncio.to_thread(until, lambda: not mesh.mailbox(HUB).waiting())
            await asyncio.to_thread(until, lambda: len(laboratory.waiting()) >= len(files) - 1)
            for intake in intakes:
                await intake.terminate()
        finally:
            for intake in intakes:
                intake.kill()
        journal = execute(database, "SELECT count(*), count(DISTINCT digest) FROM journal WHERE door = 'mesh'")
        states = dict(execute(database, "SELECT state, count(*) FROM outgoing GROUP BY state"))
    assert journal == [(len(files), len(files))]
    # What the killed one was just sending waits for ten minutes before it is asked for; nothing else does.
    assert states.get("sent", 0) + states.get("sending", 0) == len(files)
    assert states.get("sending", 0) <= 1
    names = [laboratory.fetch(name)[0]["mex-localid"] for name in laboratory.waiting()]
    assert len(names) == len(set(names))


def test_half_a_mailbox_does_not_run(tmp_path: Path) -> None:
    done = hub("up", "--data", tmp_path, settings={"HUB_MESH_URL": "https://mesh.example", "HUB_MESH_PASSWORD": "s3"})
    assert done.code == 2
    assert "HUB_MESH_MAILBOX" in done.complained
    assert "s3" not in done.complained
