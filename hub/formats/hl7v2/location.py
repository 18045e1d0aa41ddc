"""Where something stands in an HL7 v2 message: `OBX[3]-5.1`, `PID-3[2].4.1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from hub.errors import Place

_NUMBER = r"([1-9][0-9]{0,5})"
_LOCATION = re.compile(
    rf"([A-Z][A-Z0-9]{{2}})(?:\[{_NUMBER}\])?(?:-{_NUMBER}(?:\[{_NUMBER}\])?(?:\.{_NUMBER}(?:\.{_NUMBER})?)?)?"
)


class Unreadable(ValueError):
    """A text is not a location. Raised for our own tables and code, never for a message."""


@dataclass(frozen=True, slots=True)
class Location:
    """Segment name (upper case), then its occurrence, field, repetition, component and sub-component, all counted
    from 1; 0 means that the location does not say."""

    segment: str
    occurrence: int = 0
    field: int = 0
    repetition: int = 0
    component: int = 0
    subcomponent: int = 0

    @classmethod
    def parse(cls, text: str) -> Location:
        """Read `SEG[n]-field[repetition].component.subcomponent`, everything after the name optional.

        Raises Unreadable if it is not of that form."""
        found = _LOCATION.fullmatch(text.strip().upper())
        if found is None:
            raise Unreadable("A location has the form PID-5, PID-3[2].1 or OBX[3]-5.1.2, counted from 1.")
        segment, *numbers = found.groups()
        return cls(segment, *(int(number or 0) for number in numbers))

    def __str__(self) -> str:
        text = self.segment + (f"[{self.occurrence}]" if self.occurrence else "")
        if self.field:
            text += f"-{self.field}" + (f"[{self.repetition}]" if self.repetition else "")
        if self.component:
            text += f".{self.component}" + (f".{self.subcomponent}" if self.subcomponent else "")
        return text

    def place(self) -> Place:
        """The place for a person and for ERR-2. An occurrence or repetition left out before a deeper part is the
        first."""
        numbers = (self.occurrence, self.field, self.repetition, self.component, self.subcomponent)
        deepest = max((index for index, number in enumerate(numbers, 1) if number), default=0)
        return Place(str(self), (self.segment, *(str(number or 1) for number in numbers[:deepest])))


@lru_cache(maxsize=4096)
def steps(location: str | Location) -> tuple[str, int, int, int, int, int]:
    """A location as Message.get walks it: segment, occurrence, field, component, sub-component, repetition.

    Remembered, because the same few locations are read from every message of a feed."""
    at = Location.parse(location) if isinstance(location, str) else location
    return at.segment, at.occurrence or 1, at.field, at.component, at.subcomponent, at.repetition or 1
