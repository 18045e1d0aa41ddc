"""`hub simulate`: a laboratory that sends, for load and for trying a table."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.send import address_of
from hub.verbs.simulate_year import YEAR_EXAMPLES, run_year, year_arguments
from hub.verbs.speaking import json_argument, say, say_json

if TYPE_CHECKING:
    from adapters.simulators.traffic import Planned
    from hub.domain.people import Participant
    from hub.io.mllp import MllpClient

EXAMPLES = (
    "hub simulate lab --feed northmoor                                    one result a second, until Ctrl-C",
    "hub simulate lab --feed northmoor --rate 50 --count 1000 --errors 5  one in twenty with a mistake",
    "hub simulate lab --feed northmoor southwick --people cohort.csv      results of these (synthetic) people",
    "hub simulate lab --feed northmoor --to 127.0.0.1:2576 --seed 7       other results, to another door",
    *YEAR_EXAMPLES,
)
PEOPLE = 2_000
SYNTHETIC = "999"
REST_SECONDS = 1.0
LATELY = 100_000
"""Answers whose time is kept: a laboratory may go on for weeks."""


def arguments(parser: argparse.ArgumentParser) -> None:
    simulators = parser.add_subparsers(dest="simulator", required=True, metavar="SIMULATOR")
    lab = simulators.add_parser("lab", help="a laboratory that sends results over MLLP")
    lab.add_argument("--feed", nargs="+", required=True, help="as which laboratories: northmoor, eastvale, southwick")
    lab.add_argument("--to", metavar="HOST:PORT", help="where to (default: HUB_MLLP_HOST and HUB_MLLP_PORT)")
    lab.add_argument(
        "--rate", type=_rate, default=1.0, metavar="N", help="messages a second (default 1; 0: all it can)"
    )
    lab.add_argument("--errors", type=_percent, default=0.0, metavar="P", help="percent with a mistake (default 0)")
    lab.add_argument("--seed", type=int, default=1, help="the same seed, the same messages (default 1)")
    lab.add_argument("--count", type=int, metavar="N", help="end after so many (default: go on until Ctrl-C)")
    lab.add_argument("--connections", type=int, default=1, metavar="N", help="how many at a time (default 1)")
    lab.add_argument("--people", type=Path, metavar="FILE", help="a cohort file of synthetic people (default: made up)")
    lab.add_argument("--on", type=date.fromisoformat, metavar="DATE", help="the day it is in them (default: today)")
    lab.add_argument(
        "--timeout", type=float, default=10.0, metavar="SECONDS", help="without an answer, send again (default 10)"
    )
    json_argument(lab)
    year_arguments(simulators.add_parser("year", help="a year of the programme, from day to day, and its account"))


def _rate(text: str) -> float:
    return _number(text, 100_000)


def _percent(text: str) -> float:
    return _number(text, 100)


def _number(text: str, most: float) -> float:
    if not text.replace(".", "", 1).isdigit() or float(text) > most:
        raise argparse.ArgumentTypeError(f"a number from 0 to {most:g}")
    return float(text)


@dataclass(slots=True)
class Tally:
    """What was sent, what came back, and how long it took of late, in milliseconds from when the message was due."""

    answers: Counter[tuple[str, str]] = field(default_factory=Counter)
    took: deque[float] = field(default_factory=lambda: deque(maxlen=LATELY))
    unanswered: int = 0
    began: float = field(default_factory=monotonic)

    def put(self, kind: str, code: str, due: float) -> None:
        self.answers[kind, code] += 1
        self.took.append((monotonic() - due) * 1000)

    def by_code(self) -> dict[str, int]:
        codes: Counter[str] = Counter()
        for (_, code), count in self.answers.items():
            codes[code] += count
        return dict(sorted(codes.items()))

    def quantile(self, share: float) -> float:
        ordered = sorted(self.took)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 2) if ordered else 0.0


def run(options: argparse.Namespace) -> int:
    return run_year(options) if options.simulator == "year" else _run_lab(options)


def _run_lab(options: argparse.Namespace) -> int:
    from adapters.simulators.traffic import RIGHT

    messages = islice(_messages(options), options.count)
    tally = Tally()
    asyncio.run(_send(options, messages, tally))
    _say_summary(options, tally)
    return 1 if any(kind == RIGHT and code != "AA" for kind, code in tally.answers) else 0


def _messages(options: argparse.Namespace) -> Iterator[Planned]:
    """The laboratories in turn."""
    from adapters.simulators.laboratory import LABORATORIES
    from adapters.simulators.traffic import traffic
    from hub.app import wall_clock
    from hub.domain.dates import day_in_england

    for feed in options.feed:
        if feed not in LABORATORIES:
            raise CannotRun(f"There is no simulated laboratory {feed!r}. There are: {', '.join(LABORATORIES)}.")
    on = options.on or day_in_england(wall_clock())
    people = _people(options)
    streams = [traffic(feed, people, options.seed, options.errors / 100, on) for feed in options.feed]
    return (next(stream) for stream in _for_ever(streams))


def _for_ever(streams: list[Iterator[Planned]]) -> Iterator[Iterator[Planned]]:
    while True:
        yield from streams


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


async def _send(options: argparse.Namespace, messages: Iterator[Planned], tally: Tally) -> None:
    """Until all are sent, or somebody says stop: then what is on its way is answered yet."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    host, port = address_of(options)
    due = _Timetable(options.rate)
    live = asyncio.create_task(_live(options, tally))
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(options.connections):
                group.create_task(_connection(host, port, options.timeout, messages, due, tally, stop))
    except* CannotRun as errors:
        raise errors.exceptions[0] from None
    finally:
        live.cancel()
        await asyncio.gather(live, return_exceptions=True)


