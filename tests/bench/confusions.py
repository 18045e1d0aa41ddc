"""Claims that carry another person's number, and claims of people who are not in the cohort: the dangerous kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from random import Random

from hub.domain.people import Claim, Participant
from tests.bench.claims import ERRORS, Case, Error, World, mistyped, overlaid, plain, several, truthful

Draw = Callable[[World, Random], Case | None]


def _one_person(error: Error) -> Draw:
    """An error in the claim of somebody drawn from the cohort; often a twin, a namesake or a mother."""

    def draw(world: World, random: Random) -> Case | None:
        population = world.population
        person = world.anyone(random)
        if random.random() < 0.2:
            pairs = random.choice((population.twins, population.namesakes, population.mothers))
            person = world.pair(pairs, random)[0]
        right = overlaid(truthful(person), world, random)
        spoilt = error(right, world, random)
        return Case(spoilt, person) if spoilt and spoilt != right else None

    return draw


def _with_number_of(person: Participant, holder: Participant) -> Claim:
    return replace(truthful(person), nhs_number=holder.nhs_number)


def _of_pair(name: str, change: Callable[[Claim, Participant, World, Random], Claim]) -> Draw:
    """The claim of one of a pair with the number of the other, further changed."""

    def draw(world: World, random: Random) -> Case:
        person, holder = world.pair(getattr(world.population, name), random)
        return Case(change(_with_number_of(person, holder), holder, world, random), person)

    return draw


def _as_is(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return overlaid(claim, world, random)


def _initial(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, given_names=(claim.given_names[0][0],))


def _nameless(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, given_names=())


def _given_slip(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, given_names=(mistyped(claim.given_names[0], random),))


def _no_address(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, address_lines=(), postcode=None)


def _no_house(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, address_lines=(claim.address_lines[0].split(" ", 1)[1],))


def _after_a_move(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    elsewhere = world.anyone(random)
    return replace(claim, address_lines=elsewhere.address_lines, postcode=elsewhere.postcode)


def _postcode_slip(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, postcode=mistyped(claim.postcode or "", random).upper())


def _family_slip(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, family_name=mistyped(claim.family_name or "", random))


def _holders_birthday(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return overlaid(replace(claim, date_of_birth=holder.date_of_birth), world, random)


def _holders_address(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return replace(claim, address_lines=holder.address_lines, postcode=holder.postcode)


def _married(claim: Claim, holder: Participant, world: World, random: Random) -> Claim:
    return overlaid(
        replace(claim, former_family_names=(claim.family_name or "",), family_name="Newlywed"), world, random
    )


def _anyones_number(world: World, random: Random) -> Case:
    person = world.anyone(random)
    return Case(overlaid(_with_number_of(person, world.anyone(random)), world, random), person)


def _number_and_birthday_of_same_family(world: World, random: Random) -> Case | None:
    """Two records of one family name mixed up by the laboratory: number and birth date are the other's."""
    person = world.anyone(random)
    holder = random.choice(world.families[person.family_name])
    claim = replace(_with_number_of(person, holder), date_of_birth=holder.date_of_birth)
    return Case(overlaid(claim, world, random), person) if holder is not person else None


def _same_name_number_and_birthday(world: World, random: Random) -> Case | None:
    """As above, where given and family name are the same too: only the address tells."""
    person = world.anyone(random)
    alike = [other for other in world.families[person.family_name] if other.given_names[0] == person.given_names[0]]
    holder = random.choice(alike)
    if holder is person:
        return None
    return Case(replace(_with_number_of(person, holder), date_of_birth=holder.date_of_birth), person)


# ---- people who are not in the cohort -----------------------------------------------------------------------------


def _unknown(world: World, random: Random) -> Case:
    return Case(overlaid(truthful(world.outside.person()), world, random), None)


def _unknown_without_number(world: World, random: Random) -> Case:
    return Case(replace(truthful(world.outside.person()), nhs_number=None), None)


def _unknown_with_anyones_number(world: World, random: Random) -> Case:
    return Case(overlaid(_with_number_of(world.outside.person(), world.anyone(random)), world, random), None)


def _outside_twin(world: World, random: Random) -> Case:
    holder = world.anyone(random)
    return Case(overlaid(_with_number_of(world.outside.twin(holder), holder), world, random), None)


def _outside_twin_own_number(world: World, random: Random) -> Case:
    return Case(overlaid(truthful(world.outside.twin(world.anyone(random))), world, random), None)


