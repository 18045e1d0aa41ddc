"""Dialects of rows: a file of which every row is one result. All of an adapter but the cutting.

An adapter of such a language says how its file is cut (`take_apart`), and is done: who sent it, what each row says by
the sender's table, the answer, what stands where, and the file written again come from here. A place in a table is a
column; in what the hub says it is the column and its line, `slide_number[3]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from hub.contract import ANY_BYTES, Item, Opened, Piece, Reading, Sourced
from hub.domain.events import ReportParked, ResultReported, Version
from hub.errors import Place, Reason, Reject
from hub.formats.sheets import Cell, Row, Sheet, cut, place_of_line, row
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_RESULTS, Finding
from hub.mapping.feed_table import Fact
from hub.mapping.guard import guarded, our_fault
from hub.mapping.report import Report, translate

__all__ = ["Cell", "Row", "RowDialect", "Sheet", "cut", "row"]

_MOST_ERRORS = 500
_VERSIONS = {version.value: version for version in Version}


class RowDialect:
    """The adapter (see `hub.contract.Adapter`) of a language of rows."""

    dialect: str
    needs = OF_RESULTS
    media_type = ANY_BYTES
    columns: tuple[str, ...]

    def take_apart(self, text: str) -> Sheet:
        """Cut the text of a file into its rows. Raises Reject where it is none of this language, or not whole: a file
        of which the end is lost must never pass for a shorter one. Whatever else it raises, the file is unreadable."""
        raise NotImplementedError  # each language says it

    def open(self, raw: bytes) -> Opened:
        """Who sent what. Never raises."""
        charset, text = _decoded(raw)
        inner: Sheet | Reject
        try:
            inner = self.take_apart(text)
        except Reject as stop:
            inner = stop.with_traceback(None)  # its frames hold the message
        except Exception as error:  # a language's own cutting, of bytes that may be anything: it need not be perfect
            inner = Reject(Reason.UNREADABLE, None, _told(error))
        sheet = inner if isinstance(inner, Sheet) else Sheet(())
        return Opened(
            raw=raw,
            message_type=self.dialect,
            control_id=sheet.control_id,
            application=sheet.application,
            facility=sheet.facility,
            charset=charset,
            is_batch=True,
            sequence=sheet.sequence,
            notes=() if charset == "utf-8" else (f"charset={charset}",),
            inner=inner,
        )

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """Each row, read by the sender's table. Never raises."""
        table = feeds(opened.application, opened.facility)
        if refused := _refused(opened, table):
            return Reading(table.feed if table else "", (Item("1.1", refused),))
        assert table is not None  # else it had been refused
        items = [
            Item(f"{number}.1", outcome)
            for number, each in enumerate(opened.inner.rows, start=1)
            for outcome in _outcomes(each, table, today)
        ]
        return Reading(table.feed, tuple(items))

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """The answer as lines of columns: how many were taken, then each thing wrong."""
        head = ("ANSWER", reading.answer, opened.control_id, reply_id, f"{at:%Y-%m-%dT%H:%M:%S%z}")
        lines = [*head, str(len(reading.taken))], *map(_error, reading.refused[:_MOST_ERRORS])
        return "".join("|".join(map(_plain, line)) + "\n" for line in lines).encode()

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """A file is answered once."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        found = [finding for name, fact in table.facts.declared() for finding in self._problems(name, fact)]
        return [*found, *_lacking(table)]

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The rows that `decode` reads by a table."""
        table = feeds(opened.application, opened.facility)
        if table is None or _refused(opened, table):
            return []
        rows = enumerate(opened.inner.rows, start=1)
        return [Sourced(f"{number}.1", table, _RowSource(each)) for number, each in rows if not each.wrong]

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The file with each cell of its rows as `change` says; its header and end are structure. Of what could not be
        cut, all is one text."""
        charset, text = _decoded(opened.raw)
        if not isinstance(opened.inner, Sheet):
            return change(Piece("", text)).encode(charset) if text.strip() else opened.raw
        written, done = [], 0
        for name, cell in _cells_of(opened.inner):
            new = change(Piece(_place(name, cell.line).text, cell.text)) if cell.text.strip() else cell.text
            written += [text[done : cell.start], new]
            done = cell.start + len(cell.text)
        return "".join([*written, text[done:]]).encode(charset)

    def _problems(self, name: str, fact: Fact) -> Iterator[Finding]:
        for key, column in (*(("place", place) for place in fact.places), *(("where", place) for place in fact.where)):
            if column not in self.columns:
                yield ("facts", name, key), f"There is no column {column}. There are: {', '.join(self.columns)}."


@dataclass(frozen=True, slots=True, repr=False)
class _Text:
    text: str
    place: Place
    group: int


@dataclass(frozen=True, slots=True, repr=False)
class _RowSource:
    """One row, as a report is read from it (see `hub.mapping.report.Source`)."""

    row: Row

    @property
    def person(self) -> Place:
        return place_of_line(self.row.line)

    def texts(self, fact: Fact) -> list[_Text]:
        if not all(self._text(column) in _wanted(values) for column, values in fact.where.items()):
            return []
        texts = ((self._text(column), column) for column in fact.places)
        return [_Text(text, _place(column, self.row.line), self.row.line) for text, column in texts if text]

    def missing(self, fact: Fact) -> Place:
        return _place(fact.places[0], self.row.line)

    def issued(self, table: FeedTable) -> tuple[_Text, str]:
        """What [facts.authorised_at] says. Raises Reject where it is empty."""
        fact = table.facts.authorised_at
        assert fact is not None  # `problems` refuses a table without it
        for text in self.texts(fact):
            return text, fact.form
        raise Reject(Reason.MISSING_DATA, self.missing(fact))

    def statuses(self, table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """What [facts.version] says; of a feed that has none, every row is final."""
        if fact := table.facts.version:
            yield "version", partial(self._version, fact, table)

    def _version(self, fact: Fact, table: FeedTable) -> Version:
        for text in self.texts(fact):
            version = translate("version", fact, text, table.codes)
            if version not in _VERSIONS:
                raise Reject(Reason.NOT_FINAL if version == "preliminary" else Reason.INVALID_VALUE, text.place)
            return _VERSIONS[version]
        raise Reject(Reason.MISSING_DATA, self.missing(fact))

    def _text(self, column: str) -> str:
        cell = self.row.cells.get(column)
        return cell.text.strip() if cell else ""


def _refused(opened: Opened, table: FeedTable | None) -> Reject | None:
    """What is known before any row is read."""
    if isinstance(opened.inner, Reject) and (table is None or opened.inner.reason is Reason.UNREADABLE):
        return opened.inner  # of what is not whole nobody knows who sent it
    if table is None:
        return Reject(Reason.UNKNOWN_SENDER, Place("header"))
    if table.status == "deactivated":
        return Reject(Reason.SENDER_DEACTIVATED, Place("header"))
    if isinstance(opened.inner, Reject):
        return opened.inner
    return None if opened.inner.rows else Reject(Reason.NO_RESULT)


def _outcomes(each: Row, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
    return guarded(partial(_read, each, table, today), lambda: (our_fault(place_of_line(each.line).text),))


def _read(each: Row, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
    if each.wrong:
        return (each.wrong,)
    return Report(_RowSource(each), table, today).outcomes()


def _lacking(table: FeedTable) -> Iterator[Finding]:
    if table.facts.authorised_at is None:
        yield (
            ("facts", "authorised_at"),
            "Rows have no time of their own. Name the column that says when it was issued.",
        )


def _error(item: Item) -> list[str]:
    stop = item.outcome
    assert isinstance(stop, Reject)
    place = stop.place.text if stop.place else ""
    return ["ERROR", item.position, place, stop.reason.code, f"{stop.reason.sentence} {stop.hint}".strip()]


def _told(error: Exception) -> str:
    """Where `take_apart` stumbled, for whoever writes it; never what it says, for that may quote the file."""
    trace, line = error.__traceback__, 0
    while trace:
        if trace.tb_frame.f_code.co_name == "take_apart":
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"{type(error).__name__} at line {line} of its adapter."


def _decoded(raw: bytes) -> tuple[str, str]:
    """UTF-8, else what reads every byte."""
    try:
        return "utf-8", raw.decode("utf-8")
    except UnicodeDecodeError:
        return "iso-8859-1", raw.decode("iso-8859-1")


def _cells_of(sheet: Sheet) -> list[tuple[str, Cell]]:
    return sorted((pair for each in sheet.rows for pair in each.cells.items()), key=lambda pair: pair[1].start)


def _place(column: str, line: int) -> Place:
    return Place(f"{column}[{line}]", (column, str(line)))


def _wanted(values: str | list[str]) -> list[str]:
    return [values] if isinstance(values, str) else values


def _plain(text: str) -> str:
    """Fit to stand in a column of the answer, whatever the sender wrote into its header."""
    return "".join(" " if character == "|" or not character.isprintable() else character for character in text)
