"""`hub simulate` for feeds of every language, through the real doors of a hub that runs, proven as any sender is."""

from __future__ import annotations

import json
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from adapters.simulators.doors import Addresses, door_of
from adapters.simulators.keys import SenderKey, make_key
from adapters.simulators.sending import Door
from adapters.simulators.traffic import RIGHT, Planned
from hub.__main__ import main
from hub.errors import CannotRun
from hub.io.http import PartnersSettings
from hub.io.mllp import client_context
from hub.io.store import open_store
from tests.flow.scene import NOW
from tests.golden_cases import GOLDEN
from tests.io.partners import LAB, certificates, open_door
from tests.journeys.driving import ROOT, HubUp, Inside
from tests.servers import MeshNode
from tests.servers.mesh import HUB, KEY, LABORATORY, PASSWORD

PROVEN_BY_KEY = ("ashdown", "birchwood", "fellgate", "kelham", "fernhill")
MADE = {"fernhill": "delimited_results", "elmstead": "hl7v2_oru"}
"""Feeds that an engineer has just made, by a sample of another laboratory."""


@dataclass
class Bench:
    """An engineer's tables with golden examples beside them, and the hub that runs by them."""

    at: Path
    up: HubUp

    def port(self, feed: str) -> str:
        return f"127.0.0.1:{self.up.ports['MLLP' if feed == 'elmstead' else 'PARTNERS']}"


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """One hub for all: it takes a second or two to start."""
    at = tmp_path_factory.mktemp("bench")
    tables = at / "mappings"
    shutil.copytree(ROOT / "mappings", tables)
    shutil.copytree(GOLDEN, at / "tests" / "golden")
    with pytest.MonkeyPatch.context() as place:
        place.chdir(at)
        place.setenv("HUB_MAPPINGS", str(tables))
        samples = {"fernhill": birchwood(), "elmstead": northmoor().replace(b"NMLIMS|NORTHMOOR", b"EMLIMS|ELMSTEAD")}
        for number, (feed, dialect) in enumerate(MADE.items(), start=69_011):
            (at / feed).write_bytes(samples[feed])
            made = ("new", feed, "--dialect", dialect, "--sample", feed, "--code", str(number))
            assert main([*made, "--on", "2026-07-20"]) == 0
        for feed in PROVEN_BY_KEY:
            assert main(["simulate", "key", feed]) == 0
            prove_by_key(tables / "feeds" / f"{feed}.toml", f"{feed}.simulator.jwks.json")
        settings = {"HUB_MAPPINGS": str(tables), "HUB_PARTNERS_PORT": "0", "HUB_LOG": "warning"}
        with HubUp(at / "data", settings=settings) as up:
            yield Bench(at, up)


def northmoor() -> bytes:
    return (GOLDEN / "northmoor" / "HPV negative, routine recall.hl7").read_bytes()


def birchwood() -> bytes:
    return (GOLDEN / "birchwood" / "three results, a new one, a corrected one and one withdrawn.csv").read_bytes()


def prove_by_key(table: Path, keys: str) -> None:
    """What `hub simulate key` says to do."""
    text, line = table.read_text(), f'[access]\nkeys = "{keys}"\n'
    table.write_text(text.replace("[access]\n", line) if "[access]\n" in text else f"{text}\n{line}")


def simulated(bench: Bench, inside: Inside, *words: str) -> dict[str, Any]:
    done = inside("simulate", "lab", "--rate", "0", "--json", *words)
    assert done.code == 0, done.complained
    said: dict[str, Any] = json.loads(done.out)
    return said


@pytest.mark.parametrize("feed", [*PROVEN_BY_KEY, "elmstead"])
def test_a_feed_of_any_language_is_simulated_through_its_own_door(
    bench: Bench, inside: Inside, monkeypatch: pytest.MonkeyPatch, feed: str
) -> None:
    monkeypatch.chdir(bench.at)
    monkeypatch.setenv("HUB_MAPPINGS", str(bench.at / "mappings"))
    told = simulated(bench, inside, "--feed", feed, "--to", bench.port(feed), "--count", "24", "--errors", "40")
    taken, refused = ("AA", "AE") if feed == "elmstead" else ("201", "422")
    assert told["answered"] == 24 == sum(told["answers"].values())
    assert told["by_kind"]["right"].keys() == {taken}
    assert told["by_kind"].get("bad date", {refused: 0}).keys() == {refused}
    assert len(told["by_kind"]) > 3
    with closing(sqlite3.connect(bench.at / "data" / "hub.sqlite")) as store:
        (rows,) = store.execute("SELECT count(*) FROM journal WHERE feed = ?", (feed,)).fetchone()
    assert 24 - sum(told["by_kind"].get("sent again", {}).values()) <= rows <= 24


