"""A laboratory is added by commands alone: those of the README, and from samples that fit less well."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path

import pytest

from adapters import ADAPTERS
from hub.mapping import FeedTable, FeedTables, read_table
from hub.verbs import new
from tests.golden_cases import GOLDEN
from tests.journeys.a_copy import blocks, copy_of_the_project
from tests.journeys.driving import ROOT, Inside

SAMPLE = GOLDEN / "northmoor" / "HPV negative, routine recall.hl7"


def test_a_laboratory_is_added_as_the_readme_says(tmp_path: Path) -> None:
    copy = copy_of_the_project(tmp_path)
    before = copy.files()
    script = next(block for block in blocks(ROOT / "README.md", "sh") if "hub new fernhill" in block)
    assert not re.search(r"python(?! -m pytest)", script)
    done = copy.run(script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "feed     fernhill" in done.stdout
    assert re.search(r"\d+ passed", done.stdout)
    made = {path for path, content in copy.files().items() if before.get(path) != content}
    assert made == {
        "mappings/feeds/fernhill.toml",
        *(
            f"tests/golden/fernhill/{sentence}{ending}"
            for sentence in ("HPV negative, routine recall", "HPV positive, negative cytology")
            for ending in (".hl7", ".expected.json")
        ),
    }
    example = (tmp_path / "tests/golden/fernhill/HPV negative, routine recall.hl7").read_bytes()
    assert b"FERNHILL" in example and b"Sampleton" not in example and b"9990001375" not in example


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    return tmp_path / "mappings"


def sample(to: Path, *changes: tuple[bytes, bytes]) -> Path:
    raw = SAMPLE.read_bytes()
    for old, other in ((b"NMLIMS|NORTHMOOR", b"FHLIMS|FERNHILL"), *changes):
        assert old in raw
        raw = raw.replace(old, other)
    (to / "sample.hl7").write_bytes(raw)
    return to / "sample.hl7"


def make(inside: Inside, mappings: Path, file: Path, *more: str) -> tuple[int, dict[str, object], FeedTable]:
    words = (
        "new",
        "fernhill",
        "--dialect",
        "hl7v2_oru",
        "--sample",
        file,
        "--mappings",
        mappings,
        "--on",
        "2026-07-20",
    )
    done = inside(*words, "--json", *more)
    assert done.code in (0, 1), done.complained
    return done.code, json.loads(done.out), read_table(mappings / "feeds" / "fernhill.toml", FeedTable)


def test_what_fits_is_right_at_once(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    partners = '[access]\ncertificates = ["theirs"]\nmailbox = "X26"\n[answer]\nmailbox = "X26"\nworkflow = "W"\n'
    with (mappings / "feeds" / "northmoor.toml").open("a") as file:
        file.write(partners)
    code, told, table = make(inside, mappings, sample(tmp_path), "--code", "69004")
    assert (code, told["remarks"]) == (0, [])
    assert (table.feed, table.name, table.laboratory.code) == ("fernhill", "Fernhill", "69004")
    assert (table.sender.application, table.sender.facility) == ("FHLIMS", "FERNHILL")
    assert not table.access.certificates and not table.answer.mailbox
    case = tmp_path / "tests" / "golden" / "fernhill" / f"{new.TO_BE_CHECKED}.hl7"
    feeds = FeedTables((table,)).of("fernhill")
    expected = new.expectation(ADAPTERS["hl7v2_oru"], case.read_bytes(), feeds, date(2026, 7, 20))
    assert json.loads(case.with_name(f"{new.TO_BE_CHECKED}.expected.json").read_text()) == expected
    assert expected["items"][0]["event"] == "ResultReported"


def test_a_clinic_is_added_the_same_way(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    """With the code of its own, not that of the clinic whose table is the nearest."""
    raw = (GOLDEN / "thornmere" / "two discharges in one message.json").read_bytes()
    (tmp_path / "sample.json").write_bytes(raw.replace(b"RZZ43", b"RZZ77").replace(b"Thornmere", b"Fernhill"))
    words = ("new", "fernhill", "--dialect", "fhir_discharge", "--mappings", mappings, "--on", "2026-07-20")
    done = inside(*words, "--sample", tmp_path / "sample.json", "--code", "RZZ77")
    assert done.code == 0, done.said + done.complained
    table = read_table(mappings / "feeds" / "fernhill.toml", FeedTable)
    assert (table.clinic.code, table.laboratory.code, table.sender.facility) == ("RZZ77", "", "RZZ77")
    example = (tmp_path / "tests" / "golden" / "fernhill" / f"{new.TO_BE_CHECKED}.json").read_bytes()
    assert b"9990091005" not in example and b"Examplar" not in example
    refused = inside("new", "other", *words[2:], "--sample", tmp_path / "sample.json", "--code", "rzz 77")
    assert refused.code == 2 and "ODS code" in refused.complained


def test_a_laboratory_code_is_never_guessed(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    code, told, _ = make(inside, mappings, sample(tmp_path))
    assert code == 1 and "00000 stands in for the national code" in str(told["remarks"])
    refused = inside("check", mappings / "feeds" / "fernhill.toml")
    assert refused.code == 1 and "laboratory.code" in refused.said


def test_patterns_and_forms_of_dates_are_those_of_the_sample(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    file = sample(tmp_path, (b"26000101^NMLIMS", b"FH260001^FHLIMS"), (b"|19710202|", b"|1971-02-02|"))
    code, _, table = make(inside, mappings, file, "--code", "69004")
    assert code == 0 and table.facts.slide_number is not None and table.facts.date_of_birth is not None
    assert table.facts.slide_number.pattern == "[A-Z]{2}[0-9]{6}"
    assert table.facts.date_of_birth.form == "YYYY-MM-DD"


def test_what_is_not_found_is_said_and_the_codes_seen_are_offered(
    mappings: Path, tmp_path: Path, inside: Inside
) -> None:
    code, told, _ = make(inside, mappings, sample(tmp_path, (b"|CYT|", b"|SMEAR|")), "--code", "69004")
    text = (mappings / "feeds" / "fernhill.toml").read_text()
    assert code == 1 and "result_code" in str(told["remarks"])
    assert '"OBX-3.1" = "SMEAR"' in text and "not found in the sample" in text
    assert "Sampleton" not in text and "Synthetic Street" not in text


def test_facts_come_from_whichever_table_reads_them(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    file = sample(tmp_path, (b"9990001375^^^NHS^NH~T00001^^^NMLIMS^PI", b""), (b"PID|1||", b"PID|1|999 000 1375|"))
    _, told, table = make(inside, mappings, file, "--code", "69004")
    assert told["check"]["right"] is True  # type: ignore[index]  # JSON
    assert table.facts.nhs_number is not None and table.facts.nhs_number.place == "PID-2"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("Fern Hill", "--dialect", "hl7v2_oru"), "no feed's id"),
        (("fernhill", "--dialect", "telex"), "hl7v2_oru"),
        (("fernhill",), "--dialect"),
        (("fernhill", "--dialect", "hl7v2_oru", "--code", "12"), "five digits"),
    ],
)
def test_what_cannot_be_made_is_said(
    words: tuple[str, ...], sentence: str, mappings: Path, tmp_path: Path, inside: Inside
) -> None:
    done = inside("new", *words, "--sample", sample(tmp_path), "--mappings", mappings)
    assert done.code == 2 and sentence in done.complained
    assert not (tmp_path / "tests").exists()


def test_a_sample_in_another_language_makes_no_table(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    """A table that nobody can fill in would keep the hub from starting."""
    done = inside("new", "fernhill", "--dialect", "fhir_report", "--sample", sample(tmp_path), "--mappings", mappings)
    assert done.code == 2 and "cannot be read as fhir_report" in done.complained
    assert not (mappings / "feeds" / "fernhill.toml").exists()


def test_no_golden_example_is_overwritten(mappings: Path, tmp_path: Path, inside: Inside) -> None:
    make(inside, mappings, sample(tmp_path), "--code", "69004")
    again = inside("new", "fernhill", "--sample", sample(tmp_path), "--mappings", mappings)
    assert again.code == 2 and "--case" in again.complained
