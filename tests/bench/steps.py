"""What each step of a result's journey costs by itself: one thread, in this process, on the real servers."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from adapters.simulators.laboratory import claim_of
from hub.app import context_of, wall_clock
from hub.config import Settings
from hub.contract import Envelope
from hub.domain.call import Entry
from hub.domain.events import ResultReported, TestResult
from hub.domain.facts import ResultFact
from hub.domain.matching import decide, search_keys
from hub.domain.people import Participant
from hub.domain.record import fold
from hub.io.rabbit.conveyor import RabbitConveyor
from hub.io.store import SqlStore
from tests.bench.a_hub import reports
from tests.bench.inside import Took, an_event, handle_together, store_at, take
from tests.bench.report import line, progress, title
from tests.bench.roles import Servers

GROUPS = (1, 8, 64)
MESSAGES = 384


def main(on: Servers, ordinary: list[Participant]) -> None:
    title("Each step by itself, microseconds a result: by the clock, and of them our own processor time (one thread)")
    with on.fresh_database() as url, store_at(url) as store:
        _take_down(store, ordinary)
        _relay(store, on)
        _match(store, ordinary)
        _fold(ordinary)
        _handle(store)


def _show(what: str, took: Took, count: int) -> None:
    line(what, f"{took.clock * 1e6 / count:,.0f} us", f"ours {took.ours * 1e6 / count:,.0f} us")


def _timed(what: str, count: int, work: Callable[[], object]) -> None:
    took = Took()
    with took.more():
        work()
    _show(what, took, count)


def _often(what: str, times: int, work: Callable[[], object]) -> None:
    """Pure work, which nobody else's can be told from but by processor time: the median of five rounds."""
    rounds = [Took() for _ in range(5)]
    for took in rounds:
        with took.more():
            for _ in range(times):
                work()
    _show(what, sorted(rounds, key=lambda one: one.ours)[2], times)


def _take_down(store: SqlStore, ordinary: list[Participant]) -> None:
    progress("decode and journal")
    take(store, reports(ordinary, 64, 1), 8)
    first, reading = 100, Took()
    for group in GROUPS:
        reading, writing = take(store, reports(ordinary, MESSAGES, first), group)
        first += MESSAGES
        _show(f"journal: in groups of {group}, each a durable commit", writing, MESSAGES)
    _show("decode: open, read by the table, answer, telemetry", reading, MESSAGES)


def _relay(store: SqlStore, on: Servers) -> None:
    progress("claim, publish, confirm")
    claimed = store.write_now(lambda tx: tx.events.claim(0, 500))
    _timed("relay: claim 500", 500, lambda: store.write_now(lambda tx: tx.events.claim(0, 500)))
    with on.rabbit.fresh_vhost() as vhost:
        for batch, took in asyncio.run(_publish(vhost, [envelope for _, envelope in claimed])).items():
            _show(f"publish: {batch} at once, all confirmed", took, 500)
    seqs = [seq for seq, _ in claimed]
    _timed(
        "relay: mark 500 as confirmed", 500, lambda: store.write_now(lambda tx: tx.events.confirm(seqs, wall_clock()))
    )


async def _publish(vhost: str, envelopes: list[Envelope]) -> dict[int, Took]:
    conveyor, all_took = RabbitConveyor(vhost, "bench"), {}
    try:
        await conveyor.publish(envelopes[:64])
        for batch in (1, 8, 64, len(envelopes)):
            took = all_took[batch] = Took()
            with took.more():
                for first in range(0, len(envelopes), batch):
                    assert all(await conveyor.publish(envelopes[first : first + batch]))
    finally:
        await conveyor.close()
    return all_took


def _match(store: SqlStore, ordinary: list[Participant]) -> None:
    progress("match and fold")
    claims = [claim_of(person) for person in ordinary[:200]]
    keys: list[Iterable[str]] = []
    _timed("match: the keys of a claim", len(claims), lambda: keys.extend(map(search_keys, claims)))
    found = store.read_now(lambda tx: [tx.cohort.candidates(some) for some in keys])
    mean = statistics.fmean(map(len, found))
    _timed(
        f"match: look candidates up ({mean:.1f} on average)",
        len(claims),
        lambda: store.read_now(lambda tx: [tx.cohort.candidates(some) for some in keys]),
    )
    for count in (1, 5, 20):
        _often(f"match: decide between {count}", 50, partial(decide, claims[0], ordinary[:count]))


def _fold(ordinary: list[Participant]) -> None:
    policies, event = context_of(Settings()).policies, an_event(ordinary[0])
    entry = Entry(ordinary[0].date_of_birth, ordinary[0].next_test_due_on)
    for count in (1, 4, 12):
        facts = [_fact(event.result, number) for number in range(count)]
        _often(f"fold: a history of {count}", 100, partial(fold, entry, facts, policies))


def _fact(like: TestResult, number: int) -> ResultFact:
    """A like result of three years earlier for each number."""
    at = like.authorised_at - timedelta(days=1100 * number)
    result = replace(like, slide_number=f"S{number}", test_on=at.date() - timedelta(days=8), authorised_at=at)
    return ResultFact(f"r{number}", f"m{number}", result, "")


def _handle(store: SqlStore) -> None:
    progress("handle")
    claimed = store.write_now(lambda tx: tx.events.claim(0, 700))
    reported = [envelope for _, envelope in claimed if envelope.type == ResultReported.__name__]
    handle_together(store, reported[:16], 16)
    for number, group in enumerate((1, 4, 16)):
        some = reported[16 + 160 * number : 176 + 160 * number]
        what = f"handle: match, fold, letter, events; {group} in a commit"
        _show(what, handle_together(store, some, group), len(some))
