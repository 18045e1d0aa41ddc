"""The exchanges and queues on RabbitMQ, declared here and nowhere else: pure data, from which the connection declares
them, `hub docs` draws them and the AsyncAPI document is made.

                                 ┌─ result.reported, report.parked ─► screening.records ──► our workers
    relay ─► screening.events ───┤                                          │ given up on after 20 tries
             (topic)             ├─ result.parked ─► csas.manual-match      ▼
                                 └─ whatever another team binds      screening.dead ─► its queue ─► the dead letters

An existing queue cannot be given other arguments: a change here is a step for an operator (`hub/README.md`, "Changing
the topology"), and needs a new queue name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from hub.domain.events import ResultParked
from hub.flow.consumers import CONSUMERS

EVENTS = "screening.events"
DEAD = "screening.dead"
MANUAL_MATCH = "csas.manual-match"

TRIES = 20
"""Deliveries of one event before it is a dead letter. An event comes again each time a worker dies with it in its
hands, so the limit must bear a bad day of restarts: it is for what kills whoever touches it."""
MOST_MANUAL_MATCHES = 100_000
"""`csas.manual-match` is a copy for CSAS's own tools; the worklist in the database is the truth. Unread, it may not
fill the broker: the oldest go first."""

Argument = str | int


@dataclass(frozen=True, slots=True)
class Exchange:
    name: str
    kind: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Queue:
    """`keys` are what it is bound by, on `exchange`."""

    name: str
    exchange: str
    keys: tuple[str, ...]
    purpose: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    is_ours: bool = False
    """Our workers handle what comes here, and finish the events."""


@cache
def routing_key(event_type: str) -> str:
    """`ResultReported` → `result.reported`: consumers bind `result.*`, or `#` for everything."""
    return ".".join(re.findall("[A-Z][a-z]*", event_type)).lower()


def queue_of(consumer: str) -> str:
    """The queue of one of our own consumers."""
    return f"screening.{consumer}"


def _quorum(**more: Argument) -> dict[str, Argument]:
    return {"x-queue-type": "quorum", **{f"x-{name.replace('_', '-')}": value for name, value in more.items()}}


def _ours() -> tuple[Queue, ...]:
    """One queue a consumer of ours, bound to what it handles."""
    arguments = _quorum(
        delivery_limit=TRIES,
        dead_letter_exchange=DEAD,
        dead_letter_strategy="at-least-once",  # a dead letter is not lost on its way to the other queue either
        overflow="reject-publish",  # what that strategy asks for
    )
    consumers = dict.fromkeys(name for names in CONSUMERS.values() for name in names)
    return tuple(
        Queue(
            queue_of(consumer),
            EVENTS,
            tuple(routing_key(kind) for kind, names in CONSUMERS.items() if consumer in names),
            f"What the workers handle as the consumer `{consumer}`.",
            arguments,
            is_ours=True,
        )
        for consumer in consumers
    )


EXCHANGES = (
    Exchange(EVENTS, "topic", "Every event of the hub, once it is committed."),
    Exchange(DEAD, "fanout", "What a queue gave up on."),
)
QUEUES = (
    *_ours(),
    Queue(
        MANUAL_MATCH,
        EVENTS,
        (routing_key(ResultParked.__name__),),
        "Results that wait for a clerk, for CSAS's own tools. The worklist in the database is the truth.",
        _quorum(max_length=MOST_MANUAL_MATCHES, overflow="drop-head"),
    ),
    Queue(
        DEAD,
        DEAD,
        ("",),
        "Dead letters on their way into the database, where `hub dead` shows them.",
        _quorum(delivery_limit=1_000_000),  # RabbitMQ 4 would drop them after 20 tries of its own accord
    ),
)


@cache
def is_wanted(event_type: str) -> bool:
    """Whether one of the queues above takes this type. Of the others nobody may be listening, which is no failure."""
    return any(routing_key(event_type) in queue.keys for queue in QUEUES if queue.exchange == EVENTS)
