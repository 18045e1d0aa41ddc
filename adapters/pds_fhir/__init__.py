"""PDS, the national register of demographics, over its FHIR API: question → requests, responses → answer.

    ask(WhoHas) ── GET /Patient/{number} ──► Found · NotFound · Invalidated · Refused
    ask(WhoIs) ─── GET /Patient?… ─┬─ one ──► GET /Patient/{number} ──► Found
                                   ├─ several ► the same without history ─► one · else Ambiguous
                                   └─ nobody ─► each wider search: one number in all · Ambiguous · NotFound

The whole record is read by its number, because a search leaves parts out.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import date

from adapters.pds_fhir.outcome import code_of, later, refusal, resource
from adapters.pds_fhir.patient import Unreadable, is_redacted, number_of, read_patient
from adapters.pds_fhir.search import as_claimed, can_be_asked, wider
from hub.contract import Later, Request, Response
from hub.domain import nhs_number
from hub.domain.demographics import (
    Ambiguous,
    Answer,
    Fault,
    Found,
    Invalidated,
    NotFound,
    Question,
    Refused,
    WhoHas,
    WhoIs,
)

_Sought = str | NotFound | Ambiguous | Refused
"""What a search brings: one number, or why not."""
_NOBODY = "9990000001"
_UNREADABLE = Refused("unreadable", Fault.HUB)


class PdsFhir:
    """See `hub.contract.Enquirer`."""

    dialect = "pds_fhir"

    def ask(self, question: Question, on: date) -> Generator[Request, Response, Answer]:
        """One conversation, as the page above draws it."""
        if isinstance(question, WhoHas):
            return (yield from _retrieve(nhs_number.normalise(question.nhs_number), on))
        found = yield from _trace(question)
        return (yield from _retrieve(found, on)) if isinstance(found, str) else found

    def knock(self) -> Generator[Request, Response, str]:
        """By a number that cannot be anybody's: that PDS says so shows that our request was read and allowed."""
        code = code_of((yield Request(f"/Patient/{_NOBODY}")))
        return "" if code == "INVALID_RESOURCE_ID" else code

    def later(self, response: Response) -> Later | None:
        """See `hub.contract.Enquirer`."""
        return later(response)


def _retrieve(number: str, on: date) -> Generator[Request, Response, Answer]:
    if not nhs_number.is_valid(number):  # and it must not stand in an address either
        return Refused("invalid-nhs-number", Fault.QUESTION)
    return _person((yield Request(f"/Patient/{number}")), number, on)


def _person(response: Response, asked: str, on: date) -> Answer:
    patient = resource(response.body)
    if response.status != 200 or patient.get("resourceType") != "Patient":
        return _no_person(response)
    try:
        if is_redacted(patient):
            return Invalidated()
        person = read_patient(patient, on)
    except Unreadable:
        return _UNREADABLE
    return Found(person, "" if person.nhs_number == asked else asked)


def _no_person(response: Response) -> Answer:
    refused = refusal(response)
    return _UNREADABLE if refused == Refused("http-200", Fault.HUB) else refused


def _trace(question: WhoIs) -> Generator[Request, Response, _Sought]:
    if not can_be_asked(question):
        return Refused("name-cannot-be-asked", Fault.QUESTION)
    found = yield from _search(as_claimed(question, history=True))
    if isinstance(found, NotFound):
        return (yield from _widened(question))
    if isinstance(found, Ambiguous):
        found = yield from _search(as_claimed(question, history=False))
        return found if not isinstance(found, NotFound) else Ambiguous()  # several were hers once
    return found


def _widened(question: WhoIs) -> Generator[Request, Response, _Sought]:
    numbers = set()
    for request in wider(question):
        found = yield from _search(request)
        if isinstance(found, str):
            numbers.add(found)
        elif not isinstance(found, NotFound):
            return found
    if len(numbers) > 1:
        return Ambiguous()
    return numbers.pop() if numbers else NotFound()


def _search(request: Request) -> Generator[Request, Response, _Sought]:
    response = yield request
    bundle = resource(response.body)
    if response.status != 200 or bundle.get("resourceType") != "Bundle":
        refused = _no_person(response)
        # A search that says "not found" as a whole is a wrong address, not an empty list.
        return refused if isinstance(refused, Ambiguous | Refused) else _UNREADABLE
    try:
        numbers, several = _numbers(bundle)
    except Unreadable:
        return _UNREADABLE
    if several:
        return Ambiguous()
    return numbers[0] if numbers else NotFound()


def _numbers(bundle: dict[str, object]) -> tuple[list[str], bool]:
    """Whose records were found, and whether there are more people than one. Raises Unreadable."""
    entries, total = bundle.get("entry", []), bundle.get("total", 0)
    if not isinstance(entries, list) or not isinstance(total, int) or (total and not entries):
        raise Unreadable
    found = [entry.get("resource") if isinstance(entry, dict) else None for entry in entries]
    numbers = list(dict.fromkeys(number_of(patient if isinstance(patient, dict) else {}) for patient in found))
    return numbers, len(numbers) > 1 or total > len(entries)
