"""FHIR R4 Bundles of DiagnosticReports in UK Core's shapes. What laboratories may rely on: `adapters/fhir_report.md`.

One language for every laboratory; what differs between them stands in their table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from adapters.fhir_report.message import ReportMessage
from hub.bundles import BundleDialect
from hub.mapping import FeedTable
from hub.mapping.check import OF_RESULTS, Finding

_SAID_BY_FHIR = ("version", "authorised_at")


class FhirReport(BundleDialect):
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "fhir_report"
    needs = OF_RESULTS
    message = ReportMessage
    roots = ("DiagnosticReport", "Patient", "Specimen", "Observation", "ServiceRequest",
             "Bundle", "MessageHeader", "Composition")  # fmt: skip
    several = ("Observation",)
    counted = "result"
    names = "MessageHeader.sender, Composition and performer"

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        return [*_said_twice(table), *super().problems(table)]


def _said_twice(table: FeedTable) -> Iterator[Finding]:
    for name in _SAID_BY_FHIR:
        if getattr(table.facts, name) is not None:
            sentence = "FHIR says this by itself: DiagnosticReport.status, DiagnosticReport.issued. Leave it out."
            yield ("facts", name), sentence
