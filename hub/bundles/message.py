"""A Bundle as a message: who sent it, whether it is of a kind that is taken, and the reports in it.

A dialect says what it takes (`taken`), who may name the sender (`senders`), and what a report in it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import date
from typing import ClassVar, Protocol

from hub.contract import Outcome
from hub.errors import Place, Reason, Reject
from hub.formats.fhir import Document, Node, Resources, place_at
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.reading import Source

ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
_FIRST = {"document": "Composition", "message": "MessageHeader"}
_METHODS = ("POST", "PUT")


class BundleReport(Source, Protocol):
    """What a Bundle says of one thing: a `Source` that is asked first whether it holds together."""

    @property
    def place(self) -> Place:
        """Where it begins."""

    def refused(self, facts: Sequence[Fact]) -> Iterator[Reject]:
        """Why it cannot be read at all. `facts` are those of its feed."""

    def outcomes(self, table: FeedTable, today: date) -> Sequence[Outcome]:
        """What becomes of it by the sender's table."""

    def our_fault(self) -> Outcome:
        """What stands for it where we fail ourselves."""


class Message(ABC):
    """What was read of the bytes; everything is empty where nothing could be."""

    taken: ClassVar[Sequence[str]]
    """The types of Bundle that are taken."""
    senders: ClassVar[Sequence[tuple[str, str]]]
    """Who may name the sender, the first that does counts: a resource and its reference."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.resources = Resources(document.tree)

    # What a dialect says

    @abstractmethod
    def reports(self, facts: Sequence[Fact]) -> Sequence[BundleReport]:
        """The reports of the Bundle that are for a feed with these facts."""

    @abstractmethod
    def beside(self, facts: Sequence[Fact]) -> Iterator[Reject]:
        """What is refused beside the reports: there are none, or something belongs to none of them."""

    def notes(self, _facts: Sequence[Fact]) -> Iterator[str]:
        """What is worth keeping of it."""
        if not self.control_id:
            yield "control-id=empty"

    # Who sent what

    @property
    def kind(self) -> str:
        """The type of the Bundle."""
        return self.resources.bundle.words("type")

    @property
    def is_bundle(self) -> bool:
        return self.resources.bundle.resource_type == "Bundle"

    @property
    def control_id(self) -> str:
        return self.resources.bundle.words("identifier", "value")

    @property
    def sent(self) -> str:
        """When the Bundle was put together. `issued` and `Composition.date` are no such time: they say when the report
        was ready, which may be days before it is sent."""
        return self.resources.bundle.words("timestamp")

    @property
    def application(self) -> str:
        header = self.one("MessageHeader")
        return header.words("source", "name") if header else ""

    @property
    def facility(self) -> str:
        """The ODS code of the first who is named as the sender."""
        references = (
            reference
            for resource_type, name in self.senders
            for resource in self.resources.of_type(resource_type)
            for reference in resource.children(name)
        )
        return next((code for reference in references for code in self._codes(reference)), "")

    def one(self, resource_type: str) -> Node | None:
        """The first resource of that type."""
        return next(iter(self.resources.of_type(resource_type)), None)

    def _codes(self, reference: Node) -> Iterator[str]:
        """Of an organisation, or of a practitioner's role the organisation's."""
        for organization in self.resources.onward(reference, "organization"):
            yield from self._codes_of(organization)
        yield from self._codes_of(reference)

    def _codes_of(self, reference: Node) -> Iterator[str]:
        for identifier in self.resources.onward(reference, "identifier"):
            if identifier.words("system") == ODS_CODE and identifier.words("value"):
                yield identifier.words("value")

    # Whether it is taken

    def refused_kind(self) -> Reject | None:
        """Why nothing of the kind is taken at all."""
        bundle = self.resources.bundle
        if not self.is_bundle:
            return Reject(Reason.TYPE_NOT_TAKEN, Place("Bundle", ("Bundle",)), "Send a Bundle.")
        if self.kind not in self.taken:
            taken = f"Its type is {'one of ' if len(self.taken) > 1 else ''}{', '.join(self.taken)}."
            return Reject(Reason.TYPE_NOT_TAKEN, Node(None, (*bundle.steps, "type")).place, taken)
        first = next(bundle.all("entry", "resource"), None)
        due = _FIRST.get(self.kind)
        if due and (first is None or first.resource_type != due or first.steps[:2] != ("entry", 0)):
            return Reject(Reason.HEADER_INCOMPLETE, place_at(("entry", 0, "resource")), f"{due} comes first.")
        return None

    def refused_content(self) -> Iterator[Reject]:
        """What makes a Bundle say another thing than its reports do."""
        called: set[str] = set()
        for entry in self.resources.entries:
            for full_url in entry.children("fullUrl"):
                if full_url.text in called:
                    yield Reject(Reason.CONFLICTING_VALUES, full_url.place, "Two entries have the same fullUrl.")
                called.add(full_url.text)
            for method in entry.all("request", "method"):
                if method.text not in _METHODS:
                    yield Reject(Reason.TYPE_NOT_TAKEN, method.place, "Only POST and PUT are taken.")
        yield from _modifiers(self.resources.bundle)


def _modifiers(bundle: Node) -> Iterator[Reject]:
    """FHIR forbids to read past an extension that changes the meaning of what it stands in."""
    left = [bundle]
    while left:
        node = left.pop()
        for name in node.value if isinstance(node.value, dict) else ():
            if name in ("modifierExtension", "implicitRules"):
                at = Node(None, (*node.steps, name)).place
                yield Reject(Reason.INVALID_VALUE, at, "It changes the meaning, and this feed knows none such.")
            left.extend(node.children(name))
