"""The service characters (UNA), and cutting a text at them where no release character stands before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True)
class Marks:
    """What separates components and elements, what releases the next character, and what ends a segment. `release` is
    empty where the sender uses none."""

    component: str = ":"
    element: str = "+"
    release: str = "?"
    terminator: str = "'"


USUAL = Marks()


def of_advice(advice: str) -> Marks | None:
    """The marks of the six characters behind `UNA` (the decimal mark and the reserve are not needed); None where they
    cannot be separators: a letter, a line end, the same one twice."""
    if len(advice) < 6:
        return None
    component, element, _decimal, release, _reserve, terminator = list(advice[:6])
    marks = [component, element, terminator, *([] if release == " " else [release])]
    if len(set(marks)) < len(marks) or any(mark.isalnum() or mark.isspace() or mark < " " for mark in marks):
        return None
    return Marks(component, element, release.strip(), terminator)


def cut(text: str, mark: str, release: str) -> list[str]:
    """The pieces between unreleased marks, as they stand: nothing is released yet. Takes as long as the text."""
    if not release or release not in text:
        return text.split(mark)
    pieces, start = [], 0
    for found in _stops(mark, release).finditer(text):
        if found[0] == mark:
            pieces.append(text[start : found.start()])
            start = found.end()
    return [*pieces, text[start:]]


def released(text: str, release: str) -> str:
    """The text without its release characters."""
    return _released(release).sub(r"\1", text) if release and release in text else text


def escaped(text: str, marks: Marks) -> str:
    """The text as it may stand in a component."""
    for mark in (marks.release, marks.component, marks.element, marks.terminator):
        text = text.replace(mark, marks.release + mark)
    return text


@lru_cache(maxsize=32)
def _stops(mark: str, release: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(release)}.|{re.escape(mark)}", re.DOTALL)


@lru_cache(maxsize=8)
def _released(release: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(release)}(.)", re.DOTALL)
