"""A message of discharges: its event, the Encounters it is about, and what belongs to none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from adapters.fhir_discharge.discharge import PLANNED, Discharge
from hub.bundles import Message, astray, carries, of_one_type
from hub.errors import Reason, Reject
from hub.formats.fhir import Node
from hub.mapping.feed_table import Fact

EVENTS, EVENT = "urn:screening-hub:event", "colposcopy-discharge"
_NO_EVENT = f"MessageHeader.eventCoding is {EVENT} of {EVENTS}."


class DischargeMessage(Message):
    """See `hub.bundles.Message`."""

    taken = ("message",)
    senders = (("MessageHeader", "sender"), ("Encounter", "serviceProvider"))

    def refused_kind(self) -> Reject | None:
        if refused := super().refused_kind():
            return refused
        header = self._header
        if (header.words("eventCoding", "system"), header.words("eventCoding", "code")) == (EVENTS, EVENT):
            return None
        return Reject(Reason.TYPE_NOT_TAKEN, Node(None, (*header.steps, "eventCoding")).place, _NO_EVENT)

    @property
    def _header(self) -> Node:
        return self.one("MessageHeader") or Node({}, ())

    @cached_property
    def _focus(self) -> tuple[Node, ...]:
        """The Encounters that the message is about."""
        led = (self.resources.resolve(reference) for reference in self._header.children("focus"))
        return of_one_type([each for each in led if each], "Encounter")

    @cached_property
    def _all(self) -> list[Discharge]:
        return [Discharge(encounter, self.resources) for encounter in self._focus]

    def reports(self, _facts: Sequence[Fact]) -> list[Discharge]:
        return self._all

    def beside(self, facts: Sequence[Fact]) -> Iterator[Reject]:
        for reference in self._header.children("focus"):
            yield from astray(self.resources, reference, "Encounter")
        if self._all:
            yield from self._unnamed()
            yield from self._loose(facts)
        else:
            place = Node(None, (*self._header.steps, "focus")).place
            yield Reject(Reason.NO_RESULT, place, "It names the Encounter of each discharge.")

    def _unnamed(self) -> Iterator[Reject]:
        named = {discharge.encounter.steps for discharge in self._all}
        for encounter in self.resources.of_type("Encounter"):
            if encounter.steps not in named:
                yield Reject(Reason.NO_RESULT, encounter.place, "MessageHeader.focus does not name this Encounter.")

    def _loose(self, facts: Sequence[Fact]) -> Iterator[Reject]:
        """What holds a fact, and hangs on no Encounter of the Bundle."""
        encounters = {encounter.steps for encounter in self.resources.of_type("Encounter")}
        for resource in (each for name in PLANNED for each in self.resources.of_type(name)):
            led = (self.resources.resolve(reference) for reference in resource.children("encounter"))
            if carries(facts, resource, self.resources) and not any(each and each.steps in encounters for each in led):
                place = Node(None, (*resource.steps, "encounter")).place
                yield Reject(Reason.MISSING_DATA, place, "It leads to the Encounter of the discharge.")
