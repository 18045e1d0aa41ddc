"""`hub tap`: events as they pass, with nothing in them that says who she is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from time import sleep
from typing import TYPE_CHECKING, Any

from hub.verbs.feeds import known_feeds, named_feed
from hub.verbs.speaking import count, data_argument, json_argument, opened_store, say

if TYPE_CHECKING:
    from hub.contract import Envelope
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub tap                                   every event from now on, until Ctrl-C",
    "hub tap --feed northmoor --type ResultReported",
    "hub tap --once 10 --json                  the next ten, as JSON lines",
)
PAGE = 500
POLL_SECONDS = 0.3
OVERLAP = 200
"""Numbers looked at again: of transactions side by side the one with the lower numbers may be committed last."""
SHOWN = (
    "combination", "version", "laboratory_code", "self_sample", "reason", "place",
    "match_id", "participant_id", "how", "task_id", "outcome", "decision", "letter_id", "code", "state", "recall_type",
)  # fmt: skip
"""What is shown of an event, and nothing else: codes, places and our own ids. Free text may hold a name."""


def arguments(parser: argparse.ArgumentParser) -> None:
    from hub.contract import EVENT_TYPES

    parser.add_argument("--feed", help="only events of this feed's messages")
    parser.add_argument("--type", choices=sorted(EVENT_TYPES), metavar="TYPE", help="only events of this type")
    parser.add_argument("--once", type=count, metavar="N", help="end after so many events")
    data_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    if options.feed is not None:
        named_feed(known_feeds(options), options.feed)
    left = options.once
    with opened_store(options) as store:
        try:
            if not options.json:
                sys.stderr.write("Events from now on. Ctrl-C ends it.\n")
                sys.stderr.flush()
            for envelope in passing(store, sleep):
                if not _wanted(envelope, options):
                    continue
                say(json.dumps(_fields(envelope)) if options.json else _line(envelope))
                sys.stdout.flush()
                left = left - 1 if left is not None else None
                if left is not None and left <= 0:
                    return 0
        except KeyboardInterrupt:
            return 0
    return 0


def passing(store: SqlStore, rest: Callable[[float], None]) -> Iterator[Envelope]:
    """Each event once, in the order of their numbers as far as they are there."""
    begun = last = store.read_now(lambda tx: tx.events.last())
    seen: set[int] = set()
    while True:
        after = max(begun, last - OVERLAP)
        seen = {number for number in seen if number > after}
        new = [(number, envelope) for number, envelope in _page(store, after) if number not in seen]
        for number, envelope in new:
            seen.add(number)
            last = max(last, number)
            yield envelope
        if not new:
            rest(POLL_SECONDS)


def _page(store: SqlStore, after: int) -> list[tuple[int, Envelope]]:
    return store.read_now(lambda tx: tx.events.after(after, OVERLAP + PAGE))


def _wanted(envelope: Envelope, options: argparse.Namespace) -> bool:
    return options.feed in (None, envelope.feed) and options.type in (None, envelope.type)


def _fields(envelope: Envelope) -> dict[str, Any]:
    return {
        "at": envelope.occurred_at.isoformat(),
        "type": envelope.type,
        "event_id": envelope.event_id,
        "subject": envelope.subject,
        "feed": envelope.feed,
        "digest": envelope.digest[:12],
        "position": envelope.position,
        "supersedes": envelope.supersedes,
        **_shown(envelope),
    }


def _shown(envelope: Envelope) -> dict[str, Any]:
    from hub.contract import event_from_json
    from hub.domain.events import ResultReported

    event = event_from_json(envelope.type, envelope.data)
    source = event.result if isinstance(event, ResultReported) else event
    values = ((name, getattr(source, name, None)) for name in SHOWN)
    return {name: getattr(value, "value", value) for name, value in values if value not in (None, "")}


def _line(envelope: Envelope) -> str:
    whence = f"{envelope.feed or '-'} {envelope.digest[:8]} {envelope.position}".rstrip()
    shown = "  ".join(f"{name}={value}" for name, value in _shown(envelope).items())
    again = f"  supersedes={envelope.supersedes[:8]}" if envelope.supersedes else ""
    subject = envelope.subject[:8]
    return f"{envelope.occurred_at:%H:%M:%S}  {envelope.type:14}  {subject}  {whence}  {shown}{again}".rstrip()
