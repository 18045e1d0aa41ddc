"""How long a laboratory waits for its answer at a hundred messages a second, the whole road at work."""

from __future__ import annotations

import asyncio
import statistics
import sys
from time import perf_counter

from hub.io.mllp import MllpClient
from tests.bench.a_hub import a_hub, cohort, reports

RATE = 100
SECONDS = 10
CONNECTIONS = 8


async def _steady(port: int, messages: list[bytes]) -> list[float]:
    """Send at the steady rate over several connections, each waiting for its answers; seconds per answer."""
    took: list[float] = []
    began = perf_counter()

    async def laboratory(numbers: range) -> None:
        async with MllpClient("127.0.0.1", port) as client:
            for number in numbers:
                await asyncio.sleep(max(0.0, began + number / RATE - perf_counter()))
                started = perf_counter()
                await client.send(messages[number])
                took.append(perf_counter() - started)

    await asyncio.gather(*(laboratory(range(one, len(messages), CONNECTIONS)) for one in range(CONNECTIONS)))
    return took


def main() -> None:
    people = cohort(5_000)
    with a_hub(people) as hub:
        asyncio.run(_steady(hub.port, reports(people, 50)))  # warm
        took = sorted(asyncio.run(_steady(hub.port, reports(people, RATE * SECONDS, first=1_000))))
    cuts = statistics.quantiles(took, n=100)
    sys.stdout.write(
        f"{len(took)} messages at {RATE} a second: p50 {cuts[49] * 1000:.1f} ms, p95 {cuts[94] * 1000:.1f} ms, "
        f"p99 {cuts[98] * 1000:.1f} ms, worst {took[-1] * 1000:.1f} ms\n"
    )
