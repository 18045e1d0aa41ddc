"""What was read from each place of a message: the newest event counts, and names the one it supersedes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from hub.contract import Envelope, Reading, event_from_json, result_identity, seal
from hub.errors import Reject
from hub.flow.consumers import CONSUMERS
from hub.flow.ports.results import ResultRow
from hub.flow.ports.store import Transaction


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest event of a place; `finished` where every consumer has handled it."""

    envelope: Envelope
    finished: bool


def events_of(reading: Reading, digest: str, at: datetime, traceparent: str) -> list[Envelope]:
    """The events of a message that nobody has read before."""
    envelopes = []
    for item in reading.taken:
        assert not isinstance(item.outcome, Reject)
        envelope = seal(
            item.outcome,
            feed=reading.feed,
            digest=digest,
            position=item.position,
            subject=result_identity(reading.feed, digest, item.position),
            at=at,
            traceparent=traceparent,
        )
        envelopes.append(envelope)
    return envelopes


def newest_of(tx: Transaction, result_ids: Collection[str]) -> dict[str, Newest]:
    """By result, the newest event that was read from its place."""
    newest = {}
    for envelope, _, finished_at in tx.events.about(list(result_ids)):  # the oldest first
        if envelope.type in CONSUMERS:
            newest[envelope.subject] = Newest(envelope, finished_at is not None)
    return newest


def superseding(tx: Transaction, envelopes: Sequence[Envelope]) -> list[Envelope]:
    """Of the events of a message that is read anew those that are news, each naming the event that it supersedes."""
    known = newest_of(tx, [envelope.subject for envelope in envelopes])
    news = []
    for envelope in envelopes:
        before = known.get(envelope.subject)
        if before is None:
            news.append(envelope)
        elif not says_the_same(before.envelope, envelope):
            news.append(resealed(envelope, before.envelope.event_id))
    return news


def says_the_same(one: Envelope, other: Envelope) -> bool:
    return (one.type, one.data) == (other.type, other.data)


def resealed(envelope: Envelope, supersedes: str) -> Envelope:
    """The same event as one that comes after another of the same place."""
    return seal(
        event_from_json(envelope.type, envelope.data),
        feed=envelope.feed,
        digest=envelope.digest,
        position=envelope.position,
        subject=envelope.subject,
        at=envelope.occurred_at,
        traceparent=envelope.traceparent,
        supersedes=supersedes,
    )


def is_outdated(tx: Transaction, envelope_id: str, result_id: str) -> bool:
    """Whether the same place was read again since. Conveyors keep no order: the older event may come last."""
    newest = newest_of(tx, [result_id]).get(result_id)
    return newest is not None and newest.envelope.event_id != envelope_id


def clerk_decided(tx: Transaction, known: ResultRow) -> bool:
    """Nothing a clerk has decided is undone by reading again."""
    match = tx.records.live_match(known.result_id)
    return known.state == "refused" or bool(match and match.how == "clerk")
