"""`hub trace`: one timeline from the bytes to the letter."""

from __future__ import annotations

import argparse
import getpass
import re
import sys
from functools import partial
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.person import say_why
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json, workgroup_argument

if TYPE_CHECKING:
    from hub.flow.timeline import Moment
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub trace NM00017                    a message, by control id, journal number or digest",
    "hub trace 17/2.1                     one result of a message or file: number, and position",
    "hub trace 9c1e0d52-...               a result, by its id",
    "hub trace --slide 26010017           by slide number (tried anyhow, where nothing else goes by the name)",
    "hub trace --person                   a person's record and why; the NHS number is asked for, never an argument",
)


_POSITION = re.compile(r"[0-9]+\.[0-9]+")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?", help="journal number, digest, control id, a result's id, or a slide number")
    parser.add_argument("--slide", metavar="NUMBER", help="a slide number")
    parser.add_argument("--person", action="store_true", help="a person: the NHS number is read from standard input")
    workgroup_argument(parser)
    data_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from hub.flow.timeline import timeline

    if sum(map(bool, (options.id, options.slide, options.person))) != 1:
        raise CannotRun("Name one thing to trace: an id, --slide NUMBER or --person.")
    with opened_store(options) as store:
        if options.person:
            return _person(store, options)
        places = _places(store, options)
        traced = [(seq, store.read_now(partial(timeline, seq=seq, position=position))) for seq, position in places]
    if not traced:
        say_json([]) if options.json else say("Nothing goes by that name. `hub journal list` shows what arrived.")
        return 1
    if options.json:
        say_json([_fields(seq, moment) for seq, line in traced for moment in line])
        return 0
    for _, line in traced:
        several = len({moment.position for moment in line}) > 2
        for one in line:
            which = f"{one.position:6} " if several else ""
            say(f"{one.at:%Y-%m-%d %H:%M:%S.%f}Z  {which}{one.what:18} {one.detail}")
        say()
    return 0


def _fields(seq: int, moment: Moment) -> dict[str, object]:
    return {
        "at": moment.at.isoformat(),
        "what": moment.what,
        "detail": moment.detail,
        "number": seq,
        "position": moment.position,
    }


def _places(store: SqlStore, options: argparse.Namespace) -> list[tuple[int, str]]:
    """The messages that go by this name, each with the one result that is meant, or with all."""
    if options.slide:
        return _of_slide(store, options.slide)
    row = store.read_now(lambda tx: tx.results.get(options.id) or tx.discharges.get(options.id))
    if row:
        return [(row.journal_seq, row.position)]
    name, _, position = options.id.partition("/")
    entries = store.read_now(lambda tx: tx.journal.lookup(name if _POSITION.fullmatch(position) else options.id))
    found = [(entry.seq, position if _POSITION.fullmatch(position) else "") for entry in entries]
    return found or _of_slide(store, options.id)


def _of_slide(store: SqlStore, number: str) -> list[tuple[int, str]]:
    rows = store.read_now(lambda tx: tx.results.of_slide_number(number))
    return sorted({(row.journal_seq, row.position) for row in rows})


def _person(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.domain.nhs_number import normalise
    from hub.flow.merging import known_by

    typed = getpass.getpass("NHS number (not shown): ") if sys.stdin.isatty() else sys.stdin.readline()
    person = store.read_now(lambda tx: known_by(tx, normalise(typed)))
    if person is None or person.workgroup not in options.workgroup:  # not even that she exists is told
        say("Nobody of the cohort has this NHS number.")
        return 1
    record = store.read_now(lambda tx: tx.records.get(person.participant_id)) or {}
    letters = store.read_now(lambda tx: tx.letters.of(person.participant_id))
    tasks = store.read_now(lambda tx: tx.tasks.open_for(person.participant_id))
    if options.json:
        say_json(
            {
                "participant_id": person.participant_id,
                "record": record,
                "letters": [{"code": one.code, "state": one.state, "why": one.why} for one in letters],
                "open_tasks": [task.task_id for task in tasks],
            }
        )
        return 0
    due = record.get("next_test_due_on", person.next_test_due_on) or "none"
    say(f"participant {person.participant_id}")
    say(f"recall type {record.get('recall_type', 'Called')}, next test due {due}")
    say_why(record)
    for alert in record.get("alerts", ()):
        say(f"  ! {alert['reason']} (result {alert['result_id']})")
    for letter in letters:
        say(f"letter {letter.code or 'none'}: {letter.state} {letter.why}".rstrip())
    for task in tasks:
        say(f"task {task.task_id[:8]}: {task.reason}")
    return 0
