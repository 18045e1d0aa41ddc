"""`hub cohort import`: the people who may be matched.

A file is taken in batches, each a transaction that also keeps how far the file has come: an import that died goes on
behind what it had taken when it is started again with the same file. What was refused stands in a file of its own.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.domain.people import Participant
    from hub.flow.cohort_import import RefusedRow
    from hub.flow.ports.cohort import CohortFileRow
    from hub.flow.ports.store import Transaction

    Row = tuple[int, Participant | RefusedRow]

EXAMPLES = (
    "hub cohort import cohort.csv          columns nhs_number, family_name, given_names, date_of_birth, ...",
    "hub cohort import cohort.ndjson       one JSON object a line; lists as JSON lists",
    "hub cohort import cohort.csv          again after it died: it goes on where it was",
    "hub cohort import cohort.csv --refused refused.csv     where the refused rows are told (line, field, why)",
)
BATCH = 5_000
SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser(
        "import", help="add people, or renew what is known of them; what a row leaves empty stays"
    )
    importing.add_argument("file", type=Path, help="a .csv file with a heading line, or .ndjson")
    importing.add_argument(
        "--refused", type=Path, metavar="FILE", help="where to write the refused rows (default: FILE.refused.csv)"
    )
    importing.add_argument("--again", action="store_true", help="take a file anew that was taken to its end before")
    data_argument(importing)
    json_argument(importing)


def run(options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.io.store import store_of

    settings = settings_of(options)
    context = context_of(settings)
    digest = _digest(options.file)
    store = store_of(settings)
    try:
        taken = _Import(store, context, digest, again=options.again).take(options.file)
    finally:
        store.close_now()
    return _say(options, taken)


@dataclass(slots=True)
class _Taken:
    """What became of a file: in this run, and before it where it goes on."""

    taken: int
    before: int
    refused: list[RefusedRow]


class _Import:
    """One file on its way into the store."""

    def __init__(self, store: Any, context: Any, digest: str, *, again: bool) -> None:
        from hub.flow.ports.cohort import CohortFileRow

        self._store, self._context = store, context
        begun = CohortFileRow(digest, 0, 0, 0, context.clock())
        known = store.read_now(lambda tx: tx.cohort_files.get(digest))
        self._row: CohortFileRow = begun if known is None or (again and known.ended_at) else known

    def take(self, path: Path) -> _Taken:
        """Take what was not taken yet. Refused rows are found anew, so that they are all told whenever it ends."""
        from hub.flow.cohort_import import RefusedRow

        before, refused = self._row.taken, []
        for rows in _read_ahead(lines_of(path, _progress(path))):
            refused += [row for _, row in rows if isinstance(row, RefusedRow)]
            done = [each for each in rows if each[0] <= self._row.line]
            ahead = rows[len(done) :]
            if done:
                refused += self._left_before(done)
            if ahead:
                refused += self._batch(ahead)
        self._keep(replace(self._row, refused=len(refused), ended_at=self._context.clock()))
        return _Taken(self._row.taken - before, before, refused)

    def _left_before(self, rows: list[Row]) -> list[RefusedRow]:
        """What an earlier run has left alone of rows that it took."""
        from hub.domain.people import Participant
        from hub.flow.cohort_import import left_alone

        lines = {row.nhs_number: (line, row) for line, row in rows if isinstance(row, Participant)}
        left = self._store.read_now(lambda tx: left_alone(tx, [person for _, person in lines.values()]))
        return [replace(why, line=lines[number][0]) for number, why in left.items()]

    def _batch(self, rows: list[Row]) -> list[RefusedRow]:
        """One transaction; returns what it alone could see must be refused."""
        from hub.domain.people import Participant
        from hub.flow.cohort_import import take_people
        from hub.flow.step import Step

        people = {row.nhs_number: (line, row) for line, row in rows if isinstance(row, Participant)}
        cause, now = str(uuid.uuid4()), self._context.clock()

        def work(tx: Transaction) -> tuple[dict[str, RefusedRow], CohortFileRow]:
            step = Step(tx, self._context.policies, now, cause)
            left = take_people(step, [person for _, person in people.values()])
            row = replace(self._row, line=rows[-1][0], taken=self._row.taken + len(people) - len(left))
            tx.cohort_files.put(row)
            return left, row

        left, self._row = self._store.write_now(work)
        return [replace(why, line=people[number][0]) for number, why in left.items()]

    def _keep(self, row: CohortFileRow) -> None:
        self._row = row
        self._store.write_now(lambda tx: tx.cohort_files.put(row))


def _say(options: argparse.Namespace, done: _Taken) -> int:
    refused = sorted(done.refused, key=lambda one: one.line)
    told_in = _write_refused(options, refused) if refused else None
    if options.json:
        rows = [{"line": one.line, "field": one.field, "why": one.sentence} for one in refused]
        say_json({"taken": done.taken, "taken_before": done.before, "refused": rows})
        return 1 if refused else 0
    if done.before and not done.taken:
        say("This file was taken before. --again takes it anew.")
    earlier = f" ({done.before:,} of this file were taken before)" if done.before else ""
    say(f"{done.taken} people taken{earlier}, {len(refused)} rows refused.")
    for one in refused[:SHOWN]:
        say(f"  line {one.line}, {one.field}: {one.sentence}")
    if len(refused) > SHOWN:
        say(f"  and {len(refused) - SHOWN} more")
    for (field, sentence), count in Counter((one.field, one.sentence) for one in refused).most_common(5):
        if count > 1:
            say(f"{count} rows: {field}: {sentence}")
    if told_in:
        say(f"All of them stand in {told_in}. Mend those rows and import them by themselves.")
    return 1 if refused else 0


def _write_refused(options: argparse.Namespace, refused: list[RefusedRow]) -> Path:
    """Line, field and sentence of each: never a value."""
    path: Path = options.refused or options.file.with_name(f"{options.file.name}.refused.csv")
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "field", "why"))
            writer.writerows((one.line, one.field, one.sentence) for one in refused)
    except OSError as error:
        raise CannotRun(f"The people were taken, but {path} cannot be written ({error.strerror}): --refused.") from None
    return path


def _digest(path: Path) -> str:
    """What tells one file from another, whatever it is called."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CannotRun(f"{path} cannot be read ({error.strerror}).") from None


