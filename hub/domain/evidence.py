"""What speaks for and against one participant being the person of a claim, field by field.

Each comparison gives one of the findings below. A finding carries its points, so that the score and the explanation
come from the same source, and a sentence for a clerk that holds no value of either side. The compared fields are those
a clerk sees side by side: number, birth date, names, address (domain.md 4.2), and sex.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Literal

from hub.domain import names, nhs_number
from hub.domain.names import Given
from hub.domain.people import Claim, Participant

Verdict = Literal["agrees", "similar", "differs", "missing"]


@dataclass(frozen=True, slots=True, eq=False)
class Finding:
    """One field compared. `points` is its share of the score; the best possible shares add up to 1."""

    field: str
    verdict: Verdict
    sentence: str
    points: float = 0.0


NUMBER_AGREES = Finding("nhs_number", "agrees", "The NHS number agrees.", 0.3)
NUMBER_NEAR = Finding(
    "nhs_number",
    "similar",
    "The NHS number differs in one digit, or two digits are transposed; its check digit is wrong.",
    0.18,
)
NUMBER_DIFFERS = Finding("nhs_number", "differs", "The NHS number is a different one.", -0.04)
NUMBER_INVALID = Finding("nhs_number", "missing", "The NHS number given is not a valid one, so it does not count.")
NUMBER_MISSING = Finding("nhs_number", "missing", "No NHS number was given.")

BORN_AGREES = Finding("date_of_birth", "agrees", "The date of birth agrees.", 0.28)
BORN_TRANSPOSED = Finding("date_of_birth", "similar", "Day and month of birth are transposed.", 0.16)
BORN_NEAR = Finding("date_of_birth", "similar", "The date of birth differs by one slip of a digit.", 0.16)
BORN_DIFFERS = Finding("date_of_birth", "differs", "The date of birth differs.", -0.08)
BORN_MISSING = Finding("date_of_birth", "missing", "No date of birth was given.")

FAMILY_AGREES = Finding("family_name", "agrees", "The family name agrees.", 0.18)
FAMILY_FORMER = Finding("family_name", "agrees", "The family name given is a former one on record.", 0.17)
FAMILY_ONCE = Finding("family_name", "agrees", "A former family name given is the one on record.", 0.17)
FAMILY_SHARED = Finding("family_name", "similar", "Only a former family name is shared.", 0.12)
FAMILY_SWAPPED = Finding("family_name", "similar", "Given name and family name stand in each other's place.", 0.13)
FAMILY_PART = Finding("family_name", "similar", "Part of the family name agrees.", 0.12)
FAMILY_NEAR = Finding("family_name", "similar", "The family name is spelt or sounds much the same.", 0.12)
FAMILY_DIFFERS = Finding("family_name", "differs", "The family name differs.", -0.1)
FAMILY_MISSING = Finding("family_name", "missing", "No family name was given.")

GIVEN_SWAPPED = Finding("given_names", "similar", "Given name and family name stand in each other's place.", 0.08)
GIVEN: dict[Given, Finding] = {
    Given.SAME: Finding("given_names", "agrees", "The given name agrees.", 0.12),
    Given.FURTHER: Finding(
        "given_names", "agrees", "The given name agrees; the claim has a further one that is not on record.", 0.1
    ),
    Given.VARIANT: Finding("given_names", "agrees", "The given name is another form of the same name.", 0.11),
    Given.INITIAL: Finding(
        "given_names", "similar", "Only the initial of the given name can be compared; it agrees.", 0.07
    ),
    Given.MIDDLE_DIFFERS: Finding(
        "given_names", "similar", "The first given name agrees, but the further ones do not.", 0.06
    ),
    Given.MIDDLE_USED: Finding("given_names", "similar", "The given name is a middle name on the other side.", 0.08),
    Given.NEAR: Finding("given_names", "similar", "The given name is spelt or sounds much the same.", 0.08),
    Given.DIFFERENT: Finding("given_names", "differs", "The given name is a different one.", -0.18),
    Given.MISSING: Finding("given_names", "missing", "There is no given name to compare."),
}

POSTCODE_AGREES = Finding("postcode", "agrees", "The postcode agrees.", 0.06)
POSTCODE_NEAR = Finding("postcode", "similar", "The postcode is nearly the same.", 0.03)
POSTCODE_DIFFERS = Finding("postcode", "differs", "The postcode differs.", -0.03)
POSTCODE_MISSING = Finding("postcode", "missing", "There is no postcode to compare.")

ADDRESS_SAME = Finding("address", "agrees", "The address agrees line by line.", 0.04)
ADDRESS_AGREES = Finding("address", "agrees", "House and street agree.", 0.04)
ADDRESS_NEXT_DOOR = Finding("address", "differs", "The street agrees, but the house number differs.", -0.02)
ADDRESS_STREET = Finding("address", "differs", "The street is written otherwise.", -0.01)
ADDRESS_DIFFERS = Finding("address", "differs", "The address differs.", -0.02)
ADDRESS_MISSING = Finding("address", "missing", "There is no address to compare.")

SEX_AGREES = Finding("sex", "agrees", "The sex agrees.", 0.02)
SEX_DIFFERS = Finding("sex", "differs", "The sex differs.", -0.05)
SEX_MISSING = Finding("sex", "missing", "There is no sex to compare.")

# HL7 table 0001, FHIR's words and the codes of the NHS data dictionary (0 not known, 9 not specified: neither).
_SEXES = {"F": "F", "FEMALE": "F", "2": "F", "M": "M", "MALE": "M", "1": "M"}
# Pseudo postcodes (no fixed abode, address not known, overseas) say nothing about where a person lives.
_PSEUDO_POSTCODES = frozenset({"ZZ993VZ", "ZZ993WZ", "ZZ993CZ"})
_NUMBER_OF_HOUSE = re.compile(r"\b\d+[a-z]?\b")
_NOT_A_STREET = frozenset(
    names.words(
        "flat apartment apt unit room floor block road rd street st avenue ave lane ln close cl drive dr way the "
        "court ct place pl gardens gdns terrace crescent house"
    )
)


@dataclass(frozen=True, slots=True)
class Street:
    """The line of an address that names street or house, with the numbers up to it; `whole` is the address in full."""

    words: frozenset[str] = frozenset()
    numbers: frozenset[str] = frozenset()
    whole: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """A claim made ready to be compared with many participants."""

    number: str
    number_counts: bool
    born_on: date | None
    families: frozenset[str]
    former_families: frozenset[str]
    family_words: tuple[str, ...]
    given: tuple[str, ...]
    sex: str | None
    postcode: str
    street: Street

    @classmethod
    def of(cls, claim: Claim) -> Asked:
        number = nhs_number.normalise(claim.nhs_number or "")
        return cls(
            number=number,
            number_counts=nhs_number.is_valid(number) and not nhs_number.is_placeholder(number),
            born_on=claim.date_of_birth,
            families=names.spellings(claim.family_name or ""),
            former_families=_spellings_of(claim.former_family_names),
            family_words=names.words(claim.family_name or ""),
            given=names.given_words(claim.given_names),
            sex=_sex(claim.sex),
            postcode=postcode_of(claim.postcode),
            street=street_of(claim.address_lines),
        )


def compare_number(asked: Asked, participant: Participant) -> Finding:
    """A number with a wrong check digit counts as absent, but a near miss is shown (domain.md 4.6)."""
    if asked.number_counts:
        return NUMBER_AGREES if asked.number == nhs_number.normalise(participant.nhs_number) else NUMBER_DIFFERS
    if not asked.number:
        return NUMBER_MISSING
    known = nhs_number.normalise(participant.nhs_number)
    return NUMBER_NEAR if names.one_slip(asked.number, known) and asked.number != known else NUMBER_INVALID


def compare_birth(asked: Asked, participant: Participant) -> Finding:
    claimed, known = asked.born_on, participant.date_of_birth
    if claimed is None:
        return BORN_MISSING
    if claimed == known:
        return BORN_AGREES
    if (claimed.year, claimed.month, claimed.day) == (known.year, known.day, known.month):
        return BORN_TRANSPOSED
    return BORN_NEAR if names.one_slip(claimed.isoformat(), known.isoformat()) else BORN_DIFFERS


def compare_family(asked: Asked, participant: Participant) -> Finding:
    """Agrees only if it is the very name but for case, accents, hyphens and apostrophes, or a former name."""
    known, former = names.spellings(participant.family_name), _spellings_of(participant.former_family_names)
    if not asked.families and not asked.former_families:
        return FAMILY_MISSING
    if asked.families & known:
        return FAMILY_AGREES
    if asked.families & former:
        return FAMILY_FORMER
    if asked.former_families & known:
        return FAMILY_ONCE
    return _compare_unlike_family(asked, participant, known, former)


def _compare_unlike_family(
    asked: Asked, participant: Participant, known: frozenset[str], former: frozenset[str]
) -> Finding:
    if asked.former_families & former:
        return FAMILY_SHARED
    given = names.given_words(participant.given_names)
    if given and given[0] in asked.families and known & {"".join(asked.given), *asked.given}:
        return FAMILY_SWAPPED
    if any(names.near(one, other) for one in asked.families for other in known | former):
        return FAMILY_NEAR
    parts = {part for name in (participant.family_name, *participant.former_family_names) for part in names.words(name)}
    return FAMILY_PART if any(len(part) > 2 and part in parts for part in asked.family_words) else FAMILY_DIFFERS


def compare_given(asked: Asked, participant: Participant) -> Finding:
    return GIVEN[names.compare_given(asked.given, names.given_words(participant.given_names))]


def compare_sex(asked: Asked, participant: Participant) -> Finding:
    known = _sex(participant.gender)
    if asked.sex is None or known is None:
        return SEX_MISSING
    return SEX_AGREES if asked.sex == known else SEX_DIFFERS


def compare_postcode(asked: Asked, participant: Participant) -> Finding:
    claimed, known = asked.postcode, postcode_of(participant.postcode)
    if not claimed or not known:
        return POSTCODE_MISSING
    if claimed == known:
        return POSTCODE_AGREES
    return POSTCODE_NEAR if names.one_slip(claimed, known) or claimed[:-2] == known[:-2] else POSTCODE_DIFFERS


def compare_address(asked: Asked, participant: Participant) -> Finding:
    """Street and house only: towns and counties are written in too many ways, and say too little."""
    claimed, known = asked.street, street_of(participant.address_lines)
    if not claimed.words or not known.words:
        return ADDRESS_MISSING
    if claimed.whole == known.whole:
        return ADDRESS_SAME
    same_street = claimed.words <= known.words or known.words <= claimed.words or _like(claimed.words, known.words)
    if claimed.numbers and known.numbers and not claimed.numbers & known.numbers:
        return ADDRESS_NEXT_DOOR if same_street else ADDRESS_DIFFERS
    return ADDRESS_AGREES if same_street else ADDRESS_STREET


def _like(one: frozenset[str], other: frozenset[str]) -> bool:
    return names.one_slip(" ".join(sorted(one)), " ".join(sorted(other)))


def postcode_of(text: str | None) -> str:
    """The postcode in capitals without spaces; empty for a pseudo postcode."""
    plain = (text or "").replace(" ", "").upper()
    return "" if plain in _PSEUDO_POSTCODES else plain


@lru_cache(32_768)
def street_of(lines: tuple[str, ...]) -> Street:
    """The first line with a name of its own, and the numbers of the house met on the way to it."""
    numbers: set[str] = set()
    whole = re.sub(r"\W+", " ", " ".join(lines).casefold())
    for line in (part for text in lines for part in text.casefold().split(",")):
        numbers.update(_NUMBER_OF_HOUSE.findall(line))
        named = frozenset(names.words(_NUMBER_OF_HOUSE.sub(" ", line))) - _NOT_A_STREET
        if named:
            return Street(named, frozenset(numbers), whole)
    return Street()


@lru_cache(32_768)
def _spellings_of(family_names: tuple[str, ...]) -> frozenset[str]:
    return frozenset(form for name in family_names for form in names.spellings(name))


def _sex(text: str | None) -> str | None:
    return _SEXES.get(text.strip().upper()) if text else None
