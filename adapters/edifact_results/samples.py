"""The samples of a message, and where in one a fact stands.

The groups of MEDRPT stand in one another by their numbers: parties (S01), report (S02), patient (S06, S07), sample
(S16). A group ends those with its number or a higher one; to a sample belong its own group and those it stands in.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from hub.domain.events import Version
from hub.errors import Place
from hub.formats.edifact import Location, Message, Segment, located
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.stated import stated_issue, statuses_of

_GROUP = re.compile(r"S[0-9]{2}")
_PARTY, _SAMPLE = 1, 16

Group = list[Segment]
_Condition = tuple[Location, frozenset[str]]


@dataclass(slots=True, repr=False)
class Text:
    """A text of a message, released and trimmed. It may be a name: it has no repr."""

    text: str
    location: Location
    segment: Segment

    @property
    def place(self) -> Place:
        return self.location.place(self.segment.number)

    @property
    def group(self) -> int:
        return self.segment.number


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """One sample (see `hub.mapping.report.Source`): the groups it stands in, outermost first, then its own."""

    around: list[Group]
    own: list[Group]

    @property
    def groups(self) -> Iterator[Group]:
        yield from self.around
        yield from self.own

    @property
    def stray(self) -> Place | None:
        """A reference (RFF+ASL) to another sample than this one (SEQ-2): the sender ordered its groups otherwise."""
        segments = [segment for group in self.own for segment in group]
        names = {segment.value(2).strip() for segment in segments if segment.tag == "SEQ"}
        for segment in segments:
            if segment.tag == "RFF" and segment.value(1) == "ASL" and segment.value(1, 2).strip() not in names:
                return Location("RFF", 1, 2).place(segment.number)
        return None

    @property
    def person(self) -> Place:
        """The patient's segment, where there is one."""
        found = (segment for group in self.groups for segment in group if segment.tag == "PNA")
        number = next((segment.number for segment in found), 0)
        return Place(f"PNA[{number}]" if number else "PNA", ("PNA", str(number or "")))

    def texts(self, fact: Fact) -> list[Text]:
        """Every non-empty text at the places of a fact."""
        return [
            Text(text, at, segment)
            for at in (located(place) for place in fact.places)
            for segment in self._meant(at.tag, fact)
            if (text := segment.value(at.element, at.component).strip())
        ]

    def missing(self, fact: Fact) -> Place:
        """In the first segment meant for it, else in none that could be counted."""
        location = located(fact.places[0])
        return location.place(next((segment.number for segment in self._meant(location.tag, fact)), 0))

    def issued(self, table: FeedTable) -> tuple[Text, str]:
        """By the fact `authorised_at`. Raises Reject."""
        text, form = stated_issue(self, table)
        assert isinstance(text, Text)
        return text, form

    def statuses(self, table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """By the fact `version`."""
        return statuses_of(self, table)

    def _meant(self, tag: str, fact: Fact) -> Iterator[Segment]:
        """The segments of that tag in which the conditions of a fact hold."""
        conditions = _conditions(fact)
        for group in self.groups:
            for index, segment in enumerate(group):
                if segment.tag == tag and all(_holds(each, group, index) for each in conditions):
                    yield segment


def samples(message: Message) -> list[Sample]:
    """Each sample group of a message, in order, with the groups around it and inside it."""
    head: list[Group] = [[]]  # what stands before any group, and the parties, which belong to the whole message
    open_groups: list[tuple[int, Group]] = []
    found: list[Sample] = []
    for segment in message.segments[:-1]:
        level = int(segment.tag[1:]) if _GROUP.fullmatch(segment.tag) else 0
        if not level:
            (open_groups[-1][1] if open_groups else head[-1]).append(segment)
            continue
        open_groups = [(number, group) for number, group in open_groups if number < level]
        group = [segment]
        if level == _PARTY:
            head.append(group)
            continue
        open_groups.append((level, group))
        if level == _SAMPLE:
            found.append(Sample([*head, *(each for _, each in open_groups[:-1])], [group]))
        elif any(number == _SAMPLE for number, _ in open_groups):
            found[-1].own.append(group)
    return found


@functools.lru_cache(maxsize=4096)
def _conditions(fact: Fact) -> Sequence[_Condition]:
    return [
        (located(at), frozenset([wanted] if isinstance(wanted, str) else wanted)) for at, wanted in fact.where.items()
    ]


def _holds(condition: _Condition, group: Group, index: int) -> bool:
    """Whether the segment itself, or for another tag the last such segment before it in its group, has the value."""
    at, wanted = condition
    for segment in reversed(group[: index + 1]):
        if segment.tag == at.tag:
            return segment.value(at.element, at.component).strip() in wanted
    return False