def rows_of(path: Path, advance: Callable[[int], object]) -> Iterator[list[Participant | RefusedRow]]:
    """The rows of a cohort file, so many at a time. CannotRun where it is none."""
    return ([row for _, row in rows] for rows in lines_of(path, advance))


def lines_of(path: Path, advance: Callable[[int], object]) -> Iterator[list[Row]]:
    """The rows with their lines, so many at a time; `advance` hears how many bytes have been read. CannotRun where it
    is no cohort file."""
    from hub.flow.cohort_import import NotACohort, read_lines

    form = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}.get(path.suffix.lower())
    if form is None:
        raise CannotRun(f"{path} is neither .csv nor .ndjson.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows, source = read_lines(file, form), cast(BinaryIO, file.buffer)
            while batch := list(islice(rows, BATCH)):
                yield batch
                advance(source.tell())
    except OSError as error:
        raise CannotRun(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise CannotRun(f"{path} is not UTF-8.") from None
    except NotACohort as error:
        raise CannotRun(f"{path}: {error}") from None


def _read_ahead(batches: Iterator[list[Row]]) -> Iterator[list[Row]]:
    """The next batch is read while the database has this one."""
    with ThreadPoolExecutor(1) as reader:
        coming = reader.submit(next, batches, None)
        while batch := coming.result():
            coming = reader.submit(next, batches, None)
            yield batch


def _progress(path: Path) -> Callable[[int], object]:
    """A bar with rate and remaining time on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda read: None
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)
    task = bar.add_task(path.name, total=path.stat().st_size)
    bar.start()

    def advance(read: int) -> None:
        bar.update(task, completed=read)
        if bar.finished:
            bar.stop()

    return advance
