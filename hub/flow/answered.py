"""What goes back to a sender, and that a request which its sender has named gets one answer however often it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from hub.errors import Reason, Retry
from hub.flow.ports.journal import Arrival, StoredReply
from hub.flow.ports.partners import RequestRow
from hub.flow.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Answered:
    """What goes back to the sender. `reply_seq` names the stored reply, `journal_seq` the message and `state` what
    became of it; `body` is None for an acknowledgement; `then` is the application acknowledgement, a second message.
    `conflict`: the request was named as another was before; nothing was stored, and nothing is answered."""

    code: str
    body: bytes | None
    reply_seq: int
    then: bytes | None = None
    repeated: bool = False
    control_id_reused: bool = False
    journal_seq: int = 0
    state: str = ""
    reason: str = ""
    conflict: bool = False
    feed: str = ""


CONFLICT = Answered("", None, 0, conflict=True)


def stored(reply: StoredReply, journal_seq: int, state: str) -> Answered:
    """The answer that a stored reply is."""
    return Answered(
        reply.code, reply.body, reply.seq, reply.then, journal_seq=journal_seq, state=state, reason=reply.reason
    )


class Named(Protocol):
    """A message whose sender may have named its request: (feed, request id)."""

    @property
    def request(self) -> tuple[str, str] | None: ...
    @property
    def digest(self) -> str: ...
    @property
    def arrival(self) -> Arrival: ...


M = TypeVar("M", bound=Named)


def once(
    take_down: Callable[[Transaction, Sequence[M]], list[Answered]], tx: Transaction, messages: Sequence[M]
) -> list[Answered]:
    """Take messages down. A request that came before gets the answer that it got then; under its name no other bytes
    are taken. So whoever heard nothing may ask again, whatever has changed meanwhile."""
    known = tx.requests.known([message.request for message in messages if message.request])
    digests = {name: request.digest for name, (request, _, _) in known.items()}
    for message in messages:
        if message.request:
            digests.setdefault(message.request, message.digest)
    new = [
        message
        for message in messages
        if message.request is None or (message.request not in known and digests[message.request] == message.digest)
    ]
    answers = dict(zip(map(id, new), take_down(tx, new), strict=True))
    for message in new:
        if message.request:
            _remember(tx, message.request, message.digest, answers[id(message)])
    for message in messages:
        if id(message) not in answers:
            assert message.request is not None
            same = digests[message.request] == message.digest
            answers[id(message)] = _as_then(tx, message, *known[message.request]) if same else CONFLICT
    return [answers[id(message)] for message in messages]


def _remember(tx: Transaction, name: tuple[str, str], digest: str, answer: Answered) -> None:
    """Raises Retry where another process has just taken one of that name: done again, this finds it."""
    if not tx.requests.put(RequestRow(*name, digest, answer.journal_seq, answer.reply_seq)):
        raise Retry(Reason.NOT_NOW, hint="the same request is being taken by another process")


def _as_then(tx: Transaction, message: Named, request: RequestRow, reply: StoredReply, state: str) -> Answered:
    tx.journal.repeated(request.journal_seq, message.arrival)
    return replace(stored(reply, request.journal_seq, state), repeated=True)
