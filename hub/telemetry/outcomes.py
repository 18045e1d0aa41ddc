"""What has not ended yet, or ended without what was wished: discharges against their clock, letters that are held."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Gauge

from hub.telemetry.fence import log
from hub.telemetry.metrics import REGISTRY, count_one

CLOCKS = ("ended", "ends-today", "runs")
_discharges = Gauge(
    "hub_discharges_waiting", "Discharges before a clerk, by the five days they have.", ["clock"], registry=REGISTRY
)
_letters = Counter(
    "hub_letters_held", "Letters that were made to wait, cancelled or withheld.", ["state", "rule"], registry=REGISTRY
)


def discharges_waiting(by_clock: Mapping[str, int]) -> None:
    """How many wait whose clock has `ended`, `ends-today` or still `runs`. One that is not named has none."""
    for clock in CLOCKS:
        _discharges.labels(clock).set(by_clock.get(clock, 0))


def letter_held(state: str, rule: str) -> None:
    """A letter is `waiting`, `cancelled` or `withheld`, and by which rule."""
    count_one(_letters, state, rule)
    log("info", "letter_held", outcome=state, reason=rule)