def test_what_is_in_the_way_is_said_with_what_to_do(
    bench: Bench, inside: Inside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HUB_MAPPINGS", str(bench.at / "mappings"))
    elsewhere = bench.port("elmstead")
    key = str(bench.at / ".hub/simulator/ashdown.key.json")
    for words, says in (
        (("--feed", "birchwood"), "hub simulate key birchwood"),
        (("--feed", "birchwood", "--sign-with", key, "--to", bench.port("birchwood")), "[access] keys"),
        (("--feed", "birchwood", "--sign-with", "nothing.json"), "hub simulate key"),
        (("--feed", "fernhill", "northmoor", "--sign-with", key, "--to", elsewhere), "--to names one door"),
        (("--feed", "fernhill", "--sign-with", key, "--examples", str(tmp_path)), "hub new fernhill --sample FILE"),
        (("--feed", "fernhill", "--sign-with", key, "--to", "127.0.0.1:1"), "Is the hub up there"),
    ):
        done = inside("simulate", "lab", *words, "--count", "1")
        assert done.code == 2 and says in done.complained, (words, done.complained)
    again = inside("simulate", "key", "ashdown", "--out", "new.json")
    assert again.code == 2 and "is there already" in again.complained
    assert inside("simulate", "key", "nowhere").code == 2
    (bench.at / "mappings/feeds/wrong.toml").write_text('feed = "wrong"\n')
    try:
        done = inside("simulate", "lab", "--feed", "ashdown", "--count", "1")
    finally:
        (bench.at / "mappings/feeds/wrong.toml").unlink()
    assert done.code == 2 and "hub check" in done.complained


def test_by_mesh_where_the_table_knows_no_other_way(
    mesh: MeshNode, inside: Inside, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    table = tmp_path / "mappings/feeds/kelham.toml"
    table.write_text(table.read_text().replace("X26KELHAM", LABORATORY))
    for name, text in {"URL": mesh.url, "MAILBOX": HUB, "PASSWORD": "of-ours", "SHARED_KEY": KEY}.items():
        monkeypatch.setenv(f"HUB_MESH_{name}", text)
    monkeypatch.setenv("HUB_MAPPINGS", str(tmp_path / "mappings"))
    words = ("simulate", "lab", "--feed", "kelham", "--examples", str(GOLDEN / "kelham"), "--rate", "0", "--count", "4")
    assert "--mailbox-password" in inside(*words).complained
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    done = inside(*words, "--mailbox-password", str(tmp_path / "password"), "--json")
    assert json.loads(done.out)["by_kind"] == {"right": {"carried": 4}}
    mailbox = mesh.mailbox(HUB)
    headers, body = mailbox.fetch(mailbox.waiting()[0])
    assert (headers["mex-from"], headers["mex-workflowid"]) == (LABORATORY, "CSP_RESULTS")
    assert b"MEDRPT" in body


ACCESS_BY_BOTH = {"ashdown": f'certificates = ["{LAB}"]\nkeys = "northmoor.jwks.json"'}


async def test_a_certificate_proves_as_much_as_a_key_and_a_wrong_key_nothing(tmp_path: Path) -> None:
    files = certificates(tmp_path)
    settings = PartnersSettings(tls_cert=files.door, tls_key=files.door_key, tls_client_ca=files.ca, grace_seconds=2)
    ashdown = GOLDEN / "ashdown" / "HPV negative, routine recall.json"
    make_key(tmp_path / "private", tmp_path / "public")
    assert (tmp_path / "private").stat().st_mode & 0o077 == 0
    async with AsyncExitStack() as ending:
        store = open_store(tmp_path / "store")
        ending.callback(store.close_now)
        partners = await ending.enter_async_context(
            open_door(store, tmp_path / "feeds", access=ACCESS_BY_BOTH, settings=settings)
        )

        def side(key: SenderKey | None, certificate: Path | None) -> Door:
            http = f"https://127.0.0.1:{partners.door.port}"
            at = Addresses(("", 0), http, partners.audience, 20.0, lambda _: key, lambda: NOW)
            at = replace(at, tls=client_context(files.ca, certificate), shows_certificate=certificate is not None)
            opened = door_of(partners.feeds.by_id["ashdown"], at)()
            ending.push_async_callback(opened.close)
            return opened

        message, request = Planned(ashdown.read_bytes(), RIGHT), str(uuid.uuid4())
        shows, signs = side(None, files.lab), side(SenderKey(tmp_path / "private"), None)
        # The example is of a day to come here, and so is refused: by whom it is, is proven all the same.
        assert [await shows.send(message, request) for _ in range(2)] == ["422", "422"]
        with pytest.raises(CannotRun, match="no token"):
            await signs.send(message, request)
        with pytest.raises(CannotRun, match="hub simulate key ashdown"):
            side(None, None)
