"""Whoever tells people, in memory, with faults by script: the least that a `Messenger` promises.

It takes a batch wholly or not at all, knows a reference again, and counts what it accepted. The hub meets the simulator
of NHS Notify on a socket elsewhere; here is tried what becomes of whatever it may answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.domain.communications import (
    Accepted,
    AcceptedBefore,
    Batch,
    ChannelNews,
    Fault,
    Handed,
    Message,
    MessageNews,
    News,
    Refused,
)
from hub.errors import Reason, Retry


class Lost(Retry):
    """It arrived or not: nobody knows."""

    def __init__(self) -> None:
        super().__init__(Reason.NOT_NOW, hint="lost")


Before = Callable[[Batch], Handed | None]


@dataclass
class Postbox:
    """`before` and `after` a batch is taken may raise, or answer in its place."""

    before: Before = lambda batch: None
    after: Before = lambda batch: None
    accepted: Counter[str] = field(default_factory=Counter)
    messages: dict[str, Message] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    known: set[tuple[bool, str]] = field(default_factory=set)
    news: dict[str, list[News]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def hand_over(self, batch: Batch) -> Handed:
        self.batches.append(batch)
        if answer := self.before(batch):
            return answer
        name = batch.single, batch.messages[0].reference if batch.single else batch.reference
        if name in self.known:
            return AcceptedBefore()
        self.known.add(name)
        self.accepted.update(message.reference for message in batch.messages)
        self.messages.update((message.reference, message) for message in batch.messages)
        return self.after(batch) or Accepted({each.reference: id_of(each.reference) for each in batch.messages})

    async def ask(self, message_id: str) -> Sequence[News] | None:
        self.asked.append(message_id)
        return self.news.get(message_id)


def id_of(reference: str) -> str:
    """What Notify calls a message."""
    return f"N{reference}"[:27]


def refuses(*references: str, code: str = "CM_INVALID_NHS_NUMBER", ours: bool = False) -> Before:
    def answer(batch: Batch) -> Handed | None:
        bad = [each for each in references if each in {message.reference for message in batch.messages}]
        if ours or not references:
            return Refused((Fault(code),), ours=True)
        return Refused(tuple(Fault(code, each, "/data") for each in bad)) if bad else None

    return answer


def loses(times: int = 1) -> Before:
    left = [times]

    def answer(_: Batch) -> None:
        if left[0]:
            left[0] -= 1
            raise Lost

    return answer


def told(reference: str, status: str, at: datetime, after: float = 0, reason: str = "", key: str = "") -> MessageNews:
    moment = at + timedelta(seconds=after)
    return MessageNews(
        key or f"{reference}|{status}|{after}", id_of(reference), reference, status, moment, reason, "words"
    )


def channel(
    reference: str, name: str, status: str, at: datetime, order: int = 1, supplier: str = "", reason: str = ""
) -> ChannelNews:
    return ChannelNews(
        f"{reference}|{name}|{status}|{supplier}", id_of(reference), reference, name, status, at, order,
        supplier_status=supplier, reason=reason,
    )  # fmt: skip
