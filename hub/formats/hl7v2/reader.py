"""A small lazy reader of HL7 v2: a frame's bytes stay untouched, segments are split once, fields when asked.

Nothing here raises on any bytes. What is not there reads as the empty string.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from hub.formats.hl7v2 import batch, charset, delimiters
from hub.formats.hl7v2.delimiters import Delimiters
from hub.formats.hl7v2.escapes import unescape
from hub.formats.hl7v2.location import Location, located

_HEADERS = ("MSH", "FHS", "BHS")
_NULL = '""'


class Segment:
    """One segment. `number` counts the segments of its name in the message from 1. Field 1 of MSH, FHS and BHS is
    the field separator itself, as HL7 counts."""

    __slots__ = ("_charset", "_fields", "_line", "delimiters", "name", "number")

    def __init__(self, line: str, marks: Delimiters, codec: str, number: int = 1) -> None:
        self.name = line[:3].upper()
        self.number = number
        self.delimiters = marks
        self._line = line
        self._charset = codec
        self._fields: list[str] | None = None

    @property
    def text(self) -> str:
        """The segment as it was sent, without its line end."""
        return self._line

    def raw(self, field: int) -> str:
        """A field as it was sent: all repetitions, nothing unescaped; empty where there is none."""
        fields = self._fields
        if fields is None:
            fields = self._line.split(self.delimiters.field)
            if self.name in _HEADERS:
                fields.insert(1, self.delimiters.field)
            self._fields = fields
        return fields[field] if 0 < field < len(fields) else ""

    def repetitions(self, field: int) -> int:
        """How often a field repeats: 0 where it is empty."""
        text = self.raw(field)
        return text.count(self.delimiters.repetition) + 1 if text else 0

    def value(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """Text of a field, unescaped; empty where absent, and for the explicit null (`""`).

        `component=0` gives the whole repetition and `subcomponent=0` the whole component, separators included:
        the way to read free text, where senders leave `^` and `&` unescaped.
        """
        text = self.raw(field)
        marks = self.delimiters
        if field < 3 and self.name in _HEADERS:
            return text
        if repetition > 1 or marks.repetition in text:
            text = _piece(text, marks.repetition, repetition)
        if component and (component > 1 or marks.component in text):
            text = _piece(text, marks.component, component)
        if component and subcomponent and (subcomponent > 1 or marks.subcomponent in text):
            text = _piece(text, marks.subcomponent, subcomponent)
        if marks.escape in text:
            return unescape(text, marks, self._charset)
        return "" if text == _NULL else text

    def present(self, field: int) -> bool:
        """Whether a field holds anything beside delimiters, white space and the explicit null."""
        marks = self.delimiters
        empty = f"{marks.component}{marks.repetition}{marks.subcomponent} \t\n"
        return self.raw(field).strip(empty) not in ("", _NULL)

    @property
    def fields(self) -> int:
        """The number of the last field sent."""
        self.raw(1)
        return len(self._fields or ()) - 1

    def __repr__(self) -> str:
        return f"Segment({self.name}[{self.number}])"


def _piece(text: str, separator: str, number: int) -> str:
    pieces = text.split(separator, number)
    return pieces[number - 1] if 0 < number <= len(pieces) else ""


class Message:
    """One message of a frame; `index` counts from 1. Segments that HL7 does not know, out of order or in lower case
    are all there, in the order sent."""

    __slots__ = ("_by_name", "_charset", "_lines", "delimiters", "index")

    def __init__(self, lines: list[str], codec: str, index: int = 1) -> None:
        self.index = index
        self.delimiters = delimiters.of_header(lines[0])
        self._lines = lines
        self._charset = codec
        self._by_name: dict[str, list[str | Segment]] | None = None

    def _named(self, name: str) -> list[str | Segment]:
        """The segments of a name: lines, until somebody asks for the segment."""
        index = self._by_name
        if index is None:
            index = self._by_name = {}
            for line in self._lines:
                index.setdefault(line[:3].upper(), []).append(line)
        return index.get(name, [])

    def _segment(self, siblings: list[str | Segment], number: int) -> Segment:
        found = siblings[number - 1]
        if isinstance(found, str):
            found = siblings[number - 1] = Segment(found, self.delimiters, self._charset, number)
        return found

    def all(self) -> list[Segment]:
        """Every segment in the order sent."""
        seen: Counter[str] = Counter()
        found = []
        for line in self._lines:
            name = line[:3].upper()
            seen[name] += 1
            found.append(self._segment(self._named(name), seen[name]))
        return found

    def segments(self, name: str) -> list[Segment]:
        """The segments of a name, in order; case does not matter."""
        siblings = self._named(name.upper())
        return [self._segment(siblings, number) for number in range(1, len(siblings) + 1)]

    @property
    def header(self) -> Segment:
        """MSH."""
        return self._segment(self._named("MSH"), 1)

    def get(self, location: str | Location, default: str = "") -> str:
        """The text at a location, unescaped; `default` where there is none.

        The first segment and repetition are meant unless written: `PID[2]-3[2].1.1`. A location that stops at a field
        or component gives all of it, separators included, so that free text with a stray `^` or `&` stays whole:
        write `PID-5.1.1` for a family name that may carry sub-components. Raises Unreadable for what is no location."""
        at = located(location) if isinstance(location, str) else location
        siblings = self._named(at.segment)
        number = at.occurrence or 1
        if number > len(siblings):
            return default
        segment = self._segment(siblings, number)
        return segment.value(at.field, at.component, at.subcomponent, at.repetition or 1) or default

    def groups(self) -> list[tuple[Segment, list[Segment]]]:
        """Each OBR with the segments after it, up to the next OBR."""
        groups: list[tuple[Segment, list[Segment]]] = []
        for segment in self.all():
            if segment.name == "OBR":
                groups.append((segment, []))
            elif groups:
                groups[-1][1].append(segment)
        return groups

    @property
    def text(self) -> str:
        """The decoded text, segments ended by CR, whatever line ends were sent; breaks within a field are LF."""
        return "".join(f"{line}\r" for line in self._lines)

    @property
    def message_type(self) -> str:
        """`ORU^R01`, `ORU` without a trigger event, empty without a type."""
        header = self.header
        code, trigger = header.value(9).strip(), header.value(9, 2).strip()
        return f"{code}^{trigger}" if trigger else code

    @property
    def control_id(self) -> str:
        """MSH-10, whole."""
        return self.header.value(10, 0, 0)

    @property
    def sending_application(self) -> str:
        return self.header.value(3).strip()

    @property
    def sending_facility(self) -> str:
        return self.header.value(4).strip()

    @property
    def version(self) -> str:
        return self.header.value(12).strip()

    @property
    def accept_ack(self) -> str:
        """MSH-15: when the sender wants an accept acknowledgement (AL, NE, ER, SU)."""
        return self.header.value(15).strip()

    @property
    def application_ack(self) -> str:
        """MSH-16: when the sender wants an application acknowledgement (AL, NE, ER, SU)."""
        return self.header.value(16).strip()

    @property
    def is_acknowledgement(self) -> bool:
        """Whether this answers something: it must never be answered itself, or two peers go on for ever."""
        code = self.header.value(9).strip().upper()
        return code in ("ACK", "MCF") or (not code and bool(self._named("MSA")))

    def __repr__(self) -> str:
        return f"Message({self.index}, {len(self._lines)} segments)"


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """What one MLLP frame (or file) held. `messages` is empty where nothing could be read, and `problem` says why.

    `charset` is a Python codec name, `declared_charset` is MSH-18 as written. `notes` are short facts about the bytes
    worth keeping, never a value of the message. `head` is what could be read of a header, so that even a refusal can
    quote it. `batch_control_id` is FHS-11, else BHS-11.
    """

    raw: bytes
    messages: tuple[Message, ...] = ()
    charset: str = "utf-8"
    declared_charset: str = ""
    charset_note: str = ""
    line_ends: str = "CR"
    bom: bool = False
    file_header: Segment | None = None
    batch_header: Segment | None = None
    notes: tuple[str, ...] = ()
    problem: str = ""
    head: Message | None = None

    @property
    def is_batch(self) -> bool:
        return self.file_header is not None or self.batch_header is not None

    @property
    def batch_control_id(self) -> str:
        headers = (self.file_header, self.batch_header)
        return next((found for header in headers if header and (found := header.value(11, 0, 0))), "")

    @property
    def control_id(self) -> str:
        """What an answer to the whole frame quotes: the batch's control id, else the first message's MSH-10."""
        return self.batch_control_id or (self.head.control_id if self.head else "")

    @property
    def is_acknowledgement(self) -> bool:
        """Whether everything in the frame answers something."""
        return bool(self.messages) and all(message.is_acknowledgement for message in self.messages)

    def __repr__(self) -> str:
        return f"Frame({len(self.raw)} bytes, {len(self.messages)} messages)"


def read(raw: bytes) -> Frame:
    """Read a frame's bytes (without the MLLP envelope). Never raises."""
    decoded = charset.decode(raw)
    ends = batch.line_ends(decoded.text)
    sheaf = batch.gather(batch.physical_lines(decoded.text, ends))
    messages = tuple([Message(lines, decoded.charset, index) for index, lines in enumerate(sheaf.messages, 1)])
    return Frame(
        raw,
        messages,
        decoded.charset,
        decoded.declared,
        decoded.note,
        ends,
        decoded.bom,
        _control(sheaf, "FHS", decoded.charset),
        _control(sheaf, "BHS", decoded.charset),
        _notes(decoded, ends, sheaf, messages),
        "" if messages else _problem(decoded.text, sheaf),
        messages[0] if messages else _recovered(decoded),
    )


