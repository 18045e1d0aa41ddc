"""What happens at the partners' HTTP door."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

from hub.telemetry.fence import log
from hub.telemetry.metrics import REGISTRY, SECONDS, count_one

_requests = Counter("hub_partner_requests", "Partners' requests.", ["operation", "status"], registry=REGISTRY)
_seconds = Histogram(
    "hub_partner_request_seconds", "From a request's head to its answer.", registry=REGISTRY, buckets=SECONDS
)
_not_proven = Counter("hub_partners_not_proven", "Callers who proved nothing.", ["what"], registry=REGISTRY)


def partner_answered(operation: str, status: int, seconds: float) -> None:
    """`operation` is its name in the OpenAPI document, never the address that was asked."""
    count_one(_requests, operation, str(status))
    _seconds.observe(seconds)
    log("info", "partner_answered", what=operation, code=status, seconds=round(seconds, 4))


def partner_not_proven(what: str) -> None:
    """`what` was shown: `token`, `certificate`, `assertion`."""
    count_one(_not_proven, what)
    log("warning", "partner_not_proven", what=what)
