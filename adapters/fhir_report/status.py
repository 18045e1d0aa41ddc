"""Which version of a result the status elements say it is. All of them are required by FHIR, so none is missing."""

from __future__ import annotations

from collections.abc import Mapping

from hub.domain.events import Version
from hub.errors import Reason, Reject
from hub.formats.fhir import Node

_FINAL, _CORRECTED, _WITHDRAWN = Version.FINAL, Version.CORRECTED, Version.WITHDRAWN
_VERSIONS: Mapping[str, Mapping[str, Version | None]] = {
    "DiagnosticReport": {
        "final": _FINAL,
        "amended": _CORRECTED,
        "corrected": _CORRECTED,
        "appended": _CORRECTED,
        "cancelled": _WITHDRAWN,
        "entered-in-error": _WITHDRAWN,
        "registered": None,
        "partial": None,
        "preliminary": None,
    },
    # A cancelled observation is a test that was not done: it takes nothing of the slide's result back.
    "Observation": {
        "final": _FINAL,
        "amended": _CORRECTED,
        "corrected": _CORRECTED,
        "entered-in-error": _WITHDRAWN,
        "cancelled": None,
        "registered": None,
        "preliminary": None,
    },
    "Composition": {
        "final": _FINAL,
        "amended": _CORRECTED,
        "entered-in-error": _WITHDRAWN,
        "preliminary": None,
    },
}


def version_of(resource: Node) -> Version:
    """By its status. Raises Reject for one of a result not yet final, and for one that says nothing (`unknown`)."""
    status = resource.first("status")
    known = _VERSIONS[resource.resource_type]
    if status is None or status.text not in known:
        place = (status or Node(None, (*resource.steps, "status"))).place
        raise Reject(Reason.INVALID_VALUE, place, "No status that says which version of the result this is.")
    version = known[status.text]
    if version is None:
        raise Reject(Reason.NOT_FINAL, status.place)
    return version
