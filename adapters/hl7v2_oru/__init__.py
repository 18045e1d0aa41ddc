"""HL7 v2 ORU^R01: cervical results as laboratories send them. What they may rely on: `adapters/hl7v2_oru.md`.

One language for every laboratory; what differs between them stands in their table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from itertools import takewhile

from adapters.hl7v2_oru.answer import answer, application_answer
from adapters.hl7v2_oru.pieces import rewritten
from adapters.hl7v2_oru.places import OF_THE_MESSAGE, Order, meant
from hub.contract import Item, Opened, Piece, Reading, Sourced
from hub.domain.events import ReportParked, ResultReported
from hub.errors import Place, Reason, Reject
from hub.formats.hl7v2 import Frame, Location, Message, Segment, Unreadable, read
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_RESULTS, Finding
from hub.mapping.feed_table import Fact
from hub.mapping.forms import read_sequence
from hub.mapping.guard import guarded, our_fault
from hub.mapping.report import ALWAYS_REQUIRED, Report

_TYPES = ("ORU^R01", "ORU")
_TRAILERS = {name: re.compile(rb"[\r\n]\s*" + name.encode(), re.IGNORECASE) for name in ("FTS", "BTS")}
_HEADER = re.compile(rb"MSH", re.IGNORECASE)
_SEGMENT = re.compile(rb"(?:^|[\r\n])\s*(?:PID|OBR|OBX)[^A-Z0-9\s]", re.IGNORECASE)
# What stands before every observation: losing the end of a message never loses these without losing the codes.
_BEFORE_THE_CODES = OF_THE_MESSAGE | {"OBR"}


_ONCE = sorted(OF_THE_MESSAGE)
MOST_ORDERS, MOST_ALIKE = 500, 50
"""In one message: orders, and segments of one name that stand for the whole message."""


class Hl7v2Oru:
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "hl7v2_oru"
    needs = OF_RESULTS
    media_type = "application/hl7-v2"

    def open(self, raw: bytes) -> Opened:
        """Who sent what. Never raises."""
        frame = read(raw)
        head = frame.head
        sender = _sender(frame)
        return Opened(
            raw=raw,
            message_type=head.message_type if head else "",
            control_id=frame.control_id,
            application=sender[0],
            facility=sender[1],
            charset=frame.charset,
            is_acknowledgement=frame.is_acknowledgement,
            is_batch=frame.is_batch,
            sequence=read_sequence(frame.batch_control_id),
            sent=head.get("MSH-7") if head else "",
            notes=frame.notes,
            inner=frame,
        )

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """The results of every message of the frame, read by the table of their sender. Never raises."""
        frame = _frame(opened)
        if not frame.messages:
            return _without_messages(frame, feeds)
        messages = [message for message in frame.messages if not message.is_acknowledgement]
        table = _table_of(frame, feeds)
        items = [item for message in messages for item in _items(frame, message, feeds, table, today)]
        items += _around(frame)
        return Reading(table.feed if table else "", tuple(items), tuple(_notes(frame, messages, table)))

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The immediate answer; None for an acknowledgement. `at` is aware."""
        return None if opened.is_acknowledgement else answer(_frame(opened), reading, at, reply_id)

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """What MSH-16 asks for (AL always, ER on error, SU on success), where the feed's table grants it."""
        table = feeds(opened.application, opened.facility)
        head = _frame(opened).head
        if opened.is_acknowledgement or head is None or table is None or not table.answer.application_acknowledgement:
            return None
        wanted = {"AL": True, "ER": bool(reading.refused), "SU": not reading.refused}
        if not wanted.get(head.application_ack.upper(), False):
            return None
        return application_answer(_frame(opened), reading, at, reply_id)

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        return [
            (("facts", name, *where), sentence)
            for name, fact in table.facts.declared()
            for where, sentence in _problems_of(name, fact)
        ]

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The orders that `decode` reads by a table."""
        frame = _frame(opened)
        return [sourced for message in frame.messages for sourced in _sources(frame, message, feeds)]

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The message with each of its texts as `change` says."""
        return rewritten(_frame(opened), change)


def _frame(opened: Opened) -> Frame:
    assert isinstance(opened.inner, Frame)  # made by `open`
    return opened.inner


def _sender(frame: Frame) -> tuple[str, str]:
    """Sending application and facility: of the message header, else of the file or batch header."""
    if frame.head:
        return frame.head.sending_application, frame.head.sending_facility
    header = _batch_header(frame)
    return (header.value(3).strip(), header.value(4).strip()) if header else ("", "")


