"""`hub feeds`: how each feed is."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json, say_table, settings_of

if TYPE_CHECKING:
    from hub.flow.feed_states import FeedState
    from hub.mapping import FeedTables

EXAMPLES = (
    "hub feeds                    every feed on a line; exit code 1 if one needs somebody",
    "hub feeds northmoor          one feed in detail",
    "hub feeds --json             the same for programs",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feed", nargs="?", help="one feed, in detail")
    data_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.flow.feed_states import feed_states

    tables = known_feeds(options)
    wanted = list(tables) if options.feed is None else [tables.by_id[named_feed(tables, options.feed)]]
    now = datetime.now(UTC)
    with opened_store(options) as store:
        states = store.read_now(lambda tx: feed_states(tx, wanted, ADAPTERS, now))
    if options.json:
        say_json([state.as_json() for state in states] if options.feed is None else states[0].as_json())
    elif options.feed is None:
        _say_all(states)
    else:
        _say_one(states[0])
    return 1 if any(state.concerns for state in states) else 0


def known_feeds(options: argparse.Namespace) -> FeedTables:
    """The tables of the settings."""
    from hub.app import feeds_of

    return feeds_of(settings_of(options))


def named_feed(tables: FeedTables, feed: str) -> str:
    """The feed, if there is one of that name."""
    if feed not in tables.by_id:
        raise CannotRun(f"There is no feed {feed!r}. There are: {', '.join(tables.by_id)}.")
    return feed


def _say_all(states: list[FeedState]) -> None:
    headings = ("feed", "status", "last message", "today", "refused", "7 days", "refused", "needs")
    say_table(headings, (_cells(state) for state in states))
    for state in states:
        for concern in state.concerns:
            say(f"\n{state.feed}: {concern}")


def _cells(state: FeedState) -> tuple[object, ...]:
    return (
        state.feed,
        state.status,
        moment(state.last_at),
        sum(state.today.values()),
        state.today.get("AE", 0) + state.today.get("AR", 0),
        sum(state.week.values()),
        state.refused_week,
        len(state.concerns) or "-",
    )


def _say_one(state: FeedState) -> None:
    unknown = "not known (only what says when it was sent tells; of files only what came too early)"
    clock = unknown if state.clock_seconds is None else f"{state.clock_seconds:+.1f} seconds against ours"
    for name, value in (
        ("feed", f"{state.feed}, {state.name}"),
        ("status", f"{state.status}, {state.dialect}"),
        ("last message", moment(state.last_at)),
        ("today", _answers(state.today)),
        ("7 days", _answers(state.week)),
        ("its clock", clock),
        ("silent", "yes" if state.silence else "no"),
        ("files", f"{state.missing_files} possible missing, {state.corrupt_files} corrupt"),
        ("oldest owed answer", moment(state.oldest_owed_at)),
        ("oldest under way", moment(state.oldest_underway_at)),
    ):
        say(f"{name:20} {value}")
    for concern in state.concerns:
        say(f"\n! {concern}")


def _answers(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {code}" for code, count in sorted(counts.items())) or "nothing"


def moment(at: datetime | None) -> str:
    """A time as tables show it."""
    return f"{at:%Y-%m-%d %H:%M:%S}Z" if at else "-"
