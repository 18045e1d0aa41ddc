"""`hub simulate lab`: a seeded laboratory over real MLLP, against a hub that runs."""

from __future__ import annotations

import asyncio
import json
import signal
import sqlite3
import subprocess
from contextlib import closing
from datetime import date
from itertools import islice
from pathlib import Path
from time import monotonic, sleep

import pytest

from adapters import ADAPTERS
from adapters.simulators.laboratory import LABORATORIES
from adapters.simulators.people import synthetic_cohort
from adapters.simulators.sending import Away, NotAnswered, Sending, Tally, Timetable
from adapters.simulators.traffic import MISTAKES, REFUSED, RESEND, RIGHT, Planned, traffic
from hub.contract import Reading
from hub.errors import CannotRun
from tests.flow.scene import FEEDS
from tests.journeys.driving import HUB, HubUp, Inside, environment, hub, is_one_sentence

ON = date(2026, 3, 2)
PEOPLE = synthetic_cohort(200, 3)


def wait_for_messages(data: Path, count: int, seconds: float = 60.0) -> None:
    deadline = monotonic() + seconds
    with closing(sqlite3.connect(data / "hub.sqlite")) as store:
        while store.execute("SELECT count(*) FROM journal").fetchone()[0] < count:
            assert monotonic() < deadline, "too few came"
            sleep(0.05)


def read(feed: str, raw: bytes) -> Reading:
    adapter = ADAPTERS["hl7v2_oru"]
    reading = adapter.decode(adapter.open(raw), FEEDS.speaking("hl7v2_oru"), ON)
    assert reading.feed == feed
    return reading


@pytest.mark.parametrize("feed", LABORATORIES)
def test_the_same_seed_says_the_same(feed: str) -> None:
    one, same, other = ([*islice(traffic(feed, PEOPLE, seed, 0.2, ON), 50)] for seed in (5, 5, 6))
    assert one == same
    assert not {planned.raw for planned in one} & {planned.raw for planned in other}


@pytest.mark.parametrize("feed", LABORATORIES)
def test_what_is_right_is_taken_and_each_mistake_shows(feed: str) -> None:
    planned = [*islice(traffic(feed, PEOPLE, 1, 0.5, ON), 600)]
    assert {one.kind for one in planned} == {RIGHT, *MISTAKES}
    for one in planned:
        expected = "AE" if one.kind in REFUSED else "AA"
        if one.kind not in (RESEND, "unknown code"):  # a code in national codes that is none is a refusal of its own
            assert read(feed, one.raw).answer == expected, one.kind


def test_a_seeded_laboratory_sends_and_tells_what_came_back(tmp_path: Path) -> None:
    with HubUp(tmp_path / "data") as up:
        words = ("simulate", "lab", "--feed", "northmoor", "southwick", "--to", f"127.0.0.1:{up.mllp}", "--rate", "0")
        done = hub(*words, "--count", "120", "--errors", "30", "--connections", "3", "--json")
        assert done.code == 0, done.complained
        told = json.loads(done.said)
        assert told["answered"] == 120 == sum(told["answers"].values())
        assert told["by_kind"]["right"].keys() == {"AA"}
        assert all(told["by_kind"][kind].keys() == {"AE"} for kind in REFUSED)
        assert told["milliseconds"]["p50"] <= told["milliseconds"]["p95"] <= told["milliseconds"]["p99"]
        plain = hub(*words, "--count", "10", "--seed", "2")
        assert plain.code == 0 and "10 messages answered" in plain.said
        listed = json.loads(hub("journal", "list", "--all", "--json", "--data", tmp_path / "data").said)
        assert len(listed) >= 100


def test_it_goes_on_until_it_is_told_to_stop_and_keeps_its_rate(tmp_path: Path) -> None:
    with HubUp(tmp_path / "data") as up:
        words = [
            *HUB,
            "simulate",
            "lab",
            "--feed",
            "eastvale",
            "--rate",
            "20",
            "--json",
            "--to",
            f"127.0.0.1:{up.mllp}",
        ]
        with subprocess.Popen(words, env=environment({}), stdout=subprocess.PIPE, stderr=subprocess.PIPE) as sending:
            try:
                wait_for_messages(tmp_path / "data", 20)
                sending.send_signal(signal.SIGINT)
                out, _ = sending.communicate(timeout=30)
            finally:
                sending.kill()
        told = json.loads(out)
        assert sending.returncode == 0
        assert told["answered"] >= 20
        assert told["answered"] / told["seconds"] < 30


def test_it_sends_of_synthetic_people_only_and_says_what_is_wrong(tmp_path: Path, inside: Inside) -> None:
    heading = "nhs_number,family_name,given_names,date_of_birth\n"
    cohort = tmp_path / "cohort.csv"
    cohort.write_text(heading + "9434765919,Example,Ann,1990-01-01\n")
    words = ("simulate", "lab", "--to", "127.0.0.1:1", "--feed")
    for done, said in (
        (inside(*words, "northmoor", "--people", cohort), "synthetic people only"),
        (inside(*words, "nowhere"), "There is no feed 'nowhere'"),
        (inside(*words, "northmoor"), "Is the hub up there"),
    ):
        assert is_one_sentence(done), done
        assert said in done.complained


@pytest.mark.parametrize(
    "slip",
    [
        ("--count", -1),
        ("--count", 0),
        ("--connections", 0),
        ("--timeout", 0),
        ("--timeout", "nan"),
        ("--on", "0001-01-01"),
    ],
)
def test_what_would_send_nothing_or_wait_for_nothing_is_a_slip(inside: Inside, slip: tuple[str, object]) -> None:
    with pytest.raises(SystemExit, match="2"):
        inside("simulate", "lab", "--to", "127.0.0.1:1", "--feed", "northmoor", *slip)


class Deaf:
    """A hub that hears nothing so often, and then takes everything."""

    taken = frozenset({"AA"})

    def __init__(self, *silences: Exception) -> None:
        self.silences = [*silences]
        self.asked: list[str] = []

    async def send(self, message: Planned, request: str) -> str:
        self.asked.append(request)
        if self.silences:
            raise self.silences.pop(0)
        return "AA"

    async def close(self) -> None: ...


def sending(door: Deaf, count: int) -> Sending:
    messages = (("northmoor", Planned(b"", RIGHT)) for _ in range(count))
    return Sending(messages, {"northmoor": lambda: door}, Timetable(0), Tally(), asyncio.Event())


async def test_without_an_answer_the_same_is_sent_again_under_the_same_name() -> None:
    door = Deaf(NotAnswered(), NotAnswered(0.01))
    await (told := sending(door, 2)).all(1)
    assert (told.tally.unanswered, told.tally.by_code(), told.tally.refused) == (2, {"AA": 2}, 0)
    first, second, third, another = door.asked
    assert first == second == third != another


async def test_where_nobody_ever_was_nothing_is_waited_for() -> None:
    with pytest.raises(CannotRun, match="nobody there"):
        await sending(Deaf(Away("nobody there")), 1).all(2)
