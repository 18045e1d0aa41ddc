"""What an adapter is, and all that an adapter may see.

An adapter is pure: bytes in, facts out; verdicts in, bytes out. It opens no socket, waits for nothing, stores and logs
nothing, and raises nothing: whatever arrives, `open` and `decode` give an answer that says what is wrong and where.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

import msgspec

from hub.domain import events
from hub.domain.communications import Batch, Handed, News, Refused
from hub.domain.events import DischargeReported, DischargeUnread, Event, ReportParked, ResultReported
from hub.errors import Reject
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import Needs
from hub.mapping.forms import read_sequence
from hub.mapping.report import Source

ANY_BYTES = "application/octet-stream"
"""The media type of languages that have none of their own."""
_NAMESPACE = uuid.UUID("6c1b0f0e-6b0d-5f0a-9c55-2f7f3a1f6b1d")


@dataclass(frozen=True, slots=True)
class Opened:
    """A received message, opened just far enough to know who sent what. Never fails: what is unknown is empty.

    `control_id` is what the sender will look for in our answer. `sent` is when it says it sent the message (as HL7 or
    ISO 8601 write it, without an offset in the table's zone), by which its clock is compared with ours. `sequence` is
    the number that a sender gave its file, by which a missing one shows. `is_acknowledgement` marks what must not be
    answered. What is not `rewritable` is only read: nobody can be given it with other people in it.
    `notes` are short facts about the bytes worth keeping (`charset=cp1252 undeclared`, `line-ends=LF`).
    `inner` belongs to the adapter.
    """

    raw: bytes
    message_type: str = ""
    control_id: str = ""
    application: str = ""
    facility: str = ""
    charset: str = ""
    is_acknowledgement: bool = False
    is_batch: bool = False
    sequence: int | None = None
    rewritable: bool = True
    sent: str = ""
    notes: tuple[str, ...] = ()
    inner: Any = None


Reported = ResultReported | ReportParked | DischargeReported | DischargeUnread
"""What may be read from a message."""
Outcome = Reported | Reject


@dataclass(frozen=True, slots=True)
class Item:
    """One result or discharge of a message, or why there is none. `position` is `message.result`, both from 1
    (`2.1`)."""

    position: str
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Reading:
    """What an adapter read. `feed` is the id of the sender's feed, empty if the sender is unknown. `sequence` is the
    number of the file, where only the sender's table says where it stands (else `Opened` has it).

    A message is taken whole or not at all; of a batch the good messages are taken.
    """

    feed: str
    items: tuple[Item, ...]
    notes: tuple[str, ...] = ()
    sequence: int | None = None

    @property
    def taken(self) -> tuple[Item, ...]:
        """The items the hub takes: all but those of a message in which something was refused."""
        refused = {item.position.split(".")[0] for item in self.refused}
        return tuple(item for item in self.items if item.position.split(".")[0] not in refused)

    @property
    def refused(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if isinstance(item.outcome, Reject))

    @property
    def answer(self) -> str:
        """AA, AE or AR. A batch taken in part is AE; what is refused as a whole is as its first refusal says."""
        if not self.refused:
            return "AA"
        first = self.refused[0].outcome
        assert isinstance(first, Reject)
        return "AE" if self.taken else first.reason.answer


def sequence_of(opened: Opened, reading: Reading, table: FeedTable | None, name: str) -> int | None:
    """The number of a file: as it says itself, else as its name says by the feed's table."""
    if opened.sequence is not None:
        return opened.sequence
    if reading.sequence is not None or table is None:
        return reading.sequence
    return read_sequence(table.file.sequence_of(name))


@dataclass(frozen=True, slots=True)
class Sourced:
    """One result of a message that `decode` reads by a table: where its facts are found."""

    position: str
    table: FeedTable
    source: Source


@dataclass(frozen=True, slots=True, repr=False)
class Piece:
    """One text of a message, as its language cuts it, unescaped. It may be a name: it has no repr.

    `place` is written as a `Source` writes it, `table_place` as a table does (`OBX[2]-5.1` and `OBX-5.1`); where that
    is the same but for the numbers in brackets it is left out. `is_code`: by the language itself this is structure or a
    code, and never says anything of a person.
    """

    place: str
    text: str
    is_code: bool = False
    table_place: str = ""


class Adapter(Protocol):
    """One wire language. `dialect` is its name in the mapping tables and in the register (`adapters/__init__.py`);
    `needs` is what a feed's table must say, because of what the messages are about. `media_type` is what its messages
    and answers are called over HTTP."""

    dialect: str
    needs: Needs
    media_type: str

    def open(self, raw: bytes) -> Opened:
        """Read who sent what. Never raises."""

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """Read the results by the sender's table. `today` is the day of receipt. Never raises."""

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The immediate answer, ready to be framed; None only for what is itself an acknowledgement."""

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """The second, separate message where the sender asks for an application acknowledgement and the feed's table
        grants it; None otherwise."""

    def problems(self, table: FeedTable) -> Sequence[tuple[tuple[str, ...], str]]:
        """What in a feed's table this language cannot do: key path, and the sentence that says what to do."""

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The results that `decode` reads by a table, in its order; none where it reads none. Never raises."""

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The message, with each of its texts as `change` says. What is not changed stays the same bytes. Raises
        UnicodeEncodeError where a new text cannot be written in the message's charset."""


# -- partners whom we ask


@dataclass(frozen=True, slots=True, repr=False)
class Request:
    """What to ask a partner over HTTP. The door adds where that is, who we are, and the request's own id.

    Path, query and body may hold somebody's number or name: they are for the wire alone, and it has no repr.
    `content_type` is that of a body.
    """

    path: str
    query: tuple[tuple[str, str], ...] = ()
    method: str = "GET"
    body: bytes | None = None
    content_type: str = ""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back. The names of the headers are in small letters."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Later:
    """A response that answers nothing: the same request, with the same id, may be answered another time.

    `code` is the partner's word for it. `after_seconds` is how long the partner wants to be left alone, if it says so.
    `token`: it does not accept our token. `busy`: it is there and well, and we have asked too often. `early`: it is
    there and well, and still at work on this very request.
    """

    code: str
    after_seconds: float | None = None
    token: bool = False
    busy: bool = False
    early: bool = False


Q_contra = TypeVar("Q_contra", contravariant=True)
A_co = TypeVar("A_co", covariant=True)


class Enquirer(Protocol[Q_contra, A_co]):
    """A language in which we ask a partner. As pure as an `Adapter`: the door sends, waits and tries again."""

    dialect: str

    def ask(self, question: Q_contra, on: date) -> Generator[Request, Response, A_co]:
        """One conversation: yields each request, is sent its response, and returns the answer. `on` is today. Is never
        sent a response that is `later`, and never raises."""

    def knock(self) -> Generator[Request, Response, str]:
        """Asks about nobody, to see whether we are answered at all. Returns the code of what is wrong, or nothing."""

    def later(self, response: Response) -> Later | None:
        """Whether this response only says: not now."""


class Teller(Protocol):
    """A language in which we have people told. As pure as an `Enquirer`, and its conversations are of the same kind."""

    dialect: str

    def hand_over(self, batch: Batch) -> Generator[Request, Response, Handed]:
        """The same batch gives the same request, however often it is handed over."""

    def ask(self, message_id: str) -> Generator[Request, Response, tuple[News, ...] | Refused | None]:
        """How a message stands; None where no such message is known, `Refused` where we are not told."""

    def knock(self) -> Generator[Request, Response, str]:
        """Tells nobody anything, to see whether we are answered at all. Returns the code of what is wrong, or
        nothing."""

    def later(self, response: Response) -> Later | None:
        """Whether this response only says: not now."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """An event on its way (CloudEvents 1.0 attributes in our names).

    `event_id` is decided by the content, so that whoever does a step again names the same event. `feed`, `digest` and
    `position` name the place the event was read from; the newest event of one place supersedes the older.
    """

    event_id: str
    type: str
    subject: str
    occurred_at: datetime
    data: bytes
    feed: str = ""
    digest: str = ""
    position: str = ""
    traceparent: str = ""
    supersedes: str = field(default="")


EVENT_TYPES: dict[str, type] = {
    kind.__name__: kind
    for kind in (
        events.ResultReported,
        events.ReportParked,
        events.DischargeReported,
        events.DischargeUnread,
        events.DischargeApplied,
        events.DischargeParked,
        events.DischargeRefused,
        events.ResultMatched,
        events.MatchUndone,
        events.ResultParked,
        events.ResultRefused,
        events.ResultQueried,
        events.TaskClosed,
        events.DecisionUndone,
        events.RecordChanged,
        events.LetterWished,
    )
}
_encoder = msgspec.json.Encoder(order="deterministic")
_decoders: dict[str, msgspec.json.Decoder[Event]] = {
    name: msgspec.json.Decoder(kind) for name, kind in EVENT_TYPES.items()
}


def event_to_json(event: Event) -> bytes:
    """The event as JSON bytes, the same for equal events."""
    return _encoder.encode(event)


def event_from_json(type_name: str, data: bytes) -> Event:
    """The event back from its JSON; raises msgspec.ValidationError if the data is not of that type."""
    event: Event = _decoders[type_name].decode(data)
    return event


def named_identity(name: str) -> str:
    """The UUIDv5 of a name, as text. The same as `uuid.uuid5`, without the object it makes: asked for eight times for
    each result."""
    digest = bytearray(hashlib.sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = digest.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def event_identity(feed: str, digest: str, position: str, data: bytes, supersedes: str = "") -> str:
    """UUIDv5 of (feed, message digest, position, digest of the decoded event): decoding again gives the same id.

    What supersedes an older event is named after that too: a table that is changed and changed back gives a third
    event, and not the first one once more, which everybody has seen.
    """
    after = f"|{supersedes}" if supersedes else ""
    return named_identity(f"{feed}|{digest}|{position}|{hashlib.sha256(data).hexdigest()}{after}")


def result_identity(feed: str, digest: str, position: str) -> str:
    """The result's own id: the place it was read from, whatever the tables made of it."""
    return named_identity(f"result|{feed}|{digest}|{position}")


def seal(
    event: Event,
    *,
    feed: str,
    digest: str,
    position: str,
    subject: str,
    at: datetime,
    traceparent: str = "",
    supersedes: str = "",
) -> Envelope:
    """Put an event that was read from a message into its envelope. `supersedes` is the id of the event that was the
    newest of this place before, where it says something else."""
    data = event_to_json(event)
    return Envelope(
        event_id=event_identity(feed, digest, position, type(event).__name__.encode() + data, supersedes),
        type=type(event).__name__,
        subject=subject,
        occurred_at=at,
        data=data,
        feed=feed,
        digest=digest,
        position=position,
        traceparent=traceparent,
        supersedes=supersedes,
    )


def caused_identity(cause: str, what: str) -> str:
    """The id of what a step makes: the same whenever the same step is done again, another for another cause."""
    return named_identity(f"caused|{cause}|{what}")
