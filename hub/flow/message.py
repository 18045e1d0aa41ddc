"""One received message, read and answered, on its way into the store."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from hub.contract import Envelope, Opened, Reading
from hub.errors import Reason, Reject
from hub.flow.admission import REHEARSAL, rehearsed
from hub.flow.ports.files import FileRow
from hub.flow.ports.journal import Arrival, JournalEntry, StoredReply
from hub.flow.readings import events_of
from hub.mapping import FeedTable

CONTROL_ID_REUSED = "control id seen before with other bytes"
_CORRUPT = {Reason.UNREADABLE, Reason.INCOMPLETE, Reason.HEADER_INCOMPLETE}


def reply_id() -> str:
    """Our own control id (MSH-10): twenty characters, as many as every receiver takes."""
    return uuid.uuid4().hex[:20].upper()


def traceparent_of(digest: str) -> str:
    """The W3C trace of a message, drawn from its digest: whoever handles it again is in the same trace."""
    return f"00-{digest[:32]}-{digest[32:48]}-01"


@dataclass(frozen=True, slots=True)
class Message:
    """One received message, read and answered, on its way into the store."""

    opened: Opened
    reading: Reading
    arrival: Arrival
    digest: str
    body: bytes | None
    then: bytes | None
    file: str | None = None
    sequence: int | None = None
    delivery: str = ""
    confirm: FeedTable | None = None
    request: tuple[str, str] | None = None

    @property
    def feed(self) -> str:
        """Whose it is; what a rehearsal brings stands apart in the journal, so that it is never taken for a live
        message that comes again."""
        return rehearsed(self.reading.feed) if self.arrival.door == REHEARSAL else self.reading.feed

    @property
    def name(self) -> tuple[str, str]:
        """What it is known by: the feed, and the digest of the bytes."""
        return self.feed, self.digest

    @property
    def control_id(self) -> str:
        return self.opened.control_id[:256]

    @property
    def traceparent(self) -> str:
        return traceparent_of(self.digest)

    @property
    def state(self) -> str:
        if self.opened.is_acknowledgement:
            return "acknowledgement"
        if not self.reading.refused:
            return "accepted"
        return "partly" if self.reading.taken else "refused"

    def entry(self, *, reused: bool) -> JournalEntry:
        notes = (CONTROL_ID_REUSED,) if reused else ()
        return JournalEntry(
            feed=self.feed,
            digest=self.digest,
            arrival=self.arrival,
            control_id=self.control_id,
            message_type=self.opened.message_type[:64],
            state=self.state,
            results=len(self.reading.taken),
            notes=(*self.opened.notes, *self.reading.notes, *notes),
            traceparent=self.traceparent,
            raw=self.opened.raw,
        )

    def file_row(self, journal_seq: int) -> FileRow:
        reasons = {stop.outcome.reason for stop in self.reading.refused if isinstance(stop.outcome, Reject)}
        return FileRow(
            journal_seq=journal_seq,
            feed=self.feed,
            name=(self.file or "")[:256],
            sequence=self.sequence,
            state="corrupt" if reasons & _CORRUPT and not self.reading.taken else "read",
            received_at=self.arrival.received_at,
        )

    def reply(self) -> StoredReply:
        refusal = self.reading.refused[0].outcome if self.reading.refused else None
        assert refusal is None or isinstance(refusal, Reject)
        return StoredReply(
            code="" if self.body is None else self.reading.answer,
            reason=refusal.reason.code if refusal else "",
            place=refusal.place.text[:128] if refusal and refusal.place else "",
            body=self.body,
            answered_at=self.arrival.received_at,
            then=self.then,
        )

    def envelopes(self) -> list[Envelope]:
        if self.arrival.door == REHEARSAL:
            return []  # nothing of a rehearsal leaves the journal
        return events_of(self.reading, self.digest, self.arrival.received_at, self.traceparent)
