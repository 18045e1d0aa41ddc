"""`hub simulate year`: a year of the programme, told in minutes, and proven to add up."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from hub.verbs.speaking import data_argument, day, json_argument, say, say_json, say_table, settings_of

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.demo.year.year import Account

YEAR_EXAMPLES = (
    "hub simulate year --people 10000 --seed 7                  a year of the programme, and whether it adds up",
    "hub simulate year --people 100000 --data year --json       keep the store: hub report failsafe --data year",
)
MOST_PEOPLE = 900_000


def year_arguments(year: argparse.ArgumentParser) -> None:
    year.add_argument("--people", type=_people, default=1_000, metavar="N", help="in the cohort (default 1000)")
    year.add_argument("--seed", type=int, default=1, help="the same seed, the same year (default 1)")
    year.add_argument("--days", type=int, default=365, metavar="N", help="how many days of it (default 365)")
    year.add_argument("--from", type=day, dest="begins_on", metavar="DATE", help="its first day (default: 2026-01-05)")
    data_argument(year)
    json_argument(year)


def _people(text: str) -> int:
    if not text.isdigit() or not 0 < int(text) <= MOST_PEOPLE:
        raise argparse.ArgumentTypeError(f"a number from 1 to {MOST_PEOPLE:,}")
    return int(text)


def run_year(options: argparse.Namespace) -> int:
    """On the store of --data or HUB_DATABASE_URL, which must be empty; else on one that is thrown away."""
    from hub import telemetry
    from hub.demo.year.year import BEGINS_ON, Plan, simulate_year

    telemetry.configure(level=os.environ.get("HUB_LOG", "error"))
    plan = Plan(options.people, options.seed, options.days, options.begins_on or BEGINS_ON)
    with _settings(options) as settings:
        account = asyncio.run(simulate_year(settings, plan, _progress(plan.days)))
    if options.json:
        say_json(account.as_json())
    else:
        _say(account)
    return 1 if account.complaints else 0


@contextmanager
def _settings(options: argparse.Namespace) -> Iterator[Settings]:
    settings = settings_of(options)
    if options.data:
        yield replace(settings, database_url="")
    elif settings.database_url:
        yield settings
    else:
        with TemporaryDirectory(prefix="hub-year-") as directory:
            yield replace(settings, data=Path(directory))


def _say(account: Account) -> None:
    plan = account.plan
    say(f"{plan.people:,} people, {plan.days} days from {plan.begins_on}, seed {plan.seed}\n")
    rows = [("call and recall", name, f"{count:,}") for name, count in sorted(account.steps.items())]
    rows += [(what, name, f"{count:,}") for what, counts in account.counts.items() for name, count in counts.items()]
    said = ""
    shown = []
    for what, name, count in rows:
        shown.append(("" if what == said else what, name, count))
        said = what
    say_table(("", "", "in all"), shown)
    if not account.complaints:
        say("\nEverything adds up, and nobody waits silently: proven at the end of each month.")
    for complaint in account.complaints:
        say(f"NOT SO  {complaint}")


def _progress(days: int) -> Callable[[], object]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        return lambda: None
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("days", total=days)
    bar.start()

    def advance() -> None:
        bar.advance(task)
        if bar.finished:
            bar.stop()

    return advance
