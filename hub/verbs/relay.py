"""`hub relay`: what an operator does about the way from the outbox to the broker."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json

if TYPE_CHECKING:
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub relay status               how many events wait, and since when",
    "hub relay refill               the broker was wiped: send everything again that nobody has finished",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser("status", help="how many events wait for the broker, and for the workers")
    again = actions.add_parser(
        "refill",
        help="let go again what the broker confirmed and nobody has finished",
        description="Let go again, through the running relays, what the broker confirmed and nobody has finished. "
        "Safe at any time: an event that comes twice is handled once. The schedule does it by itself, after "
        "HUB_REFILL_SECONDS, for what the broker has clearly lost.",
    )
    for action in (status, again):
        data_argument(action)
        json_argument(action)


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        return {"status": _status, "refill": _refill}[options.action](store, options)


def _status(store: SqlStore, options: argparse.Namespace) -> int:
    backlog = store.read_now(lambda tx: tx.events.backlog())
    waiting, unfinished = store.read_now(lambda tx: tx.events.oldest())
    fields = {
        "waiting_for_the_broker": backlog["unconfirmed"],
        "oldest_of_them": waiting.isoformat() if waiting else None,
        "unfinished": backlog["unfinished"],
        "oldest_unfinished": unfinished.isoformat() if unfinished else None,
        "dead_letters": store.read_now(lambda tx: tx.dead.count()),
    }
    if options.json:
        say_json(fields)
    else:
        for name, value in fields.items():
            say(f"{name.replace('_', ' '):24} {value if value is not None else '-'}")
    return 0


def _refill(store: SqlStore, options: argparse.Namespace) -> int:
    import asyncio

    from hub.flow.ports.events import FOREVER
    from hub.flow.refill import refill

    count = asyncio.run(refill(store, FOREVER, told=_progress()))
    if options.json:
        say_json({"let_go_again": count})
    else:
        say(f"{count} events go again. The relays hand them over; `hub relay status` shows how far they are.")
    return 0


def _progress() -> Callable[[int], None]:
    done = 0

    def told(count: int) -> None:
        nonlocal done
        done += count
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{done:,} events ")
            sys.stderr.flush()

    return told
