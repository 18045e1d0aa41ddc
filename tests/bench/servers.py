"""Everything real: PostgreSQL and RabbitMQ of our own, the roles as processes, senders over sockets.

    python -m tests.bench servers                all of it (about four minutes)
    python -m tests.bench servers:ack            a part: ack, streams, http, road, steps, growth, cohort

Figures are medians of three rounds, in each of which everything is measured once. HUB_TEST_ALL=1: growth to a million
journal rows instead of 200,000 (minutes more, 4 GB). HUB_TEST_WORKERS: how many workers the whole road has (1).
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from adapters.simulators.people import synthetic_population
from hub.domain.people import Participant
from tests.bench import cohort, growth, over_http, steps, ways
from tests.bench.inside import an_envelope
from tests.bench.report import Figures, line, note, progress, title
from tests.bench.roles import Servers, servers
from tests.bench.yardsticks import size_of

PEOPLE, ROUNDS = 20_000, 3


def people() -> tuple[list[Participant], list[Participant]]:
    """A cohort, and those of it who are screened and like nobody else: their results need no clerk."""
    today = datetime.now(UTC).date()
    population = synthetic_population(PEOPLE, 1, today)
    alike = {index for pair in (*population.twins, *population.namesakes, *population.mothers) for index in pair}
    ordinary = [
        person
        for index, person in enumerate(population.participants)
        if index not in alike and person.gender == "2" and 26 <= today.year - person.date_of_birth.year <= 48
    ]
    return population.participants, ordinary


def main(only: Sequence[str] = ()) -> None:
    wanted = [name for name in PARTS if name in only or not only]
    everybody, ordinary = people()
    gc.freeze()  # what stands in memory here must not slow what is measured in this process
    progress(f"starting PostgreSQL and RabbitMQ, {len(everybody):,} people")
    with servers(everybody, ordinary) as on:
        _in_rounds(on, ordinary, [name for name in wanted if name in ROUNDLY])
        for name in wanted:
            if name in AT_ONCE:
                AT_ONCE[name](on, ordinary)
    title("OIE: Open Integration Engine 4.5.2 on such a machine, mapped, on PostgreSQL, without a broker:")
    note("412-573 a second on 8 connections, 180-243 on one, p99 24-42 ms; stored only 863-1,021 and 228-651.")


def _in_rounds(on: Servers, ordinary: list[Participant], names: Sequence[str]) -> None:
    """Measure the yardsticks and these parts in turn, so that a bad moment of the machine falls on all of them."""
    figures, size = Figures(), size_of(an_envelope(ordinary[0]))
    for number in range(ROUNDS if names else 0):
        progress(f"round {number + 1} of {ROUNDS}")
        ways.yardsticks(on, size, figures)
        for name in names:
            ROUNDLY[name][0](on, ordinary, figures)
    if names:
        _show_yardsticks(figures, size)
    for name in names:
        ROUNDLY[name][1](figures)


def _show_yardsticks(figures: Figures, size: int) -> None:
    title(f"The servers by themselves (events of {size:,} bytes, quorum queue, persistent, mandatory)")
    line("confirmed publishes, 64 in flight: the node's raw rate", _rate(figures.median("raw 64")))
    line("the same, 8 in flight, each waiting for its confirm", _rate(figures.median("raw 8")))
    line("the same, one after another", _rate(figures.median("raw 1")))
    single = f"{figures.median('single median'):.2f} / {figures.median('single p99'):.1f} ms"
    line("one durable commit plus one confirm: median / p99", single)


def _rate(value: float) -> str:
    return f"{value:,.0f}/s"


def _both(times: dict[str, float]) -> str:
    return f"{times['p50']:.1f} / {times['p99']:.1f} ms"


def _show_ack(figures: Figures) -> None:
    eight, raw, bar = figures.median("ack 8"), figures.median("raw 64"), 5 * figures.median("single median")
    title("One intake, one relay: answered AA, and the mapped event confirmed by RabbitMQ")
    line("8 connections, each waiting for its answers", _rate(eight), "> 573 (OIE 412-573)", met=eight > 573)
    line("  of the raw rate with 8 in flight", f"{eight / figures.median('raw 8'):.1%}")
    line("  of the raw rate with 64 in flight", f"{eight / raw:.1%}", "20 %", met=eight / raw >= 0.2)
    line("1 connection", _rate(figures.median("ack 1")), "> 243 (OIE 180-243)", met=figures.median("ack 1") > 243)
    half, more = figures.under("ack 50"), figures.under("ack 80")
    line("ACK at 50 % of that, p50 / p99", _both(half), f"p99 {bar:.1f} ms (5 x single)", met=half["p99"] <= bar)
    line("ACK at 80 % of that, p50 / p99", _both(more), "OIE p99 24-42 ms")
    _costs(figures.under("ack cpu"), {})


def _show_streams(figures: Figures) -> None:
    streamed, raw = figures.median("stream"), figures.median("raw 64")
    title("Two intakes, one relay: the same with 64 in flight, 8 unanswered on each connection")
    line("8 connections", _rate(streamed))
    line("  of the raw rate with 64 in flight", f"{streamed / raw:.1%}", "20 %", met=streamed / raw >= 0.2)
    _costs(figures.under("stream cpu"), {})


def _show_road(figures: Figures) -> None:
    most, times = figures.median("road"), figures.under("road ack 50")
    title(f"The whole road, {ways.WORKERS} worker(s): result on the record, letter wished, every event confirmed")
    line("8 connections", _rate(most), "1,000", met=most >= 1000)
    line("  of the raw rate", f"{most / figures.median('raw 64'):.1%}")
    line("  with their letter wished", f"{figures.median('letters'):.0%}")
    line("ACK at half of that, p50 / p99", _both(times), "p99 50 ms", met=times["p99"] < 50)
    line("from receipt to the letter wished, at half, p50 / p99", _both(figures.under("road letter 50")))
    _costs(figures.under("road cpu"), figures.under("memory"))


def _costs(cpu: dict[str, float], memory: dict[str, float]) -> None:
    for name, cost in cpu.items():
        held = f"{memory[name]:.0f} MiB, bar 200" if name in memory else ""
        line(f"  {name}: processor time a message", f"{cost:.3f} ms", held, met=memory[name] < 200 if held else None)
    line("  all of them", f"{sum(cpu.values()):.3f} ms")


ROUNDLY: dict[str, tuple[Callable[[Servers, list[Participant], Figures], None], Callable[[Figures], None]]] = {
    "ack": (ways.acknowledging, _show_ack),
    "streams": (ways.acknowledging_streams, _show_streams),
    "http": (over_http.acknowledging, over_http.show),
    "road": (ways.whole_road, _show_road),
}
AT_ONCE: dict[str, Callable[[Servers, list[Participant]], None]] = {
    "steps": steps.main,
    "growth": growth.main,
    "cohort": cohort.main,
}
PARTS = (*ROUNDLY, *AT_ONCE)
