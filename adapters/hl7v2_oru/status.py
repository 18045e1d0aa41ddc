"""Which version of a result the status fields say it is: OBR-25 (HL7 table 0123) and OBX-11 (0085)."""

from __future__ import annotations

from hub.domain.events import Version
from hub.errors import Place, Reason, Reject
from hub.formats.hl7v2 import Location, Segment

_OF_ORDERS = {"F": Version.FINAL, "C": Version.CORRECTED, "X": Version.WITHDRAWN}
_OF_OBSERVATIONS = {
    "F": Version.FINAL,
    "C": Version.CORRECTED,
    "W": Version.WITHDRAWN,
    "D": Version.WITHDRAWN,
}


def order_version(obr: Segment) -> Version:
    """By OBR-25. Raises Reject for a status that is missing, or of a result not yet final."""
    return _status(obr, 25, _OF_ORDERS)


def observation_version(obx: Segment) -> Version:
    """By OBX-11. Raises Reject likewise."""
    return _status(obx, 11, _OF_OBSERVATIONS)


def _status(segment: Segment, number: int, versions: dict[str, Version]) -> Version:
    status = segment.value(number).strip()
    if not status:
        raise Reject(Reason.MISSING_DATA, field_place(segment, number), "The status of the result must be given.")
    if status not in versions:
        raise Reject(Reason.NOT_FINAL, field_place(segment, number))
    return versions[status]


def field_place(segment: Segment, number: int) -> Place:
    """A field of the very segment."""
    return Location(segment.name, segment.number, number).place()