def _control(sheaf: batch.Sheaf, name: str, codec: str) -> Segment | None:
    for _before, (line, *_strays) in sheaf.controls:
        if line[:3].upper() == name:
            return Segment(line, delimiters.of_header(line), codec)
    return None


def _notes(decoded: charset.Decoded, ends: str, sheaf: batch.Sheaf, messages: tuple[Message, ...]) -> tuple[str, ...]:
    notes = [decoded.note] if decoded.note else []
    if ends != "CR":
        notes.append(f"line-ends={ends}")
    if decoded.bom:
        notes.append(f"bom={decoded.charset}")
    if sheaf.before:
        notes.append("text before the header")
    if any(len(lines) > 1 for _before, lines in sheaf.controls):
        notes.append("segments outside any message")
    if sheaf.controls:
        notes.extend(batch.count_notes(sheaf))
    elif len(messages) > 1:
        notes.append("several messages without a batch header")
    if not all(message.delimiters.complete for message in messages):
        notes.append("MSH-2 incomplete or unusual")
    return tuple(notes)


def _problem(text: str, sheaf: batch.Sheaf) -> str:
    if sheaf.controls:
        return "The batch holds no message (no MSH segment)."
    return "No line begins with an MSH segment." if text.strip() else "The frame is empty."


def _recovered(decoded: charset.Decoded) -> Message | None:
    line = batch.header_anywhere(decoded.text)
    return Message([line], decoded.charset) if line else None
