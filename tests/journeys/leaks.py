"""Looks for people in what the hub says: NHS numbers, full names, birth dates, postcodes and addresses, as they are
written and in other forms. A family name alone may be an ordinary word, and is not looked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from hub.domain.people import Claim, Participant


def leaks(text: str, people: Sequence[Participant | Claim]) -> list[str]:
    """The kinds of things found, never the things themselves: what tests say is written down as well."""
    folded = re.sub(r"\s+", " ", text).casefold()
    joined = re.sub(r"(?<=\d)[ -](?=\d)", "", folded)
    numbers = set(re.findall(r"(?<!\d)\d{10}(?!\d)", f"{folded} {joined}"))
    return sorted({kind for person in people for kind in _leaks_of(person, folded, numbers)})


def _leaks_of(person: Participant | Claim, folded: str, numbers: set[str]) -> Iterator[str]:
    if person.nhs_number in numbers:
        yield "an NHS number"
    if person.family_name and _beside_each_other(person.family_name, person.given_names[0], folded):
        yield "a full name"
    if any(form in folded for form in _forms_of_birth(person)):
        yield "a birth date"
    if person.postcode and person.postcode.casefold() in folded:
        yield "a postcode"
    if person.address_lines and person.address_lines[0].casefold() in folded:
        yield "an address"


def _beside_each_other(family: str, given: str, folded: str) -> bool:
    """Both names with no more than a few signs between them, in either order."""
    family, given = family.casefold(), given.casefold()
    if family not in folded or given not in folded:
        return False
    one, other, between = re.escape(family), re.escape(given), r"[^a-z]{1,6}"
    return bool(re.search(rf"\b{one}\b{between}\b{other}\b|\b{other}\b{between}\b{one}\b", folded))


def _forms_of_birth(person: Participant | Claim) -> tuple[str, ...]:
    born = person.date_of_birth
    if born is None:
        return ()
    return f"{born:%Y%m%d}", f"{born:%Y-%m-%d}", f"{born:%d/%m/%Y}", f"date({born.year}, {born.month}, {born.day})"
