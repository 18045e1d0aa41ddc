"""One step of the journey: a transaction, what caused it, and what is to be told once it is committed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from hub.contract import Envelope, caused_identity, event_to_json
from hub.domain.events import Event
from hub.domain.policy import Policies
from hub.flow.ports import Transaction

Told = list[Callable[[], None]]


@dataclass(slots=True)
class Step:
    """`cause` is an event id or a decision's id: every id made in this step is drawn from it, so the step done again
    makes the same things. `told` collects what telemetry hears after the commit, because work may be run twice."""

    tx: Transaction
    policies: Policies
    now: datetime
    cause: str
    traceparent: str = ""
    feed: str = ""
    digest: str = ""
    told: Told = field(default_factory=list)
    _made: int = 0

    def new_id(self, what: str) -> str:
        self._made += 1
        return caused_identity(self.cause, f"{what}|{self._made}")

    def emit(self, event: Event, subject: str) -> None:
        """Into the outbox, in this transaction."""
        kind = type(event).__name__
        envelope = Envelope(
            event_id=self.new_id(kind),
            type=kind,
            subject=subject,
            occurred_at=self.now,
            data=event_to_json(event),
            feed=self.feed,
            digest=self.digest,
            traceparent=self.traceparent,
        )
        self.tx.events.put(envelope)

    def tell(self, happened: Callable[..., None], *words: str) -> None:
        self.told.append(lambda: happened(*words))


def tell_all(told: Told) -> None:
    """After the commit: let telemetry hear what happened."""
    for happened in told:
        happened()
