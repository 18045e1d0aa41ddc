"""Where something stands in an EDIFACT message: `PNA-5.2`, `RSL[3]-2.1`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from hub.errors import Place

_LOCATION = re.compile(r"([A-Z][A-Z0-9]{2})-([1-9][0-9]?)(?:\.([1-9][0-9]?))?")


class Unreadable(ValueError):
    """A text is not a location. Raised for our own tables, never for a message."""


@dataclass(frozen=True, slots=True)
class Location:
    """Segment, element (the first behind the tag is 1) and component, counted from 1."""

    tag: str
    element: int
    component: int = 1

    def place(self, number: int = 0) -> Place:
        """The place for a person, in the segment with this number of its tag (0: none that could be counted)."""
        deeper = f".{self.component}" if self.component > 1 else ""
        which = f"[{number}]" if number else ""
        return Place(
            f"{self.tag}{which}-{self.element}{deeper}",
            (self.tag, str(number or ""), str(self.element), str(self.component)),
        )


@lru_cache(maxsize=4096)
def located(text: str) -> Location:
    """Read `TAG-element.component`; without a component the first is meant. Raises Unreadable."""
    found = _LOCATION.fullmatch(text.strip().upper())
    if found is None:
        raise Unreadable("A location has the form RSL-2 or PNA-5.2, counted from 1 behind the tag.")
    return Location(found[1], int(found[2]), int(found[3] or 1))
