"""One FHIR message: bytes to a tree, and everything that is wrong with it. Never raises, never tells a value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from hub.errors import Reason
from hub.formats.fhir.finding import MOST_FINDINGS, Finding, Steps, Unreadable, is_element_name
from hub.formats.fhir.json_form import tree_of_json
from hub.formats.fhir.model import violations
from hub.formats.fhir.xml_form import MOST_DEEP, tree_of_xml

MOST_BYTES = 16 * 1024 * 1024
"""Bytes of a message at most, whatever its door lets in."""
_BOM = b"\xef\xbb\xbf"
_OUTSIDE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_DECLARED = re.compile(rb"""\s*<\?xml[^>]*\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})""")
_EMPTY: tuple[object, ...] = ("", {}, [])


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """A message as far as it could be read. `tree` is empty where it could not, and `unreadable` says why."""

    raw: bytes
    is_xml: bool
    tree: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    unreadable: Finding | None = None

    def violations(self) -> tuple[Finding, ...]:
        """Where it is not as FHIR R4 says a Bundle must be."""
        found: dict[Steps, Finding] = {}
        for finding in (*islice(_shape(self.tree, ()), MOST_FINDINGS), *violations(self.tree)):
            if finding.steps or not found:  # what is said of the whole only repeats what is said of its parts
                found.setdefault(finding.steps, finding)
        return tuple(found.values())[:MOST_FINDINGS]


def read(raw: bytes) -> Document:
    """Take the bytes apart. JSON and XML are told apart by their first character, whatever the door was told."""
    is_xml = looks_like_xml(raw)
    notes = tuple(_notes(raw))
    try:
        return Document(raw, is_xml, _tree(raw.removeprefix(_BOM), is_xml), notes)
    except Unreadable as wrong:
        return Document(raw, is_xml, {}, notes, wrong.finding)


def looks_like_xml(raw: bytes) -> bool:
    """Whether the first character that is no space opens a tag."""
    return raw.removeprefix(_BOM)[:4096].lstrip().startswith(b"<")


def _notes(raw: bytes) -> Iterator[str]:
    if raw.startswith(_BOM):
        yield "byte order mark"
    declared = _DECLARED.match(raw[:4096].removeprefix(_BOM))
    if declared and declared[1].lower() not in (b"utf-8", b"utf8", b"us-ascii"):
        yield "charset=utf-8 declared otherwise"


def _tree(raw: bytes, is_xml: bool) -> Mapping[str, Any]:
    if len(raw) > MOST_BYTES:
        raise Unreadable("Send fewer reports at once.", reason=Reason.TOO_LARGE)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("FHIR is written in UTF-8, and this is not.") from None
    if not text.strip():
        raise Unreadable("The message is empty.")
    tree = tree_of_xml(text) if is_xml else tree_of_json(text)
    if not isinstance(tree, dict):
        raise Unreadable("A resource is due: one JSON object.")
    _examine(tree)
    return tree


def _examine(tree: dict[str, Any]) -> None:
    """Raises Unreadable for what nests too deeply, and for characters that no text may hold."""
    level: list[tuple[Any, Steps]] = [(tree, ())]
    for _ in range(MOST_DEEP):
        for value, steps in level:
            if isinstance(value, str) and _OUTSIDE.search(value):
                raise Unreadable("A text holds a control character or half a character.", steps=steps)
        level = [child for value, steps in level for child in _children(value, steps)]
        if not level:
            return
    raise Unreadable("It is nested too deeply.")


def _children(value: Any, steps: Steps) -> Iterator[tuple[Any, Steps]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield child, (*steps, name) if is_element_name(name) else steps
    elif isinstance(value, list):
        for number, child in enumerate(value):
            yield child, (*steps, number)


def _shape(value: Any, steps: Steps) -> Iterator[Finding]:
    """What no tree of FHIR may hold, whatever it says: names that are none, empty elements, nulls."""
    if isinstance(value, dict) and not all(map(is_element_name, value)):
        yield Finding(Reason.INVALID_VALUE, steps, "An element here has a name that FHIR R4 does not have.")
    for child, at in _children(value, steps):
        if child in _EMPTY or (child is None and isinstance(value, dict)):
            yield Finding(Reason.INVALID_VALUE, at, "An element is never empty in FHIR. Fill it or leave it out.")
        else:
            yield from _shape(child, at)
