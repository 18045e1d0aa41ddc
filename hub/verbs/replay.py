"""`hub replay`: the journal read again under the tables of today; what would change, and making it so."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import count, data_argument, json_argument, opened_store, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.flow.ports.journal import JournalEntry, Stretch
    from hub.flow.replay import Change, Reader
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub replay --feed northmoor                     what would change, counted; nothing is changed",
    "hub replay --feed northmoor --diff              ... and message by message",
    "hub replay --since 2026-03-01 --diff --json     every feed, from that day on, for programs",
    "hub replay --feed northmoor --apply             make it so; safe to stop, and to do twice",
)
PAGE = 25
"""Messages read at a time: each may be as large as the door takes."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feed", help="only this feed (default: every feed that has a table)")
    parser.add_argument(
        "--since", type=moment, metavar="TIME", help="received from then on: 2026-03-01, or with a time"
    )
    parser.add_argument("--until", type=moment, metavar="TIME", help="received before then")
    parser.add_argument("--limit", type=count, metavar="N", help="read at most so many messages, the oldest first")
    parser.add_argument("--diff", action="store_true", help="also show what would change, message by message")
    parser.add_argument("--apply", action="store_true", help="make it so; without it nothing is changed")
    data_argument(parser)
    json_argument(parser)


def moment(text: str) -> datetime:
    """A day (from its beginning) or a time; in England, where no offset is given."""
    from hub.domain.dates import ENGLAND

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("write 2026-03-01 or 2026-03-01T08:30Z") from None
    return at if at.tzinfo else at.replace(tzinfo=ENGLAND)


def run(options: argparse.Namespace) -> int:
    from hub.flow.ports.journal import Stretch
    from hub.flow.replay import WORSE, Kind

    reader = _reader(options)
    stretch = Stretch(options.feed, options.since, options.until)
    counts: Counter[str] = Counter()
    worse = False
    rows: list[dict[str, Any]] = []
    with opened_store(options) as store, _progress(store, stretch, options.limit) as told:
        for changes in _changes(store, reader, stretch, options, told):
            counts.update(change.kind.word for change in changes)
            worse = worse or any(change.kind in WORSE for change in changes)
            _tell([change for change in changes if change.kind is not Kind.SAME], options, rows)
    _say_counts(counts, options, rows)
    return 1 if worse else 0


def _reader(options: argparse.Namespace) -> Reader:
    from adapters import ADAPTERS
    from hub.app import feeds_of, wall_clock
    from hub.flow.replay import Reader

    feeds = feeds_of(settings_of(options))
    if options.feed is not None and options.feed not in feeds.by_id:
        raise CannotRun(f"There is no feed {options.feed!r}. There are: {', '.join(sorted(feeds.by_id))}.")
    return Reader(ADAPTERS, feeds, wall_clock())


def _changes(
    store: SqlStore, reader: Reader, stretch: Stretch, options: argparse.Namespace, told: Callable[[int], None]
) -> Iterator[list[Change]]:
    """Page by page; each page is one transaction, so that what is done stays done."""
    for page in _pages(store, stretch, options.limit):
        known = [entry for entry in page if reader.knows(entry)]
        if options.apply:
            yield store.write_now(partial(reader.apply, entries=known))
        else:
            yield store.read_now(partial(reader.compare, entries=known))
        told(len(page))


def _page(store: SqlStore, after: int, size: int, stretch: Stretch) -> list[JournalEntry]:
    return store.read_now(lambda tx: tx.journal.whole(after, size, stretch))


def _pages(store: SqlStore, stretch: Stretch, limit: int | None) -> Iterator[list[JournalEntry]]:
    after, left = 0, limit
    while left is None or left > 0:
        size = PAGE if left is None else min(PAGE, left)
        page = _page(store, after, size, stretch)
        if not page:
            return
        yield page
        after, left = page[-1].seq, None if left is None else left - len(page)


@contextmanager
def _progress(store: SqlStore, stretch: Stretch, limit: int | None) -> Iterator[Callable[[int], None]]:
    """A bar for whoever sits at a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from rich.console import Console
    from rich.progress import Progress

    total = store.read_now(lambda tx: tx.journal.count(stretch))
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading again", total=min(total, limit) if limit is not None else total)
        yield lambda count: bar.advance(task, count)


def _tell(changes: list[Change], options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    if options.json:
        rows += [_fields(change) for change in changes] if options.diff else []
    elif options.diff:
        for change in changes:
            _say_change(change)


def _fields(change: Change) -> dict[str, Any]:
    return {
        "number": change.journal_seq,
        "position": change.position,
        "kind": change.kind.word,
        "before": _named(change.before),
        "after": _named(change.after),
        "reason": change.reason,
        "place": change.place,
        "fields": [{"name": one.name, "before": one.before, "after": one.after} for one in change.fields],
    }


def _named(envelope: Any) -> dict[str, str] | None:
    return {"event_id": envelope.event_id, "type": envelope.type} if envelope else None


def _say_change(change: Change) -> None:
    before, after = (f"{one.type} {one.event_id[:8]}" if one else "nothing" for one in (change.before, change.after))
    stopped = f"   {change.reason} {change.place}".rstrip()
    say(f"{change.journal_seq} {change.position}  {change.kind.word}: {before} → {after}{stopped}")
    for field in change.fields:
        values = f": {field.before} → {field.after}" if field.before or field.after else ""
        say(f"      {field.name}{values}")


def _say_counts(counts: Counter[str], options: argparse.Namespace, rows: list[dict[str, Any]]) -> None:
    from hub.flow.replay import APPLIED, Kind

    if options.json:
        made = {"applied": options.apply, "counts": {kind.word: counts[kind.word] for kind in Kind}}
        say_json({**made, "changes": rows} if options.diff else made)
        return
    if options.diff and counts.total() > counts[Kind.SAME.word]:
        say()
    for kind in Kind:
        if counts[kind.word]:
            say(f"{counts[kind.word]:8}  {kind.word:24}  {kind.sentence}")
    if not counts:
        say("Nothing there to read again.")
    changes = sum(counts[kind.word] for kind in APPLIED)
    if options.apply:
        say(f"Made so: {changes}. The workers handle them; `hub relay status` shows how far they are.")
    elif changes:
        say(f"Nothing was changed. `--apply` makes {changes} of these so.")
