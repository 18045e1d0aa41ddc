"""What is told of questions to PDS: their kinds and their number, never whom they are about. How PDS answers:
`nhs_api`."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from hub.telemetry.fence import about, log
from hub.telemetry.metrics import REGISTRY, count_one, label

_hints = Counter("hub_pds_events", "Events about people on PDS that came.", ["outcome"], registry=REGISTRY)
_events_failures = Counter(
    "hub_pds_events_failures", "Times the queue with events of PDS could not be used.", registry=REGISTRY
)
_events_left = Counter(
    "hub_pds_events_left", "Messages left in the queue with events of PDS, to come again.", registry=REGISTRY
)
_put_off = Counter("hub_pds_put_off", "Questions that are asked again later.", ["outcome"], registry=REGISTRY)
_waiting = Gauge("hub_pds_questions_waiting", "Questions that wait for PDS.", ["question"], registry=REGISTRY)
_oldest_seconds = Gauge(
    "hub_pds_oldest_question_seconds", "Age of the oldest question that waits.", ["question"], registry=REGISTRY
)


def pds_asked_by_hand(question: str, outcome: str, who: str) -> None:
    """An operator asked: the audit's line. `who` is the name of the account."""
    log("warning", "pds_asked_by_hand", what=question, outcome=outcome, peer=who)


def pds_put_off(why: str) -> None:
    """A question stays in the store and is asked again later."""
    count_one(_put_off, why)
    log("debug", "pds_put_off", outcome=why)


def pds_hinted(hints: int, others: int, unfit: int) -> None:
    """A message with events came. What is no event in it is an engineer's business."""
    _hints.labels("hint").inc(hints)
    _hints.labels("other").inc(others)
    _hints.labels("unfit").inc(unfit)
    log("warning" if unfit else "debug", "pds_hinted", count=hints, outcome=f"unfit:{unfit}")


def pds_events_failed(error: BaseException) -> None:
    """What came waits in the queue: a warning, no loss."""
    _events_failures.inc()
    log("warning", "pds_events_failed", reason=getattr(error, "hint", ""), **about(error))


def pds_events_taken(found: int, settled: int) -> None:
    """How many messages the queue gave, and how many of them are stored and gone from it."""
    _events_left.inc(found - settled)
    log("info" if settled < found else "debug", "pds_events_taken", count=found, outcome=f"settled:{settled}")


def pds_waiting(kind: str, number: int, oldest_seconds: float) -> None:
    """How many questions of a kind wait in the store, and for how long the oldest."""
    _waiting.labels(label(kind)).set(number)
    _oldest_seconds.labels(label(kind)).set(oldest_seconds)
