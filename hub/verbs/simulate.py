"""`hub simulate`: a sender that sends, for load and for trying a table; and the key by which it proves who it is."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Iterator
from datetime import date
from itertools import cycle, islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.send import tls_arguments
from hub.verbs.simulate_year import YEAR_EXAMPLES, run_year, year_arguments
from hub.verbs.simulated_doors import clock, doors_of, key_file
from hub.verbs.speaking import count, day, json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from adapters.simulators.sending import Sending, Tally
    from adapters.simulators.traffic import Planned
    from hub.domain.people import Participant
    from hub.mapping import FeedTables

EXAMPLES = (
    "hub simulate lab --feed northmoor                                    one result a second, until Ctrl-C",
    "hub simulate lab --feed northmoor --rate 50 --count 1000 --errors 5  one in twenty with a mistake",
    "hub simulate lab --feed northmoor southwick --people cohort.csv      results of these (synthetic) people",
    "hub simulate lab --feed northmoor --to 127.0.0.1:2576 --seed 7       other results, to another door",
    "hub simulate key ashdown                                             a key for a feed that sends over HTTP",
    "hub simulate lab --feed ashdown --count 20                           its golden examples, told of others",
    "hub simulate lab --feed birchwood --tls --cert lab.pem --ca ca.pem   proven by a client certificate",
    "hub simulate lab --feed kelham --mailbox-password FILE               by MESH, where the table knows no other way",
    *YEAR_EXAMPLES,
)
PEOPLE = 2_000
SYNTHETIC = "999"


def arguments(parser: argparse.ArgumentParser) -> None:
    simulators = parser.add_subparsers(dest="simulator", required=True, metavar="SIMULATOR")
    _lab_arguments(simulators.add_parser("lab", help="a laboratory or clinic that sends through its feed's own door"))
    key = simulators.add_parser("key", help="a key by which a simulated sender proves over HTTP who it is")
    key.add_argument("feed", help="whose key it is")
    key.add_argument("--out", type=Path, metavar="FILE", help=f"the private key (default: {key_file('FEED')})")
    json_argument(key)
    year_arguments(simulators.add_parser("year", help="a year of the programme, from day to day, and its account"))


def _lab_arguments(lab: argparse.ArgumentParser) -> None:
    lab.add_argument("--feed", nargs="+", required=True, help="as whom: any feed of the tables")
    lab.add_argument("--to", metavar="HOST:PORT", help="where to (default: as HUB_MLLP_... or HUB_PARTNERS_... say)")
    lab.add_argument(
        "--rate", type=_rate, default=1.0, metavar="N", help="messages a second (default 1; 0: all it can)"
    )
    lab.add_argument("--errors", type=_percent, default=0.0, metavar="P", help="percent with a mistake (default 0)")
    lab.add_argument("--seed", type=int, default=1, help="the same seed, the same messages (default 1)")
    lab.add_argument("--count", type=count, metavar="N", help="end after so many (default: go on until Ctrl-C)")
    lab.add_argument("--connections", type=count, default=1, metavar="N", help="how many at a time (default 1)")
    lab.add_argument("--people", type=Path, metavar="FILE", help="a cohort file of synthetic people (default: made up)")
    lab.add_argument("--on", type=day, metavar="DATE", help="the day it is in them (default: today)")
    lab.add_argument(
        "--timeout", type=_patience, default=10.0, metavar="SECONDS", help="without an answer, send again (default 10)"
    )
    lab.add_argument(
        "--examples", type=Path, metavar="DIR", help="messages to tell anew (default: tests/golden/FEED, by the tables)"
    )
    lab.add_argument(
        "--file-name", default="", metavar="NAME", help="what its files are called; the last number in it counts up"
    )
    lab.add_argument(
        "--sign-with", type=Path, metavar="FILE", help=f"its private key, a JWK (default: {key_file('FEED')})"
    )
    lab.add_argument("--mailbox-password", type=Path, metavar="FILE", help="holds the password of its MESH mailbox")
    lab.add_argument("--workflow", default="CSP_RESULTS", metavar="ID", help="its MESH workflow (default CSP_RESULTS)")
    tls_arguments(lab)
    json_argument(lab)


def _rate(text: str) -> float:
    return _number(text, 100_000)


def _percent(text: str) -> float:
    return _number(text, 100)


def _patience(text: str) -> float:
    if not (seconds := _number(text, 3_600)):
        raise argparse.ArgumentTypeError("more than 0 seconds: nobody answers at once")
    return seconds


def _number(text: str, most: float) -> float:
    if not text.replace(".", "", 1).isdigit() or float(text) > most:
        raise argparse.ArgumentTypeError(f"a number from 0 to {most:g}")
    return float(text)


def run(options: argparse.Namespace) -> int:
    return {"key": _make_key, "lab": _simulate, "year": run_year}[options.simulator](options)


# The key


def _make_key(options: argparse.Namespace) -> int:
    from adapters.simulators.keys import make_key

    directory = settings_of(options).mappings / "feeds"
    private, public = options.out or key_file(options.feed), directory / f"{options.feed}.simulator.jwks.json"
    if not (directory / f"{options.feed}.toml").exists():
        raise CannotRun(f"{directory} has no table of {options.feed}. `hub new` makes one.")
    make_key(private, public)
    if options.json:
        say_json({"private": str(private), "public": str(public), "keys": public.name})
    else:
        say(f"written  {private}  (private)\nwritten  {public}")
        table = directory / f"{options.feed}.toml"
        say(f"Write into {table} (if it has [access], the line alone), and start the hub again:")
        say(f'\n[access]\nkeys = "{public.name}"')
    return 0


# The messages


def _simulate(options: argparse.Namespace) -> int:
    from adapters.simulators.sending import Sending, Tally, Timetable
    from hub.verbs.check import feeds_of

    settings = settings_of(options)
    tables = feeds_of(settings)
    doors = doors_of(options, settings, tables)
    messages = islice(_messages(options, tables), options.count)
    tally = Tally()
    asyncio.run(_send(options, Sending(messages, doors, Timetable(options.rate), tally, asyncio.Event())))
    _say_summary(options, tally)
    return 1 if tally.refused else 0


def _messages(options: argparse.Namespace, tables: FeedTables) -> Iterator[tuple[str, Planned]]:
    """The senders in turn."""
    from hub.domain.dates import day_in_england

    people = _people(options)
    on = options.on or day_in_england(clock())
    streams = [(feed, _stream(options, feed, tables, people, on)) for feed in options.feed]
    return ((feed, next(stream)) for feed, stream in cycle(streams))


def _stream(
    options: argparse.Namespace, feed: str, tables: FeedTables, people: list[Participant], on: date
) -> Iterator[Planned]:
    """Of a laboratory that is played here, its own layouts; of any other feed its golden examples told anew."""
    from adapters.simulators.examples import golden_examples, varied
    from adapters.simulators.laboratory import LABORATORIES
    from adapters.simulators.traffic import traffic
    from hub.verbs.check import of_feed

    adapter, feeds = of_feed(feed, tables)
    if feed in LABORATORIES and options.examples is None:
        return traffic(feed, people, options.seed, options.errors / 100, on)
    directory = _directory(options, feed)
    examples = golden_examples(directory, adapter, feeds, on)
    if not examples:
        raise CannotRun(
            f"{directory} has no example of {feed} to tell anew. `hub new {feed} --sample FILE` writes one; --examples "
            "DIR names others."
        )
    return varied(feed, examples, people, options.seed, options.errors / 100, on, options.file_name)


def _directory(options: argparse.Namespace, feed: str) -> Path:
    golden: Path = options.examples or settings_of(options).mappings.resolve().parent / "tests" / "golden"
    return golden / feed if options.examples is None or (golden / feed).is_dir() else golden


def _people(options: argparse.Namespace) -> list[Participant]:
    from adapters.simulators.people import synthetic_cohort

    if options.people is None:
        return synthetic_cohort(PEOPLE, options.seed)
    from hub.flow.cohort_import import RefusedRow
    from hub.verbs.cohort import rows_of

    rows = [row for batch in rows_of(options.people, lambda count: None) for row in batch]
    people = [row for row in rows if not isinstance(row, RefusedRow)]
    if not people:
        raise CannotRun(f"{options.people} holds nobody who could be read. `hub cohort import` says why.")
    if any(not person.nhs_number.startswith(SYNTHETIC) for person in people):
        raise CannotRun(
            f"{options.people} holds NHS numbers that do not begin with {SYNTHETIC}. Nothing was sent: this is for "
            "synthetic people only."
        )
    return people


# The doors


async def _send(options: argparse.Namespace, sending: Sending) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, sending.stop.set)
    live = asyncio.create_task(_live(options, sending.tally))
    try:
        await sending.all(options.connections)
    finally:
        live.cancel()
        await asyncio.gather(live, return_exceptions=True)


# What came back


async def _live(options: argparse.Namespace, tally: Tally) -> None:
    """A line that runs on a terminal; elsewhere one a minute."""
    terminal = sys.stderr.isatty()
    while True:
        await asyncio.sleep(1.0 if terminal else 60.0)
        sys.stderr.write(f"\r{_line(tally)} " if terminal else f"{_line(tally)}\n")
        sys.stderr.flush()


def _line(tally: Tally) -> str:
    codes = "  ".join(f"{code} {count:,}" for code, count in tally.by_code().items())
    rate = tally.answers.total() / (monotonic() - tally.began)
    return f"{tally.answers.total():,} answered  {rate:,.1f}/s  {codes}  p95 {tally.quantile(0.95):,} ms"


def _say_summary(options: argparse.Namespace, tally: Tally) -> None:
    seconds = monotonic() - tally.began
    kinds = tally.by_kind()
    fields: dict[str, Any] = {
        "answered": tally.answers.total(),
        "seconds": round(seconds, 2),
        "answers": tally.by_code(),
        "by_kind": kinds,
        "times_without_answer": tally.unanswered,
        "milliseconds": {f"p{share}": tally.quantile(share / 100) for share in (50, 95, 99)},
    }
    if options.json:
        say_json(fields)
        return
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    say(f"{tally.answers.total():,} messages answered in {seconds:,.1f} seconds.")
    for kind, codes in kinds.items():
        say(f"  {kind:22} {', '.join(f'{count:,} {code}' for code, count in codes.items())}")
    say("  answered within        " + ", ".join(f"{name} {value} ms" for name, value in fields["milliseconds"].items()))
    if tally.unanswered:
        say(f"  {tally.unanswered} times no answer came, and the same bytes were sent again.")
