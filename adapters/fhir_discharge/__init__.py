"""FHIR R4 messages of discharges from colposcopy. What clinics may rely on: `adapters/fhir_discharge.md`.

A discharge is the Encounter that the MessageHeader is about, with the resources that hang on it.
"""

from __future__ import annotations

from adapters.fhir_discharge.message import DischargeMessage
from hub.bundles import BundleDialect
from hub.mapping.check import OF_DISCHARGES


class FhirDischarge(BundleDialect):
    """The adapter (see `hub.contract.Adapter`)."""

    dialect = "fhir_discharge"
    needs = OF_DISCHARGES
    message = DischargeMessage
    roots = ("Encounter", "EpisodeOfCare", "Patient", "ServiceRequest", "Observation", "Bundle", "MessageHeader")
    several = ("ServiceRequest", "Observation")
    counted = "discharge"
    names = "MessageHeader.sender and Encounter.serviceProvider"
