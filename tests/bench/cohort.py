"""A file of the cohort into an empty PostgreSQL, beside a plain COPY of the same rows into a table with the same keys.

HUB_TEST_COHORT: how many rows (1,000,000).
"""

from __future__ import annotations

import csv
import os
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from hub.domain.nhs_number import is_valid
from hub.domain.people import Participant
from hub.flow.cohort_import import REQUIRED
from tests.bench.processes import cpu_seconds
from tests.bench.report import line, progress, title
from tests.bench.roles import Servers, environment, run_program

ROWS = int(os.environ.get("HUB_TEST_COHORT", "1000000"))
COLUMNS = (*REQUIRED, "gender", "address_lines", "postcode", "practice_code", "next_test_due_on")


def main(on: Servers, ordinary: Sequence[Participant]) -> None:
    on.postgres.create_database("imported")
    with TemporaryDirectory() as place:
        file = Path(place) / "cohort.csv"
        progress(f"writing {ROWS:,} rows")
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(COLUMNS)
            writer.writerows(_rows(ordinary))
        url = on.postgres.url("imported")
        progress("plain COPY")
        copied = _seconds(lambda: _copy(url, file))
        progress("hub cohort import")
        settings = environment(HUB_DATABASE_URL=url)
        before = _processor(on)
        imported = _seconds(lambda: run_program("hub", "cohort", "import", str(file), settings=settings))
        used = {name: seconds - before[name] for name, seconds in _processor(on).items()}
    on.postgres.drop_database("imported")
    title(f"A cohort file of {ROWS:,} rows into PostgreSQL")
    line("plain COPY into a table with two keys", f"{ROWS / copied:,.0f} rows/s")
    line("hub cohort import: people, keys of the search, first records", f"{ROWS / imported:,.0f} rows/s")
    line("  of the COPY", f"{copied / imported:.1%}")
    for name, seconds in used.items():
        line(f"  {name}: processor time a row", f"{seconds / ROWS * 1e6:.0f} µs")


def _processor(on: Servers) -> dict[str, float]:
    """Seconds of processor time so far: of the programs that we have run to their end, and of the database."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    postgres = cpu_seconds({"PostgreSQL": [on.postgres.pid]})
    return {"the import itself": ended.ru_utime + ended.ru_stime, **postgres}


def _rows(people: Sequence[Participant]) -> Iterator[tuple[str, ...]]:
    """So many rows of made-up people: names and postcodes of those given, numbers and days of their own."""
    numbers = _numbers()
    for index in range(ROWS):
        person = people[index % len(people)]
        born_on = date(1962, 1, 1) + timedelta(days=index * 7919 % 13_500)
        yield (
            next(numbers),
            person.family_name,
            ";".join(person.given_names),
            born_on.isoformat(),
            "2",
            ";".join(person.address_lines),
            person.postcode or "",
            f"Y{index % 6500:05}",
            (date(2027, 1, 1) + timedelta(days=index % 1500)).isoformat() if index % 3 else "",
        )


def _numbers() -> Iterator[str]:
    """Valid NHS numbers of nobody: those that begin with 999, and then 998."""
    for front in range(999_999_999, 0, -1):
        yield from (number for check in range(10) if is_valid(number := f"{front}{check}"))


def _copy(url: str, file: Path) -> None:
    with psycopg.connect(url, autocommit=True) as database:
        columns = ", ".join(f"{name} text" for name in COLUMNS)
        database.execute(f"CREATE TABLE plain (id serial PRIMARY KEY, {columns}, UNIQUE (nhs_number))")
        statement = f"COPY plain ({', '.join(COLUMNS)}) FROM STDIN (FORMAT csv, HEADER)"
        with database.cursor().copy(statement) as copy, file.open("rb") as source:
            while part := source.read(1 << 20):
                copy.write(part)
        database.execute("DROP TABLE plain")


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
