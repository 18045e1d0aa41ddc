"""The keys under which a participant is indexed and a claim is looked up: whoever shares one is a candidate.

Each key is narrow on a cohort of sixteen million: about a thousand women share a birth date, so a key joins the birth
date, or the postcode, with part of a name. No key is a name alone. Keys are text, prefixed by their kind:

| prefix | joins | finds, beside the plain case |
| --- | --- | --- |
| `n`  | NHS number | wrong demographics |
| `df` | birth date, skeleton of a family name, former ones too | a wrong number, a near-miss or former family name |
| `dg` | birth date, first given name | an unrecorded married name |
| `pf` | postcode, skeleton of the family name | a wrong birth date |
| `pd` | postcode, birth date | both names wrong |
| `m`  | skeleton of the family name, given name, two of year, month and day | a birth date wrong in part |

A claim is also looked up with day and month transposed, with given and family name swapped, and by each part of a
double-barrelled name. A participant is indexed as on record: eight keys, and two more per former name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from functools import lru_cache

from hub.domain import names, nhs_number
from hub.domain.evidence import postcode_of
from hub.domain.people import Claim, Participant

_LONGEST = 200


@lru_cache(maxsize=1024)  # of one claim they are asked for more than once
def search_keys(person: Claim | Participant) -> frozenset[str]:
    """The keys of a participant, to be indexed, or of a claim, to be looked up.

    Never logged: they hold parts of names and dates.
    """
    keys = _claim_keys(person) if isinstance(person, Claim) else _participant_keys(person)
    return frozenset(key if len(key) <= _LONGEST else _shortened(key) for key in keys)


def _shortened(key: str) -> str:
    """A name may be of any length, an index's entry may not: alike where the keys are alike."""
    return f"{key[:_LONGEST]}|{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"


def _participant_keys(person: Participant) -> Iterator[str]:
    families = {names.fold(name) for name in (person.family_name, *person.former_family_names)} - {""}
    yield from _number_keys(person.nhs_number)
    yield from _birth_keys(person.date_of_birth, families, _first_given(person.given_names))
    yield from _postcode_keys(postcode_of(person.postcode), families, person.date_of_birth)
    yield from _partial_birth_keys(
        person.date_of_birth, names.fold(person.family_name), _first_given(person.given_names)
    )


def _claim_keys(claim: Claim) -> Iterator[str]:
    given = _first_given(claim.given_names)
    named = (claim.family_name or "", *claim.former_family_names)
    families = {form for name in named for form in (names.fold(name), *names.words(name)) if len(form) > 1}
    whole, postcode, born_on = names.fold(claim.family_name or ""), postcode_of(claim.postcode), claim.date_of_birth
    yield from _number_keys(claim.nhs_number or "")
    yield from _postcode_keys(postcode, families | {given} - {""}, born_on)
    for day in _possible_birth_dates(born_on):
        yield from _birth_keys(day, families | {given} - {""}, given)
        yield from _birth_keys(day, set(), whole)
        yield from _partial_birth_keys(day, whole, given)
    if born_on:
        yield from _partial_birth_keys(born_on, given, whole)


def _first_given(given_names: tuple[str, ...]) -> str:
    return next(iter(names.given_words(given_names)), "")


def _number_keys(text: str) -> Iterator[str]:
    number = nhs_number.normalise(text)
    if nhs_number.is_valid(number) and not nhs_number.is_placeholder(number):
        yield f"n:{number}"


def _birth_keys(born_on: date, families: set[str], given: str) -> Iterator[str]:
    for family in families:
        yield f"df:{born_on}:{names.skeleton(family)}"
    if len(given) > 1:
        yield f"dg:{born_on}:{given}"


def _postcode_keys(postcode: str, families: set[str], born_on: date | None) -> Iterator[str]:
    if not postcode:
        return
    for family in families:
        yield f"pf:{postcode}:{names.skeleton(family)}"
    if born_on:
        yield f"pd:{postcode}:{born_on}"


def _partial_birth_keys(born_on: date, family: str, given: str) -> Iterator[str]:
    if not family or len(given) < 2:
        return
    name = f"{names.skeleton(family)}:{given}"
    yield f"m:{name}:{born_on:%Y-%m}-"
    yield f"m:{name}:{born_on:%Y}--{born_on:%d}"
    yield f"m:{name}:-{born_on:%m-%d}"


def _possible_birth_dates(born_on: date | None) -> Iterator[date]:
    """The date as given, and with day and month transposed where that is a date too."""
    if born_on is None:
        return
    yield born_on
    if born_on.day <= 12 and born_on.day != born_on.month:
        yield date(born_on.year, born_on.day, born_on.month)
