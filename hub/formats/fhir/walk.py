"""Walking through the resources of a Bundle: what stands where, and what a reference leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hub.errors import Place
from hub.formats.fhir.finding import Steps, place_at


@dataclass(frozen=True, slots=True, repr=False)
class Node:
    """An element, and where it stands. `home` is how many steps lead to the resource of the Bundle it stands in:
    resources contained in one are looked for there. It may hold a name: it has no repr."""

    value: Any
    steps: Steps
    home: int = 0

    @property
    def place(self) -> Place:
        return place_at(self.steps)

    @property
    def text(self) -> str:
        """A primitive's value, trimmed; empty for everything else."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(self.value).strip() if isinstance(self.value, str | int | Decimal) else ""

    @property
    def resource_type(self) -> str:
        """Of a resource its type, of every other element nothing."""
        name = self.value.get("resourceType") if isinstance(self.value, dict) else None
        return name if isinstance(name, str) else ""

    def children(self, name: str) -> Iterator[Node]:
        """The elements of that name, each of a list by itself; none where there are none."""
        found = self.value.get(name) if isinstance(self.value, dict) else None
        if isinstance(found, list):
            for number, each in enumerate(found):
                if each is not None:
                    yield Node(each, (*self.steps, name, number), self.home)
        elif found is not None:
            yield Node(found, (*self.steps, name), self.home)

    def first(self, *names: str) -> Node | None:
        """The first element at the end of these names."""
        return next(self.all(*names), None)

    def all(self, *names: str) -> Iterator[Node]:
        """Every element at the end of these names."""
        if not names:
            yield self
            return
        for child in self.children(names[0]):
            yield from child.all(*names[1:])

    def words(self, *names: str) -> str:
        """The text of the first element at the end of these names; empty where there is none."""
        found = self.first(*names)
        return found.text if found else ""


class Resources:
    """The resources of one Bundle, by what references call them."""

    def __init__(self, bundle: Mapping[str, Any]) -> None:
        self.bundle = Node(bundle, ())
        self._by_steps: dict[Steps, Node] = {}
        self._called: dict[str, list[Node]] = {}
        self.entries: Sequence[Node] = tuple(self.bundle.children("entry"))
        for entry in self.entries:
            for resource in entry.children("resource"):
                self._take(entry, Node(resource.value, resource.steps, len(resource.steps)))

    def _take(self, entry: Node, resource: Node) -> None:
        self._by_steps[resource.steps] = resource
        short = f"{resource.resource_type}/{resource.words('id')}"
        for name in {entry.words("fullUrl"), short} - {"", "/"}:
            self._called.setdefault(name, []).append(resource)

    def of_type(self, name: str) -> list[Node]:
        """The resources of a type that are entries of the Bundle."""
        return [resource for resource in self._by_steps.values() if resource.resource_type == name]

    def resolve(self, reference: Node) -> Node | None:
        """The one resource that a Reference leads to; None where it leads to none here, or to several."""
        name = reference.words("reference")
        if name.startswith("#"):
            return self._contained(reference, name[1:])
        called = self._called.get(name, [])
        return called[0] if len(called) == 1 else None

    def _contained(self, reference: Node, name: str) -> Node | None:
        home = self._by_steps.get(reference.steps[: reference.home])
        found = [each for each in home.children("contained") if each.words("id") == name] if home else []
        return found[0] if len(found) == 1 else None

    def onward(self, node: Node, name: str) -> Iterator[Node]:
        """The elements of that name in the element, and in the resource it leads to where it is a Reference."""
        yield from node.children(name)
        if isinstance(node.value, dict) and "reference" in node.value and name != "reference":
            target = self.resolve(node)
            if target:
                yield from target.children(name)
