"""`hub decode`: what stands in an HL7 v2 file, field by field."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import json_argument, say, say_json

if TYPE_CHECKING:
    from hub.formats.hl7v2 import Message, Segment

EXAMPLES = (
    "hub decode report.hl7              every field that holds something, unescaped, with its place",
    "hub decode report.hl7 --json       the same for programs",
    "hub journal export 17 | hub decode -",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="an HL7 v2 file, or - for standard input; it is shown as it is, people and all")
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from hub.formats.hl7v2 import read

    frame = read(read_file(options.file))
    if options.json:
        say_json(
            {
                "charset": frame.charset,
                "line_ends": frame.line_ends,
                "notes": list(frame.notes),
                "problem": frame.problem,
                "messages": [_fields(message) for message in frame.messages],
            }
        )
        return 0 if frame.messages else 1
    for note in (f"charset {frame.charset}", f"line ends {frame.line_ends}", *frame.notes, frame.problem):
        if note:
            say(f"# {note}")
    for message in frame.messages:
        say(f"\n# message {message.index} of {len(frame.messages)}: {message.message_type or 'no type'}")
        for place, value in _values(message):
            say(f"{place:14} {value}")
    return 0 if frame.messages else 1


def read_file(name: str) -> bytes:
    """The bytes of a file, or of standard input for `-`."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CannotRun(f"{name} cannot be read ({error.strerror}).") from None


def _fields(message: Message) -> dict[str, Any]:
    return {"type": message.message_type, "fields": dict(_values(message))}


def _values(message: Message) -> Iterator[tuple[str, str]]:
    for segment in message.all():
        for field in range(1, segment.fields + 1):
            yield from _field(segment, field)


def _field(segment: Segment, field: int) -> Iterator[tuple[str, str]]:
    name = f"{segment.name}[{segment.number}]-{field}" if segment.number > 1 else f"{segment.name}-{field}"
    if segment.name in ("MSH", "FHS", "BHS") and field <= 2:
        yield name, segment.raw(field)
        return
    for repetition in range(1, segment.repetitions(field) + 1):
        place = f"{name}[{repetition}]" if repetition > 1 else name
        for component in range(1, _components(segment, field, repetition) + 1):
            value = segment.value(field, component, repetition=repetition)
            if value:
                yield (f"{place}.{component}" if component > 1 else place), value


def _components(segment: Segment, field: int, repetition: int) -> int:
    marks = segment.delimiters
    return segment.raw(field).split(marks.repetition)[repetition - 1].count(marks.component) + 1
