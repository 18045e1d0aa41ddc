"""Partners over HTTP: their requests, their proofs, and what was refused of theirs after AA."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hub.flow.ports.journal import StoredReply


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request that a partner has named, with the reply that it got."""

    feed: str
    request_id: str
    digest: str
    journal_seq: int
    reply_seq: int


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What the hub signs its tokens with, for every process of an intake."""

    key_id: str
    secret: bytes = field(repr=False)
    made_at: datetime


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """A result that a clerk refused after it had been acknowledged. Taken: its laboratory has it, as it stands (a
    refusal that is withdrawn has to be taken again)."""

    feed: str
    result_id: str
    journal_seq: int
    position: str
    control_id: str
    slide_number: str
    reason: str
    refused_at: datetime
    withdrawn_at: datetime | None = None
    told_at: datetime | None = None
    taken_at: datetime | None = None
    taken_by: str = ""
    seq: int = 0


class Requests(Protocol):
    def known(self, names: Sequence[tuple[str, str]]) -> dict[tuple[str, str], tuple[RequestRow, StoredReply, str]]: ...
    def put(self, request: RequestRow) -> bool: ...


class Proofs(Protocol):
    def use(self, feed: str, jti: str, expires_at: datetime, at: datetime) -> bool: ...
    def keys(self) -> list[TokenKey]: ...
    def put_key(self, key: TokenKey, forget_before: datetime) -> None: ...


class Refusals(Protocol):
    def put(self, refusal: RefusalRow) -> None: ...
    def withdraw(self, result_id: str, at: datetime) -> None: ...
    def get(self, seq: int) -> RefusalRow | None: ...
    def page(self, after: int, limit: int, feed: str | None = None, taken: bool | None = None) -> list[RefusalRow]: ...
    def take(self, seq: int, at: datetime, by: str) -> None: ...
    def not_told(self, feed: str, limit: int) -> list[RefusalRow]: ...
    def told(self, seqs: Sequence[int], at: datetime) -> None: ...
