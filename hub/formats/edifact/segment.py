"""One segment, cut into elements when it is first asked for one."""

from __future__ import annotations

import re

from hub.formats.edifact.marks import Marks, cut, released

_TAG = re.compile(r"[A-Z][A-Z0-9]{2}(?![A-Za-z0-9])")


class Segment:
    """`tag` is empty where the text begins with none. `number` counts the segments of its tag in the message from 1.
    What is not there reads as the empty string."""

    __slots__ = ("_elements", "_marks", "_text", "number", "tag")

    def __init__(self, text: str, marks: Marks, number: int = 1) -> None:
        self._text = text
        self._marks = marks
        self._elements: list[str] | None = None
        self.tag = text[:3] if _TAG.match(text) else ""
        self.number = number

    def value(self, element: int, component: int = 1) -> str:
        """A component, released; both are counted from 1, the first element is the one behind the tag."""
        if self._elements is None:
            self._elements = cut(self._text, self._marks.element, self._marks.release)
        if not 0 < element < len(self._elements):
            return ""
        pieces = cut(self._elements[element], self._marks.component, self._marks.release)
        return released(pieces[component - 1], self._marks.release) if 0 < component <= len(pieces) else ""

    def __repr__(self) -> str:
        return f"Segment({self.tag}[{self.number}])"
