"""Whoever tells people, by whatever channels: NHS Notify. And what is kept of each message handed to him."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from hub.domain.communications import Batch, Handed, News


class Messenger(Protocol):
    """Raises Retry where nobody knows whether it arrived, or it is said: not now. The same batch, with the same
    references, may then be handed over again: what has arrived is known again (`AcceptedBefore`)."""

    async def hand_over(self, batch: Batch) -> Handed: ...

    async def ask(self, message_id: str) -> Sequence[News] | None:
        """How a message stands now, whatever was told before; None where no such message is known."""


# -- what is kept

CLAIMED, SENT, DELIVERED, FAILED, WITHDRAWN = "claimed", "sent", "delivered", "failed", "withdrawn"


@dataclass(frozen=True, slots=True)
class BatchRow:
    """Messages that are handed over together, always under this reference. `state`: claimed, until it is known what
    became of it; then ended. `tries`: how often it was begun. Of a claim `look_at` is when others may take it over;
    `why` says what stood in its way at the last try, and while it does, nothing more of its plan is begun. `maybe`: one
    of the tries may have arrived, for nobody heard an answer; it is set while one is under way."""

    reference: str
    plan: str
    single: bool
    begun_at: datetime
    look_at: datetime
    tries: int = 1
    why: str = ""
    maybe: bool = False
    state: str = CLAIMED


@dataclass(frozen=True, slots=True)
class CommunicationRow:
    """A letter, handed to Notify or on the way there. `reference` is the letter's id, or a name drawn from it where it
    was wished again. `state`: claimed, sent, delivered, failed, withdrawn (it never left). `look_at`: when Notify is
    asked about it if nothing was heard. `why`: of a failure, a code; `description` Notify's words for it. `task_at`:
    since when somebody must act; `settled_at`: when somebody did, and `settlement` how (told, retried)."""

    reference: str
    letter_id: str
    code: str
    plan: str
    batch_reference: str
    priority: int
    wished_at: datetime
    claimed_at: datetime
    state: str = CLAIMED
    sent_at: datetime | None = None
    look_at: datetime | None = None
    message_id: str = ""
    channel: str = ""
    why: str = ""
    description: str = ""
    ended_at: datetime | None = None
    task_at: datetime | None = None
    settled_at: datetime | None = None
    settlement: str = ""

    @property
    def needs_somebody(self) -> bool:
        return self.task_at is not None and self.settled_at is None


@dataclass(frozen=True, slots=True)
class CommunicationDecision:
    """What somebody did about a message that failed."""

    reference: str
    action: str
    by: str
    why: str
    decided_at: datetime


class Wishes(NamedTuple):
    """Letters of one code that wait to be handed over."""

    code: str
    waiting: int
    oldest_at: datetime


class Wish(NamedTuple):
    letter_id: str
    participant_id: str


class Tally(NamedTuple):
    """So many wishes stand so. `state` is that of the letter while it is not sent, else of its newest message; `why`
    the rule or the code."""

    code: str
    state: str
    why: str
    many: int
    oldest_at: datetime


class Silent(NamedTuple):
    """A wish that has neither an end nor a next action. `what` is a code."""

    letter_id: str
    what: str


class Communications(Protocol):
    def wishes(self) -> list[Wishes]: ...
    def wished(self, codes: Sequence[str], limit: int) -> list[Wish]: ...
    def in_state_before(self, state: str, before: datetime, limit: int) -> list[Wish]: ...
    def count_before(self, state: str, before: datetime) -> dict[str, int]: ...
    def begin(self, batch: BatchRow, rows: Sequence[CommunicationRow]) -> None: ...
    def take_due(self, at: datetime, again_at: datetime) -> BatchRow | None: ...
    def waiting_batches(self) -> list[BatchRow]: ...
    def end(self, batch: BatchRow) -> bool: ...
    def put_off(self, batch: BatchRow, look_at: datetime, why: str, *, maybe: bool) -> bool: ...
    def of_batch(self, reference: str) -> list[CommunicationRow]: ...
    def put(self, rows: Sequence[CommunicationRow]) -> None: ...
    def hear(self, news: Sequence[News], at: datetime) -> list[News]: ...
    def named(self, references: Sequence[str], message_ids: Sequence[str]) -> list[CommunicationRow]: ...
    def news_about(self, rows: Sequence[CommunicationRow]) -> Mapping[str, list[News]]: ...
    def take_unheard(self, limit: int, at: datetime, again_at: datetime) -> list[CommunicationRow]: ...
    def of_letters(self, letter_ids: Sequence[str]) -> list[CommunicationRow]: ...
    def find(self, prefix: str) -> list[CommunicationRow]: ...
    def needing_somebody(self, limit: int) -> list[CommunicationRow]: ...
    def listed(self, state: str, limit: int) -> list[CommunicationRow]: ...
    def decide(self, decision: CommunicationDecision) -> None: ...
    def decisions(self, reference: str) -> list[CommunicationDecision]: ...
    def tallies(self) -> list[Tally]: ...
    def troubles(self) -> dict[str, int]: ...
    def paused(self) -> list[Wish]: ...
    def silent(self, at: datetime, limit: int) -> list[Silent]: ...
    def strangers(self) -> int: ...
