"""A wrong table is refused with the file, the line, the key and what to do; a right one loads."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from adapters import ADAPTERS
from hub.errors import Reason, Reject
from hub.mapping import FeedTables, TableProblem, check_tables, load_feeds
from hub.mapping.check import NATIONAL, OF_DISCHARGES, OF_RESULTS
from hub.mapping.forms import read_date, read_number, read_time
from hub.mapping.schema import feeds_schema
from tests.golden_cases import CASES, FEEDS, ROOT

TABLES = ROOT / "mappings" / "feeds"
LONDON = ZoneInfo("Europe/London")
Place = Callable[[str, str], Path]


@pytest.fixture
def northmoor(tmp_path: Path) -> Place:
    """Puts northmoor's table into a directory of its own, one text of it replaced by another."""

    def put(old: str, new: str) -> Path:
        text = (TABLES / "northmoor.toml").read_text(encoding="utf-8")
        assert old in text
        (tmp_path / "northmoor.toml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return put


def line_of(directory: Path, text: str) -> int:
    lines = (directory / "northmoor.toml").read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def test_our_tables_are_right() -> None:
    assert check_tables(TABLES, ADAPTERS) == []
    assert len(load_feeds(TABLES)) >= 3


def test_the_schema_is_fresh_and_every_table_names_it() -> None:
    assert (ROOT / "mappings" / "feeds.schema.json").read_text(encoding="utf-8") == feeds_schema()
    schema = json.loads(feeds_schema())
    assert all(
        "description" in field for field in schema["$defs"]["FeedTable"]["properties"].values() if "type" in field
    )
    for path in TABLES.glob("*.toml"):
        assert path.read_text(encoding="utf-8").startswith("#:schema ../feeds.schema.json\n")


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('place = "OBR-7"', 'plcae = "OBR-7"', "facts.test_on.plcae", "Did you mean `place`?"),
        ("[facts.slide_number]", "[facts.slidenumber]", "facts.slidenumber", "Did you mean `slide_number`?"),
        ('status = "live"', 'stauts = "live"', "stauts", "Did you mean `status`?"),
        ('status = "live"', 'status = "on"', "status", "Invalid enum value"),
        ('code = "69001"', 'code = "6900"', "laboratory.code", "matching regex"),
        ('facility = "NORTHMOOR"', "facility = 7", "sender.facility", "Expected `str`"),
    ],
)
def test_a_wrong_key_is_named_with_its_line(northmoor: Place, old: str, new: str, where: str, words: str) -> None:
    directory = northmoor(old, new)
    with pytest.raises(TableProblem) as caught:
        load_feeds(directory)
    problem = caught.value
    assert problem.path == directory / "northmoor.toml"
    assert problem.where == f"{where} (line {line_of(directory, new)})"
    assert words in problem.sentence


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('feed = "northmoor"', 'feed = "southmoor"', "feed", "Name it southmoor.toml"),
        ('dialect = "hl7v2_oru"', 'dialect = "hl7v3"', "dialect", "No adapter speaks this dialect"),
        ('status = "live"', 'status = "live"\ntimezone = "Europe/Londn"', "timezone", "IANA"),
        ('status = "live"', 'status = "live"\ncharset = "ansi-7"', "charset", "No such charset"),
        ('place = "OBR-3.1"\n', "", "facts.slide_number", "exactly one of `place` and `constant`"),
        ('place = "OBR-3.1"', 'constant = "1"', "facts.slide_number.constant", "Give its place"),
        ('place = "OBR-15.1"', 'constant = "8"', "facts.source_type.constant", "no national code"),
        ('place = "OBR-15.1"', 'place = "OBR-15.1"\ncodes = "source"', "facts.source_type.codes", "no [codes.source]"),
        ('pattern = "[0-9]{8}"', 'pattern = "[0-9"', "facts.slide_number.pattern", "regular expression"),
        ('place = "OBR-7"', 'place = "OBR 7"', "facts.test_on.place", "PID-5"),
        ('place = "OBR-7"', 'place = "OBR"', "facts.test_on.place", "Name the field"),
        ('place = "OBR-7"', 'place = ["OBR-7", "OBR-8"]', "facts.test_on.place", "one place only"),
        ('place = "OBR-7"', 'place = "ORC-9"', "facts.test_on.place", "ORC"),
        ('where = { "OBX-3.1" = "CYT" }\n', "", "facts.result_code.where", "which observation"),
        ('where = { "OBX-3.1" = "CYT" }', 'where = { "OBR-4.1" = "CYT" }', "facts.result_code", "in one segment"),
        ("required = true\n", "", "facts.repeat_months.required", "cut short"),
        ('[facts.test_on]\nplace = "OBR-7"\n', "", "facts.test_on", "Every feed of this kind must give this fact"),
        ('place = "OBR-10.1"', 'place = "OBR-10.1"\n[codes.spare]\nA = "A"', "codes.spare", "No fact uses"),
        (
            '{ "OBX-3.1" = "HPV" }',
            '{ "OBX-3.1" = "HPV" }\ncodes = "h"\n[codes.h]\nneg = "N"',
            "codes.h.neg",
            "0, 9, Q, U",
        ),
    ],
)
def test_what_does_not_fit_together_is_found(northmoor: Place, old: str, new: str, where: str, words: str) -> None:
    problems = check_tables(northmoor(old, new), ADAPTERS)
    assert any(problem.where.split(" (")[0] == where and words in problem.sentence for problem in problems), problems


