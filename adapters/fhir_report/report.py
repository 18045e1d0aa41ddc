"""One DiagnosticReport with the resources that it names."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property, partial

from adapters.fhir_report.status import version_of
from hub.bundles import Text, astray, carries, missing, of_another, of_one_type, texts
from hub.domain.events import ReportParked, ResultReported, Version
from hub.errors import Place, Reason, Reject
from hub.formats.fhir import Node, Resources, Steps
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.guard import our_fault
from hub.mapping.report import Report

Heads = Mapping[str, Sequence[Node]]
"""MessageHeader and Composition of the message, each where there is one."""
Claimed = dict[Steps, Steps]
"""Which report of the message each Observation is a result of, as far as they were looked at."""
_OF_THE_REPORT = {"subject": "Patient", "specimen": "Specimen", "result": "Observation"}


class DiagnosticReport:
    """See `hub.bundles.BundleReport`. `is_only`: no other report is in the Bundle."""

    def __init__(self, report: Node, resources: Resources, heads: Heads, claimed: Claimed, *, is_only: bool) -> None:
        self.report = report
        self.resources = resources
        self._heads = heads
        self._claimed = claimed
        self._shared: list[Node] = []
        self._is_only = is_only

    # What it names

    def roots(self, resource_type: str) -> Sequence[Node]:
        """The resources of the report that a place of that type may stand in."""
        if resource_type == "Bundle":
            return (self.resources.bundle,)
        if resource_type in self._heads:
            return self._heads[resource_type]
        return self._named.get(resource_type, ())

    @cached_property
    def _named(self) -> Mapping[str, Sequence[Node]]:
        of_observations = (each for one in self.observations for each in self._led("specimen", one))
        specimens = [*self._led("specimen"), *of_observations]
        requests = [*self._led("basedOn"), *(each for one in specimens for each in self._led("request", one))]
        return {
            "DiagnosticReport": (self.report,),
            "Patient": of_one_type(self._led("subject"), "Patient"),
            "Specimen": of_one_type(specimens, "Specimen"),
            "Observation": self.observations,
            "ServiceRequest": of_one_type(requests, "ServiceRequest"),
        }

    @cached_property
    def observations(self) -> Sequence[Node]:
        """The results, and their members. Where the report is the only one, those of the document's sections too."""
        found: dict[Steps, Node] = {}
        left = deque([*self._led("result"), *self._of_sections()])
        while left:
            observation = left.popleft()
            if observation.steps in found or observation.resource_type != "Observation":
                continue
            if self._claimed.setdefault(observation.steps, self.report.steps) != self.report.steps:
                self._shared.append(observation)
                continue
            found[observation.steps] = observation
            left += self._led("hasMember", observation)
        return tuple(found.values())

    def _of_sections(self) -> Iterator[Node]:
        left = [section for head in self._heads["Composition"] for section in head.children("section")]
        while self._is_only and left:
            section = left.pop(0)
            yield from self._led("entry", section)
            left += section.children("section")

    def _led(self, name: str, start: Node | None = None) -> list[Node]:
        """What the references of that name lead to."""
        references = (start or self.report).children(name)
        return [target for reference in references if (target := self.resources.resolve(reference))]

    # Whether it holds together

    def refused(self, _facts: Sequence[Fact]) -> Iterator[Reject]:
        """A reference that leads nowhere, to another kind of thing, or to another person's."""
        for name, due in _OF_THE_REPORT.items():
            for reference in self.report.children(name):
                yield from astray(self.resources, reference, due)
        for observation in self._shared:
            yield Reject(Reason.CONFLICTING_VALUES, observation.place, "Two reports name it as their result.")
        for observation in self.observations:
            for member in observation.children("hasMember"):
                yield from astray(self.resources, member, "")
        for resource in (*self.roots("Observation"), *self.roots("Specimen")):
            yield from of_another(self.resources, resource, self._led("subject"), "The report has another subject.")
        for status in (each for specimen in self.roots("Specimen") for each in specimen.children("status")):
            if status.text == "entered-in-error":
                yield Reject(Reason.INVALID_VALUE, status.place, "A specimen that was entered in error has no result.")

    def is_ours(self, facts: Sequence[Fact]) -> bool:
        """Whether the report is for this feed. One is left aside only where everything in it says that it is something
        else: histology beside a cervical result."""
        others = [each for each in self.observations if each.words("code", "coding", "code")]
        if not self.observations or len(others) < len(self.observations):
            return True
        return any(carries(facts, each, self.resources) for each in (self.report, *self.observations))

    def outcomes(self, table: FeedTable, today: date) -> tuple[ResultReported | ReportParked | Reject, ...]:
        return Report(self, table, today).outcomes()

    def our_fault(self) -> ReportParked:
        return our_fault(self.place.text)

    # The Source

    @property
    def place(self) -> Place:
        return self.report.place

    @property
    def person(self) -> Place:
        named = self.roots("Patient") or tuple(self.report.children("subject"))
        return named[0].place if named else Node(None, (*self.report.steps, "subject")).place

    def texts(self, fact: Fact) -> list[Text]:
        """Every non-empty text at the places of a fact."""
        return texts(fact, self.roots, self.resources)

    def missing(self, fact: Fact) -> Place:
        """Where the fact ought to have stood."""
        return missing(fact, self.roots, self.resources)

    def issued(self, _table: FeedTable) -> tuple[Text, str]:
        """DiagnosticReport.issued, else Bundle.timestamp. Raises Reject where both are missing."""
        found = self.report.first("issued") or self.resources.bundle.first("timestamp")
        if found is None:
            place = Node(None, (*self.report.steps, "issued")).place
            raise Reject(Reason.MISSING_DATA, place, "Bundle.timestamp is missing as well.")
        return Text(found, 0), "ISO"

    def statuses(self, table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """The report's, the document's, and that of each Observation in which a fact of the feed stands."""
        facts = [fact for _, fact in table.facts.declared()]
        mine = [each for each in self.observations if carries(facts, each, self.resources)]
        for resource in (self.report, *self._heads["Composition"], *mine):
            yield resource.place.text, partial(version_of, resource)
