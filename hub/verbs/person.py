"""`hub person`: what is known of a person's recall and why; putting off, ceasing, reinstating.

The NHS number is read from standard input or a prompt, never from an argument: arguments stand in histories and lists
of processes.
"""

from __future__ import annotations

import argparse
import getpass
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, TypeVar

from hub.errors import CannotRun
from hub.verbs.speaking import (
    data_argument,
    day,
    json_argument,
    opened_store,
    say,
    say_json,
    say_table,
    settings_of,
    workgroup_argument,
)

if TYPE_CHECKING:
    from hub.domain.people import Participant
    from hub.flow.actions import Signed
    from hub.flow.ports.recall import ActionRow
    from hub.flow.step import Step
    from hub.io.store import SqlStore

T = TypeVar("T")

EXAMPLES = (
    "hub person show                                          the date, and why, fact by fact, rule by rule",
    "hub person eligible --on 2026-09-01                      may a test be taken on that day?",
    "hub person defer --reason pregnancy --due 2027-05-01 --case CAS-12345-ABCDE --why 'as she asked'",
    "hub person cease --reason no-cervix --case CAS-12345-ABCDE --why 'operation note'",
    "hub person reinstate --due 2027-05-01 --case CAS-12345-ABCDE --why 'ceased by mistake'",
    "hub person undo ACTION --case CAS-12345-ABCDE --why 'wrong person'",
    "hub person show --json                                   the number comes on standard input, or is asked for",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, line in (
        ("show", "recall, decisions, and why"),
        ("eligible", "whether a test may be taken"),
        ("defer", "put her next test off"),
        ("cease", "call her no more"),
        ("reinstate", "call her again"),
        ("undo", "take a decision back"),
    ):
        _action_arguments(name, actions.add_parser(name, help=line))


def _action_arguments(name: str, action: argparse.ArgumentParser) -> None:
    data_argument(action)
    json_argument(action)
    if name == "eligible":
        action.add_argument("--on", type=day, metavar="DATE", help="the day of the test (default: today)")
    if name != "undo":
        workgroup_argument(action)
    if name in ("show", "eligible"):
        return
    if name == "undo":
        action.add_argument("decision", metavar="ACTION", help="the decision's id, as `hub person show` names it")
    if name in ("defer", "cease"):
        action.add_argument("--reason", required=True, help="a name of mappings/actions.toml")
    if name in ("defer", "reinstate"):
        action.add_argument("--due", type=day, required=True, metavar="DATE", help="the new next test due date")
    action.add_argument("--case", required=True, metavar="CAS-12345-ABCDE", help="CSAS's number of the case")
    action.add_argument("--by", default=getpass.getuser(), help="who decides (default: the user of this session)")
    action.add_argument("--why", required=True, help="the reason, kept with the decision; no clinical information")


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        if options.action == "undo":
            return decide(store, options, lambda step, signed: _undo(step, options.decision, signed))
        person = _person(store, options.workgroup)
        if options.action == "show":
            return _show(store, person, options)
        if options.action == "eligible":
            return _eligible(store, person, options)
        return decide(store, options, lambda step, signed: _decision(step, person, options, signed))


def _person(store: SqlStore, workgroups: list[str]) -> Participant:
    from hub.domain.nhs_number import is_valid, normalise
    from hub.flow.merging import known_by

    text = getpass.getpass("NHS number (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    number = normalise(text.strip())
    if not is_valid(number):
        raise CannotRun("That is no NHS number: ten digits, the last a check digit.")
    person = store.read_now(lambda tx: known_by(tx, number))
    if person is None or person.workgroup not in workgroups:
        raise CannotRun("Nobody in the cohort has this number.")
    return person


def stepped(store: SqlStore, options: argparse.Namespace, work: Callable[[Step, Signed], T]) -> T:
    """What `work` gives, done in a transaction of its own and signed by whoever the options name."""
    from hub.app import context_of
    from hub.flow.actions import Signed
    from hub.flow.step import Step, tell_all

    context, cause = context_of(settings_of(options)), str(uuid.uuid4())
    signed = Signed(options.by, options.why, getattr(options, "case", ""), getattr(options, "practice", ""))

    def in_one(tx: Any) -> tuple[Step, T]:
        step = Step(tx, context.policies, context.clock(), cause=cause)
        return step, work(step, signed)

    step, made = store.write_now(in_one)
    tell_all(step.told)
    return made


def decide(store: SqlStore, options: argparse.Namespace, work: Callable[[Step, Signed], object]) -> int:
    """Take a decision in a transaction of its own; say what came of it."""
    from hub.flow.clerks import Refused

    try:
        made = stepped(store, options, work)
    except Refused as error:
        say_json({"done": False, "why_not": str(error)}) if options.json else say(f"Not done: {error}")
        return 1
    say_json({"done": True, "action": made}) if options.json else say(f"Done{f': {made}' if made else ''}.")
    return 0


def _undo(step: Step, action_id: str, signed: Signed) -> None:
    from hub.flow.actions import take_back

    take_back(step, action_id, signed)


def _decision(step: Step, person: Participant, options: argparse.Namespace, signed: Signed) -> str:
    from hub.flow import actions
    from hub.mapping.actions import load_actions

    known = load_actions(settings_of(options).mappings / "actions.toml")
    if options.action == "defer":
        return actions.defer(step, person.participant_id, options.reason, options.due, signed, known)
    if options.action == "cease":
        return actions.cease(step, person.participant_id, options.reason, signed, known)
    return actions.reinstate(step, person.participant_id, options.due, signed)


def _show(store: SqlStore, person: Participant, options: argparse.Namespace) -> int:
    from hub.domain.because import NEXT
    from hub.domain.facts import CallStep

    record = store.read_now(lambda tx: tx.records.get(person.participant_id))
    decisions = store.read_now(lambda tx: tx.actions.of(person.participant_id))
    if record is None:
        raise CannotRun(
            "She is in the cohort, and nothing else is known of her. `hub cohort import` begins her record."
        )
    if options.json:
        shown = [{name: getattr(row, name) for name in row.__slots__ if name != "participant_id"} for row in decisions]
        say_json({**record, "decisions": shown})
        return 0
    due = record["next_test_due_on"] or "no date"
    ceased = f" ({record['ceased']})" if record["ceased"] else ""
    say(f"{record['recall_type']}{ceased}, next test due: {due}. {record['recall_status']}.")
    if record["next_step"]:
        why = NEXT[CallStep(record["next_step"])]
        say(f"Next: {record['next_step']} on {record['next_step_on']}.  [{why}]")
    say("\nWhy:")
    say_why(record)
    if decisions:
        say("\nDecisions:")
        rows = [_decision_row(row) for row in decisions]
        say_table(("id", "what", "reason", "due", "on", "by", ""), rows)
    return 0


def say_why(record: dict[str, Any]) -> None:
    """The record's reasons, each with where its rule stands."""
    for sentence, source in zip_longest(record.get("because", ()), record.get("sources", ())):
        say(f"  {sentence}  [{source}]" if source else f"  {sentence}")


def _decision_row(row: ActionRow) -> tuple[object, ...]:
    undone = "taken back" if row.taken_back_at else ""
    return (row.action_id, row.action, row.reason, row.due_on or "", row.decided_on, row.by, undone)


def _eligible(store: SqlStore, person: Participant, options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.domain.dates import day_in_england
    from hub.domain.eligibility import eligibility
    from hub.flow.recording import entry_of

    on = options.on or day_in_england(datetime.now(UTC))
    policies = context_of(settings_of(options)).policies
    facts = store.read_now(lambda tx: tx.records.facts(person.participant_id))
    found = eligibility(entry_of(person), facts, policies, on)
    if options.json:
        say_json({name: getattr(found, name) for name in found.__slots__})
    else:
        say(f"{'Yes' if found.eligible else 'No'}: {found.why}")
    return 0 if found.eligible else 1