def _outside_same_family_and_birthday(world: World, random: Random) -> Case:
    """Of one family name and birthday with the holder of the number, but of another given name and address."""
    holder, person = world.anyone(random), world.outside.person()
    claim = replace(_with_number_of(person, holder), family_name=holder.family_name, date_of_birth=holder.date_of_birth)
    return Case(overlaid(claim, world, random), None)


def _outside_neighbour(world: World, random: Random) -> Case:
    holder = world.anyone(random)
    person = world.outside.namesake(holder, next_door=True)
    return Case(overlaid(_with_number_of(person, holder), world, random), None)


def _outside_namesake(world: World, random: Random) -> Case:
    """A namesake born the same day, not in the cohort, living elsewhere, with the number of the one who is."""
    holder = world.anyone(random)
    return Case(_with_number_of(world.outside.namesake(holder, next_door=False), holder), None)


SPOILT: dict[str, tuple[int, Draw]] = {
    **{name: (5, _one_person(error)) for name, error in ERRORS.items()},
    "two or three errors at once": (8, _one_person(several)),
    "anyone's number": (3, _anyones_number),
    "twin's number": (3, _of_pair("twins", _as_is)),
    "twin's number, initial only": (3, _of_pair("twins", _initial)),
    "twin's number, no given name": (2, _of_pair("twins", _nameless)),
    "twin's number, given name mistyped": (3, _of_pair("twins", _given_slip)),
    "twin's number, after a move": (2, _of_pair("twins", _after_a_move)),
    "twin's number, married since": (2, _of_pair("twins", _married)),
    "namesake's number": (3, _of_pair("namesakes", _as_is)),
    "namesake's number, no address": (2, _of_pair("namesakes", _no_address)),
    "namesake's number, no house number": (2, _of_pair("namesakes", _no_house)),
    "namesake's number, after a move": (3, _of_pair("namesakes", _after_a_move)),
    "namesake's number, postcode mistyped": (2, _of_pair("namesakes", _postcode_slip)),
    "namesake's number, family name mistyped": (2, _of_pair("namesakes", _family_slip)),
    "namesake's number, initial only": (2, _of_pair("namesakes", _initial)),
    "mother's or daughter's number": (2, _of_pair("mothers", _as_is)),
    "mother's or daughter's number, birth date": (3, _of_pair("mothers", _holders_birthday)),
    "mother's or daughter's number, address": (2, _of_pair("mothers", _holders_address)),
    "number, birthday of one family name": (3, _number_and_birthday_of_same_family),
    "number, birthday of one full name": (2, _same_name_number_and_birthday),
    "unknown person": (4, _unknown),
    "unknown person, no number": (3, _unknown_without_number),
    "unknown person, anyone's number": (2, _unknown_with_anyones_number),
    "unknown twin, own number": (2, _outside_twin_own_number),
    "unknown twin, her sister's number": (4, _outside_twin),
    "unknown, same family and birthday, number": (4, _outside_same_family_and_birthday),
    "unknown neighbour of same name, number": (3, _outside_neighbour),
    "unknown namesake elsewhere, number": (3, _outside_namesake),
}
"""Kind of spoilt claim → its weight in the mix, and how it is drawn."""


def impossible(case: Case, world: World) -> bool:
    """Whether nobody, man or machine, could tell that the holder of the number is not meant: whatever the claim says is
    so on the holder's record, and not all of it on that of the person meant."""
    claim, holder = case.claim, world.holders.get(case.claim.nhs_number or "")
    if holder is None or holder is case.truth or not _fits(claim, holder):
        return False
    return case.truth is None or not _fits(claim, case.truth)


def _fits(claim: Claim, person: Participant) -> bool:
    return _names_fit(claim, person) and _lives_at(claim, person)


def _lives_at(claim: Claim, person: Participant) -> bool:
    """Whether nothing in the claim's address is otherwise on the person's record."""
    house, street = person.address_lines[0], person.address_lines[0].split(" ", 1)[1]
    return claim.postcode in (None, person.postcode) and claim.address_lines[:1] in ((), (house,), (street,))


def _names_fit(claim: Claim, holder: Participant) -> bool:
    families = {plain(name) for name in (holder.family_name, *holder.former_family_names)}
    claimed, known = [_plain_words(names) for names in (claim.given_names, holder.given_names)]
    return (
        claim.date_of_birth == holder.date_of_birth
        and bool(families & {plain(name) for name in (claim.family_name or "", *claim.former_family_names)})
        and all(any(word in (name, name[:1]) for name in known[at : at + 1]) for at, word in enumerate(claimed))
    )


def _plain_words(given_names: tuple[str, ...]) -> list[str]:
    return [plain(name) for name in given_names]
