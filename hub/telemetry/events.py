"""Events on their way: outbox, relay, broker, worker; how many wait, for how long, and what the queues gave up on."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from hub.telemetry.fence import about, log
from hub.telemetry.metrics import REGISTRY, SECONDS, count_one, label

# -- relay and worker

_confirmed = Counter("hub_events_confirmed", "Events the conveyor took.", ["event_type"], registry=REGISTRY)
_returned = Counter("hub_events_returned", "Events no queue took.", ["event_type"], registry=REGISTRY)
_resent = Counter("hub_events_resent", "Unfinished events sent again.", registry=REGISTRY)
_handled = Counter("hub_events_handled", "Events handled.", ["event_type"], registry=REGISTRY)
_handle_seconds = Histogram("hub_handle_seconds", "Time to handle an event.", registry=REGISTRY, buckets=SECONDS)
_repeated = Counter("hub_events_repeated", "Events that came again, passed over.", ["event_type"], registry=REGISTRY)


def event_confirmed(event_type: str) -> None:
    count_one(_confirmed, event_type)
    log("debug", "event_confirmed", event_type=event_type)


def event_returned(event_type: str) -> None:
    """The broker has no queue for it: it stays in the outbox."""
    count_one(_returned, event_type)
    log("warning", "event_returned", event_type=event_type)


def events_resent(count: int) -> None:
    _resent.inc(count)
    log("warning", "events_resent", count=count)


def event_handled(event_type: str, seconds: float) -> None:
    count_one(_handled, event_type)
    _handle_seconds.observe(seconds)
    log("debug", "event_handled", event_type=event_type, seconds=round(seconds, 4))


def event_repeated(event_type: str) -> None:
    count_one(_repeated, event_type)
    log("debug", "event_repeated", event_type=event_type)


# -- how far behind

_waiting = Gauge("hub_outbox_waiting", "Events not yet on the conveyor.", registry=REGISTRY)
_unfinished = Gauge("hub_events_unfinished", "Events not yet handled by every consumer.", registry=REGISTRY)
_relay_lag = Gauge("hub_relay_lag_seconds", "Age of the oldest event not yet on the conveyor.", registry=REGISTRY)
_oldest = Gauge("hub_oldest_unprocessed_seconds", "Age of the oldest event not yet handled.", registry=REGISTRY)
_depth = Gauge("hub_queue_depth", "Messages in a queue of the conveyor.", ["queue"], registry=REGISTRY)


def backlog(waiting: int, unfinished: int, relay_lag: float, oldest: float) -> None:
    """How many events wait for the conveyor and how many are unfinished; the ages of the oldest of each, in seconds."""
    _waiting.set(waiting)
    _unfinished.set(unfinished)
    _relay_lag.set(relay_lag)
    _oldest.set(oldest)


def queue_depth(queue: str, depth: int) -> None:
    _depth.labels(label(queue)).set(depth)


# -- dead letters

_dead = Counter("hub_events_dead", "Events the queues gave up on.", ["event_type"], registry=REGISTRY)
_dead_letters = Gauge("hub_dead_letters", "Dead letters that wait for somebody to look.", registry=REGISTRY)
_dead_retried = Counter("hub_dead_retried", "Dead letters let go again.", registry=REGISTRY)


def event_dead(event_type: str, reason: str) -> None:
    """A queue gave up on it; `reason` is the broker's word (`delivery_limit`) or ours."""
    count_one(_dead, event_type)
    log("error", "event_dead", event_type=event_type, reason=reason)


def dead_letters(count: int) -> None:
    _dead_letters.set(count)


def dead_retried(count: int) -> None:
    _dead_retried.inc(count)
    log("info", "dead_retried", count=count)


# -- the broker

_broker_failures = Counter("hub_broker_failures", "Times the broker could not be used.", registry=REGISTRY)


def broker_connected(node: str = "") -> None:
    """`node` is a host's name, never an address with a password in it."""
    log("info", "broker_connected", node=node or "unknown")


def broker_failed(error: BaseException) -> None:
    """What the broker did not take waits in the outbox: a warning, no loss."""
    _broker_failures.inc()
    log("warning", "broker_failed", **about(error))


def topology_differs(name: str) -> None:
    """A queue or exchange stands at the broker with other arguments than ours; it stays as it is."""
    log("warning", "topology_differs", queue=name)
