"""UN/EDIFACT result files of the NHS family MEDRPT. What they may rely on: `adapters/edifact_results.md`.

The layout of the cervical message is not public. So nothing of it stands here but its frame: messages, and the samples
(S16) in them; where each fact stands is the table's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial

from adapters.edifact_results.answer import answer
from adapters.edifact_results.pieces import rewritten
from adapters.edifact_results.samples import Sample, samples
from hub.contract import Item, Opened, Piece, Reading, Sourced
from hub.domain.events import ReportParked, ResultReported
from hub.errors import Place, Reason, Reject
from hub.formats.edifact import Interchange, Message, Segment, Unreadable, located, read
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_RESULTS, Finding
from hub.mapping.forms import read_sequence
from hub.mapping.guard import guarded, our_fault
from hub.mapping.report import Report
from hub.mapping.stated import stated_facts_missing

_TYPE = "MEDRPT"
_ACKNOWLEDGEMENT = "NHSACK"
_SENT = re.compile(r"(?:[0-9]{2})?([0-9]{6}):([0-9]{4})")


class EdifactResults:
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "edifact_results"
    needs = OF_RESULTS
    media_type = "application/edifact"

    def open(self, raw: bytes) -> Opened:
        """Who sent what. Never raises."""
        interchange = read(raw)
        header, messages = interchange.header, interchange.messages
        kinds = (messages[0].type, messages[0].header.value(2, 5).strip()) if messages else ()
        return Opened(
            raw=raw,
            message_type=":".join(filter(None, kinds)),
            control_id=interchange.reference,
            facility=header.value(2).strip() if header else "",
            charset=interchange.charset,
            is_acknowledgement=bool(messages) and all(message.type == _ACKNOWLEDGEMENT for message in messages),
            is_batch=True,
            sequence=read_sequence(interchange.reference),
            sent=_sent(header) if header else "",
            notes=interchange.notes,
            inner=interchange,
        )

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """The results of every message, by the table of the sender. Never raises."""
        interchange = _interchange(opened)
        table = feeds(opened.application, opened.facility)
        if refused := _refused_whole(interchange, table):
            items = tuple(Item(f"1.{number}", stop) for number, stop in enumerate(refused, start=1))
            return Reading(table.feed if table else "", items)
        assert table is not None  # else the interchange had been refused
        messages = [message for message in interchange.messages if message.type != _ACKNOWLEDGEMENT]
        found = [item for message in messages for item in _items(message, table, today)]
        if not interchange.messages:
            found.append(Item("1.1", Reject(Reason.NO_RESULT, Place("UNH", ("UNH",)))))
        return Reading(table.feed, tuple(found), tuple(_notes(opened, interchange, table)))

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The acknowledgement (NHSACK); None for what is itself one. `at` is aware."""
        return None if opened.is_acknowledgement else answer(_interchange(opened), reading, at, reply_id)

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """None: an interchange asks for one acknowledgement."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        return [*stated_facts_missing(table), *_problems_of_places(table)]

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The samples that `decode` reads by the table."""
        interchange = _interchange(opened)
        table = feeds(opened.application, opened.facility)
        if table is None or _refused_whole(interchange, table):
            return []
        return [
            Sourced(f"{message.index}.{number}", table, sample)
            for message in interchange.messages
            if message.type != _ACKNOWLEDGEMENT and not _refused_message(message)
            for number, sample in enumerate(samples(message), start=1)
        ]

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The interchange, with each component as `change` says."""
        return rewritten(_interchange(opened), change)


def _interchange(opened: Opened) -> Interchange:
    assert isinstance(opened.inner, Interchange)  # made by `open`
    return opened.inner


def _sent(header: Segment) -> str:
    """When the interchange was made (UNB-4), with the century that most leave out. EDIFACT knows local time alone."""
    found = _SENT.fullmatch(f"{header.value(4, 1).strip()}:{header.value(4, 2).strip()}")
    return f"20{found[1]}{found[2]}" if found else ""


def _refused_whole(interchange: Interchange, table: FeedTable | None) -> tuple[Reject, ...]:
    """Why nothing of it is taken. Where something did not come the sender sends all of it again, and what had been
    taken of it would come twice."""
    if interchange.is_too_long:
        return (Reject(Reason.TOO_LARGE, None, interchange.problem),)
    if interchange.header is None:
        return (Reject(Reason.UNREADABLE, None, interchange.problem),)
    sender, end = Place("UNB-2", ("UNB", "1", "2")), Place("UNZ", ("UNZ",))
    if table is None:
        return (Reject(Reason.UNKNOWN_SENDER, sender),)
    if table.status == "deactivated":
        return (Reject(Reason.SENDER_DEACTIVATED, sender),)
    return tuple(
        Reject(Reason.INCOMPLETE if fault.is_cut else Reason.MALFORMED, end, fault.sentence)
        for fault in interchange.faults
    )


def _items(message: Message, table: FeedTable, today: date) -> Iterator[Item]:
    """What becomes of one message."""
    if refused := _refused_message(message):
        yield Item(f"{message.index}.1", refused)
        return
    number = 0
    for sample in samples(message):
        for outcome in _outcomes(sample, table, today):
            number += 1
            yield Item(f"{message.index}.{number}", outcome)
    if not number:
        yield Item(f"{message.index}.1", Reject(Reason.NO_RESULT, Place("S16", ("S16",)), "It holds no sample."))


def _refused_message(message: Message) -> Reject | None:
    if message.fault:
        tag, element = message.fault_at
        return Reject(Reason.INCOMPLETE, Place(f"{tag}-{element}", (tag, "1", str(element))), message.fault)
    if message.stray:
        place = Place(f"segment {message.stray}", (str(message.stray),))
        return Reject(Reason.MALFORMED, place, "A segment begins with three capital letters or digits.")
    if message.type != _TYPE:
        return Reject(Reason.TYPE_NOT_TAKEN, Place("UNH-2", ("UNH", "1", "2")), f"Send {_TYPE}.")
    return None


def _outcomes(sample: Sample, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
    return guarded(partial(_read, sample, table, today), lambda: (our_fault(sample.person.text),))


def _read(sample: Sample, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
    if stray := sample.stray:
        return (Reject(Reason.MALFORMED, stray, "It names another sample than the one it stands in."),)
    return Report(sample, table, today).outcomes()


def _notes(opened: Opened, interchange: Interchange, table: FeedTable) -> Iterator[str]:
    if not interchange.reference:
        yield "control-id=empty"
    references = [message.reference for message in interchange.messages]
    if len(set(references)) < len(references):
        yield "message reference used twice"
    if table.charset and not opened.raw.isascii() and table.charset.lower() != opened.charset.lower():
        yield f"charset={opened.charset} expected {table.charset}"


def _problems_of_places(table: FeedTable) -> Iterator[Finding]:
    for name, fact in table.facts.declared():
        for key, place in (*(("place", place) for place in fact.places), *(("where", at) for at in fact.where)):
            try:
                located(place)
            except Unreadable as wrong:
                yield ("facts", name, key), str(wrong)
