"""`hub cohort import` as a program: a file of which some rows are wrong, and one whose import is killed on the way."""

from __future__ import annotations

import csv
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic, sleep

from hub.domain.nhs_number import is_valid
from tests.journeys.test_call_and_recall import ROOT, Hub

HEAD = ("nhs_number", "family_name", "given_names", "date_of_birth", "workgroup")
ROWS = 11_000


def numbers() -> Iterator[str]:
    for front in range(999_100_000, 999_999_999):
        yield from (number for check in range(10) if is_valid(number := f"{front}{check}"))


def a_file(path: Path, *rows: tuple[str, ...]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows((HEAD, *rows))
    return path


def some_rows(count: int) -> list[tuple[str, ...]]:
    return [(number, "Ashworth", "Nora", "1988-02-29", "") for number, _ in zip(numbers(), range(count), strict=False)]


def test_refused_rows_stand_in_a_file_by_line_field_and_sentence(tmp_path: Path) -> None:
    first, second, third = some_rows(3)
    twice = (first[0], "Quillfeather", "June", "1990-01-02", "")
    nowhere = (*third[:4], "elsewhere")
    file = a_file(tmp_path / "cohort.csv", first, twice, (*second[:4], "isle-of-man"), nowhere)
    hub = Hub(tmp_path / "data")
    said = json.loads(hub("cohort", "import", str(file), "--json", code=1))
    assert (said["taken"], [each["line"] for each in said["refused"]]) == (2, [3, 5])
    told = (tmp_path / "cohort.csv.refused.csv").read_text()
    assert [line.split(",")[:2] for line in told.splitlines()[1:]] == [["3", "nhs_number"], ["5", "workgroup"]]
    assert not any(value in told for value in (*twice[:4], *nowhere[:4], "elsewhere"))
    assert hub("person", "show", said=first[0]).startswith("Called")
    assert "Nobody in the cohort" in shown_to_none(hub, second[0])
    assert hub("person", "show", "--workgroup", "isle-of-man", said=second[0]).startswith("Called")
    assert "taken before. --again" in hub("cohort", "import", str(file), code=1)
    assert "2 people taken" in hub("cohort", "import", str(file), "--again", code=1)


def shown_to_none(hub: Hub, number: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "hub", "person", "show", "--data", str(hub._data)],
        input=number, capture_output=True, text=True, cwd=ROOT, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    return done.stderr


def test_what_was_left_alone_is_told_by_each_run(tmp_path: Path) -> None:
    """A run that goes on where another died must not keep silent on whom that one left alone."""
    rows = [("p-1", *row) for row in some_rows(2)]
    file = tmp_path / "cohort.csv"
    with file.open("w", encoding="utf-8", newline="") as cohort:
        csv.writer(cohort).writerows((("participant_id", *HEAD), *rows))
    hub = Hub(tmp_path / "data")
    for taken in (1, 0):
        said = json.loads(hub("cohort", "import", str(file), "--json", code=1))
        assert said["taken"] == taken
        assert [(each["line"], each["field"]) for each in said["refused"]] == [(3, "participant_id")]


def test_an_import_that_is_killed_goes_on_behind_what_it_had_taken(tmp_path: Path) -> None:
    file, data = a_file(tmp_path / "cohort.csv", *some_rows(ROWS)), tmp_path / "data"
    settings = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    words = [sys.executable, "-m", "hub", "cohort", "import", str(file), "--json", "--data", str(data)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, cwd=ROOT, env=settings) as running:
        wait_for_a_batch(data)
        running.kill()
    killed_at = counted(data)
    assert 0 < killed_at < ROWS
    said = json.loads(Hub(data)("cohort", "import", str(file), "--json"))
    assert (said["taken_before"], said["taken"]) == (killed_at, ROWS - killed_at)
    assert counted(data) == ROWS


def wait_for_a_batch(data: Path) -> None:
    deadline = monotonic() + 60
    while monotonic() < deadline:
        if (data / "hub.sqlite").exists() and counted(data):
            return
        sleep(0.01)
    raise AssertionError("the import does not begin")


def counted(data: Path) -> int:
    with closing(sqlite3.connect(data / "hub.sqlite")) as store:
        try:
            found: int = store.execute("SELECT count(*) FROM participants").fetchone()[0]
        except sqlite3.OperationalError:  # no tables yet
            return 0
    return found
