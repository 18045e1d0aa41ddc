"""year: `hub simulate year` on PostgreSQL and on SQLite, with its time and the most memory it held.

HUB_TEST_YEAR: how many people (100,000). HUB_TEST_ROADS=embedded: on SQLite alone.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from tests.bench.report import line, note, progress, title
from tests.servers import PostgresNode

PEOPLE = int(os.environ.get("HUB_TEST_YEAR", "100000"))
SEED = 1
_MEASURED = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]); "
    "sys.stderr.write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)); sys.exit(done.returncode)"
)
"""Runs a command, and says the most memory it held."""


def main() -> bool:
    roads = ["sqlite"] if os.environ.get("HUB_TEST_ROADS") == "embedded" else ["postgres", "sqlite"]
    kept = [_one(road) for road in roads]
    return all(kept)


def _one(road: str) -> bool:
    progress(f"a year of {PEOPLE:,} people on {road}")
    with _store(road) as (words, settings):
        begun = perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _MEASURED, sys.executable, "-m", "hub", "simulate", "year",
             "--people", str(PEOPLE), "--seed", str(SEED), "--json", *words],
            env=_without_settings() | settings, capture_output=True, text=True, check=False,
        )  # fmt: skip
        took = perf_counter() - begun
    if done.returncode not in (0, 1):
        note(f"it did not run: {done.stderr}")
        return False
    told = json.loads(done.stdout)
    title(f"A year of {PEOPLE:,} people on {road}")
    line("minutes", f"{took / 60:.1f}")
    line("the most memory held, MiB", f"{int(done.stderr.split()[-1]) / 1024:.0f}")
    line("results", f"{told['laboratories']['results taken']:,}")
    line("steps of call and recall", f"{sum(told['steps'].values()):,}")
    line("complaints", str(len(told["complaints"])), "none", met=not told["complaints"])
    for complaint in told["complaints"]:
        note(complaint)
    return bool(told["holds"])


@contextmanager
def _store(road: str) -> Iterator[tuple[list[str], dict[str, str]]]:
    """An empty one: how the verb is told of it."""
    if road == "sqlite":
        with TemporaryDirectory() as directory:
            yield ["--data", str(Path(directory))], {}
    else:
        with PostgresNode() as postgres:
            postgres.create_database("year")
            yield [], {"HUB_DATABASE_URL": postgres.url("year")}


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
