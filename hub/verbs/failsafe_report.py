"""`hub report failsafe`: everybody of the cohort in one place, and that nobody waits silently."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime, time
from itertools import islice
from typing import TYPE_CHECKING

from hub.domain.failsafe import PLACES, SILENT
from hub.verbs.speaking import data_argument, day, json_argument, say, say_json, say_json_rows, say_table, settings_of

if TYPE_CHECKING:
    from hub.domain.failsafe import Failsafe
    from hub.domain.policy import DischargeSettings
    from hub.flow.ports.store import Transaction
    from hub.io.store import SqlStore

SHOWN = 20


def failsafe_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--on", type=day, metavar="DATE", help="as of the end of that day (default: now)")
    parser.add_argument("--list", choices=PLACES, dest="place", help="the ids of the participants who stand there")
    data_argument(parser)
    json_argument(parser)


def run_failsafe(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.app import context_of
    from hub.flow.failsafe import failsafe_at, waiting_silently

    at, settings = _moment(options), context_of(settings_of(options)).policies.discharge
    if options.place:
        store.read_now(lambda tx: _list(tx, at, settings, options))
        return 0
    found = store.read_now(lambda tx: failsafe_at(tx, at, settings))
    silent = [] if found.holds else store.read_now(lambda tx: list(waiting_silently(tx, at, settings)))
    if options.json:
        say_json(_as_json(found, silent))
    else:
        _say(found, silent)
    return 0 if found.holds else 1


def _moment(options: argparse.Namespace) -> datetime:
    from hub.domain.dates import ENGLAND

    return datetime.combine(options.on, time(23, 59), ENGLAND) if options.on else datetime.now(UTC)


def _list(tx: Transaction, at: datetime, settings: DischargeSettings, options: argparse.Namespace) -> None:
    from hub.flow.failsafe import standing

    ids = (participant_id for participant_id, _ in standing(tx, at, settings, frozenset({options.place})))
    if options.json:
        say_json_rows({"participant_id": each} for each in ids)
    else:
        for each in ids:
            say(each)


def _as_json(found: Failsafe, silent: list[tuple[str, str]]) -> dict[str, object]:
    return {
        "at": found.at.isoformat(),
        "cohort": found.cohort,
        "places": dict(found.places),
        "unseen": found.unseen,
        "referred_months_ago": dict(found.referred),
        "silent": [{"id": each, "place": place} for each, place in silent],
        "adds_up": found.adds_up,
        "holds": found.holds,
    }


def _say(found: Failsafe, silent: list[tuple[str, str]]) -> None:
    say(f"Where everybody of the cohort stands, {found.at:%Y-%m-%d %H:%M %Z}:\n")
    rows = [(place, count, PLACES[place]) for place, count in found.places.items() if count or place not in SILENT]
    say_table(("place", "people", ""), [*rows, ("all", sum(found.places.values()), "")])
    if found.referred:
        say("\nUnder colposcopy, by the months since the test that referred them:")
        say_table(("months", "people"), found.referred.items())
    if not found.adds_up:
        say(f"\nThey do NOT add up: there are {found.cohort} people. This is a fault of ours.")
    if not silent:
        say("\nNobody waits silently." if found.holds else "")
        return
    say(f"\n{found.silent} wait silently (`unseen`: what waits for a clerk and has no task):")
    for each, place in islice(silent, SHOWN):
        say(f"  {each}  {place}")
    if len(silent) > SHOWN:
        say(f"  and {len(silent) - SHOWN} more: --json has them all.")
