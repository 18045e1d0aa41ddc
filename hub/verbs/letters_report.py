"""`hub report letters`: every result in exactly one place, and that they add up to what was received."""

from __future__ import annotations

import argparse
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from hub.domain.letter_account import PLACES
from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, day, json_argument, say, say_json, say_json_rows, say_table, settings_of

if TYPE_CHECKING:
    from hub.domain.letter_account import Account
    from hub.flow.ports.records import Span
    from hub.flow.ports.store import Transaction
    from hub.io.store import SqlStore


def letters_arguments(letters: argparse.ArgumentParser) -> None:
    letters.add_argument("--on", type=day, metavar="DATE", help="received on this day (default: ever)")
    letters.add_argument("--feed", default="", help="of this laboratory (default: of all)")
    letters.add_argument("--list", choices=PLACES, dest="place", help="the ids of the results that stand there")
    data_argument(letters)
    json_argument(letters)


def run_letters(store: SqlStore, options: argparse.Namespace) -> int:
    from hub.domain.letter_account import account

    span = _span(options)
    _refuse_unknown(store, options)
    if options.place:
        return _list(store, span, options)
    found = store.read_now(lambda tx: account(tx.letter_account.received(span), tx.letter_account.standings(span)))
    if options.json:
        say_json(_as_json(found, options))
    else:
        _say(found, options)
    return 0 if found.adds_up else 1


def _refuse_unknown(store: SqlStore, options: argparse.Namespace) -> None:
    """A misspelt name must not look like a laboratory that sent nothing."""
    from hub.app import feeds_of
    from hub.flow.ports.records import Span

    if options.feed in ("", *(table.feed for table in feeds_of(settings_of(options)))):
        return
    if not store.read_now(lambda tx: tx.letter_account.received(Span(feed=options.feed))):
        raise CannotRun(
            f"There is no feed {options.feed!r}, and nothing ever came from it. `hub check` reads the tables."
        )


def _span(options: argparse.Namespace) -> Span:
    from hub.domain.dates import ENGLAND
    from hub.flow.ports.records import Span

    if not options.on:
        return Span(feed=options.feed)
    begins, ends = (datetime.combine(one, time(), ENGLAND) for one in (options.on, options.on + timedelta(days=1)))
    return Span(begins, ends, options.feed)


def _as_json(found: Account, options: argparse.Namespace) -> dict[str, object]:
    reasons = [{"place": place, "reason": reason, "results": n} for (place, reason), n in sorted(found.reasons.items())]
    return {
        "on": options.on.isoformat() if options.on else None,
        "feed": options.feed or None,
        "received": found.received,
        "places": dict(found.places),
        "reasons": reasons,
        "adds_up": found.adds_up,
    }


def _say(found: Account, options: argparse.Namespace) -> None:
    when = f"received on {options.on}" if options.on else "ever received"
    say(f"Results {when}{f' from {options.feed}' if options.feed else ''}, and their letters:\n")
    total = sum(found.places.values())
    rows = [(place, count, PLACES[place]) for place, count in found.places.items()]
    say_table(("place", "results", ""), [*rows, ("all", total, "")])
    if found.reasons:
        say("")
        say_table(
            ("place", "results", "reason"), [(place, n, why) for (place, why), n in sorted(found.reasons.items())]
        )
    if found.adds_up:
        say(f"\nThey add up: {found.received} results were received.")
    else:
        say(
            f"\nThey do NOT add up: {found.received} results were received. "
            "A message was read again under other tables meanwhile, or this is a fault of ours: `hub journal list`."
        )


def _list(store: SqlStore, span: Span, options: argparse.Namespace) -> int:
    from hub.domain.letter_account import place_of

    def write(tx: Transaction) -> None:
        found = (
            (result_id, place_of(standing)[1])
            for result_id, standing in tx.letter_account.each(span)
            if place_of(standing)[0] == options.place
        )
        if options.json:
            say_json_rows({"result_id": result_id, "reason": reason} for result_id, reason in found)
        else:
            for result_id, reason in found:
                say(f"{result_id}  {reason}".rstrip())

    store.read_now(write)
    return 0
