"""From decoded text to the lines of each message: line ends, stray lines, batches (FHS, BHS, BTS, FTS)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

_STRAY = "[\\s\\x00\ufeff]*"
# The character after the separator is a delimiter, the separator again, or the end: `MSH-3 is empty` is prose.
_SEPARATOR = r"[^A-Za-z0-9\s\x00-\x1f\x7f]"
_HEADER = re.compile(rf"{_STRAY}(MSH|FHS|BHS)({_SEPARATOR})(?![A-Za-z0-9 ])", re.IGNORECASE)
_HEADER_ANYWHERE = re.compile(rf"MSH{_SEPARATOR}[^\r\n]*", re.IGNORECASE)
_EDGES = "\r\n\x00\x0b\x1c"
_CONTROL_SEGMENTS = ("FHS", "BHS", "BTS", "FTS")
# fmt: off
_USUAL_SEGMENTS = (
    "AL1", "DG1", "DSC", "ERR", "EVN", "FT1", "GT1", "IN1", "IN2", "MRG", "MSA", "NK1", "NTE",
    "OBR", "OBX", "ORC", "PD1", "PID", "PRT", "PV1", "PV2", "SFT", "SPM", "TQ1", "TQ2",
)
# fmt: on


@dataclass(slots=True)
class Sheaf:
    """The lines of a frame. Each message is a list of segment lines, its MSH first. `controls` are the batch segments
    with the number of messages before each, and behind each the stray segments that belong to no message. `before`
    counts the lines before the first header."""

    messages: list[list[str]] = field(default_factory=list)
    controls: list[tuple[int, list[str]]] = field(default_factory=list)
    before: int = 0


def line_ends(text: str) -> str:
    """`CR`, `LF`, `CRLF` or `mixed`; `CR` where there is none."""
    if "\n" not in text:
        return "CR"
    if "\r" not in text:
        return "LF"
    both = text.count("\r\n")
    return "CRLF" if both == text.count("\r") == text.count("\n") else "mixed"


def physical_lines(text: str, ends: str) -> list[str]:
    """The lines of the text, blank ones too. Only CR, LF and CRLF end a line: not the other breaks of Unicode."""
    text = text.strip(_EDGES)
    if ends == "CR":
        return text.split("\r")
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def gather(lines: list[str]) -> Sheaf:
    """Put lines to their messages. Without any header the sheaf is empty."""
    sheaf = Sheaf()
    for index, line in enumerate(lines):
        if header := _HEADER.match(line):
            if index:
                sheaf.before = sum(1 for earlier in lines[:index] if earlier.strip())
            _assign(line[header.start(1) :], lines[index + 1 :], sheaf)
            break
    return sheaf


def header_anywhere(text: str) -> str:
    """A header line from the middle of what cannot be read otherwise, so that an answer can quote it; or empty."""
    found = _HEADER_ANYWHERE.search(text)
    return found[0].strip(_EDGES) if found else ""


def count_notes(sheaf: Sheaf) -> tuple[str, ...]:
    """Where BTS-1 (messages in the batch) or FTS-1 (batches in the file) differ from what was received."""
    notes = []
    first, batches = 0, 0
    for before, (line, *_strays) in sheaf.controls:
        name, said = line[:3].upper(), line[4:].split(line[3], 1)[0].strip()
        if name == "BHS":
            first, batches = before, batches + 1
        elif name == "BTS" and _differs(said, before - first):
            notes.append("BTS-1 does not agree with the number of messages received")
        elif name == "FTS" and _differs(said, batches):
            notes.append("FTS-1 does not agree with the number of batches received")
    return tuple(dict.fromkeys(notes))


def _differs(said: str, counted: int) -> bool:
    return said != "" and said.lstrip("0") != (str(counted) if counted else "")


def _assign(header: str, rest: list[str], sheaf: Sheaf) -> None:
    current = _begun(header, sheaf, [])
    separator = header[3]
    usual = _usual_beginnings(separator)
    tail: list[str] = []
    for line in rest:
        if line[:4] in usual:
            if tail:
                _join(current, tail)
            current.append(line)
        elif begun := _beginning(line, separator):
            _join(current, tail)
            current = _begun(begun, sheaf, current)
            if begun[3] != separator:
                separator, usual = begun[3], _usual_beginnings(begun[3])
        else:
            tail.append(line)
    _join(current, tail)


def _begun(line: str, sheaf: Sheaf, current: list[str]) -> list[str]:
    """The list to which the lines after this segment go: of the message it begins or stands in, or of a batch
    segment, where whatever follows belongs to no message."""
    name = line[:3].upper()
    if name == "MSH":
        sheaf.messages.append([line])
        return sheaf.messages[-1]
    if name in _CONTROL_SEGMENTS:
        sheaf.controls.append((len(sheaf.messages), [line]))
        return sheaf.controls[-1][1]
    current.append(line)
    return current


def _join(current: list[str], tail: list[str]) -> None:
    """A line that does not begin with a name and the separator belongs to the field before it (a report printed into
    OBX-5): it is kept, joined by a line break, and so are blank lines between such lines."""
    while tail and (not tail[-1] or tail[-1].isspace()):
        tail.pop()
    if tail:
        current[-1] = "\n".join([current[-1], *tail])
        tail.clear()


@lru_cache(maxsize=64)
def _usual_beginnings(separator: str) -> frozenset[str]:
    """What most lines begin with: looked up first, because it is five times faster than looking closely."""
    return frozenset(f"{name}{separator}" for name in _USUAL_SEGMENTS)


def _beginning(line: str, separator: str) -> str:
    """The line from its segment name on (a header may have another separator); empty if it is no segment."""
    if line[3:4] == separator and line[:3].isalnum() and line[0].isalpha() and line[:3].isascii():
        return line
    if header := _HEADER.match(line):
        begun = line[header.start(1) :]
        if header[2] == separator or len(begun[4:].split(header[2], 1)[0]) > 2:
            return begun
    indented = line.lstrip(" \t\x00\x0b\ufeff")
    return _beginning(indented, separator) if indented != line else ""
