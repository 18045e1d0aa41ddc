"""Whether the resources of one report hold together: what a reference leads to, and whose a resource is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hub.errors import Reason, Reject
from hub.formats.fhir import Node, Resources

_NOT_HERE = "It leads to no resource of this Bundle, or to several."


def of_one_type(found: Sequence[Node], resource_type: str) -> tuple[Node, ...]:
    """Each once, of that type only."""
    return tuple({each.steps: each for each in found if each.resource_type == resource_type}.values())


def astray(resources: Resources, reference: Node, due: str) -> Iterator[Reject]:
    """A reference that leads nowhere, or to another type than is due (empty: any). A person may be named by an
    identifier alone."""
    target = resources.resolve(reference)
    if target is None and (due != "Patient" or reference.words("reference")):
        yield Reject(Reason.MISSING_DATA, reference.place, _NOT_HERE)
    elif target and due and target.resource_type != due:
        yield Reject(Reason.INVALID_VALUE, reference.place, f"It leads to no {due}.")


def of_another(
    resources: Resources, resource: Node, ours: Sequence[Node], sentence: str, name: str = "subject"
) -> Iterator[Reject]:
    """A resource that says it is about somebody else than these. `name` is the reference by which it says so."""
    for subject in resource.children(name):
        target = resources.resolve(subject)
        if subject.words("reference") and (target is None or [target.steps] != [one.steps for one in ours]):
            yield Reject(Reason.CONFLICTING_VALUES, subject.place, sentence)