def _batch_header(frame: Frame) -> Segment | None:
    """Of FHS and BHS the first that names its sender."""
    return next((header for header in (frame.file_header, frame.batch_header) if header and header.present(4)), None)


def _without_messages(frame: Frame, feeds: Feeds) -> Reading:
    """An empty batch is a mistake of its sender's like any other; a frame of anything else is unreadable."""
    header = _batch_header(frame)
    table = feeds(*_sender(frame)) if header or frame.too_large else None
    if frame.too_large:
        refused = Reject(Reason.TOO_LARGE, None, frame.problem)
    elif header is None:
        refused = Reject(Reason.UNREADABLE, None, frame.problem)
    elif table is None:
        instead = f"Here {header.name}-3 and {header.name}-4 stand for them."
        refused = Reject(Reason.UNKNOWN_SENDER, _header(4, header.name), instead)
    elif table.status == "deactivated":
        refused = Reject(Reason.SENDER_DEACTIVATED, _header(4, header.name))
    else:
        empty = Reject(Reason.NO_RESULT, Place("MSH", ("MSH",)), frame.problem)
        refused = _headless(frame) or _cut_batch(frame) or empty
    return Reading(table.feed if table else "", (Item("1.1", refused),))


def _items(frame: Frame, message: Message, feeds: Feeds, table: FeedTable | None, today: date) -> Iterator[Item]:
    own = feeds(message.sending_application, message.sending_facility)
    if refused := _refused_by_header(message, own, table):
        yield Item(f"{message.index}.1", refused)
        return
    assert own is not None  # else the header had been refused
    if stray := _before_any_order(message, own):
        yield Item(f"{message.index}.1", Reject(Reason.NO_RESULT, stray, "It stands before any OBR."))
        return
    if crowded := _crowded(message):
        yield Item(f"{message.index}.1", crowded)
        return
    ours = _ours(frame, message, own)
    for number, order in enumerate(ours, start=1):
        for outcome in _outcomes(order, own, today):
            yield Item(f"{message.index}.{number}", outcome)
    if not ours:
        yield Item(
            f"{message.index}.1",
            Reject(Reason.NO_RESULT, Place("OBR", ("OBR",)), "Send one order (OBR) with its observations."),
        )


def _crowded(message: Message) -> Reject | None:
    """Each order is read with each segment of the whole message: many of both would keep the hub busy for hours."""
    if message.count("OBR") > MOST_ORDERS:
        return Reject(Reason.TOO_LARGE, Place("OBR", ("OBR",)), f"A message may hold {MOST_ORDERS} orders.")
    for name in _ONCE:
        if message.count(name) > MOST_ALIKE:
            return Reject(Reason.TOO_LARGE, Place(name, (name,)), f"It may stand {MOST_ALIKE} times in a message.")
    return None


def _sources(frame: Frame, message: Message, feeds: Feeds) -> Iterator[Sourced]:
    own = feeds(message.sending_application, message.sending_facility)
    if own is None or message.is_acknowledgement or _refused_by_header(message, own, _table_of(frame, feeds)):
        return
    if _crowded(message):
        return
    for number, order in enumerate(_ours(frame, message, own), start=1):
        yield Sourced(f"{message.index}.{number}", own, order)


def _ours(frame: Frame, message: Message, table: FeedTable) -> list[Order]:
    return [order for order in _orders(frame, message, table) if order.is_ours]


def _table_of(frame: Frame, feeds: Feeds) -> FeedTable | None:
    """The table of the first message whose sender is known: one frame carries the messages of one sender."""
    found = (feeds(message.sending_application, message.sending_facility) for message in frame.messages)
    return next((table for table in found if table), None)


def _before_any_order(message: Message, table: FeedTable) -> Place | None:
    """The first observation with one of the feed's facts that belongs to no order: its order was lost."""
    loose = list(takewhile(lambda segment: segment.name != "OBR", message.all()))
    for obx in meant([segment for segment in loose if segment.name == "OBX"], table.facts):
        return Location("OBX", obx.number).place()
    return None


