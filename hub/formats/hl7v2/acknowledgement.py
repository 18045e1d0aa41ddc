"""The answer to a frame: original mode (AA, AE, AR) and enhanced mode (CA, CE, CR), HL7 chapter 2.9.

An answer can be built for every frame, the worst one included: with no header to go by it is a plain ACK whose MSA-2
is empty. What is quoted of the message is quoted as it was sent; what we say ourselves is escaped in the sender's
delimiters and encoded in the sender's charset.
"""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from datetime import datetime

from hub.errors import Place
from hub.formats.hl7v2.charset import codec_named
from hub.formats.hl7v2.delimiters import USUAL, Delimiters
from hub.formats.hl7v2.escapes import escape, without_controls
from hub.formats.hl7v2.frame import Frame
from hub.formats.hl7v2.reader import Segment

OUR_NAME = "SCREENING-HUB"
_ENHANCED = {"AA": "CA", "AE": "CE", "AR": "CR"}
# HL7 table 0357.
_CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "104": "Value too long",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application error",
}


@dataclass(frozen=True, slots=True)
class ErrorLine:
    """One thing wrong. `reason_code` is ours, `hl7_code` is of table 0357, `sentence` is for a person to act on."""

    place: Place | None
    reason_code: str
    hl7_code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a frame: `code` is AA, AE or AR, `control_id` what the answer quotes (`Frame.control_id` for the
    whole frame)."""

    code: str
    control_id: str
    errors: tuple[ErrorLine, ...] = ()


def acknowledge(frame: Frame, verdict: Verdict, at: datetime, reply_id: str) -> bytes:
    """The immediate answer, segments ended by CR, not yet framed. `at` is aware; `reply_id` becomes MSH-10.

    Where MSH-15 or MSH-16 of the (first) message is filled the sender works in enhanced mode and gets CA, CE or CR.
    """
    code = _ENHANCED.get(verdict.code, verdict.code) if _is_enhanced(frame) else verdict.code
    return _written(frame, code, verdict, at, reply_id, "")


def application_acknowledgement(frame: Frame, verdict: Verdict, at: datetime, reply_id: str) -> bytes:
    """The second, separate message of enhanced mode: AA, AE or AR, asking in its turn for an accept acknowledgement
    (MSH-15 AL) and for no application acknowledgement (MSH-16 NE). Sent only where a feed's table says so."""
    return _written(frame, verdict.code, verdict, at, reply_id, "AL")


def _is_enhanced(frame: Frame) -> bool:
    return frame.head is not None and bool(frame.head.accept_ack or frame.head.application_ack)


def _written(frame: Frame, code: str, verdict: Verdict, at: datetime, reply_id: str, accept: str) -> bytes:
    header = _quotable(frame)
    marks = header.delimiters if header else USUAL
    lines = [
        _header(frame, header, marks, at, reply_id, accept),
        _joined("MSA", (code, _quoted_id(frame, verdict, marks), _summary(verdict, marks)), marks),
        *(_error(line, verdict.code, marks) for line in verdict.errors),
    ]
    return _encoded("".join(f"{line}\r" for line in lines), frame)


def _quotable(frame: Frame) -> Segment | None:
    return frame.head.header if frame.head else frame.batch_header or frame.file_header


def _header(frame: Frame, header: Segment | None, marks: Delimiters, at: datetime, reply_id: str, accept: str) -> str:
    message = frame.head.header if frame.head else None
    version = (_quoted(message, 12, marks) if message else "") or "2.5.1"
    fields = (
        marks.encoding,
        _quoted(header, 5, marks) or OUR_NAME,
        _quoted(header, 6, marks) or OUR_NAME,
        _quoted(header, 3, marks),
        _quoted(header, 4, marks),
        at.strftime("%Y%m%d%H%M%S%z"),
        "",
        _type(message, marks),
        escape(reply_id, marks),
        _quoted(message, 11, marks) or "P",
        version,
        "",
        "",
        accept,
        "NE" if accept else "",
        "",
        _charset(frame, marks),
    )
    return _joined("MSH", fields, marks)


def _type(message: Segment | None, marks: Delimiters) -> str:
    trigger = message.value(9, 2).strip() if message else ""
    return marks.component.join(("ACK", escape(trigger, marks), "ACK")) if trigger else "ACK"


def _charset(frame: Frame, marks: Delimiters) -> str:
    """MSH-18 as the sender declared it, where the declaration is what the answer is encoded in."""
    declared = frame.declared_charset
    return escape(declared, marks) if declared and codec_named(declared) == frame.charset else ""


def _quoted(segment: Segment | None, field: int, marks: Delimiters) -> str:
    return without_controls(segment.raw(field), marks).strip() if segment else ""


def _quoted_id(frame: Frame, verdict: Verdict, marks: Delimiters) -> str:
    """The control id letter for letter as it was sent, stray delimiters included: the sender looks for just that."""
    for message in frame.messages or ((frame.head,) if frame.head else ()):
        if verdict.control_id and message.control_id == verdict.control_id:
            return _quoted(message.header, 10, marks)
    return escape(verdict.control_id, marks)


def _summary(verdict: Verdict, marks: Delimiters) -> str:
    """MSA-3: the first error in words, because many senders show nothing else."""
    if not verdict.errors:
        return ""
    first = verdict.errors[0]
    return escape(f"{first.place.text}: {first.sentence}" if first.place else first.sentence, marks)


def _error(line: ErrorLine, code: str, marks: Delimiters) -> str:
    location = marks.component.join(escape(part, marks) for part in line.place.parts) if line.place else ""
    words = (line.hl7_code, _CONDITIONS.get(line.hl7_code, ""), "HL70357")
    condition = marks.component.join(escape(word, marks) for word in words)
    severity = "W" if code == "AA" else "E"
    ours, sentence = escape(line.reason_code, marks), escape(line.sentence, marks)
    return _joined("ERR", ("", location, condition, severity, ours, "", "", sentence), marks)


def _joined(name: str, fields: tuple[str, ...], marks: Delimiters) -> str:
    return marks.field.join((name, *fields)).rstrip(marks.field)


def _encoded(text: str, frame: Frame) -> bytes:
    """In the sender's charset; what it lacks becomes a question mark. UTF-16 bears a byte order mark if theirs did."""
    mark = {"utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}.get(frame.charset, b"")
    return (mark if frame.bom else b"") + text.encode(frame.charset, "replace")
