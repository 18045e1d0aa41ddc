"""Whether the store stays as quick when the journal grows: the same work on 10,000 rows and on many more."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable
from contextlib import ExitStack
from time import perf_counter
from typing import Any

from hub.app import wall_clock
from hub.contract import Envelope
from hub.domain.people import Participant
from hub.flow.ports.store import Transaction
from hub.flow.whereabouts import whereabouts
from hub.io.store import SqlStore
from tests.bench.a_hub import reports
from tests.bench.history import grow
from tests.bench.inside import Took, handle_together, store_at, take
from tests.bench.report import Figures, line, note, progress, title
from tests.bench.roles import COHORT, HISTORY, Servers

SIZES = (10_000, 100_000, 1_000_000 if os.environ.get("HUB_TEST_ALL") else 200_000)
ROUNDS, MESSAGES = 3, 200
FLAT, NOISE = 1.5, 0.25
"""Flat: at most so many times as much on the largest journal, or so many milliseconds more (noise of the machine)."""


def main(on: Servers, ordinary: list[Participant]) -> None:
    """Three databases side by side, measured in turn, so that a bad moment of the machine falls on all of them."""
    figures = Figures()
    with ExitStack() as stack:
        stores = [stack.enter_context(store_at(url)) for url in _grown(on, stack)]
        for number in range(ROUNDS):
            progress(f"growth, round {number + 1} of {ROUNDS}")
            messages = reports(ordinary, MESSAGES, 1 + MESSAGES * number)
            for size, store in zip(SIZES, stores, strict=True):
                figures.add_all(str(size), _measure(store, messages))
    title("Growth of the journal, milliseconds: " + ", ".join(f"{size:,}" for size in SIZES) + " rows")
    for name in figures.under(str(SIZES[0])):
        values = [figures.median(f"{size}.{name}") for size in SIZES]
        flat = values[-1] < FLAT * values[0] + NOISE
        shown = " ".join(f"{value:.2f}" for value in values)
        line(name, shown, f"x {values[-1] / values[0]:.2f} (flat: < {FLAT})", met=flat)
    if not os.environ.get("HUB_TEST_ALL"):
        note("HUB_TEST_ALL=1 grows it to a million.")


def _grown(on: Servers, stack: ExitStack) -> list[str]:
    """Databases with so many rows: each a copy of the one before, with more."""
    urls: list[str] = []
    for before, size in zip((HISTORY, *SIZES), SIZES, strict=False):
        progress(f"growing the journal to {size:,} rows")
        template = urls[-1].rpartition("/")[2] if urls else COHORT
        urls.append(stack.enter_context(on.fresh_database(template)))
        grow(urls[-1], before, size, on.bystanders)
    return urls


def _measure(store: SqlStore, messages: list[bytes]) -> dict[str, float]:
    """Milliseconds for each kind of work."""
    known = store.read_now(lambda tx: tx.journal.newest(1)[0])
    middle = known.seq // 2
    costs = {"take 8 new messages down, one commit": _taking(store, messages)}
    costs["claim and confirm 200 events"], costs["handle a result, 8 in a commit"] = _relaying_and_handling(store)
    reading: dict[str, Callable[[Transaction], Any]] = {
        "page of 50 from the middle": lambda tx: tx.journal.page(middle, 50),
        "newest page of 50": lambda tx: tx.journal.newest(50),
        "look a control id up": lambda tx: tx.journal.lookup(known.control_id),
        "look a digest up": lambda tx: tx.journal.lookup(known.digest),
        "find a message by feed and digest": lambda tx: tx.journal.find(known.feed, known.digest),
        "one entry with its answer": lambda tx: tx.journal.entry(middle),
        "where is my result, by slide": lambda tx: whereabouts(tx, "northmoor", slide_number=f"H{middle}"),
        "where is my result, by control id": lambda tx: whereabouts(tx, "northmoor", control_id=f"G{middle}"),
        "backlog and oldest (metrics)": lambda tx: (tx.events.backlog(), tx.events.oldest()),
        "count what the broker may have lost": lambda tx: tx.events.unfinished(wall_clock()),
    }
    return costs | {name: _often(store, work) for name, work in reading.items()}


def _taking(store: SqlStore, messages: list[bytes]) -> float:
    rounds = [take(store, messages[first : first + 40], 8)[1].clock for first in range(0, len(messages), 40)]
    return statistics.median(rounds) / 5 * 1000


def _relaying_and_handling(store: SqlStore) -> tuple[float, float]:
    def claim_and_confirm(tx: Transaction) -> list[Envelope]:
        claimed = tx.events.claim(0, MESSAGES)
        tx.events.confirm([seq for seq, _ in claimed], wall_clock())
        return [envelope for _, envelope in claimed]

    relaying = Took()
    with relaying.more():
        envelopes = store.write_now(claim_and_confirm)
    assert len(envelopes) == MESSAGES, len(envelopes)
    rounds = [handle_together(store, envelopes[first : first + 40], 8) for first in range(0, MESSAGES, 40)]
    # What the handling has put into the outbox must not be in the next round's way.
    while waiting := store.write_now(claim_and_confirm):
        assert waiting
    return relaying.clock * 1000, statistics.median(took.clock for took in rounds) / 40 * 1000


def _often(store: SqlStore, work: Callable[[Transaction], Any]) -> float:
    took = []
    store.read_now(work)  # the first time it is compiled and prepared
    for _ in range(10):
        started = perf_counter()
        store.read_now(work)
        took.append((perf_counter() - started) * 1000)
    return statistics.median(took)
