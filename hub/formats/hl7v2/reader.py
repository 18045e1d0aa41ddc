"""Messages and segments, read lazily: a message is cut into segments once, a segment into fields when asked.

Nothing here raises on any message. What is not there reads as the empty string.
"""

from __future__ import annotations

from collections import Counter

from hub.formats.hl7v2 import delimiters
from hub.formats.hl7v2.delimiters import Delimiters
from hub.formats.hl7v2.escapes import unescape
from hub.formats.hl7v2.location import Location, steps

_HEADERS = ("MSH", "FHS", "BHS")
_NULL = '""'


class Segment:
    """One segment. `number` counts the segments of its name in the message from 1. Field 1 of MSH, FHS and BHS is
    the field separator itself, as HL7 counts."""

    __slots__ = ("_charset", "_fields", "_line", "delimiters", "name", "number")

    def __init__(self, line: str, marks: Delimiters, codec: str, number: int = 1) -> None:
        self._line = line
        self.name = line[:3].upper()
        """In upper case, however it was sent."""
        self.delimiters = marks
        self._charset = codec
        self.number = number
        self._fields: list[str] | None = None

    @property
    def text(self) -> str:
        """The segment as it was sent, without its line end."""
        return self._line

    def raw(self, field: int) -> str:
        """A field as it was sent: all repetitions, nothing unescaped; empty where there is none."""
        fields = self._fields or self._split()
        return fields[field] if 0 < field < len(fields) else ""

    def _split(self) -> list[str]:
        fields = self._line.split(self.delimiters.field)
        if self.name in _HEADERS:
            fields.insert(1, self.delimiters.field)
        self._fields = fields
        return fields

    def repetitions(self, field: int) -> int:
        """How often a field repeats: 0 where it is empty."""
        text = self.raw(field)
        return text.count(self.delimiters.repetition) + 1 if text else 0

    def value(self, field: int, component: int = 1, subcomponent: int = 1, repetition: int = 1) -> str:
        """Text of a field, unescaped; empty where absent, and for the explicit null (`""`).

        `component=0` gives the whole repetition and `subcomponent=0` the whole component, separators included:
        the way to read free text, where senders leave `^` and `&` unescaped.
        """
        fields = self._fields or self._split()
        text = fields[field] if 0 < field < len(fields) else ""
        if component < 2 and subcomponent < 2 and repetition == 1 and text.isalnum():
            return text  # most fields: nothing to divide, nothing to unescape
        marks = self.delimiters
        if field < 3 and self.name in _HEADERS:
            return text
        if repetition > 1 or marks.repetition in text:
            text = _piece(text, marks.repetition, repetition)
        if component:
            if component > 1 or marks.component in text:
                text = _piece(text, marks.component, component)
            if subcomponent and (subcomponent > 1 or marks.subcomponent in text):
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
        return len(self._fields or self._split()) - 1

    def __repr__(self) -> str:
        return f"Segment({self.name}[{self.number}])"


def _piece(text: str, separator: str, number: int) -> str:
    pieces = text.split(separator, number)
    return pieces[number - 1] if 0 < number <= len(pieces) else ""


class Message:
    """One message of a frame; `index` counts from 1. Segments that HL7 does not know, out of order or in lower case
    are all there, in the order sent."""

    __slots__ = ("_all", "_by_name", "_charset", "_header", "_lines", "delimiters", "index")

    def __init__(self, lines: list[str], codec: str, index: int = 1) -> None:
        self.index = index
        self.delimiters = delimiters.of_header(lines[0])
        self._lines = lines
        self._charset = codec
        self._by_name: dict[str, list[str | Segment]] | None = None
        self._all: list[Segment] | None = None
        self._header: Segment | None = None

    def _named(self, name: str) -> list[str | Segment]:
        """The segments of a name: lines, until somebody asks for the segment."""
        return (self._by_name or self._indexed()).get(name, [])

    def _indexed(self) -> dict[str, list[str | Segment]]:
        index: dict[str, list[str | Segment]] = {}
        for line in self._lines:
            index.setdefault(line[:3].upper(), []).append(line)
        self._by_name = index
        return index

    def _segment(self, siblings: list[str | Segment], number: int) -> Segment:
        found = siblings[number - 1]
        if isinstance(found, str):
            found = siblings[number - 1] = Segment(found, self.delimiters, self._charset, number)
        return found

    def all(self) -> list[Segment]:
        """Every segment in the order sent."""
        if self._all is None:
            self._all = self._every()
        return self._all

    def _every(self) -> list[Segment]:
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

    def count(self, name: str) -> int:
        """How many segments there are of a name in capitals."""
        return len(self._named(name))

    @property
    def header(self) -> Segment:
        """MSH."""
        if self._header is None:
            self._header = self._segment(self._named("MSH"), 1)
        return self._header

    def get(self, location: str | Location, default: str = "") -> str:
        """The text at a location, unescaped; `default` where there is none.

        The first segment and repetition are meant unless written: `PID[2]-3[2].1.1`. A location that stops at a field
        or component gives all of it, separators included, so that free text with a stray `^` or `&` stays whole:
        write `PID-5.1.1` for a family name that may carry sub-components. Raises Unreadable for what is no location."""
        name, number, field, component, subcomponent, repetition = steps(location)
        siblings = (self._by_name or self._indexed()).get(name)
        if siblings is None or number > len(siblings):
            return default
        segment = siblings[number - 1]
        if isinstance(segment, str):
            segment = self._segment(siblings, number)
        return segment.value(field, component, subcomponent, repetition) or default

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
