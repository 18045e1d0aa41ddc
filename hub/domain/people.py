"""The two ways a person appears: as the sender claims, and as the cohort knows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

EVERYBODY = "cervicalscreening"
DEFENCE, ISLE_OF_MAN = "defence-medical-services", "isle-of-man"
WORKGROUPS = (EVERYBODY, DEFENCE, ISLE_OF_MAN)
"""Whose people may be seen by whom. The programme publishes the name of the first alone; the others are ours."""


@dataclass(frozen=True, slots=True)
class Claim:
    """Who the sender says the person is. Nothing here is verified; every part may be absent or wrong.

    `nhs_number` holds the characters the sender gave without spaces and hyphens (ten digits when it is one at all,
    the check digit not verified); names are as sent, unescaped and trimmed.
    """

    nhs_number: str | None = None
    family_name: str | None = None
    given_names: tuple[str, ...] = ()
    former_family_names: tuple[str, ...] = ()
    date_of_birth: date | None = None
    sex: str | None = None
    address_lines: tuple[str, ...] = ()
    postcode: str | None = None
    local_id: str | None = None


@dataclass(frozen=True, slots=True)
class Participant:
    """A person of the cohort, as PDS and the programme know her. `participant_id` is ours (a UUID as text);
    `next_test_due_on` the date she came with, `joined_on` the day she came.

    `deceased` is formal, informal or empty; `removal` why no practice's list holds her, empty where one does.
    `restricted`: her address and practice must not be shown. `workgroup`: who may see her. `pds_version`: of what PDS
    told last, 0 before it was asked. `merged_into`: the participant who has her history since her number was replaced.
    """

    participant_id: str
    nhs_number: str
    family_name: str
    given_names: tuple[str, ...]
    date_of_birth: date
    former_family_names: tuple[str, ...] = ()
    gender: str | None = None
    address_lines: tuple[str, ...] = ()
    postcode: str | None = None
    practice_code: str | None = None
    next_test_due_on: date | None = None
    joined_on: date | None = None
    deceased: str = ""
    died_on: date | None = None
    removal: str = ""
    removed_on: date | None = None
    restricted: bool = False
    workgroup: str = EVERYBODY
    pds_version: int = 0
    merged_into: str = ""
