"""People whom PDS knows, with every special case, and how PDS writes them (FHIR R4, UK Core).

Synthetic like all people here: `people` says how. The cases are those of the specification (apis.md 2.4, 2.5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from adapters.simulators.people import DEFAULT_ON, PeopleMaker
from hub.domain.people import Participant

_UK = "https://fhir.hl7.org.uk"
_NHS = "https://fhir.nhs.uk"
_GENDERS = {"1": "male", "2": "female", "0": "unknown"}
_CONFIDENTIALITY = {"U": "unrestricted", "R": "restricted"}
_DEATHS = {
    "1": "Informal - death notice received via an update from a local NHS Organisation such as GP or Trust",
    "2": "Formal - death notice received from Registrar of Deaths",
    "U": "Removed",
}
REMOVALS = {
    "DEA": "Death",
    "EMB": "Embarkation",
    "SCT": "Transferred to Scotland",
    "NIT": "Transferred to Northern Ireland",
    "TRA": "Temporary resident not returned",
    "ORR": "Other reason",
}


@dataclass(frozen=True, slots=True)
class Registered:
    """A person on PDS. `superseded_by` is the number that replaced hers; `born` is what PDS has of the birth date where
    it is not the whole; `notice` is 1, 2 or U; `since` is when her registration and her address began."""

    person: Participant
    version: int = 3
    superseded_by: str = ""
    invalid: bool = False
    restricted: bool = False
    died_on: date | None = None
    notice: str = ""
    removal: str = ""
    removed_on: date = date(2025, 11, 3)
    former_postcodes: tuple[str, ...] = ()
    born: str = ""
    since: date = date(2019, 4, 1)
    nameless: bool = False

    @property
    def birth(self) -> str:
        return self.born or self.person.date_of_birth.isoformat()

    def as_retrieved(self) -> dict[str, Any]:
        """The whole record, as it is read by its number."""
        patient = self.as_found()
        patient["name"] = self._names(former=True)
        if self.removal:
            patient.setdefault("extension", []).append(self._removal())
        return _filled(patient)

    def as_found(self) -> dict[str, Any]:
        """The part of it that a search shows."""
        patient: dict[str, Any] = {
            "resourceType": "Patient",
            "id": self.person.nhs_number,
            "identifier": [_number(self.person.nhs_number)],
            "meta": self._meta(),
            "name": self._names(former=False),
            "gender": _GENDERS.get(self.person.gender or "", "unknown"),
            "birthDate": self.birth,
        }
        if self.nameless:
            return {name: patient[name] for name in ("resourceType", "id", "identifier", "meta")}
        if self.died_on:
            patient["deceasedDateTime"] = f"{self.died_on}T00:00:00+00:00"
        if self.notice:
            patient["extension"] = [self._death()]
        if not self.restricted:
            patient["address"] = self._addresses()
            patient["generalPractitioner"] = self._practices()
        return _filled(patient)

    def _meta(self) -> dict[str, Any]:
        code = "R" if self.restricted else "U"
        system = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
        label = {"system": system, "code": code, "display": _CONFIDENTIALITY[code]}
        return {"versionId": str(self.version), "security": [label]}

    def _names(self, *, former: bool) -> list[dict[str, Any]]:
        if self.nameless:
            return []
        usual = {
            "id": "n1",
            "use": "usual",
            "period": {"start": self.since.isoformat()},
            "given": list(self.person.given_names),
            "family": self.person.family_name,
        }
        old = [
            {"id": f"n{index}", "use": "old", "period": {"start": "2001-01-01", "end": "2015-06-30"}, "family": family}
            for index, family in enumerate(self.person.former_family_names, 2)
        ]
        return [usual, *old] if former else [usual]

    def _addresses(self) -> list[dict[str, Any]]:
        if not self.person.postcode:
            return []
        lines = [*self.person.address_lines, ""]  # PDS keeps empty lines
        home = {"id": "a1", "use": "home", "period": {"start": self.since.isoformat()}, "line": lines}
        return [{**home, "postalCode": self.person.postcode}]

    def _practices(self) -> list[dict[str, Any]]:
        code = self.person.practice_code
        period = {"start": self.since.isoformat()}
        identifier = {"system": f"{_NHS}/Id/ods-organization-code", "value": code, "period": period}
        return [{"id": "g1", "type": "Organization", "identifier": identifier}] if code else []

    def _death(self) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [
            _coded(
                "deathNotificationStatus",
                f"{_UK}/CodeSystem/UKCore-DeathNotificationStatus",
                self.notice,
                _DEATHS[self.notice],
                version="1.0.0",
            )
        ]
        if self.died_on:
            parts.append({"url": "systemEffectiveDate", "valueDateTime": f"{self.died_on}T00:00:00+00:00"})
        return {"url": f"{_UK}/StructureDefinition/Extension-UKCore-DeathNotificationStatus", "extension": parts}

    def _removal(self) -> dict[str, Any]:
        code = _coded(
            "removalFromRegistrationCode",
            f"{_NHS}/CodeSystem/PDS-RemovalReasonExitCode",
            self.removal,
            REMOVALS[self.removal],
        )
        since = {"url": "effectiveTime", "valuePeriod": {"start": f"{self.removed_on}T00:00:00+00:00"}}
        return {"url": f"{_NHS}/StructureDefinition/Extension-PDS-RemovalFromRegistration", "extension": [code, since]}


def _coded(url: str, system: str, code: str, display: str, **more: str) -> dict[str, Any]:
    coding = {"system": system, **more, "code": code, "display": display}
    return {"url": url, "valueCodeableConcept": {"coding": [coding]}}


def _number(number: str) -> dict[str, Any]:
    status = _coded(
        f"{_UK}/StructureDefinition/Extension-UKCore-NHSNumberVerificationStatus",
        f"{_UK}/CodeSystem/UKCore-NHSNumberVerificationStatus",
        "01",
        "Number present and verified",
        version="1.0.0",
    )
    return {"system": f"{_NHS}/Id/nhs-number", "value": number, "extension": [status]}


def _filled(patient: dict[str, Any]) -> dict[str, Any]:
    """FHIR has no empty lists."""
    return {name: value for name, value in patient.items() if value != []}


def special_people(seed: int = 1, on: date = DEFAULT_ON) -> dict[str, Registered]:
    """One person for each special case, by a name for the case."""
    maker = PeopleMaker(seed, on, postcodes=60)

    def plain() -> Participant:
        """Names that no other case here bears, and none before them."""
        while True:
            person = replace(maker.person(), former_family_names=())
            if len(person.family_name) > 4 and len(person.given_names[0]) > 3 and person.family_name not in families:
                families.add(person.family_name)
                return person

    families: set[str] = set()
    successor, twin, lone = plain(), plain(), plain()
    cases = {
        "ordinary": Registered(plain()),
        "married": Registered(replace(plain(), former_family_names=("Oakenshaw",))),
        "moved": Registered(plain(), former_postcodes=("ZZ77 7ZZ",)),
        "successor": Registered(successor, version=8),
        "superseded": Registered(plain(), superseded_by=successor.nhs_number),
        "invalidated": Registered(plain(), invalid=True),
        "restricted": Registered(plain(), restricted=True),
        "died, formally": Registered(plain(), died_on=date(2025, 12, 20), notice="2", removal="DEA"),
        "died, informally": Registered(plain(), died_on=date(2025, 12, 28), notice="1"),
        "death taken back": Registered(plain(), notice="U"),
        "no address": Registered(replace(plain(), address_lines=(), postcode=None)),
        "no practice": Registered(replace(plain(), practice_code=None)),
        "born in some year": Registered(plain(), born="1971"),
        "hardly known": Registered(plain(), nameless=True),
        "twin of a kind": Registered(twin),
        "other of a kind": Registered(replace(maker.namesake(twin, next_door=True), given_names=twin.given_names)),
        "namesake once": Registered(replace(lone, former_family_names=("Penhallow",))),
    }
    cases |= {f"removed: {reason}": Registered(plain(), removal=reason) for reason in REMOVALS if reason != "DEA"}
    return cases
