"""`hub pnl`: the lists of a practice (prior notification list, not responded, to review), and its answers."""

from __future__ import annotations

import argparse
import csv
import getpass
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from hub.domain.dates import day_in_england
from hub.verbs.person import decide
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
    from hub.flow.actions import Signed
    from hub.flow.ports.recall import NotificationRow
    from hub.flow.ports.store import Transaction
    from hub.flow.step import Step
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub pnl list --practice A86020                    who is due to be invited",
    "hub pnl list --practice A86020 --list not-responded",
    "hub pnl list --practice A86020 --csv              as a file with names, for the practice alone",
    "hub pnl list --practice A86020 --workgroup defence-medical-services",
    "hub pnl answer 3f2a9c1e-... --practice A86020 --invite --why 'known to us'",
    "hub pnl answer 3f2a9c1e-... --practice A86020 --defer pregnancy --due 2027-05-01 --why '20 weeks'",
    "hub pnl answer 3f2a9c1e-... --practice A86020 --cease no-cervix --why 'operation note'",
)
LISTS = ("due", "not-responded", "to-review")
SHOWN_FOR = timedelta(weeks=8)
"""domain.md 1.2: two of the lists let go of people after eight weeks."""
LIMIT = 5_000


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="who stands on a practice's list")
    listing.add_argument("--list", choices=LISTS, default="due", help="which list (default: due)")
    listing.add_argument("--csv", action="store_true", help="with names and numbers, as a CSV file for the practice")
    workgroup_argument(listing)
    answering = actions.add_parser("answer", help="invite, defer or cease somebody on the list")
    answering.add_argument("notification", help="the id that the list shows")
    what = answering.add_mutually_exclusive_group(required=True)
    what.add_argument("--invite", action="store_true", help="invite her now")
    what.add_argument("--defer", metavar="REASON", help="put off, with --due")
    what.add_argument("--cease", metavar="REASON", help="call her no more")
    answering.add_argument("--due", type=day, metavar="DATE", help="the new next test due date")
    answering.add_argument("--by", default=getpass.getuser(), help="who answers (default: the user of this session)")
    answering.add_argument("--why", required=True, help="the reason, kept with the answer; no clinical information")
    for each in (listing, answering):
        each.add_argument("--practice", required=True, metavar="ODS", help="the practice's code")
        data_argument(each)
        json_argument(each)


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        if options.action == "list":
            return _list(store, options)
        return decide(store, options, lambda step, signed: _answer(step, options, signed))


def _answer(step: Step, options: argparse.Namespace, signed: Signed) -> None:
    from hub.flow.actions import answer
    from hub.mapping.actions import load_actions

    what = "invite" if options.invite else "defer" if options.defer else "cease"
    reason = options.defer or options.cease or ""
    known = load_actions(settings_of(options).mappings / "actions.toml")
    answer(step, options.notification, what, signed, known, reason=reason, due_on=options.due)


def _list(store: SqlStore, options: argparse.Namespace) -> int:
    since = date.min if options.list == "due" else day_in_england(datetime.now(UTC)) - SHOWN_FOR
    people = store.read_now(lambda tx: _people(tx, options, since))
    if options.json:
        say_json(people)
    elif options.csv:
        _write_csv(people)
    elif not people:
        say("Nobody stands on this list.")
    else:
        say_table(
            ("id", "due on", "listed on", "born in", ""),
            [
                (row["notification"], row["due_on"], row["listed_on"], row["date_of_birth"][:4], row["why"])
                for row in people
            ],
        )
        say(f"{len(people)} on the list. --csv writes it with names, for the practice alone.")
    return 0


def _people(tx: Transaction, options: argparse.Namespace, since: date) -> list[dict[str, Any]]:
    from hub.flow.visibility import visible_people

    listed = tx.notifications.of_practice(options.practice, options.list, since, LIMIT)
    everybody = tx.cohort.of([row.participant_id for row in listed])
    people = {person.participant_id: person for person in visible_people(everybody, options.workgroup)}
    return [
        _row(row, person)
        for row in listed
        if (person := people.get(row.participant_id))
        and person.practice_code == options.practice  # whoever has moved is not theirs any more
    ]


def _row(row: NotificationRow, person: Any) -> dict[str, Any]:
    return {
        "notification": row.notification_id,
        "nhs_number": person.nhs_number,
        "family_name": person.family_name,
        "given_names": " ".join(person.given_names),
        "date_of_birth": person.date_of_birth.isoformat(),
        "due_on": row.about_due_on.isoformat(),
        "listed_on": row.listed_on.isoformat(),
        "why": row.why,
    }


def _write_csv(people: list[dict[str, Any]]) -> None:
    columns = (
        "notification",
        "nhs_number",
        "family_name",
        "given_names",
        "date_of_birth",
        "due_on",
        "listed_on",
        "why",
    )
    writer = csv.DictWriter(sys.stdout, columns)
    writer.writeheader()
    writer.writerows({name: _plain(str(value)) for name, value in row.items()} for row in people)


def _plain(text: str) -> str:
    """What a spreadsheet would take for a formula is written as text."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
