"""`hub journal`: what arrived and what was answered."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import (
    count,
    data_argument,
    json_argument,
    opened_store,
    say,
    say_json,
    say_json_rows,
    say_table,
)

if TYPE_CHECKING:
    from hub.flow.ports.journal import JournalEntry
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub journal list                       the newest 50 messages",
    "hub journal list --all --json          every message, as JSON",
    "hub journal list --state refused       what senders must mend",
    "hub journal show NM00017               by control id, journal number or digest",
    "hub journal export 17 --out 17.hl7     the exact bytes received",
)
PAGE = 500
STATES = ("accepted", "partly", "refused", "acknowledgement")


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="messages, with what was answered")
    listing.add_argument("--all", action="store_true", help="page through everything")
    listing.add_argument("--limit", type=count, default=50, help="how many of the newest (default 50)")
    listing.add_argument("--feed", help="only this feed")
    listing.add_argument("--state", choices=STATES, help="only messages in this state")
    show = actions.add_parser("show", help="one message: how it came, what was answered, what came of it")
    export = actions.add_parser("export", help="the exact bytes of one message")
    for one in (show, export):
        one.add_argument("message", help="journal number, control id, or digest (its first 8 characters or more)")
    export.add_argument("--out", type=Path, help="write to this file instead of standard output")
    for action in (listing, show, export):
        data_argument(action)
    for action in (listing, show):
        json_argument(action)


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        return {"list": _list, "show": _show, "export": _export}[options.action](store, options)


def _list(store: SqlStore, options: argparse.Namespace) -> int:
    rows = chain.from_iterable(_pages(store, options)) if options.all else _newest(store, options)
    if options.json:
        say_json_rows(entry_fields(entry) for entry in rows)
        return 0
    headings = (
        "no",
        "received",
        "feed",
        "control id",
        "type",
        "state",
        "answer",
        "reason",
        "results",
        "again",
        "digest",
    )
    say_table(headings, (_cells(entry) for entry in rows))
    return 0


def _newest(store: SqlStore, options: argparse.Namespace) -> list[JournalEntry]:
    return store.read_now(lambda tx: tx.journal.newest(options.limit, options.feed, options.state))


def _pages(store: SqlStore, options: argparse.Namespace) -> Iterator[list[JournalEntry]]:
    after = 0
    while page := store.read_now(lambda tx: tx.journal.page(after, PAGE, options.feed, options.state)):  # noqa: B023  # called before `after` moves
        yield page
        after = page[-1].seq


def _cells(entry: JournalEntry) -> tuple[object, ...]:
    return (
        entry.seq,
        f"{entry.arrival.received_at:%Y-%m-%d %H:%M:%S}",
        entry.feed or "(unknown)",
        entry.control_id or "(none)",
        entry.message_type or "(none)",
        entry.state,
        entry.answer or "-",
        entry.reason or "-",
        entry.results,
        entry.repeats,
        entry.digest[:12],
    )


def entry_fields(entry: JournalEntry) -> dict[str, Any]:
    """A journal row for programs; the bytes are had by `hub journal export`."""
    return {
        "number": entry.seq,
        "digest": entry.digest,
        "feed": entry.feed,
        "door": entry.arrival.door,
        "peer": entry.arrival.peer,
        "received_at": entry.arrival.received_at.isoformat(),
        "control_id": entry.control_id,
        "message_type": entry.message_type,
        "state": entry.state,
        "results": entry.results,
        "notes": list(entry.notes),
        "answer": entry.answer,
        "reason": entry.reason,
        "place": entry.place,
        "reply_state": entry.reply_state,
        "repeats": entry.repeats,
    }


def find_entry(store: SqlStore, name: str) -> JournalEntry:
    """The one message of this name; CannotRun where there is none or more than one."""
    found = store.read_now(lambda tx: tx.journal.lookup(name))
    if not found:
        raise CannotRun(
            f"No message has the number, control id or digest {name!r}. `hub journal list` shows what there is. "
            "A digest is named by 8 of its characters or more."
        )
    if len(found) > 1:
        ways = ", ".join(f"{entry.digest[:12]} is number {entry.seq}" for entry in found)
        raise CannotRun(f"Several messages go by {name!r}: name one by its digest, or by its number ({ways}).")
    entry = store.read_now(lambda tx: tx.journal.entry(found[0].seq))
    assert entry is not None, "the journal never loses a row"
    return entry


def _show(store: SqlStore, options: argparse.Namespace) -> int:
    entry = find_entry(store, options.message)
    replies = store.read_now(lambda tx: tx.journal.replies(entry.seq))
    results = store.read_now(lambda tx: tx.results.of_message(entry.seq))
    fields = {
        **entry_fields(entry),
        "bytes": len(entry.raw),
        "replies": [
            {
                "answered_at": reply.answered_at.isoformat(),
                "sent_at": reply.sent_at.isoformat() if reply.sent_at else None,
                "code": reply.code,
                "reason": reply.reason,
                "place": reply.place,
                "body": reply.body.decode("utf-8", "replace") if reply.body else None,
            }
            for reply in replies
        ],
        "outcomes": [{"position": row.position, "result_id": row.result_id, "state": row.state} for row in results],
    }
    if options.json:
        say_json(fields)
        return 0
    for name, value in fields.items():
        if name not in ("replies", "outcomes"):
            say(f"{name:14} {', '.join(value) if isinstance(value, list) else value}")
    for reply in replies:
        why = " ".join(filter(None, (reply.reason, reply.place)))
        say(f"\nanswered {reply.code or 'nothing'} at {reply.answered_at:%Y-%m-%d %H:%M:%S}Z {why}")
        say((reply.body or b"").decode("utf-8", "replace").replace("\r", "\n").rstrip())
    for row in results:
        say(f"\nresult {row.position}: {row.state}   (hub trace {row.result_id})")
    return 0


def _export(store: SqlStore, options: argparse.Namespace) -> int:
    raw = find_entry(store, options.message).raw
    if options.out is None:
        sys.stdout.buffer.write(raw)
        sys.stdout.buffer.flush()
        return 0
    try:
        options.out.write_bytes(raw)
    except OSError as error:
        raise CannotRun(f"{options.out} cannot be written ({error.strerror}).") from None
    return 0
