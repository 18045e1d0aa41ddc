"""The lazy reader beside python-hl7 and hl7apy: one ORU^R01, parse and fifteen fields read."""

from __future__ import annotations

import statistics
import sys
import warnings
from collections.abc import Callable
from datetime import UTC, date, datetime
from time import perf_counter

from adapters import ADAPTERS
from adapters.simulators.laboratory import laboratory_code, report, slide_number
from adapters.simulators.people import synthetic_cohort
from hub.config import Settings
from hub.domain.events import TestResult
from hub.formats.hl7v2 import read
from hub.mapping import load_feeds

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
ROUNDS = 5
FIELDS = (
    *(("MSH", field) for field in (3, 4, 7, 9, 10, 12)),
    *(("PID", field) for field in (3, 5, 7, 8, 11)),
    *(("OBR", field) for field in (3, 4, 7, 22)),
)


def message() -> bytes:
    """One ordinary report of a fictitious laboratory."""
    result = TestResult(
        laboratory_code("northmoor"),
        slide_number("northmoor", 2026, 1),
        date(2026, 5, 20),
        NOW,
        "X",
        "0",
        "A",
        source_type="1",
        sender_code="Z99001",
        sample_taker_code="C99001",
    )
    return report("northmoor", synthetic_cohort(1, 1)[0], result, "BENCH1", NOW)


def _ours(raw: bytes) -> None:
    one = read(raw).messages[0]
    for name, field in FIELDS:
        one.segments(name)[0].value(field)


def _python_hl7(raw: bytes) -> None:
    import hl7

    one = hl7.parse(raw.decode())
    for name, field in FIELDS:
        str(one.segment(name)[field])


def _hl7apy(raw: bytes) -> None:
    from hl7apy.parser import parse_message

    one = parse_message(raw.decode(), find_groups=False)
    for name, field in FIELDS:
        _ = getattr(getattr(one, name.lower())[0], f"{name.lower()}_{field}").value


def _adapter() -> Callable[[bytes], None]:
    feeds, adapter = load_feeds(Settings().mappings / "feeds"), ADAPTERS["hl7v2_oru"]

    def decode(raw: bytes) -> None:
        adapter.decode(adapter.open(raw), feeds.find, NOW.date())

    return decode


def per_second(work: Callable[[bytes], None], raw: bytes, times: int) -> float:
    """Median over the rounds of how often the work is done in a second."""
    rates = []
    for _ in range(ROUNDS):
        started = perf_counter()
        for _ in range(times):
            work(raw)
        rates.append(times / (perf_counter() - started))
    return statistics.median(rates)


def main() -> None:
    warnings.simplefilter("ignore")  # the other readers' own
    raw = message()
    rates = {
        "hub, read and 15 fields": per_second(_ours, raw, 5_000),
        "python-hl7, the same": per_second(_python_hl7, raw, 300),
        "hl7apy, the same": per_second(_hl7apy, raw, 20),
        "hub, open and decode by the feed's table": per_second(_adapter(), raw, 1_000),
    }
    slowest = min(rates.values())
    segments = raw.count(b"\r")
    sys.stdout.write(f"{len(raw)} bytes, {segments} segments; median of {ROUNDS} rounds\n")
    for name, rate in rates.items():
        sys.stdout.write(f"{name:42} {rate:12,.0f} a second   {rate / slowest:8,.1f} times the slowest\n")
