"""What PDS answers about a person of the cohort, applied: the newest version only, in any order, however often."""

from __future__ import annotations

from dataclasses import replace

from hub.contract import named_identity
from hub.domain.demographics import Demographics
from hub.domain.people import Participant
from hub.flow.clerks import people_changed
from hub.flow.merging import merge
from hub.flow.step import Step

PDS = "PDS"


def apply_demographics(step: Step, demographics: Demographics, superseded: str = "") -> bool:
    """Bring what is known of her up to what PDS knows; True if that changed anything.

    Somebody who is not in the cohort is left out: whether she joins is for the caller. A version that is not newer
    changes nothing. `superseded` is the number that PDS replaced by hers (`Found.superseded`): whoever bore it here
    bears the new one, and two people who turn out to be one become one.
    """
    step.tx.hold_everything()  # nobody decides whose a result is from what is just being changed
    known = step.tx.cohort.by_nhs_number(demographics.nhs_number)
    former = step.tx.cohort.by_nhs_number(superseded) if superseded else None
    if former and former.merged_into:
        former = None
    if known is None and former is None:
        return False
    renamed = known is None
    person = known or former
    assert person is not None
    changed = False
    if renamed or demographics.version > person.pds_version:
        after = renewed(person, demographics)
        people_changed(step, [after])
        if renamed:
            step.tx.cohort.put([_trail(person, after)], step.now)
        person, changed = after, True
    if former and former.participant_id != person.participant_id:
        merge(step, former, person, by=PDS, why="PDS has replaced the one number by the other.")
        changed = True
    return changed


def _trail(before: Participant, after: Participant) -> Participant:
    """What stands under the number she bore: it leads to her. Or a cohort file that still has it would make a second
    woman of her, who would be called as well."""
    name = named_identity(f"former number|{before.nhs_number}")
    return replace(before, participant_id=name, merged_into=after.participant_id)


def renewed(person: Participant, told: Demographics) -> Participant:
    """The person as PDS now knows her. What it withholds or does not know stays as it was; what it no longer says of
    her death or removal is taken back."""
    visible = not told.restricted
    return replace(
        person,
        nhs_number=told.nhs_number,
        family_name=told.family_name or person.family_name,
        given_names=told.given_names or person.given_names,
        former_family_names=tuple(dict.fromkeys((*told.former_family_names, *_borne(person, told)))),
        date_of_birth=told.date_of_birth or person.date_of_birth,
        gender=told.gender or person.gender,
        address_lines=told.address_lines if visible else person.address_lines,
        postcode=told.postcode if visible else person.postcode,
        practice_code=told.practice_code if visible else person.practice_code,
        restricted=told.restricted,
        deceased=("formal" if told.death.formal else "informal") if told.death else "",
        died_on=told.death.on if told.death else None,
        removal=told.removal.reason if told.removal else "",
        removed_on=told.removal.since if told.removal else None,
        pds_version=told.version,
    )


def _borne(person: Participant, told: Demographics) -> tuple[str, ...]:
    """The names she bore before, as far as we heard of them: reports may still come under any of them."""
    before = (*person.former_family_names, person.family_name)
    return tuple(name for name in before if told.family_name and name != told.family_name)
