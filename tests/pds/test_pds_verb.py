"""`hub pds`, the settings of PDS, and how its absence shows: the real command line against the simulator."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from adapters.simulators.pds import Fault, PdsSimulator
from adapters.simulators.pds_people import special_people
from hub.app import running
from hub.config import Settings
from hub.domain.demographics import WhoHas
from hub.errors import CannotRun
from hub.io.nhs_api import ApiAway
from tests.journeys.driving import Finished, hub, is_one_sentence

PEOPLE = special_people()
Connected = dict[str, str]


@pytest.fixture
def connected(pds: PdsSimulator, keys: tuple[Path, bytes], data: Path) -> Connected:
    """The settings of a hub that asks the simulator."""
    return {
        "HUB_DATA": str(data),
        "HUB_PDS_URL": pds.url,
        "HUB_PDS_TOKEN_URL": pds.token_url,
        "HUB_PDS_CLIENT": pds.client,
        "HUB_PDS_KID": pds.kid,
        "HUB_PDS_KEY": str(keys[0]),
        "HUB_PDS_SECONDS": "5",
    }


async def told(settings: Connected, *words: str, given: str = "") -> Finished:
    return await asyncio.to_thread(hub, "pds", *words, given=given.encode(), settings=settings)


async def test_an_operator_asks_by_number_and_the_question_is_audited(connected: Connected) -> None:
    person = PEOPLE["married"].person
    done = await told(connected, "ask", given=f"{person.nhs_number[:3]} {person.nhs_number[3:]}\n")
    assert done.code == 0 and person.family_name in done.said and "Oakenshaw" in done.said
    assert "pds_asked_by_hand" in done.complained and "WhoHas" in done.complained and "Found" in done.complained
    for secret in (person.nhs_number, person.family_name):
        assert secret not in done.complained


async def test_an_operator_asks_by_claim_and_reads_json(connected: Connected) -> None:
    person = PEOPLE["ordinary"].person
    claim = f"{person.family_name}\n{person.given_names[0]}\n{person.date_of_birth}\n{person.postcode}\n"
    done = await told(connected, "ask", "--claim", "--json", given=claim)
    found = json.loads(done.out)
    assert (done.code, found["answer"], found["nhs_number"]) == (0, "found", person.nhs_number)
    wrong = await told(connected, "ask", "--claim", given="Ash\n\n3 March\n\n")
    assert is_one_sentence(wrong) and "yyyy-mm-dd" in wrong.complained


@pytest.mark.parametrize(
    ("case", "code", "words"),
    [
        ("superseded", 0, ("superseded",)),
        ("restricted", 0, ("withheld",)),
        ("died, informally", 0, ("informal 2025-12-28",)),
        ("removed: SCT", 0, ("SCT 2025-11-03",)),
        ("invalidated", 1, ("no longer anybody's",)),
    ],
)
async def test_special_cases_are_shown(connected: Connected, case: str, code: int, words: tuple[str, ...]) -> None:
    done = await told(connected, "ask", given=PEOPLE[case].person.nhs_number)
    assert done.code == code and all(word in done.said for word in words), done.said


async def test_what_is_no_number_is_refused_without_asking(connected: Connected, pds: PdsSimulator) -> None:
    done = await told(connected, "ask", "--json", given="9990000001\n")
    assert done.code == 1 and json.loads(done.out)["code"] == "invalid-nhs-number" and pds.seen == []


async def test_a_pds_that_is_away_is_one_sentence(connected: Connected, pds: PdsSimulator) -> None:
    pds.faults.extend([Fault(503, "SERVICE_UNAVAILABLE", after="60")])
    done = await told(connected, "ask", given=PEOPLE["ordinary"].person.nhs_number)
    lines = done.complained.splitlines()
    assert done.code == 2 and lines[-1].startswith("hub pds: PDS does not answer just now.")
    assert "SERVICE_UNAVAILABLE" in lines[-1] and "pds_asked_by_hand" in done.complained


async def test_check_proves_the_connection_and_asks_about_nobody(connected: Connected, pds: PdsSimulator) -> None:
    done = await told(connected, "check")
    assert (done.code, done.said.count("✓"), done.said.count("✗")) == (0, 3, 0), done.said
    assert not {person.person.nhs_number for person in PEOPLE.values()} & {seen.path[-10:] for seen in pds.seen}


@pytest.mark.parametrize(
    ("wrong", "what", "says"),
    [
        ({"HUB_PDS_KID": "other"}, "token", "kid"),
        ({"HUB_PDS_TOKEN_URL": "http://127.0.0.1:9/token"}, "token", "HUB_PDS_TOKEN_URL"),
        ({"HUB_PDS_URL": "http://127.0.0.1:9/FHIR"}, "pds", "no-connection"),
    ],
)
async def test_check_says_what_is_wrong(connected: Connected, wrong: Connected, what: str, says: str) -> None:
    done = await told(connected | wrong, "check", "--json")
    report: dict[str, Any] = json.loads(done.out)
    bad = [finding for finding in report["findings"] if not finding["well"]]
    assert done.code == 1 and not report["well"]
    assert [finding["what"] for finding in bad] == [what] and says in bad[0]["says"]


async def test_check_sees_that_the_address_is_not_that_of_pds(connected: Connected, pds: PdsSimulator) -> None:
    done = await told(connected | {"HUB_PDS_URL": pds.base}, "check")
    assert done.code == 1 and "http-404" in done.said


def test_without_settings_there_is_no_pds(tmp_path: Path) -> None:
    for words in (("check",), ("ask",)):
        done = hub("pds", *words, "--data", tmp_path)
        assert is_one_sentence(done) and "HUB_PDS_URL" in done.complained


# -- settings


def test_half_of_pds_is_refused_by_name() -> None:
    with pytest.raises(CannotRun, match="HUB_PDS_CLIENT and HUB_PDS_KID and HUB_PDS_KEY"):
        Settings.from_environment(
            {"HUB_PDS_URL": "https://a.example/R4", "HUB_PDS_TOKEN_URL": "https://a.example/token"}
        )


@pytest.mark.parametrize(
    "address", ["http://api.example.org/R4", "ftp://a.example", "https://u:p@a.example/", "https://a.example/?x=1", "x"]
)
def test_a_token_does_not_travel_readable(address: str) -> None:
    with pytest.raises(CannotRun, match="HUB_PDS_URL has an unfit value") as refused:
        Settings.from_environment({"HUB_PDS_URL": address})
    assert address not in str(refused.value).split()


@pytest.mark.parametrize("text", ["0", "-1", "many", "1001"])
def test_a_rate_is_a_number(text: str) -> None:
    with pytest.raises(CannotRun, match="HUB_PDS_PER_SECOND"):
        Settings.from_environment({"HUB_PDS_PER_SECOND": text})


def test_who_we_are_is_not_shown() -> None:
    assert "our-api-key" not in repr(Settings(pds_client="our-api-key"))


# -- readiness


async def test_a_pds_that_is_away_shows_itself_and_makes_nobody_unready(
    connected: Connected, pds: PdsSimulator
) -> None:
    settings = {**connected, "HUB_HTTP_PORT": "0", "HUB_MLLP_PORT": "0", "HUB_PDS_PER_SECOND": "1000"}
    async with running(Settings.from_environment(settings)) as up:
        assert up.pds is not None
        assert await ready(up.http_port) == (200, {"status": "ready", "away": {}})
        pds.faults.extend([Fault(503)] * 50)
        while not await up.pds.away():  # how many questions that takes, the uneven rests decide
            with pytest.raises(ApiAway):
                await up.pds.ask(WhoHas(PEOPLE["ordinary"].person.nhs_number))
        assert await ready(up.http_port) == (200, {"status": "ready", "away": {}, "without": {"pds": "circuit-open"}})
    async with running(Settings.from_environment(settings), ("intake",)) as intake:
        assert intake.pds is None and await ready(intake.http_port) == (200, {"status": "ready", "away": {}})


async def ready(port: int) -> tuple[int, dict[str, Any]]:
    def get() -> tuple[int, dict[str, Any]]:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=10) as answer:  # our own hub
            return answer.status, json.loads(answer.read())

    return await asyncio.to_thread(get)
