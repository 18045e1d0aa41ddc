"""What in a feed's table cannot be read from FHIR, or not safely."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.fhir_report.paths import ROOTS, is_path
from hub.formats.fhir import elements
from hub.mapping.check import Finding
from hub.mapping.feed_table import Fact, FeedTable

_SAID_BY_FHIR = ("version", "authorised_at")
_DATES = ("test_on", "date_of_birth")
_FORMS = ("ISO", "YYYY-MM-DD")


def problems_of(table: FeedTable) -> Iterator[Finding]:
    """Key path, and the sentence that says what to do."""
    for name, fact in table.facts.declared():
        for key, sentence in _of_fact(name, fact):
            yield ("facts", name, *((key,) if key else ())), sentence


def _of_fact(name: str, fact: Fact) -> Iterator[tuple[str, str]]:
    if name in _SAID_BY_FHIR:
        yield "", "FHIR says this by itself: DiagnosticReport.status, DiagnosticReport.issued. Leave it out."
    paths = [*(("place", place) for place in fact.places), *(("where", at) for at in fact.where)]
    for key, path in paths:
        if sentence := _of_path(path):
            yield key, sentence
    roots = {path.partition(".")[0] for _, path in paths}
    if len(roots) > 1:
        yield "", "All places of a fact, and its conditions, stand in one resource. Correct `place` or `where`."
    if "Observation" in roots and not fact.where:
        yield "where", 'Say which Observation is meant, as in { "Observation.code.coding.code" = "50121000237101" }.'
    if name in _DATES and fact.form not in _FORMS:
        yield "form", 'FHIR writes dates with hyphens. Set form = "ISO".'


def _of_path(path: str) -> str:
    """What is wrong with a path; empty where nothing is."""
    if not is_path(path):
        return f"Write it like Patient.birthDate. It begins with one of {', '.join(ROOTS)}."
    type_name, *steps = path.split(".")
    for step in steps:
        if type_name == "Reference" and step not in elements(type_name):
            return ""  # what it leads to is seen in the message only
        element = elements(type_name).get(step)
        if element is None:
            return f"{type_name} has no element {step} in FHIR R4. Correct the path."
        type_name = element.type
        if element.is_primitive:
            break
    return ""
