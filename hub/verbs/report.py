"""`hub report`: figures and lists to be read, printed or handed on."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.communications_report import communications_arguments, run_communications
from hub.verbs.failsafe_report import failsafe_arguments, run_failsafe
from hub.verbs.feeds import known_feeds, named_feed
from hub.verbs.letters_report import letters_arguments, run_letters
from hub.verbs.speaking import data_argument, day, json_argument, opened_store, say, say_json, say_table

if TYPE_CHECKING:
    from hub.flow.laboratory_report import Figures, LaboratoryReport
    from hub.flow.reconciliation import Reconciliation
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub report laboratory --feed northmoor                      last week, Monday to Sunday",
    "hub report laboratory --feed northmoor --week 2026-W10      another; --json for programs",
    "hub report reconciliation --feed northmoor --on 2026-03-02                      our list of that day",
    "hub report reconciliation --feed northmoor --on 2026-03-02 --list theirs.csv    differences, slide by slide",
    "hub report letters                                     every result ever received, and its letter",
    "hub report letters --on 2026-03-02 --feed northmoor    those of a day, of one laboratory",
    "hub report letters --on 2026-03-02 --list unmatched    the ids behind a number",
    "hub report communications                              every letter wished, by plan, state and age",
    "hub report failsafe                                    where everybody stands; exit code 1 if one waits silently",
    "hub report failsafe --list suspended                   the participants who stand there, by id",
    "hub report failsafe --list not-discharged              whose clinic must be asked: referred, and never discharged",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    reports = parser.add_subparsers(dest="report", required=True, metavar="REPORT")
    laboratory = reports.add_parser("laboratory", help="a laboratory's week: answers, refusals, faults, peers")
    laboratory.add_argument("--week", help="2026-W10, or any day of it (default: the last whole week)")
    reconciliation = reports.add_parser("reconciliation", help="the slides of a day: their list against ours")
    reconciliation.add_argument("--on", type=day, metavar="DATE", help="the day (default: yesterday)")
    reconciliation.add_argument("--list", type=Path, metavar="FILE", help="their slide numbers, one a line, or CSV")
    for one in (laboratory, reconciliation):
        one.add_argument("--feed", required=True, help="whose")
        data_argument(one)
        json_argument(one)
    letters_arguments(
        reports.add_parser("letters", help="each result in one place: letter, paused, unmatched and so on")
    )
    communications_arguments(
        reports.add_parser("communications", help="every letter wished, by plan, state and age; exit 1 if one is lost")
    )
    failsafe_arguments(reports.add_parser("failsafe", help="each person in one place, and nobody waits silently"))


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        return _REPORTS[options.report](store, options)


def _laboratory(store: SqlStore, options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.flow.laboratory_report import laboratory_report, last_whole_week, week_of

    tables = known_feeds(options)
    feed = named_feed(tables, options.feed)
    try:
        week = week_of(options.week) if options.week else last_whole_week(datetime.now(UTC))
    except ValueError:
        raise CannotRun("A week is written 2026-W10, or as a day of it, 2026-03-02.") from None
    report = store.read_now(lambda tx: laboratory_report(tx, tables, ADAPTERS, feed, week))
    if options.json:
        say_json(report.as_json())
    else:
        _say_laboratory(report)
    return 1 if report.met is False else 0


def _say_laboratory(report: LaboratoryReport) -> None:
    say(f"{report.name} ({report.feed}), {report.first_on} to {report.last_on}")
    say()
    say_table(("", "you", "peers (median)"), _figures(report.own, report.peers))
    met = {True: "met", False: "NOT met", None: "not known: no answer's time is known"}[report.met]
    say(f"\nObjective: 95 of 100 answers within {report.objective_ms} ms: {met}.")
    say("Answers: " + (", ".join(f"{count} {code}" for code, count in report.answers.items()) or "none") + ".")
    for fault in report.faults:
        say(f"\n{fault.count} x {fault.reason} at {fault.place or 'the whole message'}")
        say(f"  {fault.sentence} {fault.hint}".rstrip())
        say(f"  The newest: control id {fault.control_id or '(none)'}.")
    if report.control_ids_reused:
        say(f"\nControl ids used again with other content: {len(report.control_ids_reused)}")
        say("  " + ", ".join(report.control_ids_reused))


def _figures(own: Figures, peers: Figures | None) -> list[tuple[str, str, str]]:
    def row(name: str, field: str, unit: str) -> tuple[str, str, str]:
        theirs = getattr(peers, field) if peers else None
        return name, _shown(getattr(own, field), unit), _shown(theirs, unit)

    return [
        row("messages answered", "messages", ""),
        row("answered within, half of them", "ack_p50_ms", "ms"),
        row("answered within, 95 of 100", "ack_p95_ms", "ms"),
        row("refused", "refused_share", "%"),
        row("results that needed a clerk", "clerk_share", "%"),
    ]


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if unit == "%" else f"{value} {unit}".rstrip()


def _reconciliation(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.domain.dates import day_in_england
    from hub.flow.reconciliation import list_of, read_list, reconcile

    feed = named_feed(known_feeds(options), options.feed)
    on = options.on or day_in_england(datetime.now(UTC)) - timedelta(days=1)
    theirs = _list_of(options.list, read_list) if options.list else None
    found = store.read_now(lambda tx: reconcile(tx, feed, on, theirs))
    if options.json:
        say_json(found.as_json())
    elif theirs is None:
        say(list_of(found).decode().replace("\r\n", "\n").rstrip())
    else:
        _say_differences(found)
    return 0 if found.agrees else 1


def _list_of(path: Path, read: Callable[[str], list[str]]) -> list[str]:
    try:
        return read(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise CannotRun(f"{path} cannot be read ({error.strerror}).") from None
    except (UnicodeDecodeError, csv.Error):
        raise CannotRun(f"{path} is no list of slide numbers: save it as text (UTF-8), one number a line.") from None


def _say_differences(found: Reconciliation) -> None:
    taken = sum(one.outcome == "taken" for one in found.ours)
    say(f"{found.feed}, {found.on}")
    say(f"their list    {found.theirs} = {found.in_both} in both + {len(found.missing_here)} missing here")
    say(f"our list      {taken} = {found.in_both} in both + {len(found.missing_there)} missing there")
    if found.repeated_in_theirs:
        say(f"repeated      {found.repeated_in_theirs} lines of their list name a slide again")
    for one in found.missing_here:
        words = {"nothing": "never came", "another-day": "came on another day"}
        known = words.get(one.known) or f"refused {one.reason} {one.place}".rstrip()
        say(f"missing here   {one.slide_number}  {known}")
    for number in found.missing_there:
        say(f"missing there  {number}")
    for later in found.refused_later:
        say(f"refused later  {later.slide_number}  {later.reason}")


_REPORTS: dict[str, Callable[[SqlStore, argparse.Namespace], int]] = {
    "laboratory": _laboratory,
    "reconciliation": _reconciliation,
    "letters": run_letters,
    "communications": run_communications,
    "failsafe": run_failsafe,
}
