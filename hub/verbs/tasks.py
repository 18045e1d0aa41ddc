"""`hub tasks`: the CSAS manual-match queue, worked from the command line."""

from __future__ import annotations

import argparse
import getpass
import uuid
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json, say_table

if TYPE_CHECKING:
    from hub.domain.people import Claim, Participant
    from hub.flow.ports import TaskRow
    from hub.flow.step import Step
    from hub.io.store import SqliteStore

EXAMPLES = (
    "hub tasks list                                              the worklist, riskiest first",
    "hub tasks show 3f2a                                         one task, with its candidates side by side",
    "hub tasks match 3f2a --candidate 1 --by r.patel --why 'number misread, all else agrees'",
    "hub tasks reject 3f2a --by r.patel --why 'sent in error, laboratory confirms'",
    "hub tasks query 3f2a --by r.patel --why 'asked for the request form'",
    "hub tasks undo 3f2a --by r.patel --why 'wrong twin'         take the last decision back",
    "hub tasks undo --result 9c1e... --by r.patel --why '...'    take back a match the hub made by itself",
)
LIMIT = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what waits, riskiest first")
    listing.add_argument("--state", choices=("open", "queried", "closed"), help="only tasks in this state")
    listing.add_argument("--limit", type=int, default=LIMIT, help=f"how many (default {LIMIT})")
    actions.add_parser("show", help="one task: claim and candidates side by side, and its history")
    for name, line in (
        ("match", "the result belongs to this person"),
        ("reject", "the result is not taken; the laboratory is told"),
        ("query", "a question to the laboratory; the task goes on waiting"),
        ("undo", "take the last decision back"),
    ):
        actions.add_parser(name, help=line)
    for name, action in actions.choices.items():
        _action_arguments(name, action)


def _action_arguments(name: str, action: argparse.ArgumentParser) -> None:
    data_argument(action)
    json_argument(action)
    if name == "list":
        return
    action.add_argument("task", nargs="?" if name == "undo" else None, help="the task's id, or how it begins")
    if name == "show":
        return
    action.add_argument("--by", default=getpass.getuser(), help="who decides (default: the user of this session)")
    action.add_argument("--why", required=True, help="the reason, kept with the decision; no clinical information")
    if name == "match":
        whom = action.add_mutually_exclusive_group()
        whom.add_argument("--candidate", type=int, metavar="N", help="the Nth candidate of `hub tasks show`")
        whom.add_argument("--participant", metavar="ID", help="a participant's id")
    if name == "undo":
        action.add_argument("--result", metavar="ID", help="a result the hub matched by itself")


def run(options: argparse.Namespace) -> int:
    actions: dict[str, Callable[[SqliteStore, argparse.Namespace], int]] = {"list": _list, "show": _show}
    with opened_store(options) as store:
        return actions.get(options.action, _decide)(store, options)


