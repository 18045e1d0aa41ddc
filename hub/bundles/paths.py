"""Finding a fact's texts in the resources of a report, by the path the feed's table names.

A path begins with the type of a resource of the report and names elements from there: `Patient.identifier.value`. It
goes on through a reference: `ServiceRequest.requester.organization.identifier.value`. A condition holds for the very
element that it shares with the place: of `Patient.identifier.value` where `Patient.identifier.system` is this, the one
identifier; of a place in an Observation where its code is this, the one Observation.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile

from hub.errors import Place
from hub.formats.fhir import Node, Resources
from hub.mapping.feed_table import Fact

_PATH = re.compile(r"[A-Z][A-Za-z]*(\.[a-z][A-Za-z0-9]*)+")


@dataclass(frozen=True, slots=True, repr=False)
class Text:
    """A text of the message and where it stands. It may be a name: it has no repr. Parts of one resource belong
    together."""

    node: Node
    group: int

    @property
    def text(self) -> str:
        return self.node.text

    @property
    def place(self) -> Place:
        return self.node.place


@dataclass(frozen=True, slots=True)
class Condition:
    """What must be found at the end of `rest`, seen from the element `shared` steps below the root."""

    shared: int
    rest: tuple[str, ...]
    wanted: frozenset[str]


@dataclass(frozen=True, slots=True)
class Plan:
    """One place of a fact, worked out. `depth` is how far down the elements go of which something is asked."""

    root: str
    steps: tuple[str, ...]
    conditions: tuple[Condition, ...]

    @property
    def depth(self) -> int:
        return max((condition.shared for condition in self.conditions), default=0)

    def nearer(self) -> Iterator[Plan]:
        """The plan, then with less and less asked of the deepest elements."""
        for depth in sorted({condition.shared for condition in self.conditions}, reverse=True):
            yield replace(self, conditions=tuple(each for each in self.conditions if each.shared <= depth))

    def meant(self, root: Node, resources: Resources) -> Iterator[Node]:
        """The elements of which everything asked is true, filled or not."""
        for trail in _trails(root, self.steps[: self.depth], resources):
            if all(_holds(condition, trail, resources) for condition in self.conditions):
                yield trail[-1]

    def found(self, root: Node, resources: Resources) -> Iterator[Node]:
        """The texts at the place, none of them empty."""
        for element in self.meant(root, resources):
            for trail in _trails(element, self.steps[self.depth :], resources):
                if trail[-1].text:
                    yield trail[-1]


Roots = Callable[[str], Sequence[Node]]
"""The resources of a report by their type."""


def texts(fact: Fact, roots: Roots, resources: Resources) -> list[Text]:
    """Every non-empty text at the places of a fact."""
    return [
        Text(node, group)
        for plan in plans(fact)
        for group, root in enumerate(roots(plan.root))
        for node in plan.found(root, resources)
    ]


def missing(fact: Fact, roots: Roots, resources: Resources) -> Place:
    """Where the fact ought to have stood: in the element meant for it, or the nearest to it, or the only resource of
    its type; else in any."""
    plan = plans(fact)[0]
    for nearer in (*plan.nearer(), *((replace(plan, conditions=()),) if len(roots(plan.root)) == 1 else ())):
        for root in roots(plan.root):
            for element in nearer.meant(root, resources):
                return Node(None, (*element.steps, *plan.steps[nearer.depth :])).place
    text = f"Bundle.entry.resource.ofType({plan.root}).{'.'.join(plan.steps)}"
    return Place(text, (text,))


def carries(facts: Sequence[Fact], root: Node, resources: Resources) -> bool:
    """Whether one of these facts stands in this resource, filled or not."""
    return any(
        next(plan.meant(root, resources), None) is not None
        for fact in facts
        for plan in plans(fact)
        if plan.root == root.resource_type and plan.conditions
    )


def is_path(text: str) -> bool:
    """Whether it is written like a place."""
    return _PATH.fullmatch(text) is not None


@functools.lru_cache(maxsize=4096)
def plans(fact: Fact) -> tuple[Plan, ...]:
    """The places of a fact, worked out once."""
    return tuple(_plan(place, fact) for place in fact.places)


def _plan(place: str, fact: Fact) -> Plan:
    root, *steps = place.split(".")
    conditions = [_condition(steps, at.split(".")[1:], values) for at, values in fact.where.items()]
    return Plan(root, tuple(steps), tuple(conditions))


def _condition(steps: list[str], path: list[str], values: str | list[str]) -> Condition:
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(steps, path, strict=False)))
    return Condition(shared, tuple(path[shared:]), frozenset([values] if isinstance(values, str) else values))


def _trails(start: Node, steps: Sequence[str], resources: Resources) -> Iterator[tuple[Node, ...]]:
    """Every way down these steps, with all the elements passed."""
    if not steps:
        yield (start,)
        return
    for child in resources.onward(start, steps[0]):
        for trail in _trails(child, steps[1:], resources):
            yield (start, *trail)


def _holds(condition: Condition, trail: tuple[Node, ...], resources: Resources) -> bool:
    ends = _trails(trail[condition.shared], condition.rest, resources)
    return any(end[-1].text in condition.wanted for end in ends)
