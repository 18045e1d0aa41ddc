"""`hub recall`: the daily run of call and recall, what it would do, and what it did."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.speaking import (
    advancing,
    data_argument,
    day,
    json_argument,
    opened_store,
    say,
    say_json,
    say_table,
    settings_of,
)

if TYPE_CHECKING:
    from hub.flow.ports.recall import RunReport

EXAMPLES = (
    "hub recall run                      everything that is due today, and whatever was missed before",
    "hub recall run --on 2026-06-23      as of that day",
    "hub recall run --dry-run            what would be done, by step; nothing is changed",
    "hub recall show --on 2026-06-23     what the run of that day did",
    "hub recall fold-again               after a change of mappings/policy: every record under the tables as they are",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    running = actions.add_parser("run", help="do what is due; done again it finds nothing to do")
    running.add_argument("--dry-run", action="store_true", help="only count what is due")
    running.add_argument("--ahead", action="store_true", help="also for a day that has not come: in rehearsals alone")
    showing = actions.add_parser("show", help="what the run of a day did")
    for each in (running, showing):
        each.add_argument("--on", type=day, metavar="DATE", help="the day (default: today)")
    folding = actions.add_parser("fold-again", help="every record anew, after a change of the policies' tables")
    for each in (running, showing, folding):
        data_argument(each)
        json_argument(each)


def run(options: argparse.Namespace) -> int:
    return _fold_again(options) if options.action == "fold-again" else _run(options)


def _fold_again(options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.flow.folding_again import fold_again
    from hub.flow.patience import patiently_now

    context = context_of(settings_of(options))
    with opened_store(options) as store:
        folded = fold_again(partial(patiently_now, store.write_now), context.policies, context.clock)
    say_json({"folded": folded}) if options.json else say(f"Folded anew: {folded}.")
    return 0


def _run(options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.domain.dates import day_in_england
    from hub.flow.patience import patiently_now
    from hub.flow.recall_run import RecallRun

    today = day_in_england(datetime.now(UTC))
    on = options.on or today
    if options.action == "run" and on > today and not (options.dry_run or options.ahead):
        raise CannotRun(f"{on} has not come: whoever is due by then would be written to now. --dry-run counts them.")
    context = context_of(settings_of(options))
    with opened_store(options) as store:
        if options.action == "show":
            report = store.read_now(lambda tx: tx.recall_runs.report(on))
            if report is None:
                raise CannotRun(f"There was no run for {on}. `hub recall run --on {on}` does it.")
            return _say(options, report)
        todays = RecallRun(partial(patiently_now, store.write_now), context.policies, context.clock, on)
        due = store.read_now(todays.due)
        if options.dry_run:
            return _say_due(options, on, due)
        return _say(options, todays.run(advancing("call and recall", sum(due.values()))))


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
    from hub.domain.failsafe import NOT_DISCHARGED
    from hub.flow.recall_run import FAULT

    # Whom a clinic has not discharged in time is asked about by people: that is no fault of a run.
    wrong = int(FAULT in report.taken or not report.silent.keys() <= {NOT_DISCHARGED})
    if options.json:
        ended = report.ended_at.isoformat() if report.ended_at else None
        told = {"on": report.run_on.isoformat(), "counts": report.taken, "cohort": report.cohort}
        say_json({**told, "silent": report.silent, "ended_at": ended})
        return wrong
    say(f"{report.run_on}: {'steps taken' if report.taken else 'no step was due'}.")
    if report.taken:
        say_table(("what", "people"), report.taken.items())
    if report.ended_at:
        say("\nWhere everybody stood at its end:")
        say_table(("place", "people"), [*report.cohort.items(), ("all", sum(report.cohort.values()))])
        if report.silent:
            say("\nSomebody waited silently. `hub report failsafe` says who:")
            say_table(("place", "many"), report.silent.items())
    else:
        say("It has not come to its end: done again it goes on.")
    if FAULT in report.taken:
        say("A fault of ours kept some from their step: see our_fault in the log, and `hub report failsafe` for whose.")
    return wrong
