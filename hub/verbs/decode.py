"""`hub decode`: what stands in a file: HL7 v2 field by field, of other languages each result that is read from it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.contract import Adapter, Item
    from hub.formats.hl7v2 import Message, Segment

EXAMPLES = (
    "hub decode report.hl7              every field that holds something, unescaped, with its place",
    "hub decode report.hl7 --json       the same for programs",
    "hub decode results.dat --feed northmoor    by this feed's table, where the file does not say whose it is",
    "hub journal export 17 | hub decode -",
)
_HL7 = (b"MSH", b"FHS", b"BHS")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a file, or - for standard input; HL7 v2 is shown as it is, people and all")
    parser.add_argument("--dialect", metavar="D", help="the language it is in (default: the one that can read it)")
    parser.add_argument("--feed", help="the feed by whose table it is read (default: the one that it names)")
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    raw = read_file(options.file)
    adapter = _adapter(raw, options)
    if adapter is None or adapter.dialect.startswith("hl7v2"):
        return _show_hl7(raw, options)
    return _show_results(adapter, raw, options)


def _adapter(raw: bytes, options: argparse.Namespace) -> Adapter | None:
    """The adapter that is named, else the one that can read it; None for what looks like HL7, or like nothing."""
    from adapters import ADAPTERS

    dialect = options.dialect
    if dialect is not None and dialect not in ADAPTERS:
        raise CannotRun(f"There is no dialect {dialect!r}. There are: {', '.join(ADAPTERS)}.")
    if dialect is not None:
        return ADAPTERS[dialect]
    if options.feed:
        from hub.verbs.feeds import known_feeds, named_feed

        tables = known_feeds(options)
        return ADAPTERS[tables.by_id[named_feed(tables, options.feed)].dialect]
    if raw.lstrip(b"\xef\xbb\xbf\x0b\r\n\t ")[:3] in _HL7:
        return None
    able = [one for name, one in ADAPTERS.items() if not name.startswith("hl7v2") and _can_open(one, raw)]
    if len(able) > 1:  # languages that share a form are told apart by the sender's table
        able = [one for one in able if _knows_sender(one, raw, options)] or able
    if len(able) > 1:
        raise CannotRun(f"It may be {' or '.join(one.dialect for one in able)}: say which with --dialect.")
    return able[0] if able else None


def _can_open(adapter: Adapter, raw: bytes) -> bool:
    opened = adapter.open(raw)
    return bool(opened.message_type or opened.application or opened.facility or opened.control_id)


def _knows_sender(adapter: Adapter, raw: bytes, options: argparse.Namespace) -> bool:
    from hub.app import feeds_of

    opened = adapter.open(raw)
    find = feeds_of(settings_of(options)).speaking(adapter.dialect)
    return find(opened.application, opened.facility) is not None


def _show_results(adapter: Adapter, raw: bytes, options: argparse.Namespace) -> int:
    """Who sent what, and what is read from each place: in codes and reasons."""
    from hub.app import feeds_of, wall_clock
    from hub.domain.dates import day_in_england

    feeds = feeds_of(settings_of(options))
    opened = adapter.open(raw)
    find = feeds.of(options.feed) if options.feed else feeds.speaking(adapter.dialect)
    reading = adapter.decode(opened, find, day_in_england(wall_clock()))
    head = {
        "dialect": adapter.dialect,
        "feed": reading.feed,
        "message_type": opened.message_type,
        "control_id": opened.control_id,
        "sender": " ".join(filter(None, (opened.application, opened.facility))),
        "charset": opened.charset,
        "sequence": opened.sequence,
        "notes": [*opened.notes, *reading.notes],
    }
    results = [_result(item) for item in reading.items]
    if options.json:
        say_json({**head, "results": results})
    else:
        for name, value in head.items():
            if value not in ("", None, []):
                say(f"# {name.replace('_', ' ')} {', '.join(value) if isinstance(value, list) else value}")
        for result in results:
            say("  ".join(text for text in result.values() if text))
    return 0 if reading.items else 1


def _result(item: Item) -> dict[str, str]:
    from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported

    outcome = item.outcome
    if isinstance(outcome, ResultReported):
        result = outcome.result
        read = (
            f"{result.combination or '-'} {result.version.value}, test on {result.test_on}, slide {result.slide_number}"
        )
        return {"position": item.position, "becomes": "result", "read": read, "place": "", "hint": ""}
    if isinstance(outcome, DischargeReported):
        said = outcome.discharge
        read = f"discharged on {said.discharged_on}, next test due on {said.next_test_due_on}"
        return {"position": item.position, "becomes": "discharge", "read": read, "place": "", "hint": ""}
    if isinstance(outcome, ReportParked | DischargeUnread):
        becomes, reason, place = "task", outcome.reason, outcome.place
    else:
        becomes, reason, place = "refused", outcome.reason.code, outcome.place.text if outcome.place else ""
    return {"position": item.position, "becomes": becomes, "read": reason, "place": place, "hint": outcome.hint}


def _show_hl7(raw: bytes, options: argparse.Namespace) -> int:
    from hub.formats.hl7v2 import read

    frame = read(raw)
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
    if not frame.messages:
        say("# If it is a file of rows, which does not say whose it is: name its feed with --feed.")
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
