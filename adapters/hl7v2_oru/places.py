"""Finding a fact's texts in a message, by the place the feed's table names."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from adapters.hl7v2_oru.status import field_place, observation_version, order_version
from hub.domain.events import Version
from hub.errors import Place, Reason, Reject
from hub.formats.hl7v2 import Location, Message, Segment
from hub.mapping.feed_table import Fact, Facts, FeedTable

# These stand once for the whole message; every other segment belongs to the order (OBR) it follows.
OF_THE_MESSAGE = frozenset({"MSH", "SFT", "PID", "PD1", "PV1", "PV2", "NK1"})

MOST_REPETITIONS = 100
"""Of a field in which a fact stands: each is looked at by itself."""

_Condition = tuple[Location, frozenset[str]]


@dataclass(slots=True, repr=False)  # not frozen: there are some thirty a message, and freezing is most of their price
class Text:
    """A text of the message, unescaped and trimmed, and where it stands. It may be a name: it has no repr."""

    text: str
    location: Location
    segment: Segment
    repetition: int

    @property
    def place(self) -> Place:
        return place_of(self.location, self.segment, self.repetition)

    @property
    def group(self) -> int:
        return self.segment.number


@dataclass(frozen=True, slots=True)
class Order:
    """One order (OBR) of a message with the segments that follow it. In each of `observations` (OBX) stands a fact of
    the feed, filled or not. `open_end` is the last segment of the bytes if it has no carriage return at its end: it may
    have been cut."""

    message: Message
    obr: Segment
    followers: tuple[Segment, ...]
    observations: tuple[Segment, ...]
    open_end: Segment | None = None
    _named: dict[str, list[Segment]] = field(default_factory=dict, compare=False, repr=False)
    _holding: dict[tuple[str, Location], dict[str, list[Segment]]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def segments(self, name: str) -> list[Segment]:
        """The segments of that name which belong to the order or to the whole message."""
        found = self._named.get(name)
        if found is None:
            found = self._named[name] = self._segments(name)
        return found

    def _segments(self, name: str) -> list[Segment]:
        if name in OF_THE_MESSAGE:
            return self.message.segments(name)
        if name == "OBR":
            return [self.obr]
        return [segment for segment in self.followers if segment.name == name]

    @property
    def person(self) -> Place:
        return Location("PID", 1).place()

    def issued(self, _table: FeedTable) -> tuple[Text, str]:
        """OBR-22, else MSH-7. Raises Reject where both are empty."""
        for segment, number in ((self.obr, 22), (self.message.header, 7)):
            if text := segment.value(number).strip():
                return Text(text, Location(segment.name, segment.number, number), segment, 1), "HL7"
        raise Reject(Reason.MISSING_DATA, field_place(self.obr, 22), "MSH-7 is empty as well.")

    def statuses(self, _table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """OBR-25, then OBX-11 of each observation in which a fact of the feed stands."""
        yield "OBR-25", partial(order_version, self.obr)
        for obx in self.observations:
            yield f"OBX[{obx.number}]-11", partial(observation_version, obx)

    def meant(self, plan: Plan) -> list[Segment]:
        """The segments that a plan means. Most plans ask for one value at one place (OBX-3), each for another: so the
        observations are sorted by what they hold there, once for all facts."""
        name = plan.location.segment
        if plan.means_all:
            return self.segments(name)
        if plan.key is None:
            return [segment for segment in self.segments(name) if plan.is_meant(segment)]
        at, wanted = plan.key
        holding = self._holding.get((name, at)) or self._sorted(name, at)
        found = holding.get(wanted, [])
        return found if plan.key_is_all else [segment for segment in found if plan.is_meant(segment)]

    def _sorted(self, name: str, at: Location) -> dict[str, list[Segment]]:
        holding = self._holding.setdefault((name, at), {})
        for segment in self.segments(name):
            holding.setdefault(_text(segment, at, at.repetition or 1), []).append(segment)
        return holding

    def texts(self, fact: Fact) -> list[Text]:
        """Every non-empty text at the places of a fact."""
        found: list[Text] = []
        for plan in plans(fact):
            at = plan.location
            for segment in self.meant(plan):
                count = segment.repetitions(at.field)
                if count > MOST_REPETITIONS:
                    hint = f"A field may repeat {MOST_REPETITIONS} times."
                    raise Reject(Reason.INVALID_VALUE, place_of(at, segment), hint)
                if count:
                    found += [
                        Text(text, at, segment, repetition)
                        for repetition in plan.repetitions(segment, count)
                        if (text := _text(segment, at, repetition))
                    ]
        return found

    @property
    def is_ours(self) -> bool:
        """Whether the order carries one of the feed's facts, or withdraws one; histology beside it does not."""
        return self.obr.value(25) == "X" or bool(self.observations)

    def perhaps_cut(self, facts: Facts) -> Place | None:
        """Where a fact stands, or would have stood, in the open last field of the bytes or behind it."""
        end = self.open_end
        if end is None or not any(segment is end for segment in self.segments(end.name)):
            return None
        for _, fact in facts.declared():
            for plan in plans(fact):
                at = plan.location
                if at.segment == end.name and at.field >= end.fields and plan.is_meant(end):
                    return place_of(at, end)
        return None

    def missing(self, fact: Fact) -> Place:
        """Where the fact ought to have stood: in the first segment meant for it, else in none that could be counted."""
        for plan in plans(fact):
            at = plan.location
            for segment in self.meant(plan):
                return place_of(at if segment.present(at.field) else _whole_field(at), segment)
        return _uncounted(_whole_field(plans(fact)[0].location))


