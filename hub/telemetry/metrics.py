"""The registry of all metrics. Labels are few and plain: nothing that grows with the number of people or messages."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, ProcessCollector, generate_latest

from hub.telemetry.fence import plain

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)  # memory, processor time, open files
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


def render_metrics() -> bytes:
    """All metrics in the Prometheus text format (`CONTENT_TYPE`)."""
    return generate_latest(REGISTRY)


def label(text: str) -> str:
    """A label is a plain token too, and never empty."""
    return plain(text) or "unknown"


def count_one(counter: Counter, *labels: str) -> None:
    """One more."""
    counter.labels(*map(label, labels)).inc()
