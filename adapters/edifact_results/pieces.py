"""Every component of an interchange with its place, and the interchange written again with some of them changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from hub.contract import Piece
from hub.formats.charsets import whole
from hub.formats.edifact import Interchange, Location
from hub.formats.edifact.marks import USUAL, Marks, cut, escaped, of_advice, released

_BEGINNING = re.compile(r"[\s\x00\ufeff]*(?:UNA.{6})?", re.DOTALL)
_TAG = re.compile(r"(\s*)([A-Z][A-Z0-9]{2})(?![A-Za-z0-9])")
_SERVICE = re.compile(r"UN[A-Z]|S[0-9]{2}")
# What speaks of people and in sentences: nothing in it is taken for a code.
_OF_PEOPLE = frozenset({"PNA", "ADR", "FTX", "NAD", "COM", "PDI"})
_CODE = re.compile(r"[A-Z0-9]{1,3}")

Change = Callable[[Piece], str]


def rewritten(interchange: Interchange, change: Change) -> bytes:
    """The bytes, with each component as `change` says."""
    text, codec = whole(interchange.raw, interchange.charset)
    found = _BEGINNING.match(text)
    beginning = found[0] if found else ""
    marks = (of_advice(beginning[-6:]) if "UNA" in beginning else USUAL) or USUAL
    seen: Counter[str] = Counter()
    pieces = cut(text[len(beginning) :], marks.terminator, marks.release)
    return (beginning + marks.terminator.join(_segment(each, marks, seen, change) for each in pieces)).encode(codec)


def _segment(text: str, marks: Marks, seen: Counter[str], change: Change) -> str:
    found = _TAG.match(text)
    if found is None:
        return change(Piece("", text)) if text.strip() else text
    tag = found[2]
    if tag == "UNH":
        seen.clear()
    seen[tag] += 1
    head, *elements = cut(text, marks.element, marks.release)
    written = [_element(each, tag, seen[tag], number, marks, change) for number, each in enumerate(elements, start=1)]
    return marks.element.join([head, *written])


def _element(text: str, tag: str, nth: int, number: int, marks: Marks, change: Change) -> str:
    return marks.component.join(
        _component(each, Location(tag, number, component), nth, marks, change)
        for component, each in enumerate(cut(text, marks.component, marks.release), start=1)
    )


def _component(raw: str, at: Location, nth: int, marks: Marks, change: Change) -> str:
    text = released(raw, marks.release)
    if not text.strip():
        return raw
    new = change(Piece(at.place(nth).text, text, _is_code(at, text), at.place().text))
    return raw if new == text else escaped(new, marks)


def _is_code(at: Location, text: str) -> bool:
    if _SERVICE.fullmatch(at.tag):
        return True
    if at.tag in _OF_PEOPLE or not _CODE.fullmatch(text):
        return False
    return at.component == 1 or text.isdigit()  # the number of a sample, which others refer to
