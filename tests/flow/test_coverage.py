"""What messages say that their table never reads, and the codes it lacks today: counted, and nobody named."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from adapters import ADAPTERS
from hub.__main__ import main
from hub.flow.coverage import Coverage, as_told, codes_beside
from hub.io.store import open_store
from hub.mapping import FeedTables
from hub.verbs.coverage import _last_before, as_json
from tests.flow.conftest import quick_directory
from tests.flow.scene import MLLP, NOW, Scene
from tests.golden_cases import FEEDS, GOLDEN
from tests.journeys.driving import Finished

ROUTINE = (GOLDEN / "northmoor" / "HPV negative, routine recall.hl7").read_bytes()
SOUTHWICK = next(path for path in sorted((GOLDEN / "southwick").glob("HPV negative*.hl7"))).read_bytes()
NEW_CODE = SOUTHWICK.replace(b"HPVNEG", b"HPVLOW")
ADAPTER = ADAPTERS["hl7v2_oru"]


def coverage(feed: str, *messages: bytes, tables: FeedTables = FEEDS) -> Coverage:
    covered = Coverage(feed)
    for raw in messages:
        covered.look_at(ADAPTER, raw, tables.of(feed))
    return covered


def test_texts_that_no_fact_reads_are_counted_by_their_place() -> None:
    loads = (b"OBX|7|ST|RAW^Viral load||17||||||F", b"OBX|8|ST|RAW^Viral load||18||||||F")
    more = ROUTINE + b"\r".join([b"NTE|1|L|Rang the surgery", *loads, b""])
    plain, told = coverage("northmoor", ROUTINE), coverage("northmoor", more, more)
    extra = told.unread - plain.unread
    assert (told.messages, extra["NTE-3.1"], extra["OBX-5.1"]) == (2, 2, 4)
    assert told.unread_codes == {("OBX-3.1", "RAW"): 2}
    assert not any(place.startswith(("MSH", "PID-5", "PID-7", "OBR-22")) for place in told.unread)


def test_a_code_that_the_table_lacks_is_counted_with_its_fact() -> None:
    assert NEW_CODE != SOUTHWICK and not coverage("southwick", SOUTHWICK).unmapped
    told = coverage("southwick", NEW_CODE, NEW_CODE, SOUTHWICK)
    assert told.unmapped == {("infection_code", "OBX-5.1", "HPVLOW"): 2}
    assert as_json(told)["unmapped"] == [
        {"fact": "infection_code", "place": "OBX-5.1", "code": "HPVLOW", "is_shape": False, "times": 2}
    ]
    (once,) = as_json(coverage("southwick", NEW_CODE))["unmapped"]
    assert (once["code"], once["is_shape"]) == ("AAAAAA", True), "or an engineer would write it into the table"


@pytest.mark.parametrize(
    ("code", "times", "told"),
    [
        ("HPVLOW", 2, "HPVLOW"),
        ("HPVLOW", 1, "AAAAAA"),
        ("Dilys Sampleton", 9, "Aaaaa Aaaaaaaaa"),
        ("9990001375", 9, "9999999999"),
        ("T19710202", 9, "A99999999"),
        ("LONGER-THAN-ANY-CODE", 9, "AAAAAA-AAAA-AAA-AAAA"),
    ],
)
def test_of_values_only_codes_are_told(code: str, times: int, told: str) -> None:
    assert as_told(code, times) == told


def test_a_table_that_reads_less_leaves_more_unread() -> None:
    table = FEEDS.by_id["northmoor"]
    less = msgspec.structs.replace(table, facts=msgspec.structs.replace(table.facts, source_type=None))
    assert coverage("northmoor", ROUTINE, tables=FeedTables((less,))).unread["OBR-15.1"] == 1
    opened = ADAPTER.open(ROUTINE)
    assert codes_beside(ADAPTER, opened, FEEDS.find, less) == codes_beside(ADAPTER, opened, FEEDS.find, table)


@pytest.fixture
def data(empty_file: Path) -> Iterator[Path]:
    with quick_directory() as directory:
        (directory / "hub.sqlite").write_bytes(empty_file.read_bytes())
        yield directory


async def fill(data: Path) -> None:
    store = open_store(data)
    try:
        scene = Scene(store)
        for day in range(4):
            scene.now = NOW + timedelta(days=day)
            for number in range(2):
                name = f"SO{day}{number}".encode()
                await scene.intake.take(NEW_CODE.replace(b"|ORU^R01|", b"|ORU^R01|" + name), MLLP)
                await scene.intake.take(ROUTINE.replace(b"NO000001", name), MLLP)
        assert _last_before(store, NOW) == 0
    finally:
        store.close_now()


@pytest.mark.parametrize("page", [2, 500])
async def test_the_journal_is_looked_through(
    page: int, data: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hub.verbs.coverage.PAGE", page)
    await fill(data)

    def ask(*words: str) -> Finished:
        code = main(["coverage", *words, "--data", str(data)])
        out, err = capfd.readouterr()
        return Finished(words, code, out.encode(), err.encode())

    since = str((NOW + timedelta(days=2)).date())
    told = ask("--since", since, "--json")
    feeds = {one["feed"]: one for one in json.loads(told.out)}
    assert told.code == 1 and {feed: one["messages"] for feed, one in feeds.items()} == {"southwick": 4, "northmoor": 4}
    assert feeds["southwick"]["unmapped"][0] | {"times": 4} == {
        "fact": "infection_code", "place": "OBX-5.1", "code": "HPVLOW", "is_shape": False, "times": 4,
    }  # fmt: skip
    one = ask("--since", since, "--feed", "northmoor")
    assert one.code == 0 and "northmoor: 4 messages" in one.said and "southwick" not in one.said
    assert "Every code is in our table." in one.said and "Sampleton" not in one.said
    assert "not in our table: HPVLOW at OBX-5.1 (infection_code), 8 times" in ask("--since", str(NOW.date())).said
    assert ask("--since", "2030-01-01").code == 0
    assert ask("--feed", "nobody").code == 2
