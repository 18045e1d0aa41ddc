"""`hub coverage`: what messages say that their table never reads, and the codes it lacks today."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from hub.domain.dates import day_in_england
from hub.errors import CannotRun
from hub.verbs.check import feeds_of
from hub.verbs.speaking import data_argument, day, json_argument, opened_store, say, say_json, say_table, settings_of

if TYPE_CHECKING:
    from hub.flow.coverage import Coverage
    from hub.flow.ports.journal import JournalEntry
    from hub.flow.ports.store import Transaction
    from hub.io.store import SqlStore
    from hub.mapping import FeedTables

EXAMPLES = (
    "hub coverage                                     every feed, the last seven days",
    "hub coverage --feed northmoor --since 2026-07-01",
    "hub coverage --json                              the same for programs",
)
PAGE = 500
DAYS = 7


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feed", metavar="F", help="only this feed")
    parser.add_argument("--since", type=day, metavar="DATE", help=f"from this day on (default: the last {DAYS} days)")
    data_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace) -> int:

    tables = feeds_of(settings_of(options))
    if options.feed and options.feed not in tables.by_id:
        raise CannotRun(f"There is no feed {options.feed!r}. There are: {', '.join(sorted(tables.by_id))}.")
    since = options.since or day_in_england(datetime.now(UTC)) - timedelta(days=DAYS)
    with opened_store(options) as store:
        covered = _covered(store, tables, options.feed, since)
    told = [as_json(each) for each in covered.values()]
    if options.json:
        say_json(told)
    else:
        _say(told, since)
    return 1 if any(each["unmapped"] for each in told) else 0


def _covered(store: SqlStore, tables: FeedTables, feed: str | None, since: date) -> dict[str, Coverage]:
    from adapters import ADAPTERS
    from hub.flow.coverage import Coverage

    covered: dict[str, Coverage] = {}
    for entry in _entries(store, feed, datetime.combine(since, time.min, UTC)):
        if table := tables.by_id.get(entry.feed):
            whole = store.read_now(partial(_entry, seq=entry.seq))
            assert whole is not None, "the journal never loses a row"
            coverage = covered.setdefault(table.feed, Coverage(table.feed))
            coverage.look_at(ADAPTERS[table.dialect], whole.raw, tables.of(table.feed))
    return covered


def _entries(store: SqlStore, feed: str | None, since: datetime) -> Iterator[JournalEntry]:
    after = _last_before(store, since)
    while page := store.read_now(partial(_page, after=after, limit=PAGE, feed=feed)):
        yield from (entry for entry in page if entry.arrival.received_at >= since)
        after = page[-1].seq


def _entry(tx: Transaction, seq: int) -> JournalEntry | None:
    return tx.journal.entry(seq)


def _page(tx: Transaction, after: int, limit: int, feed: str | None = None) -> list[JournalEntry]:
    return tx.journal.page(after, limit, feed)


def _last_before(store: SqlStore, since: datetime) -> int:
    """A journal number before which everything came earlier. The journal grows by time, so that halving finds it."""
    newest = store.read_now(lambda tx: tx.journal.newest(1))
    low, high = 0, newest[0].seq if newest else 0
    while high - low > PAGE:
        middle = (low + high) // 2
        page = store.read_now(partial(_page, after=middle, limit=1))
        low, high = (middle, high) if page and page[0].arrival.received_at < since else (low, middle)
    return max(0, low - PAGE)  # those that came together may stand in any order


def as_json(coverage: Coverage) -> dict[str, Any]:
    """What may be told of a feed's coverage: counts and places; codes only where nobody could be known by them."""
    from hub.flow.coverage import as_told

    return {
        "feed": coverage.feed,
        "messages": coverage.messages,
        "unmapped": [
            {"fact": fact, "place": place, "code": told, "is_shape": told != code, "times": times}
            for (fact, place, code), times in coverage.unmapped.most_common()
            for told in (as_told(code, times),)
        ],
        "codes_never_read": [
            {"place": place, "code": code, "messages": times}
            for (place, code), times in coverage.unread_codes.most_common()
        ],
        "never_read": [{"place": place, "times": times} for place, times in coverage.unread.most_common()],
    }


def _say(told: list[dict[str, Any]], since: date) -> None:
    if not told:
        say(f"No message of these feeds since {since}.")
    for each in told:
        say(f"{each['feed']}: {each['messages']} messages since {since}")
        for one in each["unmapped"]:
            code = f"a code of the shape {one['code']}" if one["is_shape"] else one["code"]
            say(f"  not in our table: {code} at {one['place']} ({one['fact']}), {one['times']} times")
        if not each["unmapped"]:
            say("  Every code is in our table.")
        rows = [("code", one["place"], one["code"], one["messages"]) for one in each["codes_never_read"]]
        rows += [("text", one["place"], "", one["times"]) for one in each["never_read"]]
        if rows:
            say("  Sent, and read by no fact:")
            say_table(("what", "place", "code", "times"), rows)
        say()
