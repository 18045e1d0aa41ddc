"""What in a feed's table cannot be read from FHIR, or not safely."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.bundles.paths import is_path
from hub.formats.fhir import elements
from hub.mapping.check import Finding
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.reading import DATES

_FORMS = ("ISO", "YYYY-MM-DD")


def problems_of(table: FeedTable, roots: Sequence[str], several: Sequence[str]) -> Iterator[Finding]:
    """Key path, and the sentence that says what to do. `roots` are the resources a fact may stand in, `several` those
    of which there may be more than one."""
    for name, fact in table.facts.declared():
        for key, sentence in (*_of_places(fact, roots, several), *_of_form(name, fact)):
            yield ("facts", name, *((key,) if key else ())), sentence


def _of_places(fact: Fact, roots: Sequence[str], several: Sequence[str]) -> Iterator[tuple[str, str]]:
    paths = [*(("place", place) for place in fact.places), *(("where", at) for at in fact.where)]
    for key, path in paths:
        if sentence := _of_path(path, roots):
            yield key, sentence
    used = {path.partition(".")[0] for _, path in paths}
    if len(used) > 1:
        yield "", "All places of a fact, and its conditions, stand in one resource. Correct `place` or `where`."
    for one in used.intersection(several) if not fact.where else ():
        yield "where", f'Say which {one} is meant, as in {{ "{one}.code.coding.code" = "..." }}.'


def _of_form(name: str, fact: Fact) -> Iterator[tuple[str, str]]:
    if name in DATES and fact.form not in _FORMS:
        yield "form", 'FHIR writes dates with hyphens. Set form = "ISO".'


def _of_path(path: str, roots: Sequence[str]) -> str:
    """What is wrong with a path; empty where nothing is."""
    type_name, *steps = path.split(".")
    if not is_path(path) or type_name not in roots:
        return f"Write it like Patient.birthDate. It begins with one of {', '.join(roots)}."
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
