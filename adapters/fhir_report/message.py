"""A Bundle as a message: who sent it, whether it is of a kind that is taken, and the reports in it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from adapters.fhir_report.report import Claimed, DiagnosticReport
from hub.errors import Place, Reason, Reject
from hub.formats.fhir import Document, Node, Resources, place_at

ODS_CODE = "https://fhir.nhs.uk/Id/ods-organization-code"
_TAKEN = ("document", "message", "transaction", "collection")
_FIRST = {"document": "Composition", "message": "MessageHeader"}
_METHODS = ("POST", "PUT")


class Message:
    """What was read of the bytes; everything is empty where nothing could be."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self.resources = Resources(document.tree)

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
        """When the Bundle was put together. `issued` and `Composition.date` are no such time: they say when the result
        was ready, which may be days before it is sent."""
        return self.resources.bundle.words("timestamp")

    @property
    def application(self) -> str:
        header = self._one("MessageHeader")
        return header.words("source", "name") if header else ""

    @property
    def facility(self) -> str:
        """The ODS code of the first who is named as the sender."""
        codes = (code for reference in self._senders() for code in self._codes(reference))
        return next(codes, "")

    def _senders(self) -> Iterator[Node]:
        header, composition = self._one("MessageHeader"), self._one("Composition")
        if header:
            yield from header.children("sender")
        if composition:
            yield from composition.children("custodian")
            yield from composition.children("author")
        for report in self.resources.of_type("DiagnosticReport"):
            yield from report.children("performer")

    def _one(self, resource_type: str) -> Node | None:
        """The resource that heads the Bundle."""
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

    @cached_property
    def reports(self) -> list[DiagnosticReport]:
        """Every report of the Bundle, its own Observations with it."""
        found = self.resources.of_type("DiagnosticReport")
        heads = {name: tuple(self.resources.of_type(name)[:1]) for name in ("MessageHeader", "Composition")}
        claimed: Claimed = {}
        return [DiagnosticReport(each, self.resources, heads, claimed, is_only=len(found) == 1) for each in found]

    def refused_kind(self) -> Reject | None:
        """Why nothing of the kind is taken at all."""
        bundle = self.resources.bundle
        if not self.is_bundle:
            return Reject(Reason.TYPE_NOT_TAKEN, Place("Bundle", ("Bundle",)), "Send a Bundle.")
        if self.kind not in _TAKEN:
            taken = f"Its type is one of {', '.join(_TAKEN)}."
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