class _Timetable:
    """When the next message is due: message n at n / rate seconds, so that a slow hub is not spared."""

    def __init__(self, rate: float) -> None:
        self._began = monotonic()
        self._rate = rate
        self._number = 0

    def next(self) -> float:
        self._number += 1
        return self._began + (self._number - 1) / self._rate if self._rate else monotonic()


async def _connection(
    host: str,
    port: int,
    patience: float,
    messages: Iterator[Planned],
    timetable: _Timetable,
    tally: Tally,
    stop: asyncio.Event,
) -> None:
    from hub.io.mllp import MllpClient

    client = MllpClient(host, port)
    try:
        while not stop.is_set() and (message := next(messages, None)) is not None:
            due = timetable.next()
            if await _told_within(stop, due - monotonic()):
                return
            code = await _answer(client, message.raw, patience, tally, stop)
            if code:
                tally.put(message.kind, code, due)
    finally:
        await client.close()


async def _answer(client: MllpClient, raw: bytes, patience: float, tally: Tally, stop: asyncio.Event) -> str:
    """What the hub answers; without an answer the same bytes again, as every laboratory must. Empty when stopped."""
    from hub.io.mllp import MllpError, NoAnswerError, WrongAnswerError

    while not stop.is_set():
        try:
            if not client.connected:
                await client.connect()
            return _code(await client.send(raw, patience))
        except (NoAnswerError, WrongAnswerError):
            tally.unanswered += 1
        except MllpError as error:
            if not tally.answers and not tally.unanswered:
                raise CannotRun(
                    f"{error} Is the hub up there (`hub up`), and the port right (--to HOST:PORT)?"
                ) from None
            await _told_within(stop, REST_SECONDS)
    return ""


def _code(reply: bytes) -> str:
    from hub.formats.hl7v2 import read

    messages = read(reply).messages
    return messages[0].get("MSA-1") if messages else "unreadable"


async def _told_within(stop: asyncio.Event, seconds: float) -> bool:
    """Wait so long, or until somebody says stop."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            pass
    return stop.is_set()


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
    kinds: dict[str, dict[str, int]] = {}
    for (kind, code), count in sorted(tally.answers.items()):
        kinds.setdefault(kind, {})[code] = count
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
