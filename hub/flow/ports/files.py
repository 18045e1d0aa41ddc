"""Files that came, and messages that go to laboratories by a carrier."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from hub.errors import Retry


@dataclass(frozen=True, slots=True)
class FileRow:
    """A file that came. `state` is read or corrupt; `sequence` is the number its sender gave it, if any."""

    journal_seq: int
    feed: str
    name: str
    sequence: int | None
    state: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class OutgoingRow:
    """A message to a laboratory. `local_id` names it to whoever carries it, so that it is sent once; `kind` is
    confirmation, refusals or reconciliation; `state` is wished, sending (it may have been tried), sent (the carrier has
    it), taken (the laboratory has it) or failed."""

    local_id: str
    feed: str
    kind: str
    mailbox: str
    workflow: str
    body: bytes
    wished_at: datetime
    state: str = "wished"
    journal_seq: int | None = None
    message_id: str = ""
    why: str = ""
    changed_at: datetime | None = None


class Files(Protocol):
    def put(self, file: FileRow) -> None: ...
    def page(self, feed: str, limit: int) -> list[FileRow]: ...
    def gaps(self, feed: str, limit: int) -> list[tuple[int, int]]: ...


class Outgoing(Protocol):
    def put(self, message: OutgoingRow) -> None: ...
    def knows(self, local_id: str) -> bool: ...
    def in_state(self, state: str, limit: int) -> list[OutgoingRow]: ...
    def find(self, local_id: str, message_id: str) -> OutgoingRow | None: ...
    def claim(self, message: OutgoingRow, at: datetime) -> bool: ...
    def settle(self, local_id: str, state: str, at: datetime, message_id: str = "", why: str = "") -> None: ...
    def of_feed(self, feed: str, limit: int) -> list[OutgoingRow]: ...
    def about(self, feed: str, journal_seq: int) -> list[OutgoingRow]: ...


@dataclass(frozen=True, slots=True)
class Tracked:
    """What a carrier knows of a message that was handed to it. `state` is partly (the rest must follow), sent, taken or
    failed."""

    message_id: str
    state: str
    why: str = ""


class CarrierAway(Retry):
    """The carrier cannot be used just now. `unsent`: what was to be handed over has certainly not arrived there."""

    unsent = False


class NotCarried(Exception):
    """The carrier will never take this message. `why` is its code, never its words."""

    def __init__(self, why: str) -> None:
        self.why = why
        super().__init__(why)


class Carrier(Protocol):
    """Brings messages to laboratories. It may take the same message twice: whoever is in doubt asks it first."""

    async def send(self, message: OutgoingRow, begun: str = "") -> str:
        """Hand over; the carrier's name for it. `begun` is its name for what it has of this message already."""

    async def track(self, local_id: str) -> Tracked | None:
        """What became of it; None where the carrier does not know it."""
