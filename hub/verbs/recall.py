"""`hub recall`: the daily run of call and recall, what it would do, and what it did."""

from __future__ import annotations

import argparse
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, day, json_argument, opened_store, say, say_json, say_table, settings_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from hub.flow.ports.recall import RunReport

EXAMPLES = (
    "hub recall run                      everything that is due today, and whatever was missed before",
    "hub recall run --on 2026-06-23      as of that day",
    "hub recall run --dry-run            what would be done, by step; nothing is changed",
    "hub recall show --on 2026-06-23     what the run of that day did",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    running = actions.add_parser("run", help="do what is due; done again it finds nothing to do")
    running.add_argument("--dry-run", action="store_true", help="only count what is due")
    showing = actions.add_parser("show", help="what the run of a day did")
    for each in (running, showing):
        each.add_argument("--on", type=day, metavar="DATE", help="the day (default: today)")
        data_argument(each)
        json_argument(each)


def run(options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.domain.dates import day_in_england
    from hub.flow.recall_run import RecallRun

    on = options.on or day_in_england(datetime.now(UTC))
    context = context_of(settings_of(options))
    with opened_store(options) as store:
        if options.action == "show":
            report = store.read_now(lambda tx: tx.recall_runs.report(on))
            if report is None:
                raise CannotRun(f"There was no run for {on}. `hub recall run --on {on}` does it.")
            return _say(options, report)
        todays = RecallRun(store.write_now, context.policies, context.clock, on)
        due = store.read_now(todays.due)
        if options.dry_run:
            return _say_due(options, on, due)
        return _say(options, todays.run(_progress(sum(due.values()))))


def _say_due(options: argparse.Namespace, on: date, due: dict[str, int]) -> int:
    if options.json:
        say_json({"on": on.isoformat(), "counts": due})
    elif not due:
        say(f"{on}: nothing is due.")
    else:
        say(f"{on}, dry run: due")
        say_table(("what", "people"), due.items())
    return 0


def _say(options: argparse.Namespace, report: RunReport) -> int:
    if options.json:
        ended = report.ended_at.isoformat() if report.ended_at else None
        say_json({"on": report.run_on.isoformat(), "counts": report.taken, "cohort": report.cohort, "ended_at": ended})
        return 0
    say(f"{report.run_on}: {'steps taken' if report.taken else 'no step was due'}.")
    if report.taken:
        say_table(("what", "people"), report.taken.items())
    if report.ended_at:
        say("\nWhere everybody stood at its end:")
        say_table(("place", "people"), [*report.cohort.items(), ("all", sum(report.cohort.values()))])
    else:
        say("It has not come to its end: done again it goes on.")
    return 0


def _progress(total: int) -> Callable[[int], object]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty() or not total:
        return lambda count: None
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task("call and recall", total=total)
    bar.start()

    def advance(count: int) -> None:
        bar.advance(task, count)
        if bar.finished:
            bar.stop()

    return advance
