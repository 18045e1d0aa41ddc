"""What FHIR R4 says of its elements, asked of fhir.resources (R4B: it has all that UK Core's R4 reports use).

The library is loaded when it is first asked: a hub without a FHIR feed never pays for it. Its error text shows the
values it did not like, so nothing of that text leaves this module: only where it is, and a sentence of ours.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

from hub.errors import Reason
from hub.formats.fhir.finding import MOST_FINDINGS, Finding, Steps, is_element_name

_NOT_STEPS = {"root", "resource_type"}
_OF_R4 = "R4."
_HELD_AS: Mapping[str, tuple[type, ...]] = {
    "boolean": (bool,),
    "decimal": (int, Decimal),
    "integer": (int,),
    "positiveInt": (int,),
    "unsignedInt": (int,),
}
"""What JSON holds these primitives as; every other is a text."""


@dataclass(frozen=True, slots=True)
class Element:
    """What an element of a type may hold: one value or several, of which type."""

    type: str
    is_list: bool
    is_primitive: bool


@functools.lru_cache(maxsize=512)
def elements(type_name: str) -> Mapping[str, Element]:
    """The elements of a resource or complex type by their names; none of a type that FHIR R4 does not have."""
    from fhir.resources.R4B import get_fhir_model_class
    from fhir_core.utils import get_fhir_type_name, is_list_type, is_primitive_type

    try:
        fields = get_fhir_model_class(type_name).model_fields
    except ValueError:
        return {}
    return {
        field.alias or name: Element(get_fhir_type_name(field, _OF_R4), is_list_type(field), is_primitive_type(field))
        for name, field in fields.items()
        if name != "fhir_comments" and not name.endswith("__ext")
    }


def is_resource(type_name: str) -> bool:
    """Whether FHIR R4 has such a resource."""
    return "implicitRules" in elements(type_name)


def violations(bundle: Mapping[str, Any]) -> tuple[Finding, ...]:
    """Where a Bundle is not as FHIR R4 says it must be. Profiles and value sets are not looked at."""
    return (*islice(_mistyped(bundle, "Bundle", ()), MOST_FINDINGS), *_of_the_library(bundle))


def _of_the_library(bundle: Mapping[str, Any]) -> tuple[Finding, ...]:
    from fhir.resources.R4B.bundle import Bundle
    from pydantic import ValidationError

    try:
        Bundle.model_validate(bundle)
    except ValidationError as wrong:
        errors = wrong.errors(include_url=False, include_context=False, include_input=False)
        return tuple(dict.fromkeys(_finding(error["loc"], error["type"]) for error in errors[:MOST_FINDINGS]))
    except Exception:  # on what it cannot place the library raises anything; not told, for it may quote the message
        return (Finding(Reason.INVALID_VALUE, (), "Somewhere in it FHIR R4 is not kept to."),)
    return ()


def _mistyped(value: Mapping[str, Any], type_name: str, steps: Steps) -> Iterator[Finding]:
    """Elements that hold another kind of thing than their own. The library is lenient there: it takes the text of a
    JSON object for the object."""
    if type_name == "Resource":
        type_name = value["resourceType"] if isinstance(value.get("resourceType"), str) else ""
        if not is_resource(type_name):
            yield Finding(Reason.INVALID_VALUE, (*steps, "resourceType"), "Name a resource type of FHIR R4.")
            return
    known = elements(type_name)
    for name, each in value.items():
        element = known.get(name)
        if element is None:
            continue  # the library finds it, or it extends a primitive
        if isinstance(each, list) != element.is_list:
            due = "A list is due here." if element.is_list else "One value is due here, no list."
            yield Finding(Reason.INVALID_VALUE, (*steps, name), due)
        elif element.is_list:
            for number, one in enumerate(each):
                yield from _mistyped_value(one, element, (*steps, name, number))
        else:
            yield from _mistyped_value(each, element, (*steps, name))


def _mistyped_value(value: Any, element: Element, steps: Steps) -> Iterator[Finding]:
    if not element.is_primitive:
        if isinstance(value, dict):
            yield from _mistyped(value, element.type, steps)
        else:
            yield Finding(Reason.INVALID_VALUE, steps, "One object is due here.")
    elif type(value) not in _HELD_AS.get(element.type, (str,)) and not (value is None and isinstance(steps[-1], int)):
        yield Finding(Reason.INVALID_VALUE, steps, f"A value of type {element.type} is due here.")


def _finding(location: tuple[str | int, ...], kind: str) -> Finding:
    steps: Steps = tuple(step for step in location if step not in _NOT_STEPS)
    if kind == "extra_forbidden":
        shown = steps if is_element_name(str(steps[-1])) else steps[:-1]
        return Finding(Reason.INVALID_VALUE, shown, "FHIR R4 has no such element here.")
    if kind in ("missing", "model_field_validation.missing"):
        return Finding(Reason.MISSING_DATA, steps, "FHIR R4 requires this element.")
    if kind == "list_type":
        return Finding(Reason.INVALID_VALUE, steps, "A list is due here.")
    if kind == "model_validation_format":
        return Finding(Reason.INVALID_VALUE, steps, "One object is due here.")
    return Finding(Reason.INVALID_VALUE, steps, "This is not of the form that FHIR R4 asks for here.")
