"""`hub dead`: dead letters, which none of the workers could handle."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import count, data_argument, json_argument, opened_store, say, say_json, say_table

if TYPE_CHECKING:
    from hub.flow.ports.events import DeadLetter
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub dead list                  what could not be handled, the oldest first",
    "hub dead retry 1f3a            handle it again, once its cause is mended",
    "hub dead retry --all           all of them",
    "hub dead show 77ab --out FILE  the bytes of what was no event of the hub",
    "hub dead drop 77ab             forget what was no event of the hub",
)
MANY = 10_000


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the dead letters, the oldest first")
    listing.add_argument("--limit", type=count, default=100, help="how many (default 100)")
    again = actions.add_parser("retry", help="let an event go again through relay and worker")
    again.add_argument("event", nargs="?", help="the event's id, or how it begins")
    again.add_argument("--all", action="store_true", help="every event of the hub among them")
    show = actions.add_parser("show", help="the bytes of what was no event of the hub")
    show.add_argument("event", help="its id, or how it begins")
    show.add_argument("--out", type=Path, required=True, help="the file to write; it may name people")
    drop = actions.add_parser("drop", help="forget what was no event of the hub")
    drop.add_argument("event", help="its id, or how it begins")
    for action in (listing, again, show, drop):
        data_argument(action)
    for action in (listing, again):
        json_argument(action)


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        return {"list": _list, "retry": _retry, "show": _show, "drop": _drop}[options.action](store, options)


def _fields(letter: DeadLetter) -> dict[str, Any]:
    return {
        "event": letter.event_id,
        "consumer": letter.consumer,
        "type": letter.type,
        "subject": letter.subject,
        "why": letter.why,
        "died_at": letter.died_at.isoformat(),
        "can_be_retried": letter.body is None,
    }


def _list(store: SqlStore, options: argparse.Namespace) -> int:
    letters = store.read_now(lambda tx: tx.dead.page(options.limit))
    if options.json:
        say_json([_fields(letter) for letter in letters])
        return 0
    if not letters:
        say("There are no dead letters.")
        return 0
    rows = [
        (one.event_id[:8], f"{one.died_at:%Y-%m-%d %H:%M:%S}", one.type, one.consumer, one.subject[:8] or "-", one.why)
        for one in letters
    ]
    say_table(("event", "died", "type", "consumer", "about", "why"), rows)
    say("\nThe cause stands in the worker's log. Mend it, then: hub dead retry EVENT (or --all).")
    return 0


def _retry(store: SqlStore, options: argparse.Namespace) -> int:
    from hub import telemetry
    from hub.flow.dead import retry

    if bool(options.event) == options.all:
        raise CannotRun("Name one event, or say --all.")
    named = store.read_now(lambda tx: tx.dead.page(MANY)) if options.all else [_one(store, options.event)]
    letters = [letter for letter in named if letter.body is None]
    if not letters and not options.all:
        raise CannotRun(
            "This was no event of the hub and cannot be handled. Look at it (show), then `hub dead drop` it."
        )
    for letter in letters:
        store.write_now(partial(retry, letter=letter))
    telemetry.dead_retried(len(letters))
    if options.json:
        say_json({"retried": [letter.event_id for letter in letters]})
    else:
        say(f"{len(letters)} go again. If the cause is not mended, they come back: `hub dead list`.")
    return 0


def _show(store: SqlStore, options: argparse.Namespace) -> int:
    letter = _one(store, options.event)
    if letter.body is None:
        raise CannotRun(f"This is an event of the hub: `hub trace {letter.subject}` shows what it is about.")
    try:
        options.out.write_bytes(letter.body)
    except OSError as error:
        raise CannotRun(f"{options.out} cannot be written ({error.strerror}).") from None
    say(f"{len(letter.body)} bytes written.")
    return 0


def _drop(store: SqlStore, options: argparse.Namespace) -> int:
    letter = _one(store, options.event)
    if letter.body is None:
        raise CannotRun(
            "This is an event of the hub, and somebody's result: `hub dead retry` it once its cause is mended."
        )
    store.write_now(lambda tx: tx.dead.take_away([letter.event_id]))
    say("Forgotten.")
    return 0


def _one(store: SqlStore, prefix: str) -> DeadLetter:
    found = store.read_now(lambda tx: tx.dead.find(prefix))
    if not found:
        raise CannotRun(f"No dead letter begins with {prefix!r}. `hub dead list` shows them.")
    if len(found) > 1:
        raise CannotRun(f"Several dead letters begin with {prefix!r}: type more of it.")
    return found[0]
