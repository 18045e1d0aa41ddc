"""Finding a fact's texts in a message, by the place the feed's table names."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from hub.errors import Park, Place, Reason, Reject
from hub.formats.hl7v2 import Location, Message, Segment
from hub.mapping.feed_table import Fact

# These stand once for the whole message; every other segment belongs to the order (OBR) it follows.
OF_THE_MESSAGE = frozenset({"MSH", "SFT", "PID", "PD1", "PV1", "PV2", "NK1"})


@dataclass(frozen=True, slots=True)
class Text:
    """A text of the message, unescaped and trimmed, and where it stands."""

    text: str
    place: Place
    segment: int = 1


@dataclass(frozen=True, slots=True)
class OpenEnd:
    """The last field of a message whose last segment has no end: what stands there may have been cut."""

    segment: Segment
    field: int

    def touches(self, segment: Segment, field: int, text: str) -> bool:
        """Whether a text of that field reaches up to the end of the bytes."""
        if (segment.name, segment.number, field) != (self.segment.name, self.segment.number, self.field):
            return False
        raw = segment.raw(field).rstrip()
        return raw.endswith(text) or "\\" in raw


@dataclass(frozen=True, slots=True)
class Order:
    """One order (OBR) of a message with the segments that follow it."""

    message: Message
    obr: Segment
    followers: tuple[Segment, ...]
    open_end: OpenEnd | None = None

    def segments(self, name: str) -> list[Segment]:
        if name in OF_THE_MESSAGE:
            return self.message.segments(name)
        if name == "OBR":
            return [self.obr]
        return [segment for segment in self.followers if segment.name == name]

    def texts(self, fact: Fact) -> Iterator[Text]:
        """Every non-empty text at the places of a fact. Raises Reject(INCOMPLETE) for one that may have been cut."""
        for plan in plans(fact):
            for segment in self.segments(plan.location.segment):
                for repetition in plan.repetitions(segment):
                    if found := self._text(plan.location, segment, repetition):
                        yield found

    def carries(self, fact: Fact, segment: Segment) -> bool:
        """Whether this segment is one where the fact stands, filled or not."""
        return any(
            plan.location.segment == segment.name and any(True for _ in plan.repetitions(segment))
            for plan in plans(fact)
        )

    def missing(self, fact: Fact) -> Place:
        """Where the fact ought to have stood."""
        location = plans(fact)[0].location
        return place_of(location, self.obr) if location.segment == "OBR" else location.place()

    def _text(self, location: Location, segment: Segment, repetition: int) -> Text | None:
        text = segment.value(location.field, location.component, location.subcomponent, repetition).strip()
        if not text:
            return None
        place = place_of(location, segment, repetition)
        if self.open_end and self.open_end.touches(segment, location.field, text):
            raise Reject(Reason.INCOMPLETE, place, "End the last segment with a carriage return.")
        return Text(text, place, segment.number)


@dataclass(frozen=True, slots=True)
class Plan:
    """One place of a fact, worked out: where, and under which conditions."""

    location: Location
    conditions: tuple[tuple[Location, frozenset[str]], ...]

    def repetitions(self, segment: Segment) -> Iterator[int]:
        """The repetitions of the field, from 1, in which the conditions hold; none in a segment that is not meant."""
        location = self.location
        if location.occurrence and location.occurrence != segment.number:
            return
        last = max(segment.repetitions(location.field), 1)
        for repetition in [location.repetition] if location.repetition else range(1, last + 1):
            if all(self._holds(segment, repetition, condition, wanted) for condition, wanted in self.conditions):
                yield repetition

    def _holds(self, segment: Segment, repetition: int, condition: Location, wanted: frozenset[str]) -> bool:
        same_field = condition.field == self.location.field
        nth = condition.repetition or (repetition if same_field else 1)
        return segment.value(condition.field, condition.component, condition.subcomponent, nth).strip() in wanted


@functools.lru_cache(maxsize=4096)
def plans(fact: Fact) -> tuple[Plan, ...]:
    """The places of a fact, worked out once."""
    conditions = tuple((Location.parse(at), _wanted(values)) for at, values in fact.where.items())
    return tuple(Plan(Location.parse(place), conditions) for place in fact.places)


def place_of(location: Location, segment: Segment, repetition: int = 0) -> Place:
    """The place of a location in the very segment it was read from. The first repetition is not worth naming."""
    nth = repetition if repetition > 1 else location.repetition
    return Location(
        segment.name, segment.number, location.field, nth, location.component, location.subcomponent
    ).place()


def translate(name: str, fact: Fact, found: Text, codes: dict[str, dict[str, str]]) -> str:
    """The text in the words of the feed's table: of its pattern, cut to its characters, in national codes.

    Raises Reject where the text is not of the pattern, Park(OUR_TABLE) where the table has no such code.
    """
    if fact.pattern and not re.fullmatch(fact.pattern, found.text):
        wrong = Reason.INVALID_SLIDE_NUMBER if name == "slide_number" else Reason.INVALID_VALUE
        raise Reject(wrong, found.place)
    text = _characters(fact.characters, found.text)
    if not fact.codes:
        return text
    national = codes[fact.codes].get(text)
    if national is None:
        raise Park(Reason.OUR_TABLE, found.place, f"The code is not in [codes.{fact.codes}].")
    return national


def _characters(which: str, text: str) -> str:
    first, _, last = which.partition("-")
    return text[int(first) - 1 : int(last or first)]


def _wanted(values: str | list[str]) -> frozenset[str]:
    return frozenset([values] if isinstance(values, str) else values)
