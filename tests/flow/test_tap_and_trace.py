"""`hub tap` and `hub trace`: what passes, and what happened to one message; neither tells who she is."""

from __future__ import annotations

import asyncio
import io
import json
import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep

import pytest
from sqlalchemy import insert

from adapters.simulators.laboratory import batch
from hub.__main__ import main
from hub.contract import event_to_json
from hub.domain.events import ResultRefused
from hub.domain.people import DEFENCE, Participant
from hub.flow.merging import merge
from hub.flow.ports.files import OutgoingRow
from hub.flow.timeline import Moment, timeline
from hub.io.store import connect_store
from hub.io.store.schema import outbox
from hub.verbs import tap
from tests.flow.conftest import empty
from tests.flow.scene import NOW, Scene, corrected, misspelt
from tests.flow.test_replay import apply, knowing_the_code, told
from tests.journeys.driving import HUB, HubUp, environment

Say = Callable[..., tuple[int, str]]


@pytest.fixture
def say(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> Say:
    """The command line on the scene's store."""
    if scene.store.engine.dialect.name == "sqlite":
        monkeypatch.setenv("HUB_DATA", str(Path(str(scene.store.engine.url.database)).parent))
    else:
        monkeypatch.setenv("HUB_DATABASE_URL", request.getfixturevalue("emptied_database"))

    def say(*words: str) -> tuple[int, str]:
        code = main([*words])
        return code, capsys.readouterr().out

    return say


def secrets_of(*people: Participant) -> set[str]:
    return {
        part
        for one in people
        for part in (one.nhs_number, one.family_name, *one.given_names, one.postcode or "-", str(one.date_of_birth))
    }


async def test_events_pass_with_nobody_in_them(scene: Scene, say: Say) -> None:
    person = scene.person()
    watching = asyncio.create_task(asyncio.to_thread(say, "tap", "--once", "4", "--json"))
    await asyncio.sleep(0.5)  # it tells what passes from now on
    await scene.report(person, scene.result())
    code, said = await asyncio.wait_for(watching, 20)
    rows = [json.loads(line) for line in said.splitlines()]
    assert code == 0
    assert [row["type"] for row in rows] == ["ResultReported", "ResultMatched", "RecordChanged", "LetterWished"]
    assert rows[0]["combination"] == "X0A" and rows[0]["feed"] == "northmoor" and rows[0]["position"] == "1.1"
    assert not [secret for secret in secrets_of(person) if secret in said]


async def test_only_what_is_asked_for_passes(scene: Scene, say: Say) -> None:
    watching = asyncio.create_task(
        asyncio.to_thread(say, "tap", "--once", "1", "--feed", "southwick", "--type", "ResultReported")
    )
    await asyncio.sleep(0.5)
    await scene.report(scene.person(), scene.result())
    await told(scene, scene.person())
    _, said = await asyncio.wait_for(watching, 20)
    (line,) = said.splitlines()
    assert "ResultReported" in line and "southwick" in line


@pytest.mark.servers
def test_an_event_that_is_committed_late_passes_all_the_same(emptied_database: str) -> None:
    """Of two transactions side by side the one with the lower numbers may be the second to commit."""

    def event(name: str) -> dict[str, object]:
        row = dict.fromkeys(("feed", "digest", "position", "supersedes", "traceparent"), "")
        data = event_to_json(ResultRefused("r", "t", "hub", "why"))
        return {**row, "event_id": name, "type": "ResultRefused", "subject": "r", "occurred_at": NOW, "data": data}

    empty(emptied_database)
    store = connect_store(emptied_database)
    try:
        passing = tap.passing(store, sleep)
        with store.engine.connect() as slow:
            with ThreadPoolExecutor(1) as pool:
                first = pool.submit(next, passing)
                sleep(1.0)  # it looks from now on
                slow.execute(insert(outbox), event("late"))
                with store.engine.begin() as quick:
                    quick.execute(insert(outbox), event("early"))
                assert first.result(20).event_id == "early"
            slow.commit()
        assert next(passing).event_id == "late"
    finally:
        store.close_now()


def test_what_is_shown_is_codes_places_and_ids() -> None:
    free = {"why", "by", "hint", "claim", "note", "nhs_number", "family_name"}
    assert not free & set(tap.SHOWN)


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    with HubUp(tmp_path / "data"):
        words = [*HUB, "tap", "--data", str(tmp_path / "data")]
        with subprocess.Popen(words, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as watching:
            try:
                assert watching.stderr
                assert b"Ctrl-C" in watching.stderr.readline()
                watching.send_signal(signal.SIGINT)
                out, err = watching.communicate(timeout=20)
            finally:
                watching.kill()
    assert (watching.returncode, out, err) == (0, b"", b"")


# -- hub trace


def whats(moments: list[Moment]) -> list[str]:
    return [moment.what for moment in moments]


async def test_a_message_is_followed_from_the_bytes_to_the_letter(scene: Scene, say: Say) -> None:
    person, result = scene.person(), scene.result()
    raw = scene.message(person, result, control_id="TRACE1")
    await scene.send(raw)
    await scene.settle()
    await scene.send(raw)
    moments = scene.read(lambda tx: timeline(tx, 1))
    assert set(whats(moments)) >= {
        "received", "answered", "came again", "event", "on the conveyor", "matched", "record changed", "letter wished",
    }  # fmt: skip
    assert any("ResultReported" in moment.detail and "X0A final" in moment.detail for moment in moments)
    by_name = [say("trace", name, "--json") for name in ("TRACE1", "1", "1/1.1", result.slide_number)]
    assert len(set(by_name)) == 1
    assert say("trace", "--slide", result.slide_number, "--json") == by_name[0]
    assert not [secret for secret in secrets_of(person) if secret in by_name[0][1]]


async def test_what_waits_heals_and_is_refused_is_told(scene: Scene) -> None:
    _, healed = await told(scene, scene.person(), spoilt=True)
    row = scene.row(healed)
    (task,) = [one for one in scene.read(lambda tx: timeline(tx, row.journal_seq)) if one.what == "task opened"]
    assert "our-table" in task.detail and "has waited since" in task.detail
    scene.now += timedelta(hours=1)
    await apply(scene, knowing_the_code())
    moments = scene.read(lambda tx: timeline(tx, row.journal_seq))
    assert [one for one in moments if "supersedes" in one.detail]
    assert whats(moments)[-1] in (
        "matched",
        "letter wished",
        "record changed",
        "event",
        "on the conveyor",
        "handled",
        "task closed",
    )
    refused = await scene.report(misspelt(scene.person()), scene.result())
    scene.reject(refused)
    seq = scene.row(refused).journal_seq
    assert {"decision", "task closed"} <= set(whats(scene.read(lambda tx: timeline(tx, seq))))
    assert any("ResultRefused" in one.detail for one in scene.read(lambda tx: timeline(tx, seq)))


async def test_one_result_of_a_batch_and_its_confirmation(scene: Scene, say: Say) -> None:
    results = [scene.result() for _ in range(3)]
    both = batch("northmoor", [scene.message(scene.person(), one) for one in results], "B1", scene.now)
    await scene.send(both)
    await scene.settle()
    body = OutgoingRow("L1", "northmoor", "confirmation", "X26LAB", "WORKFLOW", b"", scene.now, journal_seq=1)
    scene.store.write_now(lambda tx: tx.outgoing.put(body))
    scene.store.write_now(lambda tx: tx.outgoing.settle("L1", "sent", scene.now + timedelta(minutes=1)))
    _, every = say("trace", "1", "--json")
    _, second = say("trace", "1/2.1", "--json")
    assert {one["position"] for one in json.loads(every)} == {"", "1.1", "2.1", "3.1"}
    assert {one["position"] for one in json.loads(second)} == {"", "2.1"}
    assert say("trace", results[1].slide_number, "--json")[1] == second
    assert {"confirmation wished", "confirmation sent"} <= {one["what"] for one in json.loads(second)}


async def test_a_correction_is_traced_with_its_slide(scene: Scene, say: Say) -> None:
    person, result = scene.person(), scene.result()
    await scene.report(person, result)
    await scene.report(person, replace(corrected(result, "39S")))
    _, said = say("trace", "--slide", result.slide_number, "--json")
    assert {one["number"] for one in json.loads(said)} == {1, 2}


async def test_a_number_that_was_replaced_leads_to_whoever_has_the_history(
    scene: Scene, say: Say, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone, kept = scene.person(), scene.person()
    scene.step(lambda step: merge(step, gone, kept, by="clerk", why="One person.") and None)
    for number in (gone.nhs_number, kept.nhs_number):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{number}\n"))
        code, said = say("trace", "--person")
        assert (code, said.splitlines()[0]) == (0, f"participant {kept.participant_id}")


async def test_whoever_is_another_workgroups_is_nobody(scene: Scene, say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    person = scene.person(workgroup=DEFENCE)
    for words, ends in (((), 1), (("--workgroup", DEFENCE), 0)):
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{person.nhs_number}\n"))
        assert say("trace", "--person", *words)[0] == ends