def test_two_feeds_of_one_sender_are_refused(tmp_path: Path) -> None:
    text = (TABLES / "northmoor.toml").read_text(encoding="utf-8")
    (tmp_path / "northmoor.toml").write_text(text, encoding="utf-8")
    (tmp_path / "other.toml").write_text(text.replace('feed = "northmoor"', 'feed = "other"'), encoding="utf-8")
    (problem,) = check_tables(tmp_path)
    assert problem.path.name == "other.toml"
    assert "northmoor.toml has the same sender" in problem.sentence


def test_what_is_no_table_at_all_is_said(tmp_path: Path) -> None:
    (problem,) = check_tables(tmp_path / "nowhere")
    assert "no such directory" in problem.sentence
    (tmp_path / "a.toml").write_text("feed = \n", encoding="utf-8")
    (tmp_path / "b.toml").write_bytes(b"\xff\xfe")
    broken, bytes_only = check_tables(tmp_path)
    assert "line 1" in broken.sentence
    assert "UTF-8" in bytes_only.sentence


def test_a_feed_is_found_by_facility_and_application() -> None:
    assert FEEDS.find("NMLIMS", "NORTHMOOR") is FEEDS.by_id["northmoor"]
    assert FEEDS.find("OTHER", "NORTHMOOR") is None
    assert FEEDS.find("ANY", "EVALE") is FEEDS.by_id["eastvale"]
    assert FEEDS.find("", "") is None


def test_a_deactivated_feed_is_refused() -> None:
    case = next(case for case in CASES if str(case) == "northmoor: HPV negative, routine recall")
    adapter = ADAPTERS["hl7v2_oru"]
    opened = adapter.open(case.raw)
    live = FEEDS.by_id["northmoor"]
    closed = FeedTables((msgspec.structs.replace(live, status="deactivated"),))
    refused = adapter.decode(opened, closed.find, case.received_on)
    assert refused.answer == "AR"
    assert isinstance(refused.items[0].outcome, Reject)
    assert refused.items[0].outcome.reason is Reason.SENDER_DEACTIVATED


def test_codes_translate_to_what_the_domain_knows() -> None:
    from hub.domain import codes

    assert NATIONAL["result_code"] == set(codes.RESULT_CODES)
    assert NATIONAL["infection_code"] == set(codes.INFECTION_CODES)
    assert NATIONAL["action_code"] == set(codes.ACTION_CODES)
    assert NATIONAL["repeat_months"] == {str(months) for months in range(codes.MOST_MONTHS + 1)}
    told = {name for needs in (OF_RESULTS, OF_DISCHARGES) for name in (*needs.facts, *needs.others)}
    assert told == set(FEEDS.by_id["northmoor"].facts.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "form", "day"),
    [
        ("20260703", "YYYYMMDD", date(2026, 7, 3)),
        ("202607032330+0000", "HL7", date(2026, 7, 4)),
        ("202601032330+0000", "YYYYMMDDHHMM[SS]", date(2026, 1, 3)),
        ("20260703233000.1234+0100", "HL7", date(2026, 7, 3)),
        ("03/07/2026", "DD/MM/YYYY", date(2026, 7, 3)),
        ("2026-07-03", "YYYY-MM-DD", date(2026, 7, 3)),
        ("20260230", "YYYYMMDD", None),
        ("2026073", "YYYYMMDD", None),
        ("20260703", "YYYYMMDDHHMM[SS]", None),
        ("202607031015", "YYYYMMDD", None),
        ("20260703 ", "YYYYMMDD", None),
        ("07/13/2026", "DD/MM/YYYY", None),
        ("3/7/2026", "DD/MM/YYYY", None),
        ("٢٠٢٦٠٧٠٣", "YYYYMMDD", None),
        ("00000000", "YYYYMMDD", None),
        ("202607032530", "HL7", None),
        ("000101010000+2359", "HL7", None),
        ("999912312359-1200", "HL7", None),
    ],
)
def test_dates_are_read_strictly(text: str, form: str, day: date | None) -> None:
    assert read_date(text, form, LONDON) == day


def test_times_without_an_offset_are_of_the_zone() -> None:
    assert read_time("202607141030", LONDON) == datetime(2026, 7, 14, 9, 30, tzinfo=UTC)
    assert read_time("20260114103005", LONDON) == datetime(2026, 1, 14, 10, 30, 5, tzinfo=UTC)
    assert read_time("20260714103000+0200", LONDON) == datetime(2026, 7, 14, 8, 30, tzinfo=UTC)
    assert read_time("20260714", LONDON) is None


def test_numbers_are_read_strictly() -> None:
    assert [read_number(text) for text in ("12", "0", "036", "1200", "-1", "1.0", "", "²")] == [12, 0, 36, *[None] * 5]


def test_a_problem_says_file_place_and_what_to_do(northmoor: Place) -> None:
    (problem,) = check_tables(northmoor('place = "OBR-7"', 'plcae = "OBR-7"'))
    assert re.fullmatch(r".*northmoor\.toml: facts\.test_on\.plcae \(line \d+\): Unknown key .*", str(problem))
