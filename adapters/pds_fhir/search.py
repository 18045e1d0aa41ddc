"""The searches by which one person is looked for, from the narrowest to the widest (apis.md 2.3, decision 0029)."""

from __future__ import annotations

from hub.contract import Request
from hub.domain.demographics import WhoIs

LONGEST_NAME = 35
_LEAST = 2
"""PDS takes no wildcard among the first two characters."""


def can_be_asked(question: WhoIs) -> bool:
    """A star in a name would be a wildcard that nobody meant, and a longer name is none that PDS keeps."""
    texts = (question.family_name, question.given_name, question.postcode)
    return bool(question.family_name) and not any("*" in text or len(text) > LONGEST_NAME for text in texts)


def as_claimed(question: WhoIs, *, history: bool) -> Request:
    """Everything as it is claimed; with `history`, as it ever was."""
    return _request(question, question.family_name, question.given_name, _postcode(question), history=history)


def wider(question: WhoIs) -> tuple[Request, ...]:
    """Each takes in those whom the narrower would have found, so that several of them are never overlooked."""
    family, given, postcode = question.family_name, question.given_name, _postcode(question)
    spelt_or_moved = _request(question, family, _begins(given, 3), _begins(postcode, 2), history=True)
    family_misspelt = _request(question, _begins(family, 3), given, postcode, history=True)
    narrow = as_claimed(question, history=True)
    return tuple(request for request in (spelt_or_moved, family_misspelt) if request != narrow)


def _request(question: WhoIs, family: str, given: str, postcode: str, *, history: bool) -> Request:
    query = [("family", family), ("birthdate", f"eq{question.date_of_birth.isoformat()}")]
    query += [(name, text) for name, text in (("given", given), ("address-postalcode", postcode)) if text]
    if history:
        query.append(("_history", "true"))
    return Request("/Patient", (*query, ("_max-results", "1")))


def _postcode(question: WhoIs) -> str:
    return "".join(question.postcode.split()).upper()


def _begins(text: str, length: int) -> str:
    return f"{text[:length].rstrip()}*" if len(text[:length].rstrip()) >= _LEAST else text
