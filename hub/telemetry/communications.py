"""What is told of telling people: plans, codes of letters and of failures, never a reference, a message or a person."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from hub.telemetry.fence import log
from hub.telemetry.metrics import REGISTRY, count_one, label

_batches = Counter("hub_notify_batches", "Batches handed to NHS Notify.", ["plan", "outcome"], registry=REGISTRY)
_failed = Counter("hub_communications_failed", "Messages that need somebody.", ["why"], registry=REGISTRY)
_news = Counter("hub_notify_news", "News of messages, by whether it was new.", ["outcome"], registry=REGISTRY)
_asked = Counter("hub_notify_asked", "Messages asked about.", ["outcome"], registry=REGISTRY)
_refused_callbacks = Counter("hub_notify_callbacks_refused", "Callbacks not taken.", ["why"], registry=REGISTRY)
_wished = Gauge("hub_letters_unsent", "Letters that wait to be handed over.", registry=REGISTRY)
_oldest_seconds = Gauge("hub_letters_oldest_unsent_seconds", "Age of the oldest of them.", registry=REGISTRY)
_held = Gauge("hub_notify_plans_held", "Plans of which nothing goes at the moment.", registry=REGISTRY)
_needing = Gauge("hub_communications_needing_somebody", "Messages that need somebody now.", ["why"], registry=REGISTRY)


def batch_taken(plan: str, outcome: str) -> None:
    """`accepted`, or `known`: an earlier try had arrived."""
    count_one(_batches, plan, outcome)
    log("info", "batch_taken", what=plan, outcome=outcome)


def batch_refused(plan: str, why: str) -> None:
    """Notify takes nothing of it. Where the fault is ours an engineer must act: the plan stands still."""
    count_one(_batches, plan, "refused")
    log("error", "batch_refused", what=plan, why=why)


def batch_put_off(plan: str, why: str) -> None:
    """It is handed over again later."""
    count_one(_batches, plan, "put-off")
    log("warning", "batch_put_off", what=plan, why=why)


def communication_failed(code: str, why: str) -> None:
    """A message needs somebody."""
    count_one(_failed, why)
    log("warning", "communication_failed", code=code, why=why)


def communication_asked(outcome: str) -> None:
    count_one(_asked, outcome)


def news_heard(new: int, known: int) -> None:
    """A callback came: so much of it was new."""
    _news.labels("new").inc(new)
    _news.labels("known").inc(known)
    log("debug", "news_heard", count=new)


def callback_refused(why: str) -> None:
    """`key`, `signature`, `unreadable`."""
    count_one(_refused_callbacks, why)
    log("warning", "callback_refused", why=why)


def letters_waiting(wished: int, oldest_seconds: float, plans_held: int) -> None:
    _wished.set(wished)
    _oldest_seconds.set(oldest_seconds)
    _held.set(plans_held)


def communications_needing(by_why: dict[str, int]) -> None:
    """How many messages need somebody, by why."""
    _needing.clear()
    for why, many in by_why.items():
        _needing.labels(label(why)).set(many)
