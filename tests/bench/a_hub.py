"""A hub in a process of its own, with a cohort, for measuring."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from adapters.simulators.laboratory import LABORATORIES, laboratory_code, report, slide_number
from adapters.simulators.people import synthetic_cohort
from hub.domain.events import TestResult
from hub.domain.people import Participant

FEEDS = tuple(LABORATORIES)


@dataclass(frozen=True, slots=True)
class AHub:
    """Where it listens, what process it is, and where it keeps things."""

    port: int
    pid: int
    data: Path

    def peak_mebibytes(self) -> float:
        """The most memory the process has held."""
        status = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def json(self, *words: str) -> object:
        done = subprocess.run(
            [sys.executable, "-m", "hub", *words, "--json", "--data", str(self.data)], check=True, capture_output=True
        )
        return json.loads(done.stdout)


@contextmanager
def a_hub(people: list[Participant], role: tuple[str, ...] = ("up",)) -> Iterator[AHub]:
    """Run `hub up` (or one role) on a fresh store that holds these people."""
    with TemporaryDirectory() as place:
        data = Path(place)
        _import(data, people)
        ports = ("--mllp", "0", "--http", "0") if role == ("up",) else ("--mllp", "0")
        process = subprocess.Popen(
            [sys.executable, "-m", "hub", *role, "--data", place, *ports],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={"HUB_LOG": "warning", "PATH": ""},
        )
        try:
            yield AHub(_port(process), process.pid, data)
        finally:
            process.terminate()
            process.wait(30)
            if process.stdout:
                process.stdout.close()


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    for line in process.stdout:
        if found := re.match(r"MLLP\s+\S+:(\d+)", line):
            return int(found.group(1))
    raise RuntimeError("The hub did not come up.")


def _import(data: Path, people: list[Participant]) -> None:
    path = data / "cohort.ndjson"
    with path.open("w", encoding="utf-8") as file:
        for person in people:
            fields = {name: getattr(person, name) for name in person.__slots__ if name != "joined_on"}
            file.write(json.dumps(fields, default=str) + "\n")
    subprocess.run(
        [sys.executable, "-m", "hub", "cohort", "import", str(path), "--data", str(data)],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def reports(people: list[Participant], count: int, first: int = 1) -> list[bytes]:
    """So many ordinary results, each of a slide of its own, from three laboratories in turn."""
    now = datetime.now(UTC)
    made = []
    for number in range(first, first + count):
        feed = FEEDS[number % len(FEEDS)]
        result = TestResult(
            laboratory_code(feed),
            slide_number(feed, now.year, number),
            (now - timedelta(days=8)).date(),
            now,
            "X",
            "0",
            "A",
            source_type="1",
            sender_code="Z99001",
            sample_taker_code="C99001",
        )
        made.append(report(feed, people[number % len(people)], result, f"B{number}", now))
    return made


def cohort(count: int) -> list[Participant]:
    return synthetic_cohort(count, 1, datetime.now(UTC).date())
