"""`hub cohort import`: the people who may be matched."""

from __future__ import annotations

import argparse
import sys
import uuid
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.domain.people import Participant
    from hub.flow.cohort_import import RefusedRow

EXAMPLES = (
    "hub cohort import cohort.csv          columns nhs_number, family_name, given_names, date_of_birth, ...",
    "hub cohort import cohort.ndjson       one JSON object a line; lists as JSON lists",
)
BATCH = 1_000
SHOWN = 20


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    importing = actions.add_parser("import", help="add people, or renew what is known of them")
    importing.add_argument("file", type=Path, help="a .csv file with a heading line, or .ndjson")
    data_argument(importing)
    json_argument(importing)


def run(options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.io.store import store_of

    settings = settings_of(options)
    context = context_of(settings)
    store = store_of(settings)
    try:
        return _import(store, context, options)
    finally:
        store.close_now()


def _import(store: Any, context: Any, options: argparse.Namespace) -> int:
    from hub.flow.cohort_import import RefusedRow, take_people
    from hub.flow.step import Step

    taken, refused = 0, []
    for rows in rows_of(options.file, _progress(options.file)):
        people = [row for row in rows if not isinstance(row, RefusedRow)]
        refused += [row for row in rows if isinstance(row, RefusedRow)]
        cause = str(uuid.uuid4())
        store.write_now(lambda tx, p=people, c=cause: take_people(Step(tx, context.policies, context.clock(), c), p))
        taken += len(people)
    if options.json:
        say_json(
            {
                "taken": taken,
                "refused": [{"line": one.line, "field": one.field, "why": one.sentence} for one in refused],
            }
        )
    else:
        say(f"{taken} people taken, {len(refused)} rows refused.")
        for one in refused[:SHOWN]:
            say(f"  line {one.line}, {one.field}: {one.sentence}")
        if len(refused) > SHOWN:
            say(f"  and {len(refused) - SHOWN} more (--json lists them all)")
    return 1 if refused else 0


def rows_of(path: Path, advance: Any) -> Iterator[list[Participant | RefusedRow]]:
    """The rows of a cohort file, so many at a time; `advance` hears how many. CannotRun where it is none."""
    from hub.flow.cohort_import import NotACohort, read_cohort

    form = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}.get(path.suffix.lower())
    if form is None:
        raise CannotRun(f"{path} is neither .csv nor .ndjson.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = read_cohort(file, form)
            while batch := list(islice(rows, BATCH)):
                yield batch
                advance(len(batch))
    except OSError as error:
        raise CannotRun(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise CannotRun(f"{path} is not UTF-8.") from None
    except NotACohort as error:
        raise CannotRun(f"{path}: {error}") from None


def _progress(path: Path) -> Any:
    """A line that counts, on a terminal only."""
    if not sys.stderr.isatty():
        return lambda count: None
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        sys.stderr.write(f"\r{path.name}: {done:,} rows ")
        sys.stderr.flush()

    return advance
