"""Every text of a frame with its place, and the frame written again with some of them changed.

The reader (`hub.formats.hl7v2`) tidies what it reads; here every byte that is not changed stays where it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from hub.contract import Piece
from hub.formats.hl7v2 import Delimiters, Frame, Location, escape, unescape
from hub.formats.hl7v2.delimiters import USUAL, of_header

_ENDS = re.compile(r"([\r\n\x00]+)")
_SEGMENT = re.compile(r"([\s\ufeff\x0b]*)([A-Za-z][A-Za-z0-9]{2})(?=[^A-Za-z0-9\s]|$)")
_HEADERS = ("MSH", "FHS", "BHS")
# What HL7 itself says is structure or a code: whole segments, fields, components of names and numbers (their types).
_CODED_SEGMENTS = frozenset({"MSH", "BTS", "FTS", "SFT", "MSA"})
_CODED_FIELDS = {
    "FHS": set(range(1, 10)) | {11, 12},
    "BHS": set(range(1, 10)) | {11, 12},
    "PID": {1, 8},
    "PV1": {1, 2},
    "ORC": {1, 5},
    "OBR": {1, 4, 24, 25},
    "OBX": {1, 2, 3, 8, 11},
    "SPM": {1, 4},
    "NTE": {1, 2},
}
_CODED_COMPONENTS = {("PID", 2): {4, 5}, ("PID", 3): {4, 5}, ("PID", 5): {7, 8}, ("PID", 9): {7, 8}, ("PID", 11): {7}}

Change = Callable[[Piece], str]


def rewritten(frame: Frame, change: Change) -> bytes:
    """The frame's bytes, with each text as `change` says."""
    codec = frame.charset
    try:
        text = frame.raw.decode(codec, "surrogateescape")
        text.encode(codec, "surrogateescape")
    except UnicodeError:  # bytes that the charset does not know, where it has no way to carry them
        codec = "latin-1"
        text = frame.raw.decode(codec)
    marks, seen = USUAL, Counter[str]()
    written = []
    for number, line in enumerate(_ENDS.split(text)):
        found = _SEGMENT.match(line) if number % 2 == 0 else None
        if found is None:
            written.append(_loose(line, change) if number % 2 == 0 else line)
            continue
        name = found[2].upper()
        if name in _HEADERS:
            marks, seen = of_header(line[found.start(2) :]), Counter[str]()
        seen[name] += 1
        written.append(found[1] + _segment(line[found.start(2) :], Location(name, seen[name]), marks, change))
    return "".join(written).encode(codec, "surrogateescape")


def _loose(line: str, change: Change) -> str:
    """A line that is no segment: all of it is a text, at no place."""
    return change(Piece("", line)) if line.strip() else line


def _segment(line: str, at: Location, marks: Delimiters, change: Change) -> str:
    name, *fields = line.split(marks.field)
    is_header = at.segment in _HEADERS
    first = 2 if is_header else 1
    written = [
        field if is_header and number == 2 else _field(field, replace(at, field=number), marks, change)
        for number, field in enumerate(fields, start=first)
    ]
    return marks.field.join([name, *written])


def _field(text: str, at: Location, marks: Delimiters, change: Change) -> str:
    repetitions = text.split(marks.repetition)
    return marks.repetition.join(
        _components(each, replace(at, repetition=number if number > 1 else 0), marks, change)
        for number, each in enumerate(repetitions, start=1)
    )


def _components(text: str, at: Location, marks: Delimiters, change: Change) -> str:
    components = text.split(marks.component)
    return marks.component.join(
        _subcomponents(each, replace(at, component=number), marks, change)
        for number, each in enumerate(components, start=1)
    )


def _subcomponents(text: str, at: Location, marks: Delimiters, change: Change) -> str:
    parts = text.split(marks.subcomponent)
    if len(parts) == 1:
        return _text(text, at, marks, change)
    return marks.subcomponent.join(
        _text(each, replace(at, subcomponent=number), marks, change) for number, each in enumerate(parts, start=1)
    )


def _text(raw: str, at: Location, marks: Delimiters, change: Change) -> str:
    text = unescape(raw, marks)
    if not text.strip() or text == '""':
        return raw
    new = change(Piece(str(at), text, _is_code(at)))
    return raw if new == text else escape(new, marks)


def _is_code(at: Location) -> bool:
    return (
        at.segment in _CODED_SEGMENTS
        or at.field in _CODED_FIELDS.get(at.segment, ())
        or at.component in _CODED_COMPONENTS.get((at.segment, at.field), ())
    )
