"""A FHIR Patient of PDS → `Demographics` (apis.md 2.4 and 2.5)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from hub.domain import nhs_number
from hub.domain.demographics import Death, Demographics, Removal

_DEATH = "https://fhir.hl7.org.uk/StructureDefinition/Extension-UKCore-DeathNotificationStatus"
_REMOVAL = "https://fhir.nhs.uk/StructureDefinition/Extension-PDS-RemovalFromRegistration"
_ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
_FORMER = {"old", "maiden"}
_FORMAL = {"1": False, "2": True}
_DEATH_TAKEN_BACK = "U"
_EVER = date.min.isoformat()


class Unreadable(Exception):
    """The resource is not of the form that PDS documents. Carries nothing: the text could be somebody's."""


def read_patient(patient: dict[str, Any], on: date) -> Demographics:
    """The person as she is on this day. Raises Unreadable."""
    restricted = _confidentiality(patient) != "U"
    name = _usual_name(patient, on)
    family = _text(name, "family")
    address = {} if restricted else _newest(_of_use(_parts(patient, "address"), "home"), on)
    return Demographics(
        nhs_number=number_of(patient),
        version=_version(patient),
        family_name=family,
        given_names=tuple(_texts(name, "given")),
        former_family_names=_former_names(patient, family),
        date_of_birth=_whole_date(_text(patient, "birthDate")),
        gender=_text(patient, "gender") or None,
        address_lines=tuple(_texts(address, "line")),
        postcode=_text(address, "postalCode") or None,
        practice_code=None if restricted else _practice(patient, on),
        restricted=restricted,
        death=_death(patient),
        removal=_removal(patient, on),
    )


def number_of(patient: dict[str, Any]) -> str:
    """The NHS number; of a superseded one, the number that replaces it. Raises Unreadable."""
    number = _text(patient, "id")
    if patient.get("resourceType") != "Patient" or not nhs_number.is_valid(number):
        raise Unreadable
    return number


def is_redacted(patient: dict[str, Any]) -> bool:
    """The record is invalid: PDS says it never sends one, and if it does nobody may use it."""
    return _confidentiality(patient) == "REDACTED"


def _version(patient: dict[str, Any]) -> int:
    version = _text(_part(patient, "meta"), "versionId")
    if not (version.isascii() and version.isdigit()):
        raise Unreadable
    return int(version)


def _confidentiality(patient: dict[str, Any]) -> str:
    codes = [_text(label, "code") for label in _parts(_part(patient, "meta"), "security")]
    return codes[0] if len(codes) == 1 else ""  # not known to be unrestricted: then it is restricted


def _usual_name(patient: dict[str, Any], on: date) -> dict[str, Any]:
    """A person always has a usual name: if none is in force, the last that was."""
    names = _of_use(_parts(patient, "name"), "usual")
    return _newest(names, on) or max(names, key=_start, default={})


def _former_names(patient: dict[str, Any], family: str) -> tuple[str, ...]:
    """Each once, as written, without the present one."""
    names = _parts(patient, "name")
    found = [_text(name, "family") for name in names if _text(name, "use") in {*_FORMER, "usual"}]
    return tuple(dict.fromkeys(name for name in found if name and name != family))


def _practice(patient: dict[str, Any], on: date) -> str | None:
    organisations = [_part(reference, "identifier") for reference in _parts(patient, "generalPractitioner")]
    practice = _newest([one for one in organisations if _text(one, "system") == _ODS], on)
    return _text(practice, "value") or None


def _death(patient: dict[str, Any]) -> Death | None:
    """A date without a status is a notice all the same; what its weight is nobody has said."""
    at = _text(patient, "deceasedDateTime")
    told = list(_extensions(patient, _DEATH))
    status = _coded(told[0], "deathNotificationStatus") if told else ""
    if status == _DEATH_TAKEN_BACK or not (status or at):
        return None
    if status and status not in _FORMAL:
        raise Unreadable
    return Death(_FORMAL.get(status, False), _whole_date(at[:10]))


def _removal(patient: dict[str, Any], on: date) -> Removal | None:
    """One that has ended is none; one that lies ahead is told with its day."""
    for extension in _extensions(patient, _REMOVAL):
        period = next((_part(one, "valuePeriod") for one in _extensions(extension, "effectiveTime")), {})
        if _end(period) >= on.isoformat():
            return Removal(_coded(extension, "removalFromRegistrationCode"), _whole_date(_text(period, "start")[:10]))
    return None


def _coded(extension: dict[str, Any], url: str) -> str:
    for part in _extensions(extension, url):
        for coding in _parts(_part(part, "valueCodeableConcept"), "coding"):
            if code := _text(coding, "code"):
                return code
    raise Unreadable


def _whole_date(text: str) -> date | None:
    """None for a year or a month alone, which PDS has for some people; no day is made up."""
    if len(text) < 10:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Unreadable from None


# -- what is in force (days compare as text: PDS writes them year first)


def _newest(found: list[dict[str, Any]], on: date) -> dict[str, Any]:
    """Of those in force on the day, the one that began last; empty where none is."""
    today = on.isoformat()
    in_force = [one for one in found if _start(one) <= today <= _end(_part(one, "period"))]
    return max(in_force, key=_start, default={})


def _start(one: dict[str, Any]) -> str:
    return _text(_part(one, "period"), "start")[:10] or _EVER


def _end(period: dict[str, Any]) -> str:
    return _text(period, "end")[:10] or date.max.isoformat()


# -- JSON of any shape


def _of_use(found: list[dict[str, Any]], use: str) -> list[dict[str, Any]]:
    return [one for one in found if _text(one, "use") == use]


def _extensions(found: dict[str, Any], url: str) -> Iterator[dict[str, Any]]:
    return (one for one in _parts(found, "extension") if _text(one, "url") == url)


def _part(found: dict[str, Any], key: str) -> dict[str, Any]:
    value = found.get(key, {})
    if not isinstance(value, dict):
        raise Unreadable
    return value


def _parts(found: dict[str, Any], key: str) -> list[dict[str, Any]]:
    values = found.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
        raise Unreadable
    return values


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key, "")
    if not isinstance(value, str):
        raise Unreadable
    return value.strip()


def _texts(found: dict[str, Any], key: str) -> list[str]:
    values = found.get(key, [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Unreadable
    return [value.strip() for value in values if value.strip()]
