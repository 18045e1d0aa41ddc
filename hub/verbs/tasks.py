"""`hub tasks`: the CSAS manual-match queue, worked from the command line."""

from __future__ import annotations

import argparse
import getpass
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import (
    count,
    data_argument,
    json_argument,
    opened_store,
    say,
    say_json,
    say_table,
    workgroup_argument,
)
from hub.verbs.task_view import URGENCY, say_view, spoken_age, task_fields, view_fields, view_of

if TYPE_CHECKING:
    from hub.flow.ports.results import TaskRow
    from hub.flow.step import Step
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub tasks list                                              the worklist, riskiest first",
    "hub tasks show 3f2a                                         one task, with its candidates side by side",
    "hub tasks match 3f2a --candidate 1 --by r.patel --why 'number misread, all else agrees'",
    "hub tasks reject 3f2a --by r.patel --why 'sent in error, laboratory confirms'",
    "hub tasks query 3f2a --by r.patel --why 'asked for the request form'",
    "hub tasks ask 3f2a --by r.patel                             ask PDS who it is; whom it finds is a candidate then",
    "hub tasks undo 3f2a --by r.patel --why 'wrong twin'         take the last decision back",
    "hub tasks undo --result 9c1e... --by r.patel --why '...'    take back a match the hub made by itself",
)
LIMIT = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what waits, riskiest first")
    listing.add_argument("--state", choices=("asking", "open", "queried", "closed"), help="only tasks in this state")
    listing.add_argument("--limit", type=count, default=LIMIT, help=f"how many (default {LIMIT})")
    actions.add_parser("show", help="one task: claim and candidates side by side, and its history")
    for name, line in (
        ("match", "the result belongs to this person"),
        ("reject", "the result is not taken; the laboratory is told"),
        ("query", "a question to the laboratory; the task goes on waiting"),
        ("undo", "take the last decision back"),
    ):
        actions.add_parser(name, help=line)
    actions.add_parser("ask", help="ask PDS about the claim; the question is kept with who asked")
    for name, action in actions.choices.items():
        _action_arguments(name, action)


def _action_arguments(name: str, action: argparse.ArgumentParser) -> None:
    data_argument(action)
    json_argument(action)
    if name == "list":
        workgroup_argument(action)
        return
    action.add_argument("task", nargs="?" if name == "undo" else None, help="the task's id, or how it begins")
    if name == "show":
        workgroup_argument(action)
        return
    action.add_argument("--by", default=getpass.getuser(), help="who decides (default: the user of this session)")
    if name == "ask":
        return
    action.add_argument("--why", required=True, help="the reason, kept with the decision; no clinical information")
    if name == "match":
        whom = action.add_mutually_exclusive_group()
        whom.add_argument("--candidate", type=int, metavar="N", help="the Nth candidate of `hub tasks show`")
        whom.add_argument("--participant", metavar="ID", help="a participant's id")
    if name == "undo":
        action.add_argument("--result", metavar="ID", help="a result the hub matched by itself")


def run(options: argparse.Namespace) -> int:
    actions: dict[str, Callable[[SqlStore, argparse.Namespace], int]] = {"list": _list, "show": _show, "ask": _ask}
    with opened_store(options) as store:
        return actions.get(options.action, _decide)(store, options)


def _list(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.flow.visibility import visible_tasks

    tasks = store.read_now(
        lambda tx: visible_tasks(tx, tx.tasks.worklist(options.limit, options.state), options.workgroup)
    )
    if options.json:
        say_json([task_fields(task) for task in tasks])
        return 0
    if not tasks:
        say("No task waits.")
        return 0
    shown: set[str] = set()
    rows = []
    for task in tasks:
        if task.person_key in shown:
            continue
        shown.add(task.person_key)
        others = [other.task_id[:8] for other in tasks if other.person_key == task.person_key and other is not task]
        more = f"and of the same person {', '.join(others)}" if others else ""
        best = f"{task.candidates[0]['score']:.2f}" if task.candidates else "-"
        rows.append(
            (
                task.task_id[:8],
                URGENCY.get(task.priority, "normal"),
                task.due_on,
                task.reason,
                f"asking PDS for {spoken_age(task.opened_at)}" if task.state == "asking" else task.state,
                len(task.candidates),
                best,
                more,
            )
        )
    headings = ("task", "urgency", "due", "reason", "state", "candidates", "best", "")
    say_table(headings, rows)
    waiting = f"{_counted(len(tasks), 'task', 'tasks')}, {_counted(len(rows), 'person', 'people')}"
    say(f"{waiting}. `hub tasks show TASK` shows one.")
    return 0


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def find_task(store: SqlStore, name: str | None) -> TaskRow:
    """The one task whose id begins so; CannotRun otherwise."""
    if not name:
        raise CannotRun("Name a task (`hub tasks list` shows them).")
    found = store.read_now(lambda tx: tx.tasks.find(name))
    if len(found) != 1:
        many = "Several tasks begin" if found else "No task begins"
        raise CannotRun(f"{many} with {name!r}. `hub tasks list` shows them.")
    if found[0].discharge_id:
        raise CannotRun("This task is about a discharge: `hub discharges list` shows it, and is where it is decided.")
    return found[0]


def _show(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.flow.visibility import visible_tasks

    task = find_task(store, options.task)
    visible = store.read_now(lambda tx: visible_tasks(tx, [task], options.workgroup))
    if not visible:
        raise CannotRun("This task is about somebody whom another workgroup alone may see (--workgroup).")
    view = store.read_now(lambda tx: view_of(tx, visible[0]))
    say_json(view_fields(view)) if options.json else say_view(view)
    return 0


def _ask(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.verbs.task_question import ask_pds

    return ask_pds(store, find_task(store, options.task), options)


def _decide(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.flow import clerks
    from hub.flow.step import Step, tell_all
    from hub.verbs.speaking import settings_of

    context = context_of(settings_of(options))
    decision = _decision(store, options)
    cause = str(uuid.uuid4())

    def work(tx: Any) -> Step:
        step = Step(tx, context.policies, context.clock(), cause=cause)
        decision(step)
        return step

    try:
        tell_all(store.write_now(work).told)
    except clerks.Refused as error:
        if options.json:
            say_json({"done": False, "why_not": str(error)})
        else:
            say(f"Not done: {error}")
        return 1
    say_json({"done": True, "action": options.action}) if options.json else say("Done. `hub tasks undo` takes it back.")
    return 0


def _decision(store: SqlStore, options: argparse.Namespace) -> Callable[[Step], None]:
    from hub.flow import clerks

    who = {"by": options.by, "why": options.why}
    if options.action == "undo" and options.result:
        return lambda step: clerks.undo_automatic(step, options.result, **who)
    task = find_task(store, options.task)
    if options.action == "match":
        participant_id = _chosen(task, options)
        return lambda step: clerks.match(step, task.task_id, participant_id, **who)
    act = {"reject": clerks.reject, "query": clerks.query, "undo": clerks.undo}[options.action]
    return lambda step: act(step, task.task_id, **who)


def _chosen(task: TaskRow, options: argparse.Namespace) -> str:
    """The participant the clerk names; where only a rule is in question, nobody need be named."""
    if options.participant:
        return str(options.participant)
    if options.candidate is None:
        if task.participant_id:
            return task.participant_id
        raise CannotRun("Say who it is: --candidate N (see `hub tasks show`) or --participant ID.")
    if not 1 <= options.candidate <= len(task.candidates):
        raise CannotRun(f"The task has {len(task.candidates)} candidates: there is no number {options.candidate}.")
    return str(task.candidates[options.candidate - 1]["participant_id"])
