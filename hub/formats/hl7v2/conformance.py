"""How well a message keeps to its own HL7 version: segments of its structure, required fields, repetitions, datatypes.

For `hub check` and `hub new`, never on the hot path: hl7apy knows the tables of each version and reads about fifty
messages a second. Only its tables and its strict reading of single fields are used: its grouping drops segments
without a word, and its errors carry values, so nothing it says is passed on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hub.formats.hl7v2.location import Location
from hub.formats.hl7v2.reader import Message, Segment


@dataclass(frozen=True, slots=True)
class Finding:
    """One departure from HL7: where, and a sentence without any value of the message."""

    place: str
    sentence: str


def conformance_findings(message: Message) -> list[Finding]:
    """What is not as the message's HL7 version has it, in the order of the message. Never raises on a message.

    Z segments are the sender's own and not judged. Where nothing can be judged, one finding says so."""
    import hl7apy

    version = message.version
    if version not in hl7apy.SUPPORTED_LIBRARIES:
        return [Finding("MSH-12", "No tables for this HL7 version: structure and datatypes were not judged.")]
    findings = list(_structure_findings(message, version))
    for segment in message.all():
        findings.extend(_segment_findings(segment, version))
    return findings


def _structure_findings(message: Message, version: str) -> Iterator[Finding]:
    structure = _structure(message, version)
    if structure is None:
        yield Finding(
            "MSH-9", "HL7 has no structure of this name in this version: the order of segments was not judged."
        )
        return
    known = set(_names(structure))
    for segment in message.all():
        if segment.name not in known and not segment.name.startswith("Z"):
            yield Finding(_at(segment), "This segment is no part of the message structure.")
    for name in _required(structure, {segment.name for segment in message.all()}):
        yield Finding(name, "The message structure requires this segment, and it is missing.")


def _structure(message: Message, version: str) -> Any | None:
    # The tables of hl7apy are nested tuples: ("sequence", ((name, reference, (least, most), class), ...), ...).
    stated = message.get("MSH-9.3").strip()
    code, trigger = message.get("MSH-9.1").strip(), message.get("MSH-9.2").strip()
    return _table(stated or (f"{code}_{trigger}" if trigger else code), "Message", version)


def _table(name: str, kind: str, version: str) -> Any | None:
    from hl7apy import load_reference
    from hl7apy.exceptions import ChildNotFound

    try:
        return load_reference(name.upper(), kind, version)
    except (ChildNotFound, KeyError):
        return None


def _names(structure: Any) -> Iterator[str]:
    for name, reference, _cardinality, kind in structure[1]:
        if kind == "GRP":
            yield from _names(reference)
        else:
            yield name


def _required(structure: Any, sent: set[str]) -> Iterator[str]:
    """Segments that must be there and are not: of a group only where the group is required or was begun."""
    for name, reference, (least, _most), kind in structure[1]:
        if kind == "GRP":
            if least or sent & set(_own_names(reference)):
                yield from _required(reference, sent)
        elif least and name not in sent:
            yield name


def _own_names(structure: Any) -> Iterator[str]:
    # NTE and the like stand in many groups and do not tell that one was begun.
    return (name for name, _reference, (least, _most), kind in structure[1] if kind == "SEG" and least)


def _segment_findings(segment: Segment, version: str) -> Iterator[Finding]:
    table = _table(segment.name, "Segment", version)
    if table is None or segment.name.startswith("Z"):
        return
    for name, reference, (least, most), _kind in table[1]:
        field = int(name.rsplit("_", 1)[1])
        if segment.name == "MSH" and field < 3:
            continue
        if segment.present(field):
            yield from _field_findings(segment, field, reference, most, version)
        elif least and segment.raw(field) == "":
            yield Finding(_at(segment, field), f"HL7 {version} requires this field, and it is empty.")


def _field_findings(segment: Segment, field: int, reference: Any, most: int, version: str) -> Iterator[Finding]:
    repetitions = segment.raw(field).split(segment.delimiters.repetition)
    if 0 < most < len(repetitions):
        yield Finding(_at(segment, field), f"HL7 {version} allows {most} of this field, {len(repetitions)} are sent.")
    if (segment.name, field) == ("OBX", 5):
        reference = _stated_reference(segment, version)
        if reference is None and segment.present(2):
            yield Finding(_at(segment, 2), f"HL7 {version} has no datatype of this name: the value was not judged.")
    if reference is None or reference[2] == "varies":
        return
    for number, text in enumerate(repetitions, 1):
        if sentence := _datatype_sentence(text, segment, field, reference, version):
            shown = number if len(repetitions) > 1 else 0
            yield Finding(_at(segment, field, shown), sentence)


def _stated_reference(segment: Segment, version: str) -> Any | None:
    """What OBX-2 says of OBX-5; None where it says nothing that HL7 knows."""
    from hl7apy.core import is_base_datatype

    datatype = segment.value(2).strip().upper()
    if is_base_datatype(datatype, version):
        return ("leaf", None, datatype, "OBSERVATION_VALUE", None, -1)
    parts = _table(datatype, "Datatypes_Structs", version)
    return ("sequence", parts, datatype, "OBSERVATION_VALUE", None, -1) if parts else None


def _datatype_sentence(text: str, segment: Segment, field: int, reference: Any, version: str) -> str:
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.exceptions import HL7apyException, MaxChildLimitReached, MaxLengthReached
    from hl7apy.parser import parse_field

    # Of the tables' own names, never of the message: OBX-2 chose among them.
    datatype = reference[2]
    name, characters = f"{segment.name}_{field}", _characters(segment)
    try:
        parse_field(text, name, version, characters, VALIDATION_LEVEL.STRICT, reference)
    except MaxChildLimitReached:
        return f"A part has more sub-parts than datatype {datatype} allows; a plain separator must be escaped."
    except MaxLengthReached:
        return f"A part is longer than datatype {datatype} allows."
    except HL7apyException:
        return f"This does not have the parts of datatype {datatype}."
    except (ValueError, IndexError, KeyError, AttributeError, TypeError):
        # ValueError is its verdict on a value; the others escape from its code on texts it did not expect.
        return f"This is not of datatype {datatype}, or one of its components is not of its own datatype."
    return ""


def _characters(segment: Segment) -> dict[str, str]:
    marks = segment.delimiters
    return {
        "FIELD": marks.field,
        "COMPONENT": marks.component,
        "SUBCOMPONENT": marks.subcomponent,
        "REPETITION": marks.repetition,
        "ESCAPE": marks.escape,
        "SEGMENT": "\r",
        "GROUP": "\r",
    }


def _at(segment: Segment, field: int = 0, repetition: int = 0) -> str:
    occurrence = 0 if segment.name == "MSH" else segment.number
    return str(Location(segment.name, occurrence, field, repetition))
