"""Events leaving a transaction and coming to consumers, and those that could not be handled."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from hub.contract import Envelope

FOREVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """What a consumer could not handle. `event_id` and `consumer` name it; `body` is kept of what came from the broker
    and is no event of ours."""

    event_id: str
    consumer: str
    type: str
    subject: str
    why: str
    died_at: datetime
    body: bytes | None = None


class Events(Protocol):
    def put(self, envelope: Envelope, *, consumed: bool) -> None: ...
    def claim(self, after: int, limit: int) -> list[tuple[int, Envelope]]: ...
    def confirm(self, rows: Sequence[int], at: datetime) -> None: ...
    def unfinished(self, before: datetime, ahead: datetime = FOREVER) -> int: ...
    def relay_again(self, before: datetime, ahead: datetime, after: int, limit: int) -> tuple[int, int]: ...
    def revive(self, event_id: str, consumer: str) -> None: ...
    def oldest(self) -> tuple[datetime | None, datetime | None]: ...
    def find(self, event_id: str) -> Envelope | None: ...
    def take(self, event_ids: Collection[str], consumer: str, at: datetime) -> set[str]: ...
    def finish(self, event_id: str, wanted: int, at: datetime) -> None: ...
    def after(self, seq: int, limit: int) -> list[tuple[int, Envelope]]: ...
    def last(self) -> int: ...
    def about(self, subjects: Sequence[str]) -> list[tuple[Envelope, datetime | None, datetime | None]]: ...
    def backlog(self) -> dict[str, int]: ...


class Dead(Protocol):
    def put(self, letter: DeadLetter) -> None: ...
    def page(self, limit: int) -> list[DeadLetter]: ...
    def find(self, prefix: str) -> list[DeadLetter]: ...
    def take_away(self, event_ids: Sequence[str]) -> None: ...
    def count(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event handed to one consumer. Acknowledge it after the commit; what is not acknowledged comes again."""

    consumer: str
    envelope: Envelope
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class DeadDelivery:
    """What a queue gave up on: an event, or (without envelope) something that is none of ours."""

    queue: str
    why: str
    body: bytes
    envelope: Envelope | None
    acknowledge: Callable[[], None]


@dataclass(frozen=True, slots=True)
class Depth:
    """How many events wait in a queue, and how many may be in consumers' hands at most; whether it is one of ours,
    whose events are finished when they are handled."""

    waiting: int
    in_hands: int
    ours: bool = True


class Conveyor(Protocol):
    """Brings events to consumers. It may forget everything at any moment; what it cannot do just now is `Retry`."""

    async def publish(self, envelopes: Sequence[Envelope]) -> list[bool]:
        """Hand over; True at the place of each event that the conveyor now holds safely."""

    def deliveries(self, consumer: str) -> AsyncIterator[Delivery]: ...

    def dead(self) -> AsyncIterator[DeadDelivery]: ...

    async def depths(self) -> dict[str, Depth]:
        """By the name of the queue."""

    async def away(self) -> str:
        """Why nothing can be handed over just now; empty where it can."""

    async def close(self) -> None: ...
