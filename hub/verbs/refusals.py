"""`hub refusals`: what clerks refused after it had been acknowledged."""

from __future__ import annotations

import argparse

from hub.verbs.speaking import count, data_argument, json_argument, number, opened_store, say, say_json, say_table

EXAMPLES = (
    "hub refusals                       those their laboratories have not taken yet, the oldest first",
    "hub refusals --feed northmoor      of one feed",
    "hub refusals --taken               those that were taken, with when",
    "hub refusals --after 200 --json    the next page, for programs",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--feed", help="only of this feed")
    parser.add_argument("--taken", action="store_true", help="those that were taken, instead of those that were not")
    parser.add_argument("--after", type=number, default=0, metavar="NUMBER", help="only those after this one")
    parser.add_argument("--limit", type=count, default=100, help="how many (default 100)")
    data_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from hub.flow.refusals import as_told

    with opened_store(options) as store:
        rows = store.read_now(
            lambda tx: tx.refusals.page(options.after, options.limit, options.feed, taken=options.taken)
        )
    if options.json:
        say_json([{**as_told(row), "feed": row.feed, "taken_by": row.taken_by} for row in rows])
        return 0
    if not rows:
        say("No laboratory has taken a refusal." if options.taken else "Every refusal has been taken.")
        return 0
    say_table(
        ("refusal", "feed", "message", "slide", "refused", "standing", "in question", "taken"),
        [
            (
                row.seq,
                row.feed,
                f"{row.journal_seq}/{row.position}",
                row.slide_number or "-",
                f"{row.refused_at:%Y-%m-%d %H:%M}",
                "withdrawn" if row.withdrawn_at else "refused",
                row.reason,
                f"{row.taken_at:%Y-%m-%d %H:%M}" if row.taken_at else "not yet",
            )
            for row in rows
        ],
    )
    return 0
