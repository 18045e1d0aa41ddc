"""What is wrong with a message, where, and how a place in a resource is written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hub.errors import Place, Reason, Reject

Steps = tuple[str | int, ...]
"""The way from the outermost resource to an element: names, and after the name of a list the number from 0."""

MOST_FINDINGS = 50
"""A Bundle may be wrong in every element: the first fifty say enough."""


_LONGEST_NAME = 64
_ELEMENT = re.compile("_?[a-z][A-Za-z]*[0-9]{0,2}[A-Za-z]*")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong, in words that name no value of the message."""

    reason: Reason
    steps: Steps
    sentence: str

    @property
    def reject(self) -> Reject:
        return Reject(self.reason, place_at(self.steps) if self.steps else None, self.sentence)


class Unreadable(Exception):
    """The bytes cannot be taken apart. `finding` says why."""

    def __init__(self, sentence: str, *, reason: Reason = Reason.UNREADABLE, steps: Steps = ()) -> None:
        self.finding = Finding(reason, steps, sentence)
        super().__init__(sentence)


def is_element_name(name: str) -> bool:
    """Whether a name may stand in a place: no name of a person's and no number looks like an element's."""
    return len(name) <= _LONGEST_NAME and _ELEMENT.fullmatch(name) is not None


def expression(steps: Steps) -> str:
    """As OperationOutcome.expression writes it: `Bundle.entry[3].resource.status`."""
    words = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps)
    return "Bundle" + "".join(words)


def place_at(steps: Steps) -> Place:
    """The same as a place."""
    text = expression(steps)
    return Place(text, (text,))
