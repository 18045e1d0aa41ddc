"""`hub files`: files that are missing or corrupt, and what was done about each."""

from __future__ import annotations

import argparse
import getpass
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.feeds import known_feeds, moment, named_feed
from hub.verbs.speaking import count, data_argument, day, json_argument, opened_store, say, say_json, say_table

if TYPE_CHECKING:
    from hub.flow.ports.feeds import FileFault, FileNote
    from hub.flow.ports.files import FileRow
    from hub.flow.ports.store import Transaction
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub files list northmoor                   its files, and those missing or corrupt",
    "hub files show 5f0c                        one missing or corrupt file, with its diary",
    "hub files inform 5f0c --who 'S. Lane' --by r.patel      the laboratory was told today",
    "hub files note 5f0c --by r.patel --text 'they look for it'",
    "hub files resolve 5f0c --by r.patel --text 'never made: the analyser stood still'",
    "hub files add northmoor --name 'results of Monday' --due 2026-03-02 --by r.patel",
)
LIMIT = 50


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="the newest files of a feed; what is missing or corrupt first")
    listing.add_argument("feed", help="the feed")
    listing.add_argument("--limit", type=count, default=LIMIT, help=f"how many (default {LIMIT})")
    add = actions.add_parser("add", help="a file that you know to be missing")
    add.add_argument("feed", help="the feed")
    add.add_argument("--name", default="", help="the file, as the laboratory names it")
    add.add_argument("--due", type=day, required=True, metavar="DATE", help="the day it was due")
    actions.add_parser("show", help="one of them, with its diary")
    inform = actions.add_parser("inform", help="the laboratory was told")
    inform.add_argument("--who", required=True, help="who of the laboratory was told")
    inform.add_argument("--on", type=day, metavar="DATE", help="the day they were told (default: today)")
    actions.add_parser("note", help="another entry in its diary")
    actions.add_parser("resolve", help="nothing more is to be done")
    for name, action in actions.choices.items():
        data_argument(action)
        json_argument(action)
        if name not in ("list", "add"):
            action.add_argument("fault", help="its id, or how it begins")
        if name not in ("list", "show"):
            action.add_argument(
                "--by", default=getpass.getuser(), help="who does it (default: the user of this session)"
            )
            action.add_argument("--text", default="", help="what there is to say; nothing about a person")


def run(options: argparse.Namespace) -> int:
    doing: dict[str, Callable[[SqlStore, argparse.Namespace], int]] = {"list": _list, "show": _show}
    with opened_store(options) as store:
        return doing.get(options.action, _act)(store, options)


def _list(store: SqlStore, options: argparse.Namespace) -> int:
    """What is new is written down first, so that it has an id to be named by."""
    from hub.flow.file_faults import notice

    feed, now = named_feed(known_feeds(options), options.feed), datetime.now(UTC)
    store.write_now(lambda tx: notice(tx, feed, now))
    faults = store.read_now(lambda tx: tx.file_faults.of_feed(feed, options.limit))
    files = store.read_now(lambda tx: tx.files.page(feed, options.limit))
    if options.json:
        say_json({"faults": [fault_fields(one) for one in faults], "files": [asdict(one) for one in files]})
    else:
        _say_list(faults, files)
    return 1 if any(one.state != "resolved" for one in faults) else 0


def _say_list(faults: list[FileFault], files: list[FileRow]) -> None:
    if faults:
        headings = ("id", "", "what", "state", "found")
        rows = ((one.fault_id[:8], one.kind, about(one), one.state, moment(one.found_at)) for one in faults)
        say_table(headings, rows)
        say()
    if not files:
        say("No file has come.")
        return
    cells = ((one.journal_seq, one.sequence or "-", one.name, one.state, moment(one.received_at)) for one in files)
    say_table(("no", "number", "file", "state", "received"), cells)


def about(fault: FileFault) -> str:
    """Which file it is, in words."""
    if fault.kind == "corrupt":
        return f"{fault.name or 'no name'} (message {fault.journal_seq})"
    if fault.first is None:
        return f"{fault.name or 'no name'}, due {fault.due_on}"
    if fault.first == fault.last:
        return f"possible missing file, number {fault.first}"
    return f"numbers {fault.first} to {fault.last}: the sender may have begun to count anew"


def fault_fields(fault: FileFault) -> dict[str, Any]:
    """For programs."""
    return {**asdict(fault), "about": about(fault)}


def _found(tx: Transaction, prefix: str) -> FileFault:
    found = tx.file_faults.find(prefix)
    if not found:
        raise CannotRun(f"Nothing missing or corrupt has the id {prefix!r}. `hub files list FEED` shows what there is.")
    if len(found) > 1:
        raise CannotRun(f"Several begin with {prefix!r}: write more of the id.")
    return found[0]


def _act(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.domain.dates import day_in_england
    from hub.flow.file_faults import Refused, add_missing, inform, note, resolve

    now = datetime.now(UTC)
    said: dict[str, Any] = {"by": options.by, "text": options.text, "at": now}
    if options.action == "add":
        named_feed(known_feeds(options), options.feed)

    def done(tx: Transaction) -> FileFault:
        if options.action == "add":
            return add_missing(tx, options.feed, options.name, options.due, **said)
        fault_id = _found(tx, options.fault).fault_id
        if options.action == "inform":
            return inform(tx, fault_id, options.who, options.on or day_in_england(now), **said)
        return {"note": note, "resolve": resolve}[options.action](tx, fault_id, **said)

    try:
        fault = store.write_now(done)
    except Refused as refusal:
        raise CannotRun(str(refusal)) from None
    if options.json:
        say_json(fault_fields(fault))
    else:
        say(f"{fault.fault_id[:8]}: {about(fault)}, {fault.state}.")
    return 0


def _show(store: SqlStore, options: argparse.Namespace) -> int:
    fault = store.read_now(lambda tx: _found(tx, options.fault))
    diary = store.read_now(lambda tx: tx.file_faults.diary(fault.fault_id))
    if options.json:
        say_json({**fault_fields(fault), "diary": [asdict(one) for one in diary]})
        return 0
    say(f"{fault.fault_id}  {fault.feed}  {fault.kind}: {about(fault)}")
    told = f", {fault.informed_who} was told on {fault.informed_on}" if fault.informed_on else ""
    say(f"{fault.state}{told}")
    for one in diary:
        say(_line(one))
    return 0


def _line(note: FileNote) -> str:
    return f"{moment(note.written_at)}  {note.what:9} by {note.by}  {note.text}".rstrip()