def _outcomes(order: Order, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
    """What becomes of one order."""
    return guarded(partial(_read, order, table, today), lambda: (our_fault(f"OBR[{order.obr.number}]"),))


def _read(order: Order, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
    if place := order.perhaps_cut(table.facts):
        return (Reject(Reason.INCOMPLETE, place, "The last segment has no carriage return at its end."),)
    return Report(order, table, today).outcomes()


def _refused_by_header(message: Message, own: FeedTable | None, table: FeedTable | None) -> Reject | None:
    """AR for what is known before any result is read."""
    if own is None:
        return Reject(Reason.UNKNOWN_SENDER, _header(4), "See MSH-3 and MSH-4.")
    if own is not table:
        return Reject(Reason.UNKNOWN_SENDER, _header(4), "One frame carries the messages of one sender.")
    if own.status == "deactivated":
        return Reject(Reason.SENDER_DEACTIVATED, _header(4))
    if not message.message_type:
        return Reject(Reason.HEADER_INCOMPLETE, _header(9))
    if message.message_type.upper() not in _TYPES:
        return Reject(Reason.TYPE_NOT_TAKEN, _header(9), "Send ORU^R01.")
    return None


def _orders(frame: Frame, message: Message, table: FeedTable) -> Iterator[Order]:
    is_last = message is frame.messages[-1]
    ended = frame.raw.rstrip(b"\x00 \t").endswith((b"\r", b"\n"))
    open_end = message.all()[-1] if is_last and not ended else None
    for obr, followers in message.groups():
        observations = meant([segment for segment in followers if segment.name == "OBX"], table.facts)
        yield Order(message, obr, tuple(followers), observations, open_end)


def _around(frame: Frame) -> Iterator[Item]:
    """A refusal beside the messages: something of the frame belongs to none of them, or did not come."""
    refused = _headless(frame) or _cut_batch(frame)
    if refused:
        yield Item(f"{len(frame.messages) + 1}.1", refused)


def _headless(frame: Frame) -> Reject | None:
    """Segments of a message whose MSH is lost."""
    content = _without_nul(frame)
    header = _HEADER.search(content)
    before = len(content) if header is None else header.start()
    if "segments outside any message" in frame.notes or _SEGMENT.search(content, 0, before):
        return Reject(Reason.HEADER_INCOMPLETE, Place("MSH", ("MSH",)), "Segments stand before it, in no message.")
    return None


def _without_nul(frame: Frame) -> bytes:
    """The bytes as far as they are letters, in UTF-16 as well."""
    return frame.raw.replace(b"\x00", b"")


def _cut_batch(frame: Frame) -> Reject | None:
    """The trailer of a batch is missing, or counts what did not come."""
    for header, trailer in ((frame.file_header, "FTS"), (frame.batch_header, "BTS")):
        place = Place(trailer, (trailer,))
        if header and not _TRAILERS[trailer].search(_without_nul(frame)):
            return Reject(Reason.INCOMPLETE, place, f"{trailer} is missing.")
        if any(note.startswith(f"{trailer}-1") for note in frame.notes):
            return Reject(Reason.INCOMPLETE, place, f"{trailer}-1 does not agree with what came.")
    return None


def _notes(frame: Frame, messages: list[Message], table: FeedTable | None) -> Iterator[str]:
    if any(not message.control_id for message in messages):
        yield "control-id=empty"
    if 0 < len(messages) < len(frame.messages):
        yield "acknowledgements among the messages"
    if table and table.charset and not frame.raw.isascii() and table.charset.lower() != frame.charset.lower():
        yield f"charset={frame.charset} expected {table.charset}"


def _header(field: int, segment: str = "MSH") -> Place:
    return Location(segment, 1, field).place()


def _problems_of(name: str, fact: Fact) -> Iterator[tuple[tuple[str, ...], str]]:
    """What of one fact cannot be read here, or not safely."""
    segments = set()
    for key, text in (*(("place", place) for place in fact.places), *(("where", at) for at in fact.where)):
        try:
            location = Location.parse(text)
        except Unreadable as wrong:
            yield (key,), str(wrong)
            continue
        segments.add(location.segment)
        if not location.field:
            yield (key,), "Name the field as well, as in PID-5."
    if len(segments) > 1:
        yield (), "All places of a fact, and its conditions, stand in one segment. Correct `place` or `where`."
    yield from _unsafe(name, fact, segments)


def _unsafe(name: str, fact: Fact, segments: set[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    if name in ("version", "authorised_at"):
        yield (), "HL7 says this by itself: OBR-25 and OBX-11, OBR-22 and MSH-7. Leave it out."
    if "ORC" in segments:
        yield ("place",), "ORC stands before the order it belongs to and is not read. Name a field of OBR."
    if "OBX" in segments and not fact.where:
        yield ("where",), 'Say which observation is meant, as in { "OBX-3.1" = "HPV" }.'
    if segments - _BEFORE_THE_CODES and not (fact.required or name in ALWAYS_REQUIRED):
        yield ("required",), "A message cut short would lose this fact unseen. Set required = true."
