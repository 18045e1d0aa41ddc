"""What the national register of demographics (PDS) is asked, and what it answers, in our words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import Enum

from hub.domain.people import Claim, Participant

# -- questions


@dataclass(frozen=True, slots=True)
class WhoHas:
    """Whose NHS number is this?"""

    nhs_number: str


@dataclass(frozen=True, slots=True)
class WhoIs:
    """Which one person is this? Asks by names, date of birth and postcode, never by the number that is claimed."""

    family_name: str
    date_of_birth: date
    given_name: str = ""
    postcode: str = ""

    @classmethod
    def of(cls, claim: Claim) -> WhoIs | None:
        """The question about a claim; None where it lacks the least that can be asked by."""
        if not claim.family_name or claim.date_of_birth is None:
            return None
        given = claim.given_names[0] if claim.given_names else ""
        return cls(claim.family_name, claim.date_of_birth, given, claim.postcode or "")


Question = WhoHas | WhoIs

# -- hints


@dataclass(frozen=True, slots=True)
class Hint:
    """What of an event is believed: that something about this person has changed, so that she must be read again.
    `event_id` is its sender's name for it, `kind` what it says has happened."""

    event_id: str
    kind: str
    nhs_number: str


@dataclass(frozen=True, slots=True)
class Hints:
    """What a message with events says. `others` is how many events in it are of a kind that is not listened to,
    `unfit` how many things in it are no events, or name nobody that there can be."""

    hints: tuple[Hint, ...] = ()
    others: int = 0
    unfit: int = 0


# -- answers


@dataclass(frozen=True, slots=True)
class Death:
    """`formal`: the registrar's notice; else a notice of a practice or trust. Both end every invitation."""

    formal: bool
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """Why nobody's practice list holds her: DEA, EMB, SCT, NIT, TRA, ORR."""

    reason: str
    since: date | None = None


@dataclass(frozen=True, slots=True)
class Demographics:
    """One person as PDS knows her on the day of the question.

    `restricted`: her address, postcode and practice are withheld. They exist; that they are empty here says nothing,
    and what is kept of them elsewhere must not be overwritten with nothing.
    `date_of_birth` is None where PDS knows none, or only a year or a month. `former_family_names` are those she bore.
    Only a greater `version` is newer.
    """

    nhs_number: str
    version: int
    family_name: str = ""
    given_names: tuple[str, ...] = ()
    former_family_names: tuple[str, ...] = ()
    date_of_birth: date | None = None
    gender: str | None = None
    address_lines: tuple[str, ...] = ()
    postcode: str | None = None
    practice_code: str | None = None
    restricted: bool = False
    death: Death | None = None
    removal: Removal | None = None

    def participant(self, participant_id: str) -> Participant | None:
        """The person of the cohort she would be; None where her name or date of birth is not known."""
        if not self.family_name or self.date_of_birth is None:
            return None
        return Participant(
            participant_id=participant_id,
            nhs_number=self.nhs_number,
            family_name=self.family_name,
            given_names=self.given_names,
            date_of_birth=self.date_of_birth,
            former_family_names=self.former_family_names,
            gender=self.gender,
            address_lines=self.address_lines,
            postcode=self.postcode,
            practice_code=self.practice_code,
            restricted=self.restricted,
            pds_version=self.version,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """This one person. `superseded` is the number that was asked for and has been replaced by hers; else empty."""

    person: Demographics
    superseded: str = ""


@dataclass(frozen=True, slots=True)
class NotFound:
    """Nobody. To a question with a postcode, this may also be somebody whose address is restricted."""


@dataclass(frozen=True, slots=True)
class Ambiguous:
    """More than one person fits, and PDS tells us none of them: somebody must look."""


@dataclass(frozen=True, slots=True)
class Invalidated:
    """The number was somebody's, is nobody's now, and no other has taken its place: somebody must look."""


class Fault(Enum):
    """Who must change something before the question can be answered."""

    QUESTION = "question"  # whoever asked: the question is none that PDS can answer
    HUB = "hub"  # an engineer: our credentials, our requests, or our reading of the answers


@dataclass(frozen=True, slots=True)
class Refused:
    """No answer, and asking again brings none. `code` is PDS's own word, or ours in small letters."""

    code: str
    fault: Fault


Answer = Found | NotFound | Ambiguous | Invalidated | Refused
