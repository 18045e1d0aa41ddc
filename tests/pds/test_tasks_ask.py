"""`hub tasks ask` and `hub pds status`: the real command line against the simulator, beside a hub at work."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from adapters.pds_events import read_events
from adapters.simulators.pds import Fault, PdsSimulator
from adapters.simulators.pds_people import Registered
from hub.domain.people import Participant
from hub.flow.hearing import FEED, Hearing
from hub.flow.ports.questions import Kind
from hub.io.store import SqlStore
from tests.flow.scene import Scene, misspelt
from tests.journeys.driving import Finished, hub, is_one_sentence

Connected = dict[str, str]


@pytest.fixture
def connected(pds: PdsSimulator, keys: tuple[Path, bytes], data: Path) -> Connected:
    return {
        "HUB_DATA": str(data),
        "HUB_PDS_URL": pds.url,
        "HUB_PDS_TOKEN_URL": pds.token_url,
        "HUB_PDS_CLIENT": pds.client,
        "HUB_PDS_KID": pds.kid,
        "HUB_PDS_KEY": str(keys[0]),
        "HUB_PDS_SECONDS": "5",
    }


async def told(settings: Connected, *words: str) -> Finished:
    return await asyncio.to_thread(hub, *words, settings=settings)


def registered(scene: Scene, pds: PdsSimulator) -> Participant:
    """Somebody whom PDS knows, and the cohort does not."""
    person = replace(scene.stranger(), date_of_birth=date(1990, 5, 17))
    pds.people = [Registered(person)]
    return person


async def test_a_clerk_asks_and_whom_pds_finds_is_a_candidate(
    connected: Connected, store: SqlStore, pds: PdsSimulator
) -> None:
    scene = Scene(store)
    person = registered(scene, pds)
    result_id = await scene.report(misspelt(person), scene.result())
    await scene.stop_worker()
    task_id = scene.task_of(result_id).task_id
    done = await told(connected, "tasks", "ask", task_id[:8], "--by", "r.patel", "--json")
    assert done.code == 0, done.complained
    answer = json.loads(done.out)
    assert (answer["state"], len(answer["candidates"])) == ("open", 1)
    assert "the claim does not agree" in answer["said"]
    (question,) = scene.read(lambda tx: tx.questions.about(task_id))
    assert (question.kind, question.by, question.state, question.outcome) == (Kind.CLERK, "r.patel", "settled", "Found")
    assert person.nhs_number not in done.complained + done.said + question.why
    traced = await told(connected, "trace", result_id)
    assert "PDS was asked" in traced.said
    assert "Found (by r.patel)" in traced.said


async def test_a_question_without_answer_is_kept_too(connected: Connected, store: SqlStore, pds: PdsSimulator) -> None:
    scene = Scene(store)
    result_id = await scene.report(registered(scene, pds), scene.result())
    await scene.stop_worker()
    task_id = scene.task_of(result_id).task_id
    pds.faults.append(Fault(503, "SERVICE_UNAVAILABLE", after="60"))
    away = await told(connected, "tasks", "ask", task_id, "--by", "r.patel")
    assert is_one_sentence(away)
    assert away.code == 2
    (question,) = scene.read(lambda tx: tx.questions.about(task_id))
    assert (question.by, question.outcome, question.why) == ("r.patel", "not-answered", "SERVICE_UNAVAILABLE")
    done = await told(connected, "tasks", "ask", task_id, "--by", "r.patel")
    assert "The task is closed now: settled." in done.said
    without = await told({"HUB_DATA": connected["HUB_DATA"]}, "tasks", "ask", task_id)
    assert is_one_sentence(without)
    assert "HUB_PDS_URL" in without.complained


async def test_what_waits_is_shown_with_its_age(connected: Connected, store: SqlStore, pds: PdsSimulator) -> None:
    scene = Scene(store)
    scene.context = replace(scene.context, asks_pds=True)
    result_id = await scene.report(registered(scene, pds), scene.result())
    await scene.stop_worker()
    status = json.loads((await told(connected, "pds", "status", "--json")).out)
    assert status["questions"]["claim"] == {"waiting": 1, "oldest_at": scene.now.isoformat()}
    listed = await told(connected, "tasks", "list")
    assert "asking PDS for" in listed.said
    traced = await told(connected, "trace", result_id)
    assert "PDS is asked" in traced.said
    plain = await told(connected, "pds", "status")
    assert "results that fit nobody" in plain.said
    assert "At most 5 requests a second" in plain.said


async def test_a_message_with_events_is_written_down_and_each_person_is_one_question(store: SqlStore) -> None:
    scene = Scene(store)
    person = scene.person()
    hearing = Hearing(read_events, store, lambda: scene.now)
    event = {"specversion": "1.0", "id": "e", "type": "pds-record-change-2", "subject": person.nhs_number}
    raw = "\n".join(json.dumps({**event, "id": f"e{number}"}) for number in range(1000)).encode()
    await hearing.take(raw, "mesh", "X26HC001")
    scene.now += timedelta(hours=1)
    await hearing.take(raw, "mesh", "X26HC001")
    (entry,) = scene.read(lambda tx: tx.journal.newest(10))
    assert (entry.feed, entry.state, entry.repeats, entry.results) == (FEED, "acknowledgement", 1, 0)
    assert "events=1000" in entry.notes
    assert scene.read(lambda tx: tx.questions.backlog())["person"].waiting == 1
