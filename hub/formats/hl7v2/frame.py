"""A frame: the bytes of one MLLP block or file, untouched, and the messages in it.

Nothing here raises on any bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from hub.formats.hl7v2 import batch, charset, delimiters
from hub.formats.hl7v2.reader import Message, Segment

MOST_LINES = 300_000
"""Lines in a frame: what a line costs in memory is many times an empty one's size. A 16 MiB report with an image in
lines of 76 characters has 220,000."""


@dataclass(frozen=True, slots=True, repr=False)
class Frame:
    """What one MLLP frame (or file) held. `messages` is empty where nothing could be read, and `problem` says why.

    `charset` is a Python codec name, `declared_charset` is MSH-18 as written. `notes` are short facts about the bytes
    worth keeping, never a value of the message. `head` is what could be read of a header, so that even a refusal can
    quote it. `batch_control_id` is FHS-11, else BHS-11. `too_large`: it has more lines than `MOST_LINES`.
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
    too_large: bool = False

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
    if decoded.text.count("\r") + decoded.text.count("\n") > MOST_LINES:
        return _too_large(raw, decoded)
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


def _too_large(raw: bytes, decoded: charset.Decoded) -> Frame:
    return Frame(
        raw,
        charset=decoded.charset,
        declared_charset=decoded.declared,
        charset_note=decoded.note,
        notes=(decoded.note,) if decoded.note else (),
        problem=f"It has more than {MOST_LINES} lines.",
        head=_recovered(decoded),
        too_large=True,
    )


def _control(sheaf: batch.Sheaf, name: str, codec: str) -> Segment | None:
    if not sheaf.controls:
        return None
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
