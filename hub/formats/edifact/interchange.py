"""An interchange: its bytes, its messages, and what of its own counts and references does not agree.

Nothing here raises on any bytes. What is not ended by its terminator is not read: a cut text says nothing else than the
whole one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.formats.charsets import decode
from hub.formats.edifact.marks import USUAL, Marks, cut, of_advice
from hub.formats.edifact.segment import Segment

MOST_SEGMENTS = 1_000_000
"""Of one interchange: some twenty thousand results."""
MOST_MESSAGES = 50_000

# The level of the syntax (UNB-1.1) names the charset.
_CHARSETS = {
    "UNOA": "ascii", "UNOB": "ascii", "UNOC": "iso-8859-1", "UNOD": "iso-8859-2", "UNOE": "iso-8859-5",
    "UNOF": "iso-8859-7", "UNOG": "iso-8859-3", "UNOH": "iso-8859-4", "UNOI": "iso-8859-6", "UNOJ": "iso-8859-8",
    "UNOK": "iso-8859-9", "UNOW": "utf-8", "UNOY": "utf-8",
}  # fmt: skip


class Fault(NamedTuple):
    """Something around the messages does not agree. `is_cut`: perhaps not everything came."""

    sentence: str
    is_cut: bool = True


@dataclass(slots=True, repr=False)
class Message:
    """The segments from UNH to UNT. `index` counts from 1. `fault` says what does not agree in it (else empty),
    `fault_at` the segment and element where; `stray` is the number of a segment without a tag, 0 where each has one."""

    index: int
    segments: list[Segment] = field(default_factory=list)
    fault: str = ""
    fault_at: tuple[str, int] = ("UNT", 1)
    stray: int = 0

    @property
    def header(self) -> Segment:
        return self.segments[0]

    @property
    def reference(self) -> str:
        return self.header.value(1).strip()

    @property
    def type(self) -> str:
        return self.header.value(2).strip()

    def __repr__(self) -> str:
        return f"Message({self.index}, {len(self.segments)} segments)"


@dataclass(frozen=True, slots=True, repr=False)
class Interchange:
    """What one file held. `header` is UNB, None where there is none: then `problem` says why nothing could be read.
    `faults` say what does not agree around the messages."""

    raw: bytes
    marks: Marks = USUAL
    charset: str = "utf-8"
    header: Segment | None = None
    messages: tuple[Message, ...] = ()
    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""
    is_too_long: bool = False

    @property
    def reference(self) -> str:
        """UNB-5, the interchange control reference."""
        return self.header.value(5).strip() if self.header else ""

    def __repr__(self) -> str:
        return f"Interchange({len(self.raw)} bytes, {len(self.messages)} messages)"


def read(raw: bytes) -> Interchange:
    """Read an interchange. Never raises."""
    decoded = decode(raw, _declared(raw))
    text = decoded.text.lstrip("\r\n\t \0")
    has_advice = text.startswith("UNA")
    marks = of_advice(text[3:9]) if has_advice else USUAL
    if marks is None:
        return Interchange(raw, problem="The service characters behind UNA cannot be separators.")
    pieces = _pieces(text[9:] if has_advice else text, marks)
    if len(pieces) > MOST_SEGMENTS:
        return Interchange(raw, problem=f"An interchange may have {MOST_SEGMENTS} segments.", is_too_long=True)
    header = Segment(pieces[0], marks) if pieces else None
    if header is None or header.tag != "UNB":
        return Interchange(raw, marks, decoded.charset, problem="It does not begin with UNB, or UNA and UNB.")
    messages, faults = _assembled(pieces[1:], marks, header)
    if len(messages) > MOST_MESSAGES:
        return Interchange(raw, problem=f"An interchange may have {MOST_MESSAGES} messages.", is_too_long=True)
    notes = (decoded.note,) if decoded.note else ()
    return Interchange(raw, marks, decoded.charset, header, tuple(messages), tuple(faults), notes)


def _declared(raw: bytes) -> str:
    begin = raw.find(b"UNB")
    return _CHARSETS.get(raw[begin + 4 : begin + 8].decode("ascii", "replace"), "") if begin >= 0 else ""


def _pieces(text: str, marks: Marks) -> list[str]:
    """The segments' texts. What stands behind the last terminator is no segment."""
    return [piece.lstrip("\r\n\t ") for piece in cut(text, marks.terminator, marks.release)[:-1]]


def _assembled(pieces: list[str], marks: Marks, header: Segment) -> tuple[list[Message], list[Fault]]:
    """The messages, and what is wrong around them."""
    messages: list[Message] = []
    faults: list[Fault] = []
    is_open = False
    seen: Counter[str] = Counter()
    for index, piece in enumerate(pieces, start=1):
        segment = Segment(piece, marks)
        if segment.tag == "UNZ":
            faults += _of_trailer(segment, header, messages, behind=len(pieces) - index)
            break
        if segment.tag == "UNH":
            messages.append(Message(len(messages) + 1, fault="UNT is missing."))
            is_open = True
            seen.clear()
        elif not is_open:
            faults = faults or [Fault("A segment stands in no message.", is_cut=False)]
            continue
        seen[segment.tag] += 1
        segment.number = seen[segment.tag]
        messages[-1].segments.append(segment)
        if segment.tag == "UNT":
            _close(messages[-1])
            is_open = False
    else:
        faults.append(Fault("UNZ is missing."))
    return messages, faults


def _close(message: Message) -> None:
    """Judge a message by its trailer."""
    trailer = message.segments[-1]
    message.fault = ""
    message.stray = next((number for number, one in enumerate(message.segments, start=1) if not one.tag), 0)
    if trailer.value(1).strip() != str(len(message.segments)):
        message.fault = "It does not agree with the number of segments that came."
    elif trailer.value(2).strip() != message.reference:
        message.fault, message.fault_at = "It is not the reference of UNH.", ("UNT", 2)


def _of_trailer(trailer: Segment, header: Segment, messages: list[Message], behind: int) -> Iterator[Fault]:
    if trailer.value(1).strip() != str(len(messages)):
        yield Fault("UNZ-1 does not agree with the number of messages that came.")
    if trailer.value(2).strip() != header.value(5).strip():
        yield Fault("UNZ-2 is not the reference of UNB.")
    if behind:
        yield Fault("Something stands behind UNZ. Send one interchange in a file.", is_cut=False)