def _list(store: SqliteStore, options: argparse.Namespace) -> int:
    tasks = store.read_now(lambda tx: tx.tasks.worklist(options.limit, options.state))
    if options.json:
        say_json([task_fields(task) for task in tasks])
        return 0
    if not tasks:
        say("No task waits.")
        return 0
    people = Counter(task.person_key for task in tasks)
    shown: set[str] = set()
    rows = []
    for task in tasks:
        if task.person_key in shown:
            continue
        shown.add(task.person_key)
        more = f"+{people[task.person_key] - 1} of the same person" if people[task.person_key] > 1 else ""
        best = f"{task.candidates[0]['score']:.2f}" if task.candidates else "-"
        rows.append(
            (
                task.task_id[:8],
                URGENCY.get(task.priority, "normal"),
                task.due_on,
                task.reason,
                task.state,
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


GENDERS = {"0": "not known", "1": "M", "2": "F", "9": "not specified"}
"""The codes of the cohort in the words laboratories use (domain.md 2.9)."""
URGENCY = {0: "urgent", 1: "abnormal", 2: "normal"}


def task_fields(task: TaskRow) -> dict[str, Any]:
    """A task for programs: no demographics, only ids, reasons and the findings' sentences."""
    return {
        "task_id": task.task_id,
        "result_id": task.result_id,
        "reason": task.reason,
        "state": task.state,
        "outcome": task.outcome,
        "note": task.note,
        "priority": task.priority,
        "due_on": task.due_on.isoformat(),
        "participant_id": task.participant_id,
        "person_key": task.person_key,
        "place": task.place,
        "hint": task.hint,
        "opened_at": task.opened_at.isoformat(),
        "closed_at": task.closed_at.isoformat() if task.closed_at else None,
        "closed_by": task.closed_by,
        "candidates": list(task.candidates),
    }


def find_task(store: SqliteStore, name: str | None) -> TaskRow:
    """The one task whose id begins so; CannotRun otherwise."""
    if not name:
        raise CannotRun("Name a task (`hub tasks list` shows them).")
    found = store.read_now(lambda tx: tx.tasks.find(name))
    if len(found) != 1:
        many = "Several tasks begin" if found else "No task begins"
        raise CannotRun(f"{many} with {name!r}. `hub tasks list` shows them.")
    return found[0]


def _show(store: SqliteStore, options: argparse.Namespace) -> int:
    task = find_task(store, options.task)
    row = store.read_now(lambda tx: tx.results.get(task.result_id))
    assert row is not None, "a task names a result"
    decisions = store.read_now(lambda tx: tx.tasks.decisions(task.task_id))
    history = [
        {"action": one.action, "by": one.by, "why": one.why, "at": one.decided_at.isoformat()} for one in decisions
    ]
    if options.json:
        say_json({**task_fields(task), "decisions": history})
        return 0
    _say_head(task)
    people = store.read_now(lambda tx: [tx.cohort.get(one["participant_id"]) for one in task.candidates[:5]])
    _say_side_by_side(row.event.claim, [person for person in people if person])
    for number, candidate in enumerate(task.candidates[:5], 1):
        say(f"\ncandidate {number}: {candidate['score']:.2f}   participant {candidate['participant_id']}")
        for finding in candidate["findings"]:
            say(f"  {MARKS.get(finding['verdict'], '?')} {finding['sentence']}")
    for one in history:
        say(f"\n{one['at'][:19]}Z  {one['action']} by {one['by']}: {one['why']}")
    return 0


MARKS = {"agrees": "=", "similar": "~", "differs": "#", "missing": " "}


def _say_head(task: TaskRow) -> None:
    from hub.flow.settling import REASONS

    say(f"task {task.task_id}   {task.state}{' (' + task.outcome + ')' if task.outcome else ''}")
    say(f"{task.reason}: {REASONS[task.reason].sentence}")
    for line in (task.hint, f"place {task.place}" if task.place else "", task.note):
        if line:
            say(line)
    say(f"due {task.due_on} · {URGENCY.get(task.priority, 'normal')} · result {task.result_id}")
    if task.participant_id:
        say(f"the person is certain: participant {task.participant_id}")


def _say_side_by_side(claim: Claim | None, people: list[Participant]) -> None:
    if claim is None:
        say("\nNothing of the person could be read.")
        return
    columns = [_claimed(claim), *(_known(person) for person in people)]
    say()
    headings = ("", "the laboratory says", *(f"candidate {number}" for number in range(1, len(people) + 1)))
    say_table(headings, ((name, *(column[name] for column in columns)) for name in columns[0]))


def _claimed(claim: Claim) -> dict[str, str]:
    return {
        "NHS number": claim.nhs_number or "",
        "family name": claim.family_name or "",
        "former names": ", ".join(claim.former_family_names),
        "given names": " ".join(claim.given_names),
        "date of birth": str(claim.date_of_birth or ""),
        "sex": claim.sex or "",
        "postcode": claim.postcode or "",
        "address": ", ".join(claim.address_lines),
    }


def _known(person: Participant) -> dict[str, str]:
    return {
        "NHS number": person.nhs_number,
        "family name": person.family_name,
        "former names": ", ".join(person.former_family_names),
        "given names": " ".join(person.given_names),
        "date of birth": str(person.date_of_birth),
        "sex": GENDERS.get(person.gender or "", person.gender or ""),
        "postcode": person.postcode or "",
        "address": ", ".join(person.address_lines),
    }


def _decide(store: SqliteStore, options: argparse.Namespace) -> int:
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


def _decision(store: SqliteStore, options: argparse.Namespace) -> Callable[[Step], None]:
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
