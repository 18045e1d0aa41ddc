"""Whether somebody whom PDS knows may join the cohort by herself, because a result of hers came."""

from __future__ import annotations

from datetime import date

from hub.domain.dates import months_of_age
from hub.domain.demographics import Demographics
from hub.domain.policy import CallSettings


def why_not_join(person: Demographics, settings: CallSettings, on: date) -> str:
    """What speaks against it, as a sentence without values; empty where nothing does. A clerk decides then."""
    if person.family_name == "" or person.date_of_birth is None:
        return "PDS knows somebody, but not her name or her whole date of birth."
    if person.restricted:
        return "PDS knows somebody whose record is restricted: her address and practice are withheld."
    if person.death:
        return "PDS knows somebody who has died."
    if person.removal:
        return f"PDS knows somebody who is on no practice's list (removal reason {person.removal.reason})."
    if (person.gender or "").casefold() in settings.genders_not_called:
        return "PDS knows somebody who is registered as male."
    if months_of_age(person.date_of_birth, on) < settings.eligible_from_age_months:
        return "PDS knows somebody who is too young to be called."
    return ""
