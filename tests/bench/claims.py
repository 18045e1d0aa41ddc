"""Claims made from synthetic people, whose truth is known: clean ones, and ones spoilt in every way we could think of.

Each kind of spoiling is a function of a `World` and a random source; it gives the claim and the participant it is
really about (None: a person who is not in the cohort), or None where the person drawn does not lend herself to it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random

from adapters.simulators.people import DEFAULT_ON, PeopleMaker, Population, postcodes_for
from hub.domain import nhs_number
from hub.domain.given_names import FULL_NAMES
from hub.domain.people import Claim, Participant


@dataclass(frozen=True, slots=True)
class Case:
    """A claim and the participant it is about, None if that person is not in the cohort."""

    claim: Claim
    truth: Participant | None


@dataclass(slots=True)
class World:
    """The cohort, who holds which number, and people who are not in it."""

    population: Population
    outside: PeopleMaker
    holders: dict[str, Participant] = field(default_factory=dict)
    families: dict[str, list[Participant]] = field(default_factory=dict)

    @classmethod
    def of(cls, population: Population, seed: int) -> World:
        people = population.participants
        world = cls(population, PeopleMaker(seed, DEFAULT_ON, postcodes_for(len(people)), number_range="998"))
        for person in people:
            world.holders[person.nhs_number] = person
            world.families.setdefault(person.family_name, []).append(person)
        return world

    def anyone(self, random: Random) -> Participant:
        return random.choice(self.population.participants)

    def pair(self, pairs: list[tuple[int, int]], random: Random) -> tuple[Participant, Participant]:
        one, other = random.sample(random.choice(pairs), 2)
        return self.population.participants[one], self.population.participants[other]


def truthful(person: Participant) -> Claim:
    """What a laboratory says that got everything right."""
    return Claim(
        nhs_number=person.nhs_number,
        family_name=person.family_name,
        given_names=person.given_names,
        date_of_birth=person.date_of_birth,
        sex="M" if person.gender == "1" else "F",
        address_lines=person.address_lines,
        postcode=person.postcode,
    )


# ---- ways of writing that are no errors ---------------------------------------------------------------------------

Writing = Callable[[Claim, World, Random], Claim]


def _renamed(claim: Claim, change: Callable[[str], str]) -> Claim:
    return replace(
        claim,
        family_name=change(claim.family_name or ""),
        given_names=tuple(change(name) for name in claim.given_names),
    )


def _without_accents(text: str) -> str:
    plain = text.translate(str.maketrans("łŁøØıßđ", "lLoOisd"))
    return "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))


def _punctuated(claim: Claim, world: World, random: Random) -> Claim:
    instead = random.choice(("", " ", "’"))
    return _renamed(claim, lambda name: name.replace("'", instead).replace("-", random.choice((" ", "", "‐"))))


def _middle_initials(claim: Claim, world: World, random: Random) -> Claim:
    return replace(claim, given_names=claim.given_names[:1] + tuple(name[0] for name in claim.given_names[1:]))


def _short_form(claim: Claim, world: World, random: Random) -> Claim:
    name = claim.given_names[0].lower()
    shorts = [short for short, full in FULL_NAMES.items() if name in full]
    return replace(claim, given_names=(random.choice(shorts).title(),)) if shorts else claim


def _initial(claim: Claim, world: World, random: Random) -> Claim:
    return replace(claim, given_names=(claim.given_names[0][0],))


def _former_name(claim: Claim, world: World, random: Random) -> Claim:
    formers = world.holders[claim.nhs_number or ""].former_family_names
    return replace(claim, family_name=random.choice(formers)) if formers else claim


def _moved(claim: Claim, world: World, random: Random) -> Claim:
    elsewhere = world.anyone(random)
    return replace(claim, address_lines=elsewhere.address_lines, postcode=elsewhere.postcode)


# What a clean claim looks like: per cent. A way that does not apply to a person leaves her claim as recorded.
CLEAN: dict[str, tuple[int, Writing]] = {
    "as recorded": (40, lambda claim, world, random: claim),
    "in capitals": (12, lambda claim, world, random: _renamed(claim, str.upper)),
    "without accents": (6, lambda claim, world, random: _renamed(claim, _without_accents)),
    "hyphen or apostrophe otherwise": (6, _punctuated),
    "middle names left out": (10, lambda claim, world, random: replace(claim, given_names=claim.given_names[:1])),
    "middle names as initials": (4, _middle_initials),
    "short form of the given name": (4, _short_form),
    "given name as an initial": (2, _initial),
    "former family name": (4, _former_name),
    "moved house": (5, _moved),
    "no postcode": (3, lambda claim, world, random: replace(claim, postcode=None)),
    "no address": (3, lambda claim, world, random: replace(claim, postcode=None, address_lines=())),
    "no sex": (1, lambda claim, world, random: replace(claim, sex=None)),
}
# Laid over the spoilt claims too. Not among them: what changes whom the claim fits (short form, former name, moving).
_OVERLAY = [CLEAN[way][1] for way in (
    "as recorded", "as recorded", "in capitals", "without accents", "hyphen or apostrophe otherwise",
    "middle names left out", "middle names as initials", "given name as an initial", "no postcode", "no address",
)]  # fmt: skip


def overlaid(claim: Claim, world: World, random: Random) -> Claim:
    """The claim in one of the harmless ways of writing."""
    return random.choice(_OVERLAY)(claim, world, random) if claim.given_names else claim


# ---- errors of one person's claim ---------------------------------------------------------------------------------


def mistyped(text: str, random: Random) -> str:
    """One letter or digit replaced, left out or doubled, or two neighbours transposed; never the text itself."""
    while True:
        at = random.randrange(len(text))
        alphabet = "0123456789" if text[at].isdigit() else "abcdefghijklmnopqrstuvwxyz"
        slip = random.choice(("replace", "omit", "add", "transpose"))
        changed = {
            "replace": text[:at] + random.choice(alphabet) + text[at + 1 :],
            "omit": text[:at] + text[at + 1 :],
            "add": text[:at] + random.choice(alphabet) + text[at:],
            "transpose": text[:at] + text[at + 1 : at + 2] + text[at] + text[at + 2 :],
        }[slip]
        if changed.strip() and changed.casefold() != text.casefold():
            return changed


def _family_mistyped(claim: Claim, world: World, random: Random) -> Claim:
    return replace(claim, family_name=mistyped(claim.family_name or "", random))


def _given_mistyped(claim: Claim, world: World, random: Random) -> Claim:
    return replace(claim, given_names=(mistyped(claim.given_names[0], random), *claim.given_names[1:]))


def _digit_wrong(claim: Claim, world: World, random: Random) -> Claim | None:
    number = claim.nhs_number or ""
    at = random.randrange(10)
    return replace(claim, nhs_number=number[:at] + random.choice("0123456789") + number[at + 1 :])


def _digits_transposed(claim: Claim, world: World, random: Random) -> Claim | None:
    number, at = claim.nhs_number or "", random.randrange(9)
    return replace(claim, nhs_number=number[:at] + number[at + 1] + number[at] + number[at + 2 :])


def _valid_but_wrong(claim: Claim, world: World, random: Random) -> Claim | None:
    nine = list((claim.nhs_number or "")[:9])
    for _ in range(2):
        nine[random.randrange(1, 9)] = random.choice("0123456789")
    digit = nhs_number.check_digit("".join(nine))
    return replace(claim, nhs_number="".join(nine) + digit) if digit else None


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _birth_digit(claim: Claim, world: World, random: Random) -> Claim | None:
    text, at = str(claim.date_of_birth), random.choice((2, 3, 5, 6, 8, 9))
    wrong = _date(text[:at] + random.choice("0123456789") + text[at + 1 :])
    return replace(claim, date_of_birth=wrong) if wrong else None


def _birth_transposed(claim: Claim, world: World, random: Random) -> Claim | None:
    born = claim.date_of_birth
    wrong = _date(f"{born.year}-{born.day:02d}-{born.month:02d}") if born else None
    return replace(claim, date_of_birth=wrong) if wrong else None


def _names_swapped(claim: Claim, world: World, random: Random) -> Claim | None:
    return replace(claim, family_name=" ".join(claim.given_names), given_names=(claim.family_name or "",))


def _no_number(claim: Claim, world: World, random: Random) -> Claim | None:
    return replace(claim, nhs_number=None)


def _married(claim: Claim, world: World, random: Random) -> Claim | None:
    return replace(claim, family_name=world.anyone(random).family_name)


def _double_barrelled(claim: Claim, world: World, random: Random) -> Claim | None:
    return replace(claim, family_name=f"{claim.family_name}-{world.anyone(random).family_name}")


def _postcode_mistyped(claim: Claim, world: World, random: Random) -> Claim | None:
    return replace(claim, postcode=mistyped(claim.postcode, random).upper()) if claim.postcode else None


Error = Callable[[Claim, World, Random], Claim | None]

ERRORS: dict[str, Error] = {
    "family name mistyped": _family_mistyped,
    "given name mistyped": _given_mistyped,
    "number: one digit wrong": _digit_wrong,
    "number: two digits transposed": _digits_transposed,
    "number: wrong, yet valid": _valid_but_wrong,
    "birth date: one digit wrong": _birth_digit,
    "birth date: day and month transposed": _birth_transposed,
    "given and family name swapped": _names_swapped,
    "no number": _no_number,
    "married name not on record": _married,
    "double-barrelled after marriage": _double_barrelled,
    "postcode mistyped": _postcode_mistyped,
}


def several(claim: Claim, world: World, random: Random) -> Claim | None:
    """Two or three different errors at once."""
    spoilt: Claim | None = claim
    for error in random.sample([*ERRORS.values()], random.choice((2, 2, 3))):
        spoilt = error(spoilt, world, random) if spoilt and spoilt.nhs_number and spoilt.given_names else spoilt
    return spoilt


def plain(text: str) -> str:
    """The bench's own idea of the same name, so that it does not lean on what it measures."""
    return re.sub(r"[^a-z]", "", _without_accents(text).lower())
