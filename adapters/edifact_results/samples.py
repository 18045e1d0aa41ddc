"""The samples of a message, and where in one a fact stands.

The groups of MEDRPT stand in one another by their numbers: parties (S01), report (S02), patient (S06, S07), sample
(S16). A group ends those with its number or a higher one; to a sample belong its own group and those it stands in.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

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
class Part:
    """Groups of one level. What a fact means among them is looked up once for all samples that stand in them."""

    groups: list[Group]
    _meant: dict[tuple[Fact, str], list[Segment]] = field(default_factory=dict)

    def meant(self, tag: str, fact: Fact) -> list[Segment]:
        """The segments of that tag in which the conditions of a fact hold."""
        if (fact, tag) not in self._meant:
            self._meant[fact, tag] = [found for group in self.groups for found in _meant(group, tag, _conditions(fact))]
        return self._meant[fact, tag]


@dataclass(frozen=True, slots=True, repr=False)
class Sample:
    """One sample (see `hub.mapping.report.Source`): what it stands in, outermost first, and at last its own groups."""

    parts: tuple[Part, ...]

    @property
    def stray(self) -> Place | None:
        """A reference (RFF+ASL) to another sample than this one (SEQ-2): the sender ordered its groups otherwise."""
        segments = [segment for group in self.parts[-1].groups for segment in group]
        names = {segment.value(2).strip() for segment in segments if segment.tag == "SEQ"}
        for segment in segments:
            if segment.tag == "RFF" and segment.value(1) == "ASL" and segment.value(1, 2).strip() not in names:
                return Location("RFF", 1, 2).place(segment.number)
        return None

    @property
    def person(self) -> Place:
        """The patient's segment, where there is one."""
        found = (one for part in self.parts for group in part.groups for one in group if one.tag == "PNA")
        number = next((segment.number for segment in found), 0)
        return Place(f"PNA[{number}]" if number else "PNA", ("PNA", str(number or "")))

    def texts(self, fact: Fact) -> list[Text]:
        """Every non-empty text at the places of a fact."""
        return [
            Text(text, at, segment)
            for at in (located(place) for place in fact.places)
            for part in self.parts
            for segment in part.meant(at.tag, fact)
            if (text := segment.value(at.element, at.component).strip())
        ]

    def missing(self, fact: Fact) -> Place:
        """In the first segment meant for it, else in none that could be counted."""
        location = located(fact.places[0])
        meant = (segment.number for part in self.parts for segment in part.meant(location.tag, fact))
        return location.place(next(meant, 0))

    def issued(self, table: FeedTable) -> tuple[Text, str]:
        """By the fact `authorised_at`. Raises Reject."""
        text, form = stated_issue(self, table)
        assert isinstance(text, Text)
        return text, form

    def statuses(self, table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """By the fact `version`."""
        return statuses_of(self, table)


def samples(message: Message) -> list[Sample]:
    """Each sample group of a message, in order, with the groups around it and inside it."""
    head = Part([[]])  # what stands before any group, and the parties, which belong to the whole message
    around: list[tuple[int, Part]] = []
    found: list[Sample] = []
    for segment in message.segments[:-1]:
        level = int(segment.tag[1:]) if _GROUP.fullmatch(segment.tag) else 0
        if not level:
            (around[-1][1] if around else head).groups[-1].append(segment)
            continue
        around = [(number, part) for number, part in around if number < level]
        if level == _PARTY:
            head.groups.append([segment])
        elif around and around[-1][0] == _SAMPLE:  # inside a sample, and its own
            around[-1][1].groups.append([segment])
        else:
            around.append((level, Part([[segment]])))
            if level == _SAMPLE:
                found.append(Sample((head, *(part for _, part in around))))
    return found


@functools.lru_cache(maxsize=4096)
def _conditions(fact: Fact) -> Sequence[_Condition]:
    return [
        (located(at), frozenset([wanted] if isinstance(wanted, str) else wanted)) for at, wanted in fact.where.items()
    ]


def _meant(group: Group, tag: str, conditions: Sequence[_Condition]) -> Iterator[Segment]:
    """A condition is asked of the segment itself; for another tag, of the last such segment before it in its group."""
    latest: dict[str, Segment] = {}
    for segment in group:
        latest[segment.tag] = segment
        if segment.tag == tag and all(_holds(latest.get(at.tag), at, wanted) for at, wanted in conditions):
            yield segment


def _holds(segment: Segment | None, at: Location, wanted: frozenset[str]) -> bool:
    return segment is not None and segment.value(at.element, at.component).strip() in wanted