@dataclass(frozen=True, slots=True)
class Plan:
    """One place of a fact, worked out: where, and what the segment and the repetition must hold to be meant."""

    location: Location
    of_segment: tuple[_Condition, ...]
    of_repetition: tuple[_Condition, ...]
    key: tuple[Location, str] | None = None
    """The first of the conditions on the segment, where it asks for one value at one place."""
    key_is_all: bool = False
    """Nothing is asked of a segment beside its key."""
    means_all: bool = False
    """Every segment of the name is meant."""

    def is_meant(self, segment: Segment) -> bool:
        """Whether the conditions on the segment as a whole hold."""
        occurrence = self.location.occurrence
        if occurrence and occurrence != segment.number:
            return False
        return all(_holds(segment, each, each[0].repetition or 1) for each in self.of_segment)

    def repetitions(self, segment: Segment, count: int) -> Sequence[int]:
        """The repetitions of the field, from 1, in which the fact stands, in a segment that is meant and has `count`
        of them."""
        nth = self.location.repetition
        every = (nth,) if nth else range(1, count + 1)
        if not self.of_repetition:
            return every
        return [number for number in every if all(_holds(segment, each, number) for each in self.of_repetition)]


def meant(observations: list[Segment], facts: Facts) -> tuple[Segment, ...]:
    """Those of the OBX in which one of the feed's facts stands, filled or not."""
    if not observations:
        return ()
    by_key, others = _of_observations(facts)
    return tuple([obx for obx in observations if _is_meant(obx, by_key, others)])


def _is_meant(obx: Segment, by_key: Sequence[_Condition], others: Sequence[Plan]) -> bool:
    for condition in by_key:
        if _holds(obx, condition, condition[0].repetition or 1):
            return True
    return any(plan.is_meant(obx) for plan in others) if others else False


@functools.lru_cache(maxsize=4096)
def plans(fact: Fact) -> tuple[Plan, ...]:
    """The places of a fact, worked out once."""
    return tuple(_plan(Location.parse(place), fact) for place in fact.places)


def place_of(location: Location, segment: Segment, repetition: int = 0) -> Place:
    """The place of a location in the very segment it was read from. The first repetition is not worth naming."""
    nth = repetition if repetition > 1 else location.repetition
    return Location(
        segment.name, segment.number, location.field, nth, location.component, location.subcomponent
    ).place()


def _whole_field(location: Location) -> Location:
    """Of an empty field the first component is not worth naming."""
    if location.component > 1 or location.subcomponent > 1:
        return location
    return replace(location, component=0, subcomponent=0)


def _uncounted(location: Location) -> Place:
    """The place in a segment that did not come: ERR-2 leaves open which one of that name."""
    segment, _first, *deeper = location.place().parts
    return Place(str(location), (segment, str(location.occurrence or ""), *deeper))


def _plan(location: Location, fact: Fact) -> Plan:
    conditions = [(Location.parse(at), _wanted(values)) for at, values in fact.where.items()]
    together = [each for each in conditions if each[0].field == location.field and not each[0].repetition]
    of_segment = tuple(each for each in conditions if each not in together)
    at, wanted = of_segment[0] if of_segment else (location, frozenset())
    key = (at, next(iter(wanted))) if len(wanted) == 1 else None
    key_is_all = key is not None and len(of_segment) == 1 and not location.occurrence
    return Plan(location, of_segment, tuple(together), key, key_is_all, not (of_segment or location.occurrence))


@functools.lru_cache(maxsize=256)
def _of_observations(facts: Facts) -> tuple[tuple[_Condition, ...], tuple[Plan, ...]]:
    """What is asked of an OBX in which a fact stands: the keys by their place, and the plans that ask for more."""
    found = [plan for _, fact in facts.declared() for plan in plans(fact) if plan.location.segment == "OBX"]
    keys: dict[Location, set[str]] = {}
    for plan in found:
        if plan.key and plan.key_is_all:
            keys.setdefault(plan.key[0], set()).add(plan.key[1])
    others = {(plan.location.occurrence, plan.of_segment): plan for plan in found if not plan.key_is_all}
    return tuple((at, frozenset(wanted)) for at, wanted in keys.items()), tuple(others.values())


def _holds(segment: Segment, condition: _Condition, repetition: int) -> bool:
    at, wanted = condition
    return _text(segment, at, repetition) in wanted


def _text(segment: Segment, at: Location, repetition: int) -> str:
    return segment.value(at.field, at.component, at.subcomponent, repetition).strip()


def _wanted(values: str | list[str]) -> frozenset[str]:
    return frozenset([values] if isinstance(values, str) else values)
