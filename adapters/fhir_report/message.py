"""A Bundle of reports: the results in it, and what belongs to none of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from adapters.fhir_report.report import Claimed, DiagnosticReport
from hub.bundles import Message, carries
from hub.errors import Place, Reason, Reject
from hub.mapping.feed_table import Fact

_BUNDLE = Place("Bundle", ("Bundle",))


class ReportMessage(Message):
    """See `hub.bundles.Message`."""

    taken = ("document", "message", "transaction", "collection")
    senders = (
        ("MessageHeader", "sender"),
        ("Composition", "custodian"),
        ("Composition", "author"),
        ("DiagnosticReport", "performer"),
    )

    @cached_property
    def _all(self) -> list[DiagnosticReport]:
        """Every report of the Bundle, its own Observations with it."""
        found = self.resources.of_type("DiagnosticReport")
        heads = {name: tuple(self.resources.of_type(name)[:1]) for name in ("MessageHeader", "Composition")}
        claimed: Claimed = {}
        return [DiagnosticReport(each, self.resources, heads, claimed, is_only=len(found) == 1) for each in found]

    def reports(self, facts: Sequence[Fact]) -> list[DiagnosticReport]:
        return [report for report in self._all if report.is_ours(facts)]

    def beside(self, facts: Sequence[Fact]) -> Iterator[Reject]:
        named = {observation.steps for report in self._all for observation in report.observations}
        for observation in self.resources.of_type("Observation"):
            if observation.steps not in named and carries(facts, observation, self.resources):
                hint = "No DiagnosticReport names this Observation as a result."
                yield Reject(Reason.NO_RESULT, observation.place, hint)
        if not self._all:
            yield Reject(Reason.NO_RESULT, _BUNDLE, "Send one DiagnosticReport with its Observations.")
        elif not self.reports(facts):
            hint = "None of its Observations has a code that this feed is known to send."
            yield Reject(Reason.NO_RESULT, self._all[0].place, hint)

    def notes(self, facts: Sequence[Fact]) -> Iterator[str]:
        yield from super().notes(facts)
        if left_aside := len(self._all) - len(self.reports(facts)):
            yield f"reports left aside={left_aside}"
