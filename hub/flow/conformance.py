"""Conformance: what the hub would answer to a message, where it found each fact, and exactly what is wrong where.

The code of the live path (`Adapter.open`, `decode`), and nothing stored. Of the message's values only shapes are told
(`hub.domain.shapes`): the report may be downloaded, mailed and logged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from hub.contract import Adapter, Item, Opened, Piece, Sourced
from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported
from hub.domain.shapes import shape
from hub.errors import Reason, Reject
from hub.mapping import Feeds, FeedTable, FeedTables
from hub.mapping.check import NATIONAL
from hub.mapping.feed_table import Fact

_COUNTS = re.compile(r"\[\d+\]")
_REASONS = {reason.code: reason for reason in Reason}
_NOTHING_THERE = {Reason.MISSING_DATA, Reason.MISSING_SLIDE_NUMBER}
A_RESULT, A_DISCHARGE, A_TASK, REFUSED = "a result", "a discharge", "a clerk's task", "refused"


@dataclass(frozen=True, slots=True)
class Found:
    """One fact, where it was found, and the shape of what stands there; a constant of the table stands nowhere."""

    position: str
    fact: str
    place: str
    shape: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of one result, or one thing wrong with it: where, what stands there (its shape), why, and how to
    mend it. `fact` names what was looked for there."""

    position: str
    becomes: str
    place: str = ""
    shape: str = ""
    fact: str = ""
    reason: str = ""
    sentence: str = ""
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Conformance:
    """What the hub would answer to a message, and why. Plain data without a value of the message but its type, its
    sender's control id and its feed. `answer` is empty for what is itself an acknowledgement."""

    answer: str
    dialect: str
    feed: str
    message_type: str
    control_id: str
    notes: tuple[str, ...]
    results: tuple[Outcome, ...]
    found: tuple[Found, ...]

    @property
    def is_right(self) -> bool:
        """Taken whole, and nothing of it waits for us either."""
        return self.answer in ("AA", "") and not self.problems

    @property
    def problems(self) -> tuple[Outcome, ...]:
        return tuple(one for one in self.results if one.becomes not in (A_RESULT, A_DISCHARGE))

    def as_json(self) -> dict[str, Any]:
        """Plain data, ready for JSON."""
        said = asdict(self)
        said["answer"] = self.answer or "none: it is itself an acknowledgement"
        return {"right": self.is_right, **said}

    def as_text(self) -> str:
        """The report for people, to be shown or downloaded."""
        return "\n".join(_lines(self)) + "\n"


def conformance(adapter: Adapter, raw: bytes, feeds: Feeds, today: date) -> Conformance:
    """What the hub would answer to `raw` if it came on the day `today` from a sender that `feeds` finds."""
    opened = adapter.open(raw)
    reading = adapter.decode(opened, feeds, today)
    sources = adapter.sources(opened, feeds)
    found = tuple(one for sourced in sources for one in _found(sourced))
    shapes = _shapes(pieces(adapter, opened, feeds))
    tables = {sourced.position: sourced.table for sourced in sources}
    return Conformance(
        answer="" if opened.is_acknowledgement else reading.answer,
        dialect=adapter.dialect,
        feed=reading.feed,
        message_type=opened.message_type,
        control_id=opened.control_id,
        notes=(*opened.notes, *reading.notes),
        results=tuple(_outcome(item, tables.get(item.position), found, shapes) for item in reading.items),
        found=found,
    )


def whose(raw: bytes, adapters: Mapping[str, Adapter], tables: FeedTables) -> tuple[Adapter, Feeds]:
    """The adapter that reads a message of which nobody says whose it is, and how it finds its tables: that of the feed
    whose sender the message names, else the first of the register that can read it at all."""
    opened = {dialect: adapter.open(raw) for dialect, adapter in adapters.items()}
    for dialect, one in opened.items():
        table = tables.find(one.application, one.facility) if one.facility else None
        if table and table.dialect == dialect:
            return adapters[dialect], tables.speaking(dialect)
    readable = (
        adapter
        for dialect, adapter in adapters.items()
        if is_readable(adapter, opened[dialect], tables.speaking(dialect))
    )
    adapter = next(readable, next(iter(adapters.values())))
    return adapter, tables.speaking(adapter.dialect)


def is_readable(adapter: Adapter, opened: Opened, feeds: Feeds) -> bool:
    """Whether the language can make something of a message, whoever has sent it."""
    reading = adapter.decode(opened, feeds, date.min)
    return not any(
        isinstance(item.outcome, Reject) and item.outcome.reason is Reason.UNREADABLE for item in reading.items
    )


