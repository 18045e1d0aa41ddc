"""Call and recall: what the daily run did, where everybody stood at its end, and when the last one ended."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from prometheus_client import Counter, Gauge

from hub.telemetry.fence import log
from hub.telemetry.metrics import REGISTRY, label

_steps = Counter("hub_recall_steps", "Steps of call and recall taken.", ["step"], registry=REGISTRY)
_cohort = Gauge(
    "hub_recall_cohort", "People by where they stood at the end of the last run.", ["place"], registry=REGISTRY
)
_silent = Gauge(
    "hub_waiting_silently",
    "People and results nobody would have looked at, at the end of that run.",
    ["place"],
    registry=REGISTRY,
)
_taken = Gauge("hub_recall_run_steps", "Steps that the last run took.", ["step"], registry=REGISTRY)
_seconds = Gauge("hub_recall_run_seconds", "How long the last daily run took.", registry=REGISTRY)
_run_day = Gauge("hub_recall_run_day_seconds", "The day of the last run that ended, as Unix time.", registry=REGISTRY)
_ended = Gauge(
    "hub_recall_ended_seconds", "When it ended, as Unix time; before the first, when we began.", registry=REGISTRY
)
_due = Gauge("hub_recall_due", "People whose next step is due within seven days.", ["step"], registry=REGISTRY)
_places_seen: set[str] = set()
_silences_seen: set[str] = set()
_steps_seen: set[str] = set()
_due_seen: set[str] = set()


def recall_step_taken(step: str) -> None:
    """One step about one person: `notified`, `invited`, `reminded`, `non-responder`. Thousands a night: not logged."""
    _steps.labels(label(step)).inc()


def recall_run_begun() -> None:
    log("info", "recall_run_begun")


def recall_run_ended(cohort: Mapping[str, int], silent: Mapping[str, int]) -> None:
    """Where everybody stood, by place; they add up to the cohort. And who waited silently, which must not be."""
    log("info", "recall_run_ended", count=sum(cohort.values()))
    for place, many in silent.items():
        log("error", "waiting_silently", what=place, count=many)


def recall_run_left() -> None:
    """It was ended before its end: the process stops, or another has taken it over. It goes on later."""
    log("warning", "recall_run_left")


def recall_due(by_step: Mapping[str, int]) -> None:
    """How many people have a step before them within the week: `notified` is the practices' lists to come."""
    _set_each(_due, by_step, _due_seen)


def recall_run_took(seconds: float) -> None:
    _seconds.set(seconds)


def last_recall_run(
    day_began_at: datetime | None,
    ended_at: datetime,
    taken: Mapping[str, int],
    cohort: Mapping[str, int],
    silent: Mapping[str, int],
) -> None:
    """As the store has it, so that every process that looks tells the same."""
    _run_day.set(day_began_at.timestamp() if day_began_at else 0)
    _ended.set(ended_at.timestamp())
    _set_each(_taken, taken, _steps_seen)
    _set_each(_cohort, cohort, _places_seen)
    _set_each(_silent, silent, _silences_seen)


def _set_each(gauge: Gauge, counts: Mapping[str, int], seen: set[str]) -> None:
    """What was told before and is not named any more is none."""
    plain = {label(name.replace(": ", ":").replace(" ", "-")): count for name, count in counts.items()}
    seen.update(plain)
    for name in seen:
        gauge.labels(name).set(plain.get(name, 0))
