"""`hub feeds`, `hub files` and `hub report` from the command line, for people and for programs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from hub.__main__ import main
from hub.domain.dates import day_in_england
from hub.flow.ports.files import FileRow
from hub.io.store import open_store
from tests.flow.conftest import quick_directory
from tests.flow.scene import Scene
from tests.golden_cases import FEEDS
from tests.journeys.driving import Finished, Inside, is_one_sentence

FUTURE = date(2100, 1, 1)


@pytest.fixture(scope="module")
def data(empty_file: Path) -> Iterator[Path]:
    """A store with two messages of today, one refused, and a file missing."""
    with quick_directory() as directory:
        (directory / "hub.sqlite").write_bytes(empty_file.read_bytes())
        asyncio.run(_fill(directory))
        yield directory


async def _fill(directory: Path) -> None:
    store = open_store(directory)
    scene = Scene(store)
    scene.now = datetime.now(UTC)
    for number, changes in enumerate(({}, {"test_on": FUTURE})):
        result = scene.result(slide_number=f"2600000{number + 1}", **changes)
        await scene.send(scene.message(scene.person(), result, control_id=f"CTRL{number}"))
    for seq, sequence in ((1, 7), (2, 9)):
        row = FileRow(seq, "northmoor", f"file {sequence}", sequence, "read", scene.now)
        store.write_now(lambda tx, row=row: tx.files.put(row))
    await store.close()


@pytest.fixture
def today(data: Path) -> date:
    """The day on which the messages came."""
    store = open_store(data)
    try:
        return day_in_england(store.read_now(lambda tx: tx.journal.newest(1))[0].arrival.received_at)
    finally:
        store.close_now()


@pytest.fixture
def ask(capfd: pytest.CaptureFixture[str], data: Path) -> Inside:
    def ask(*words: object) -> Finished:
        said = (*map(str, words), "--data", str(data))
        code = main(list(said))
        out, err = capfd.readouterr()
        return Finished(said, code, out.encode(), err.encode())

    return ask


def test_every_feed_on_a_line(ask: Inside) -> None:
    done = ask("feeds")
    assert [line.split()[0] for line in done.said.splitlines()[2 : 2 + len(FEEDS)]] == sorted(FEEDS.by_id)
    states = {state["feed"]: state for state in json.loads(ask("feeds", "--json").out)}
    assert states["northmoor"]["week"] == {"AA": 1, "AE": 1}
    assert states["southwick"]["last_at"] is None


def test_one_feed_in_detail(ask: Inside) -> None:
    done = ask("feeds", "northmoor")
    assert "7 days               1 AA, 1 AE" in done.said
    assert json.loads(ask("feeds", "northmoor", "--json").out)["week"] == {"AA": 1, "AE": 1}
    assert is_one_sentence(ask("feeds", "nowhere"))


def test_a_missing_file_from_found_to_resolved(ask: Inside) -> None:
    done = ask("files", "list", "northmoor")
    assert done.code == 1
    assert "possible missing file, number 8" in done.said
    fault = json.loads(ask("files", "list", "northmoor", "--json").out)["faults"][0]["fault_id"][:8]
    assert is_one_sentence(ask("files", "resolve", fault, "--by", "r.patel"))
    assert ask("files", "inform", fault, "--who", "S. Lane", "--by", "r.patel", "--text", "by phone").code == 0
    assert (
        json.loads(ask("files", "note", fault, "--by", "r.patel", "--text", "they look", "--json").out)["state"]
        == "informed"
    )
    assert ask("files", "resolve", fault, "--by", "r.patel", "--text", "never made").code == 0
    shown = ask("files", "show", fault)
    assert [line.split()[2] for line in shown.said.splitlines()[2:]] == ["found", "informed", "noted", "resolved"]
    assert [one["what"] for one in json.loads(ask("files", "show", fault, "--json").out)["diary"]][-1] == "resolved"
    assert ask("files", "list", "northmoor").code == 0


def test_a_missing_file_is_added_by_hand(ask: Inside) -> None:
    yesterday = "2026-01-01"
    done = ask("files", "add", "southwick", "--name", "Monday", "--due", yesterday, "--by", "r.patel")
    assert (done.code, "Monday, due 2026-01-01, open" in done.said) == (0, True)
    assert is_one_sentence(ask("files", "add", "nowhere", "--due", yesterday, "--by", "r.patel"))
    assert is_one_sentence(ask("files", "show", "zzzz"))


def test_the_week_of_a_laboratory(ask: Inside, today: date) -> None:
    done = ask("report", "laboratory", "--feed", "northmoor", "--week", today)
    assert "1 x test-date-in-future" in done.said
    assert "refused                        50.0 %" in done.said
    assert json.loads(ask("report", "laboratory", "--feed", "northmoor", "--week", today, "--json").out)["met"] is None
    assert is_one_sentence(ask("report", "laboratory", "--feed", "northmoor", "--week", "soon"))


def test_two_lists_of_a_day(ask: Inside, today: date, tmp_path: Path) -> None:
    ours = ask("report", "reconciliation", "--feed", "northmoor", "--on", today)
    assert (ours.code, ours.said.splitlines()[1]) == (0, "26000001,taken,,")
    theirs = tmp_path / "theirs.csv"
    theirs.write_text("slide\n26000002\n26000003\n")
    found = ask("report", "reconciliation", "--feed", "northmoor", "--on", today, "--list", theirs)
    assert found.code == 1
    assert "their list    2 = 0 in both + 2 missing here" in found.said
    assert "missing here   26000002  refused test-date-in-future" in found.said
    assert "missing here   26000003  never came" in found.said
    assert "missing there  26000001" in found.said
    theirs.write_text("26000001\n")
    assert ask("report", "reconciliation", "--feed", "northmoor", "--on", today, "--list", theirs).code == 0
    theirs.write_bytes(b"\xff\xfe\x00")
    assert is_one_sentence(ask("report", "reconciliation", "--feed", "northmoor", "--on", today, "--list", theirs))
    assert is_one_sentence(ask("report", "reconciliation", "--feed", "northmoor", "--list", tmp_path / "none"))


def test_what_is_no_list_of_slides_is_said(ask: Inside, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("2" * 200_000)
    done = ask("report", "reconciliation", "--feed", "northmoor", "--list", tmp_path / "list.csv")
    assert is_one_sentence(done), done
    assert "no list of slide numbers" in done.complained


@pytest.mark.parametrize(
    "words",
    [
        ("replay", "--limit", -1),
        ("replay", "--limit", 0),
        ("files", "list", "northmoor", "--limit", -1),
        ("tasks", "list", "--limit", "\N{SUPERSCRIPT TWO}"),
        ("journal", "list", "--limit", 0),
        ("refusals", "--limit", -1),
        ("tap", "--once", 0),
        ("refusals", "--after", "9" * 23),
        ("report", "reconciliation", "--feed", "northmoor", "--on", "0001-01-01"),
        ("files", "inform", "5f0c", "--who", "S", "--by", "x", "--on", "9999-12-31"),
        ("coverage", "--since", "yesterday"),
    ],
)
def test_a_number_or_day_that_cannot_be_meant_is_a_slip(ask: Inside, words: tuple[object, ...]) -> None:
    with pytest.raises(SystemExit, match="2"):
        ask(*words)


def test_a_feed_that_there_is_not_is_not_waited_for(ask: Inside) -> None:
    done = ask("tap", "--feed", "nowhere")
    assert is_one_sentence(done), done
    assert "There is no feed 'nowhere'" in done.complained
