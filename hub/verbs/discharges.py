"""`hub discharges`: what colposcopy clinics reported and waits for a clerk, each with its clock; and her decisions."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from hub.domain.dates import day_in_england
from hub.errors import CannotRun, Reason
from hub.verbs.discharge_view import fields_of, say_discharge, view_of
from hub.verbs.person import decide
from hub.verbs.speaking import count, data_argument, day, json_argument, opened_store, say, say_json, say_table

if TYPE_CHECKING:
    from hub.flow.actions import Signed
    from hub.flow.ports.results import DischargeRow, TaskRow
    from hub.flow.ports.store import Transaction
    from hub.flow.step import Step
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub discharges list                                       what waits, the clock that ends first on top",
    "hub discharges list --feed fellgate --state applied       a clinic's, by what became of them",
    "hub discharges show 3f2a                                  one, with its candidates and her record",
    "hub discharges apply 3f2a --case CAS-12345-ABCDE --why 'clinic confirms'          with the clinic's date",
    "hub discharges apply 3f2a --candidate 1 --due 2027-06-01 --case CAS-12345-ABCDE --why 'clinic confirms'",
    "hub discharges reject 3f2a --why 'not eligible, clinic told'",
    "hub discharges undo 3f2a --why 'wrong person'             also what the hub did by itself",
    "hub discharges rejected --feed fellgate                   what the clinic must be told, place by place",
)
STATES = ("waiting", "applied", "refused", "repeated", "superseded")
LIMIT = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, line in (
        ("list", "what waits, or what became of them"),
        ("show", "one discharge, and everything about it"),
        ("apply", "it goes on her record"),
        ("reject", "it is not taken; the clinic is told"),
        ("undo", "take back what was done about it"),
        ("rejected", "what of a clinic's lists could not be applied: refused, or waiting"),
    ):
        _action_arguments(name, actions.add_parser(name, help=line))


def _action_arguments(name: str, action: argparse.ArgumentParser) -> None:
    data_argument(action)
    json_argument(action)
    if name in ("list", "rejected"):
        action.add_argument("--feed", required=name == "rejected", help="only those of this clinic")
        action.add_argument("--limit", type=count, default=LIMIT, help=f"how many (default {LIMIT})")
        if name == "list":
            action.add_argument("--state", choices=STATES, default="waiting", help="in this state (default: waiting)")
        return
    action.add_argument("discharge", help="the discharge's id, or how it begins")
    if name == "show":
        return
    action.add_argument("--by", default=getpass.getuser(), help="who decides (default: the user of this session)")
    action.add_argument("--why", required=True, help="the reason, kept with the decision; no clinical information")
    if name == "apply":
        action.add_argument("--case", required=True, metavar="CAS-12345-ABCDE", help="CSAS's number of the case")
        action.add_argument("--due", type=day, metavar="DATE", help="the next test due date (default: the clinic's)")
        whom = action.add_mutually_exclusive_group()
        whom.add_argument("--candidate", type=int, metavar="N", help="the Nth candidate of `hub discharges show`")
        whom.add_argument("--participant", metavar="ID", help="a participant's id")


def run(options: argparse.Namespace) -> int:
    reading: dict[str, Callable[[SqlStore, argparse.Namespace], int]] = {
        "list": _list,
        "show": _show,
        "rejected": _rejected,
    }
    with opened_store(options) as store:
        return reading.get(options.action, _decide)(store, options)


def _list(store: SqlStore, options: argparse.Namespace) -> int:

    found = store.read_now(lambda tx: _listed(tx, options))
    counts = store.read_now(lambda tx: tx.discharges.counts(options.feed))
    if options.json:
        say_json({"counts": counts, "discharges": [fields_of(row, task) for row, task in found]})
        return 0
    if found:
        today = day_in_england(datetime.now(UTC))
        say_table(
            ("discharge", "clock", "feed", "received", "clinic's date", "counts", "reason"),
            [_line(row, task, today) for row, task in found],
        )
    say(f"{len(found)} {options.state}. In all: {', '.join(f'{n} {state}' for state, n in counts.items()) or 'none'}.")
    return 0


def _listed(tx: Transaction, options: argparse.Namespace) -> list[tuple[DischargeRow, TaskRow | None]]:
    """With their open tasks; those first whose clock ends first, those without a clock by their age."""
    if options.state == "waiting":
        tasks = tx.tasks.about_discharges(options.limit, options.feed)
        return [(row, task) for task in tasks if (row := tx.discharges.get(task.discharge_id))]
    return [(row, None) for row in tx.discharges.newest(options.limit, options.state, options.feed)]


def _line(row: DischargeRow, task: TaskRow | None, today: date) -> tuple[object, ...]:

    said = fields_of(row, task)
    return (
        row.discharge_id[:8],
        _clock(task, today),
        row.feed,
        day_in_england(row.received_at),
        said["clinics_date"] or "",
        row.due_on or "",
        task.reason if task else "",
    )


def _clock(task: TaskRow | None, today: date) -> str:
    if task is None:
        return ""
    left = (task.due_on - today).days
    if left < 0:
        return f"{-left} day{'s' if left < -1 else ''} late"
    return "ends today" if left == 0 else f"{left} day{'s' if left > 1 else ''} left"


def _found(store: SqlStore, name: str) -> DischargeRow:
    """The one discharge whose id begins so; CannotRun otherwise."""
    found = store.read_now(lambda tx: tx.discharges.find(name))
    if len(found) != 1:
        many = "Several discharges begin" if found else "No discharge begins"
        raise CannotRun(f"{many} with {name!r}. `hub discharges list` shows them.")
    return found[0]


def _show(store: SqlStore, options: argparse.Namespace) -> int:
    row = _found(store, options.discharge)
    view = store.read_now(lambda tx: view_of(tx, row))
    say_json(view.fields()) if options.json else say_discharge(view)
    return 0


def _rejected(store: SqlStore, options: argparse.Namespace) -> int:
    """What a clerk refused, and what still waits: by the file and the row in it, and nobody is named."""
    found = store.read_now(lambda tx: _told(tx, options))
    if options.json:
        say_json(found)
        return 0
    if not found:
        say("Nothing of this clinic has been refused or waits.")
        return 0
    headings = ("file", "number", "row", "state", "reason", "why")
    say_table(headings, [tuple(line[name] for name in headings) for line in found])
    return 0


def _told(tx: Transaction, options: argparse.Namespace) -> list[dict[str, Any]]:
    sentences = {reason.code: reason.sentence for reason in Reason}
    numbers = {file.journal_seq: file.sequence for file in tx.files.page(options.feed, options.limit)}
    lines = []
    for state in ("refused", "waiting"):
        for row in tx.discharges.newest(options.limit, state, options.feed):
            for task in tx.tasks.of_discharge(row.discharge_id)[-1:]:
                why = task.note if state == "refused" else sentences[task.reason]
                lines.append(
                    {
                        "file": row.journal_seq,
                        "number": numbers.get(row.journal_seq) or "",
                        "row": row.position.split(".")[0],
                        "state": state,
                        "reason": task.reason,
                        "why": why,
                        "discharge_id": row.discharge_id,
                    }
                )
    return lines


def _decide(store: SqlStore, options: argparse.Namespace) -> int:
    row = _found(store, options.discharge)
    whose = _chosen(store, row, options) if options.action == "apply" else ""
    return decide(store, options, lambda step, signed: _decision(step, row.discharge_id, whose, options, signed))


def _decision(step: Step, discharge_id: str, whose: str, options: argparse.Namespace, signed: Signed) -> None:
    from hub.flow import discharge_clerks

    if options.action == "apply":
        discharge_clerks.apply(step, discharge_id, signed, whose, options.due)
    elif options.action == "reject":
        discharge_clerks.reject(step, discharge_id, signed)
    else:
        discharge_clerks.undo(step, discharge_id, signed)


def _chosen(store: SqlStore, row: DischargeRow, options: argparse.Namespace) -> str:
    """The participant the clerk names; nobody need be named where she is certain."""
    if options.participant or options.candidate is None:
        return options.participant or ""
    tasks = store.read_now(lambda tx: tx.tasks.of_discharge(row.discharge_id))
    candidates = next((task.candidates for task in tasks if task.state != "closed"), ())
    if not 1 <= options.candidate <= len(candidates):
        raise CannotRun(f"It has {len(candidates)} candidates: there is no number {options.candidate}.")
    return str(candidates[options.candidate - 1]["participant_id"])
