"""`hub demo` as somebody runs it on the first day: what it says, and that it says nothing about anybody."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hub.demo.story import STRANGER, Story, story
from tests.journeys.driving import Finished, HubUp, Wire, hub, write_cohort
from tests.journeys.leaks import leaks

KEYS = ("sent", "answers", "stored", "duplicates", "rejected", "matched", "parked", "letters", "lost")
RESULTS = 120
SERVERS = {"HUB_DATABASE_URL": "postgresql://127.0.0.1:1/real", "HUB_AMQP_URL": "amqp://127.0.0.1:1/"}
"""Of a hub that really runs: the demo must not go near them."""
SEED = 3


@pytest.fixture(scope="module")
def told() -> Story:
    """The story of the same seed: the people and messages that the demo below has."""
    return story(datetime.now(UTC), SEED, RESULTS)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "data"


@pytest.fixture(scope="module")
def demo(data: Path) -> Finished:
    words = ("demo", "--once", "--json", "--data", data, "--results", RESULTS, "--seed", SEED)
    return hub(*words, settings={"HUB_LOG": "debug", "HUB_LOG_FORMAT": "json"})


def test_the_demo_tells_all_in_one_json_object(demo: Finished, told: Story) -> None:
    assert demo.code == 0, demo.said + demo.complained
    summary = json.loads(demo.said)
    assert set(KEYS) <= set(summary)
    sendings = [sending for case in (*told.cases, *told.ordinary) for sending in case.sendings]
    assert summary["sent"] == len(sendings) == sum(summary["answers"].values())
    assert summary["answers"] == {
        code: sum(sending.answer == code for sending in sendings) for code in ("AA", "AE", "AR")
    }
    assert summary["lost"] == 0 and summary["wrong"] == []
    assert summary["stored"] + summary["duplicates"] == summary["sent"] and summary["duplicates"] == 1
    assert sum(summary["rejected"].values()) == sum(sending.answer != "AA" for sending in sendings)
    ends = [end for sending in sendings for end in sending.ends]
    parked = {end: ends.count(end) for end in set(ends) - {"recorded", "superseded"}}
    assert summary["parked"] == parked
    assert all(summary["letters"].values())


def test_every_result_of_the_demo_is_accounted_for(demo: Finished, data: Path) -> None:
    done = hub("report", "letters", "--json", "--data", data)
    assert done.code == 0, done.said + done.complained
    account, summary = json.loads(done.said), json.loads(demo.said)
    assert account["adds_up"] and account["received"] == sum(account["places"].values()) > RESULTS
    assert account["places"]["letter"] == sum(summary["letters"].values())
    assert account["places"]["awaiting"] == 0


def test_every_letter_is_delivered_but_one_which_is_somebodys_task(demo: Finished, data: Path) -> None:
    summary = json.loads(demo.said)
    assert summary["told"] == {"delivered": sum(summary["letters"].values()) - 1, "failed": 1}
    done = hub("report", "communications", "--json", "--data", data)
    report = json.loads(done.said)
    assert (done.code, report["silent"], report["held"], report["strangers"]) == (0, [], [], 0)
    assert sum(line["many"] for line in report["lines"] if line["state"] == "delivered") == summary["told"]["delivered"]
    (failed,) = json.loads(hub("communications", "list", "--json", "--data", data).said)
    shown = json.loads(hub("communications", "show", failed["reference"][:8], "--json", "--data", data).said)
    assert (shown["state"], shown["why"], shown["decisions"]) == ("failed", "MFR_PDSV_0008", [])
    settle = ("communications", "settle", failed["reference"][:8], "--why", "practice told her", "--data", data)
    assert hub(*settle).code == 0


def test_nobody_of_the_demo_waits_silently(demo: Finished, data: Path) -> None:
    done = hub("report", "failsafe", "--json", "--data", data)
    assert done.code == 0, done.said + done.complained
    told = json.loads(done.said)
    assert told["holds"] and told["places"]["task"] and told["places"]["suspended"] and told["silent"] == []


def test_every_case_of_the_issue_is_told(told: Story) -> None:
    """Nobody quietly drops a case: the reasons and notes that the scenario must show are all there."""
    sendings = [sending for case in told.cases for sending in case.sendings]
    shown = {end for sending in sendings for end in sending.ends} | {sending.reason for sending in sendings}
    assert shown >= {
        "duplicate-slide",
        "unsure",
        "unknown",
        "our-table",
        "second-inadequate",
        "third-hpv-positive",
        "invalid-return-to-routine",
        "repeat-months",
        "missing-slide-number",
        "invalid-date",
        "invalid-combination",
        "unreadable",
        "unknown-sender",
        "type-not-taken",
    }
    assert {"charset=cp1252", "line-ends=LF"} <= {sending.note for sending in sendings}
    assert any(len(sending.ends) == 3 for sending in sendings), "a batch"
    assert {json.loads(case.heard)["type"] for case in told.cases if case.heard} == {
        "pds-death-notification-2",
        "nhs-number-change-2",
    }
    cohort = {person.nhs_number for person in told.participants}
    assert [each for each in told.registered if each.person.nhs_number not in cohort], "whom only PDS knows"


def test_without_json_it_shows_the_cases_and_where_to_look_further(tmp_path: Path, told: Story) -> None:
    done = hub("demo", "--once", "--data", tmp_path / "data", "--results", 20, "--seed", SEED)
    assert done.code == 0, done.said + done.complained
    assert "Nothing lost; every case ended where it should." in done.said
    assert all(case.name.split(":")[0] in done.said for case in told.cases), "every case has its line"
    commands = re.findall(r"hub (tasks list|journal list) (--data \S+)", done.said)
    assert len(commands) == 2
    for verb, data in commands:
        assert hub(*verb.split(), *data.split()).code == 0, "the commands it names work"
    assert _leaks(done.said + done.complained, told) == []


def test_the_demo_never_clears_what_it_did_not_make(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")
    done = hub("demo", "--once", "--json", "--data", tmp_path, "--results", 1, settings=SERVERS)
    assert done.code == 2 and "--data" in done.complained
    assert (tmp_path / "mine.txt").read_text() == "precious"


def test_nobody_is_named_in_what_the_demo_says_or_logs(demo: Finished, told: Story) -> None:
    """HUB_LOG=debug, the loudest it can be."""
    assert b'"level": "debug"' in demo.err, "the log is there to be looked at"
    assert _leaks(demo.said, told) == []
    assert _leaks(demo.complained, told) == []


async def test_nobody_is_named_by_a_running_hub(tmp_path: Path, told: Story) -> None:
    """The same messages sent to `hub up`: its log, its standard output, /metrics, /ready and /health, whatever the
    doors are told, and what is said of a message that is refused."""
    settings = {"HUB_LOG": "debug", "HUB_LOG_FORMAT": "json"}
    data = tmp_path / "data"
    cohort = await asyncio.to_thread(
        hub, "cohort", "import", write_cohort(tmp_path / "c.csv", told.participants), "--data", data
    )
    assert cohort.code == 0
    with HubUp(data, settings=settings) as running:
        async with Wire(running.mllp) as wire:
            sendings = [sending for case in told.cases for sending in case.sendings]
            answers = [(await wire.ask(sending.raw)).raw.decode("latin-1") for sending in sendings]
            await wire.write(b"\x0b" + told.cases[0].sendings[0].raw[:200])  # a frame that will never end
        said = [await asyncio.to_thread(_get, f"{running.url}/{page}") for page in ("metrics", "ready", "health")]
        assert await asyncio.to_thread(running.terminate) == 0
    log = running.log.read_text()
    assert '"event": "message_answered"' in log and "hub_messages_received_total" in said[0]
    for text in (log, "".join(running.said), *said, *answers):
        assert _leaks(text, told) == []


def test_the_search_for_leaks_finds_what_leaks(told: Story) -> None:
    person = next(person for person in told.participants if person.postcode)
    born = person.date_of_birth
    number = person.nhs_number
    for leak in (
        number,
        f"{number[:3]} {number[3:6]} {number[6:]}",
        f"{person.family_name}, {person.given_names[0]}",
        f"{person.given_names[0]} {person.family_name}".upper(),
        f"{person.family_name}^{person.given_names[0]}",
        f"{born:%Y%m%d}",
        f"{born:%Y-%m-%d}",
        f"{born:%d/%m/%Y}",
        f"datetime.date({born.year}, {born.month}, {born.day})",
        person.postcode or "",
        person.address_lines[0],
    ):
        assert _leaks(f'{{"event": "our_fault", "what": "{leak}"}}', told), leak
    assert _leaks("26010017 2026-11-21T01:31:51.458976Z northmoor 69001", told) == []


def _leaks(text: str, told: Story) -> list[str]:
    return leaks(text, [*told.participants, *(each.person for each in told.registered), STRANGER])


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # our own hub on this machine
        text: str = answer.read().decode()
        return text
