"""One discharge: the Encounter at which a clinic let her go, and the resources that hang on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from hub.bundles import Text, astray, carries, missing, of_another, of_one_type, texts
from hub.domain.events import DischargeReported, DischargeUnread, Version
from hub.errors import Place, Reason, Reject
from hub.formats.fhir import Node, Resources
from hub.mapping.discharge import DischargeReport
from hub.mapping.feed_table import Fact, FeedTable

PLANNED = ("ServiceRequest", "Observation")
"""What says when she is due again. Each leads to its Encounter."""
_WHOSE = {"Encounter": "subject", "EpisodeOfCare": "patient", "ServiceRequest": "subject", "Observation": "subject"}
_LED_TO = {"subject": "Patient", "episodeOfCare": "EpisodeOfCare"}
_NOT_TAKEN_BACK = "A discharge is not taken back by a message: tell call and recall."
_COUNTS: Mapping[str, Mapping[str, tuple[Sequence[str], str]]] = {
    "Encounter": {"status": (("finished",), _NOT_TAKEN_BACK)},
    "EpisodeOfCare": {"status": (("finished",), _NOT_TAKEN_BACK)},
    "ServiceRequest": {
        "status": (("active",), ""),
        "intent": (("proposal", "plan", "order"), ""),
        "doNotPerform": (("false",), "Whom nobody shall call any more, the form for ceasing is for."),
    },
    "Observation": {"status": (("final", "amended", "corrected"), "")},
}
"""What may stand in the elements by which FHIR says that a resource counts, and what to do instead."""


class Discharge:
    """See `hub.bundles.BundleReport`."""

    def __init__(self, encounter: Node, resources: Resources) -> None:
        self.encounter = encounter
        self.resources = resources

    # What hangs on it

    def roots(self, resource_type: str) -> Sequence[Node]:
        """The resources of the discharge that a place of that type may stand in."""
        return self._named.get(resource_type, ())

    @cached_property
    def _named(self) -> Mapping[str, Sequence[Node]]:
        """It names the person and the episode; what is planned names it."""
        return {
            "Bundle": (self.resources.bundle,),
            "MessageHeader": self.resources.of_type("MessageHeader")[:1],
            "Encounter": (self.encounter,),
            **{due: of_one_type(self._led(name), due) for name, due in _LED_TO.items()},
            **{name: tuple(self._hanging(name)) for name in PLANNED},
        }

    def _hanging(self, resource_type: str) -> Iterator[Node]:
        for resource in self.resources.of_type(resource_type):
            led = (self.resources.resolve(reference) for reference in resource.children("encounter"))
            if any(target and target.steps == self.encounter.steps for target in led):
                yield resource

    def _led(self, name: str) -> list[Node]:
        """What the Encounter's references of that name lead to."""
        return [target for reference in self.encounter.children(name) if (target := self.resources.resolve(reference))]

    # Whether it holds together

    def refused(self, facts: Sequence[Fact]) -> Iterator[Reject]:
        """A reference that leads astray; else what says something else than a discharge, or says it of another."""
        lost = [stop for name in _LED_TO for stop in self._astray(name)]
        yield from lost
        for resource in self._telling(facts) if not lost else ():
            yield from _not_counting(resource)
            if ours := self._led("subject"):
                hint, whose = "The Encounter has another subject.", _WHOSE[resource.resource_type]
                yield from of_another(self.resources, resource, ours, hint, whose)

    def _astray(self, name: str) -> Iterator[Reject]:
        for reference in self.encounter.children(name):
            yield from astray(self.resources, reference, _LED_TO[name])

    def _telling(self, facts: Sequence[Fact]) -> Iterator[Node]:
        """The resources that the discharge is told by: of what is planned only those in which a fact stands."""
        yield from (*self.roots("Encounter"), *self.roots("EpisodeOfCare"))
        for resource in (each for name in PLANNED for each in self.roots(name)):
            if carries(facts, resource, self.resources):
                yield resource

    # What becomes of it

    def outcomes(self, table: FeedTable, today: date) -> tuple[DischargeReported | DischargeUnread | Reject, ...]:
        return DischargeReport(self, table, today).outcomes()

    def our_fault(self) -> DischargeUnread:
        return DischargeUnread(Reason.OUR_FAULT.code, self.place.text, "")

    # The Source

    @property
    def place(self) -> Place:
        return self.encounter.place

    @property
    def person(self) -> Place:
        named = self.roots("Patient") or tuple(self.encounter.children("subject"))
        return named[0].place if named else Node(None, (*self.encounter.steps, "subject")).place

    def texts(self, fact: Fact) -> list[Text]:
        """Every non-empty text at the places of a fact."""
        return texts(fact, self.roots, self.resources)

    def missing(self, fact: Fact) -> Place:
        """Where the fact ought to have stood."""
        return missing(fact, self.roots, self.resources)

    def issued(self, _table: FeedTable) -> tuple[Text, str]:
        """A discharge has no versions. Raises Reject."""
        raise Reject(Reason.MISSING_DATA)

    def statuses(self, _table: FeedTable) -> Iterator[tuple[str, Callable[[], Version]]]:
        """None: a discharge has no versions."""
        return iter(())


def _not_counting(resource: Node) -> Iterator[Reject]:
    """Why a resource does not count."""
    for name, (counting, instead) in _COUNTS[resource.resource_type].items():
        for element in resource.children(name):
            if element.text not in counting:
                hint = f"It counts only as {' or '.join(counting)}. {instead}".strip()
                yield Reject(Reason.INVALID_VALUE, element.place, hint)