def place_key(place: str) -> str:
    """A place so that two ways of writing it agree: the first of several need not be counted."""
    return place.replace("[1]", "")


def places_around(place: str) -> Iterator[str]:
    """The keys under which a piece's place may be known: its own, that of its only part, and that of each whole it is
    a part of."""
    key = place_key(place)
    yield key
    yield f"{key}.1"
    while key.rpartition(".")[2].isdigit():
        key = key.rpartition(".")[0]
        yield key


def _found(sourced: Sourced) -> Iterator[Found]:
    for name, fact in sourced.table.facts.declared():
        if fact.constant is not None:
            yield Found(sourced.position, name, "", shape(fact.constant))
            continue
        for text in sourced.source.texts(fact):
            yield Found(sourced.position, name, text.place.text, shape(text.text))


def pieces(adapter: Adapter, opened: Opened, feeds: Feeds) -> list[Piece]:
    """Every text of the message."""
    found: list[Piece] = []

    def look(piece: Piece) -> str:
        found.append(piece)
        return piece.text

    adapter.rewritten(opened, feeds, look)
    return found


def table_places(piece: Piece) -> set[str]:
    """The ways in which a table may name where the piece stands."""
    return {without_counts(place) for place in places_around(piece.table_place or piece.place)}


def without_counts(place: str) -> str:
    """`PID-3[2].1` as `PID-3.1`: a place, whichever it is of several."""
    return _COUNTS.sub("", place)


def _shapes(found: Iterable[Piece]) -> dict[str, set[str]]:
    """What stands at each place of the message. Several messages of one file have the same places."""
    shapes: dict[str, set[str]] = {}
    for piece in found:
        for key in places_around(piece.place):
            shapes.setdefault(key, set()).add(shape(piece.text))
    return shapes


def _outcome(item: Item, table: FeedTable | None, found: Sequence[Found], shapes: Mapping[str, set[str]]) -> Outcome:
    stop = item.outcome
    if isinstance(stop, ResultReported | DischargeReported):
        return Outcome(item.position, A_RESULT if isinstance(stop, ResultReported) else A_DISCHARGE)
    if isinstance(stop, ReportParked | DischargeUnread):
        becomes, place, reason, hint = A_TASK, stop.place, _REASONS[stop.reason], stop.hint
    else:
        becomes, place, reason, hint = REFUSED, stop.place.text if stop.place else "", stop.reason, stop.hint
    here = [one for one in found if place and one.position == item.position and one.place == place]
    at_place = (
        {one.shape for one in here} or shapes.get(place_key(place), set()) if reason not in _NOTHING_THERE else ()
    )
    fact = here[0].fact if here else ""
    mend = hint or (_expected(fact, getattr(table.facts, fact)) if table and fact else "")
    return Outcome(
        item.position,
        becomes,
        place,
        next(iter(at_place)) if len(at_place) == 1 else "",
        fact,
        reason.code,
        reason.sentence,
        mend,
    )


def _expected(name: str, fact: Fact) -> str:
    """What the feed's table expects of a fact."""
    if fact.pattern:
        return f"The whole text must match {fact.pattern}"
    if fact.codes:
        return f"The codes agreed are those of [codes.{fact.codes}]."
    if name in ("test_on", "date_of_birth", "authorised_at"):
        return f"Write it as {fact.form}."
    if name in NATIONAL and len(NATIONAL[name]) < 20:
        return f"Agreed are: {', '.join(sorted(NATIONAL[name]))}."
    return ""


def _lines(report: Conformance) -> Iterator[str]:
    yield f"answer   {report.answer or 'none: it is itself an acknowledgement'}"
    yield f"feed     {report.feed or '(unknown sender)'}"
    yield f"dialect  {report.dialect}"
    yield f"type     {report.message_type or '(none)'}   control id {report.control_id or '(none)'}"
    yield from (f"note     {note}" for note in report.notes)
    for one in report.results:
        yield ""
        yield f"result {one.position}: {one.becomes}"
        if one.becomes not in (A_RESULT, A_DISCHARGE):
            yield f"  {one.place or 'the whole message'}: {one.reason}"
            yield from (
                f"  {text}" for text in (one.shape and f"There stands: {one.shape}", one.sentence, one.mend) if text
            )
    if report.found:
        yield ""
        yield "found (9 a digit, A and a a letter):"
        widest = max(len(one.place) for one in report.found)
        for each in report.found:
            yield f"  {each.position:6} {each.place or '(table)':{max(widest, 7)}}  {each.fact:20} {each.shape}"
