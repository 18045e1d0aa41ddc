"""PDS's language: every question as requests, every response as an answer in our words."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from adapters.pds_fhir import PdsFhir
from adapters.simulators.pds_people import REMOVALS, Registered, special_people
from hub.contract import Later, Request, Response
from hub.domain.demographics import (
    Ambiguous,
    Answer,
    Death,
    Demographics,
    Fault,
    Found,
    Invalidated,
    NotFound,
    Question,
    Refused,
    Removal,
    WhoHas,
    WhoIs,
)
from hub.domain.nhs_number import check_digit
from hub.domain.people import Claim
from tests.pds.openapi import SAMPLES, request_problems, sample

ON = date(2026, 1, 15)
PEOPLE = special_people()
PDS = PdsFhir()
Answering = Callable[[Request], Response]
_SYSTEM = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"


def converse(question: Question, answering: Answering, on: date = ON) -> tuple[Answer, list[Request]]:
    """The whole conversation, with a PDS that is a function."""
    talk, asked = PDS.ask(question, on), []
    try:
        request = next(talk)
        while True:
            asked.append(request)
            request = talk.send(answering(request))
    except StopIteration as end:
        return end.value, asked


def in_turn(*responses: Response) -> Answering:
    left = list(responses)
    return lambda _: left.pop(0)


def fhir(resource: dict[str, Any], status: int = 200) -> Response:
    return Response(status, json.dumps(resource).encode())


def outcome(status: int, code: str, diagnostics: str = "") -> Response:
    issue = {"severity": "error", "code": "value", "details": {"coding": [{"system": _SYSTEM, "code": code}]}}
    return fhir({"resourceType": "OperationOutcome", "issue": [issue | {"diagnostics": diagnostics}]}, status)


def listed(*people: Registered, total: int | None = None) -> Response:
    entries = [{"resource": one.as_found()} for one in people]
    return fhir({"resourceType": "Bundle", "total": len(people) if total is None else total, "entry": entries})


def whole(one: Registered) -> Response:
    return fhir(one.as_retrieved())


def number(case: str) -> str:
    return PEOPLE[case].person.nhs_number


def who(case: str) -> WhoIs:
    person = PEOPLE[case].person
    return WhoIs(person.family_name, person.date_of_birth, person.given_names[0], person.postcode or "")


def read(case: str) -> Demographics:
    answer, _ = converse(WhoHas(number(case)), in_turn(whole(PEOPLE[case])))
    assert isinstance(answer, Found)
    return answer.person


# -- by number


def test_a_person_is_read_as_pds_knows_her_and_could_join_the_cohort() -> None:
    known = PEOPLE["married"].person
    found = read("married")
    assert found.participant("ours") == replace(
        known, participant_id="ours", gender="female", next_test_due_on=None, pds_version=3
    )
    assert (found.version, found.restricted, found.death, found.removal) == (3, False, None, None)
    assert found.former_family_names == ("Oakenshaw",)


def test_another_number_in_the_answer_says_that_the_one_asked_for_is_superseded() -> None:
    answer, asked = converse(WhoHas(number("superseded")), in_turn(whole(PEOPLE["successor"])))
    assert isinstance(answer, Found)
    assert (answer.superseded, answer.person.nhs_number) == (number("superseded"), number("successor"))
    assert [request.path for request in asked] == [f"/Patient/{number('superseded')}"]


def test_restricted_means_withheld_and_whatever_stands_there_is_not_taken() -> None:
    found = read("restricted")
    assert found.restricted and found.family_name
    assert (found.address_lines, found.postcode, found.practice_code) == ((), None, None)
    leaked = replace(PEOPLE["restricted"], restricted=False).as_retrieved()
    leaked["meta"]["security"][0]["code"] = "R"
    for code in ("R", "V", "what is this"):
        leaked["meta"]["security"][0]["code"] = code
        answer, _ = converse(WhoHas(number("restricted")), in_turn(fhir(leaked)))
        assert isinstance(answer, Found) and answer.person == found
    del leaked["meta"]["security"]
    answer, _ = converse(WhoHas(number("restricted")), in_turn(fhir(leaked)))
    assert isinstance(answer, Found) and answer.person.restricted


def test_a_redacted_record_that_should_never_come_is_not_used() -> None:
    patient = PEOPLE["ordinary"].as_retrieved()
    patient["meta"]["security"][0]["code"] = "REDACTED"
    assert converse(WhoHas(number("ordinary")), in_turn(fhir(patient)))[0] == Invalidated()


@pytest.mark.parametrize(
    ("case", "death"),
    [
        ("died, formally", Death(True, date(2025, 12, 20))),
        ("died, informally", Death(False, date(2025, 12, 28))),
        ("death taken back", None),
        ("ordinary", None),
    ],
)
def test_deaths(case: str, death: Death | None) -> None:
    assert read(case).death == death


def test_a_death_without_a_status_is_a_death_and_an_unknown_status_is_no_guess() -> None:
    patient = PEOPLE["ordinary"].as_retrieved() | {"deceasedDateTime": "2025-06"}
    answer, _ = converse(WhoHas(number("ordinary")), in_turn(fhir(patient)))
    assert isinstance(answer, Found) and answer.person.death == Death(False, None)
    patient = PEOPLE["died, formally"].as_retrieved()
    patient["extension"][0]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] = "7"
    answer, _ = converse(WhoHas(number("died, formally")), in_turn(fhir(patient)))
    assert answer == Refused("unreadable", Fault.HUB)


@pytest.mark.parametrize("reason", [reason for reason in REMOVALS if reason != "DEA"])
def test_removals(reason: str) -> None:
    assert read(f"removed: {reason}").removal == Removal(reason, date(2025, 11, 3))


def test_a_removal_that_has_ended_is_none() -> None:
    patient = PEOPLE["removed: SCT"].as_retrieved()
    patient["extension"][0]["extension"][1]["valuePeriod"]["end"] = "2026-01-14T00:00:00+00:00"
    question = WhoHas(number("removed: SCT"))
    for on, removed in ((date(2026, 1, 14), True), (ON, False)):
        answer, _ = converse(question, in_turn(fhir(patient)), on)
        assert isinstance(answer, Found) and bool(answer.person.removal) is removed


def test_what_is_missing_is_not_made_up() -> None:
    assert (read("no address").address_lines, read("no address").postcode) == ((), None)
    assert read("no practice").practice_code is None
    assert read("born in some year").date_of_birth is None
    hardly = read("hardly known")
    assert (
        hardly.nhs_number and hardly.participant("ours") is None and read("born in some year").participant("x") is None
    )


def test_what_is_in_force_on_the_day_counts() -> None:
    patient = PEOPLE["ordinary"].as_retrieved()
    later = {"start": "2026-02-01"}
    patient["name"].append({**patient["name"][0], "family": "Later", "period": later})
    patient["address"].append({**patient["address"][0], "postalCode": "ZZ11 1ZZ", "period": later})
    patient["generalPractitioner"][0]["identifier"]["period"]["end"] = "2026-01-31"
    question = WhoHas(number("ordinary"))
    before, _ = converse(question, in_turn(fhir(patient)), date(2026, 1, 31))
    after, _ = converse(question, in_turn(fhir(patient)), date(2026, 2, 1))
    assert isinstance(before, Found) and isinstance(after, Found)
    assert before.person.postcode == PEOPLE["ordinary"].person.postcode and before.person.practice_code
    assert (after.person.family_name, after.person.postcode, after.person.practice_code) == ("Later", "ZZ11 1ZZ", None)
    assert PEOPLE["ordinary"].person.family_name in after.person.former_family_names


def test_a_number_that_cannot_be_one_is_never_asked_about() -> None:
    for text in ("9990000001", "12345", "T999000001", "999/../../x", ""):
        assert converse(WhoHas(text), in_turn()) == (Refused("invalid-nhs-number", Fault.QUESTION), [])


@pytest.mark.parametrize(
    "spoil",
    [
        lambda patient: patient.update(id="9990000001"),
        lambda patient: patient.update(name="text"),
        lambda patient: patient.update(name=["text"]),
        lambda patient: patient.update(meta=[]),
        lambda patient: patient["meta"].update(versionId="new"),
        lambda patient: patient.update(birthDate="2001-13-45"),
        lambda patient: patient.update(birthDate=20010101),
        lambda patient: patient["address"][0].update(line="text"),
    ],
)
def test_a_record_of_another_form_is_an_engineers_business(spoil: Callable[[dict[str, Any]], None]) -> None:
    patient = PEOPLE["ordinary"].as_retrieved()
    spoil(patient)
    answer, _ = converse(WhoHas(number("ordinary")), in_turn(fhir(patient)))
    assert answer == Refused("unreadable", Fault.HUB)


@settings(deadline=None)  # the machine may be busy
@given(some.binary(max_size=60) | some.sampled_from([b"[]", b"null", b"{}", b"[" * 100_000, b'{"resourceType":1}']))
def test_no_bytes_are_an_answer_and_none_raise(body: bytes) -> None:
    for question in (WhoHas(number("ordinary")), who("ordinary")):
        answer, asked = converse(question, in_turn(Response(200, body)))
        assert answer == Refused("unreadable", Fault.HUB) and len(asked) == 1
    assert PDS.later(Response(503, body)) == Later("http-503")


# -- what PDS says instead (every documented code: the table of apis.md 2.7, and the published samples)

QUESTION, HUB = Fault.QUESTION, Fault.HUB
REFUSALS: list[tuple[int, str, Answer]] = [
    (400, "INVALID_RESOURCE_ID", Refused("INVALID_RESOURCE_ID", QUESTION)),
    (400, "INVALID_VALUE", Refused("INVALID_VALUE", QUESTION)),
    (400, "TOO_MANY_VALUES_SUBMITTED", Refused("TOO_MANY_VALUES_SUBMITTED", QUESTION)),
    *(
        (status, code, Refused(code, HUB))
        for status, code in (
            (400, "ADDITIONAL_PROPERTIES"),
            (400, "INSERT_BIRTH_DEATH_STATUS_INCONSISTENT"),
            (400, "INVALID_CREATE"),
            (400, "INVALID_SEARCH_DATA"),
            (400, "INVALID_UPDATE"),
            (400, "MISSING_VALUE"),
            (400, "TOO_FEW_VALUES_SUBMITTED"),
            (400, "UNSUPPORTED_SERVICE"),
            (400, "VALIDATION_ERROR"),
            (403, "ACCESS_DENIED"),
            (403, "FORBIDDEN_UPDATE"),
            (403, "INVALID_METHOD"),
            (403, "INVALID_VALUE"),
            (409, "RESOURCE_VERSION_MISMATCH"),
            (412, "PRECONDITION_FAILED"),
        )
    ),
    (404, "RESOURCE_NOT_FOUND", NotFound()),
    (404, "INVALIDATED_RESOURCE", Invalidated()),
    (200, "TOO_MANY_MATCHES", Ambiguous()),
]


@pytest.mark.parametrize(("status", "code", "answer"), REFUSALS)
def test_every_documented_refusal(status: int, code: str, answer: Answer) -> None:
    response = outcome(status, code)
    assert PDS.later(response) is None
    assert converse(WhoHas(number("ordinary")), in_turn(response))[0] == answer


@pytest.mark.parametrize(
    ("status", "code", "headers", "later"),
    [
        (401, "ACCESS_DENIED", {}, Later("ACCESS_DENIED", token=True)),
        (408, "UNABLE_TO_CALL_SERVICE", {}, Later("UNABLE_TO_CALL_SERVICE")),
        (429, "TOO_MANY_REQUESTS", {}, Later("TOO_MANY_REQUESTS", busy=True)),
        (503, "SERVICE_UNAVAILABLE", {"retry-after": "5"}, Later("SERVICE_UNAVAILABLE", 5.0)),
        (503, "SERVICE_UNAVAILABLE", {"retry-after": "Wed, 21 Oct 2026"}, Later("SERVICE_UNAVAILABLE")),
        (500, "OTHER", {}, Later("OTHER")),
    ],
)
def test_every_documented_not_now(status: int, code: str, headers: dict[str, str], later: Later) -> None:
    assert PDS.later(replace(outcome(status, code), headers=headers)) == later


def test_every_published_error_has_its_line_here() -> None:
    sample("errors/ACCESS_DENIED.json")
    coded = {path.stem for path in (SAMPLES / "errors").glob("*.json")} - {"NOT_SUPPORTED_SEARCH"}  # of the mock alone
    assert coded <= {code for _, code, _ in REFUSALS}
    statuses = {code: (status, answer) for status, code, answer in REFUSALS}
    for code in coded:
        status, answer = statuses[code]
        response = fhir(sample(f"errors/{code}.json"), status)
        assert converse(WhoHas(number("ordinary")), in_turn(response))[0] == answer


def test_what_is_said_of_a_header_is_never_the_questions_fault() -> None:
    response = outcome(400, "INVALID_VALUE", "Invalid value - 'x' in header 'X-Request-ID'")
    assert converse(WhoHas(number("ordinary")), in_turn(response))[0] == Refused("INVALID_VALUE", HUB)


def test_a_404_of_somebody_else_is_nobodys_absence() -> None:
    for response in (Response(404, b"<html>"), outcome(404, "SOMETHING"), fhir({"resourceType": "Patient"}, 404)):
        answer, _ = converse(WhoHas(number("ordinary")), in_turn(response))
        assert isinstance(answer, Refused) and answer.fault is HUB
    answer, _ = converse(who("ordinary"), in_turn(outcome(404, "RESOURCE_NOT_FOUND")))
    assert answer == Refused("unreadable", HUB), "a search that finds nobody answers with an empty list"


def test_a_knock_asks_about_nobody() -> None:
    for response, code in (
        (outcome(400, "INVALID_RESOURCE_ID"), ""),
        (outcome(403, "ACCESS_DENIED"), "ACCESS_DENIED"),
        (Response(404), "http-404"),
    ):
        talk = PDS.knock()
        asked = next(talk)
        with pytest.raises(StopIteration) as end:
            talk.send(response)
        assert end.value.value == code
        claimed = asked.path.rpartition("/")[2]
        assert check_digit(claimed[:9]) != claimed[9]


# -- by who it is

ORDINARY, TWIN = PEOPLE["ordinary"], PEOPLE["twin of a kind"]
NOBODY, MANY = listed(), outcome(200, "TOO_MANY_MATCHES")


def said(request: Request) -> str:
    return " ".join(f"{name}={text}" for name, text in request.query)


def test_one_who_fits_is_then_read_by_her_number() -> None:
    answer, asked = converse(who("ordinary"), in_turn(listed(ORDINARY), whole(ORDINARY)))
    assert isinstance(answer, Found) and answer.person == read("ordinary")
    assert [request.path for request in asked] == ["/Patient", f"/Patient/{number('ordinary')}"]
    person = ORDINARY.person
    assert said(asked[0]) == (
        f"family={person.family_name} birthdate=eq{person.date_of_birth} given={person.given_names[0]} "
        f"address-postalcode={(person.postcode or '').replace(' ', '')} _history=true _max-results=1"
    )


def test_several_are_asked_for_again_without_history() -> None:
    answer, asked = converse(who("ordinary"), in_turn(MANY, listed(ORDINARY), whole(ORDINARY)))
    assert isinstance(answer, Found) and "_history" not in said(asked[1])
    for then in (MANY, NOBODY):
        assert converse(who("ordinary"), in_turn(MANY, then))[0] == Ambiguous()


def test_nobody_is_looked_for_in_wider_searches() -> None:
    answer, asked = converse(who("ordinary"), in_turn(NOBODY, NOBODY, NOBODY))
    assert answer == NotFound()
    person = ORDINARY.person
    assert f"given={person.given_names[0][:3]}*" in said(asked[1])
    assert "address-postalcode=ZZ*" in said(asked[1]) and f"family={person.family_name} " in said(asked[1])
    assert f"family={person.family_name[:3]}* " in said(asked[2]) and f"given={person.given_names[0]} " in said(
        asked[2]
    )


@pytest.mark.parametrize(
    ("wider", "answer"),
    [
        ((listed(ORDINARY), NOBODY), Found),
        ((NOBODY, listed(ORDINARY)), Found),
        ((listed(ORDINARY), listed(ORDINARY)), Found),
        ((listed(ORDINARY), listed(TWIN)), Ambiguous),
        ((listed(ORDINARY), MANY), Ambiguous),
        ((MANY,), Ambiguous),
        ((listed(ORDINARY, total=2),), Ambiguous),
        ((listed(ORDINARY, TWIN),), Ambiguous),
        ((outcome(403, "INVALID_VALUE", "Cannot retrieve more than one result with x"),), Ambiguous),
        ((outcome(400, "INVALID_VALUE"),), Refused),
    ],
)
def test_only_one_number_over_all_wider_searches_is_accepted(wider: Sequence[Response], answer: type) -> None:
    found, _ = converse(who("ordinary"), in_turn(NOBODY, *wider, whole(ORDINARY)))
    assert type(found) is answer


def test_what_pds_cannot_be_asked_is_not_asked() -> None:
    born = date(1980, 1, 1)
    for question in (WhoIs("Sm*", born), WhoIs("Smith", born, "J*"), WhoIs("S" * 36, born), WhoIs("", born)):
        assert converse(question, in_turn()) == (Refused("name-cannot-be-asked", QUESTION), [])


def test_a_claim_becomes_a_question_where_it_says_enough() -> None:
    claim = Claim(family_name="Ash", given_names=("Una", "May"), date_of_birth=date(1980, 2, 3), postcode="zz9 9zz")
    assert WhoIs.of(claim) == WhoIs("Ash", date(1980, 2, 3), "Una", "zz9 9zz")
    assert WhoIs.of(replace(claim, family_name=None)) is None and WhoIs.of(replace(claim, date_of_birth=None)) is None


# -- judged by the published document

TEXT = some.text(some.characters(exclude_categories=("Cs",)), max_size=40)


@settings(deadline=None)  # the machine may be busy
@given(TEXT, some.dates(), TEXT, TEXT, some.booleans())
def test_every_request_is_one_that_the_document_allows(
    family: str, born: date, given_name: str, postcode: str, several: bool
) -> None:
    first = MANY if several else NOBODY
    _, asked = converse(WhoIs(family, born, given_name, postcode), in_turn(first, NOBODY, NOBODY, NOBODY))
    _, retrieved = converse(WhoHas(number("ordinary")), in_turn(whole(ORDINARY)))
    for request in [*asked, *retrieved, next(PDS.knock())]:
        assert request_problems(request.path, request.query, None) == []


def test_the_judge_would_find_a_wrong_request() -> None:
    assert request_problems("/Patient", (("surname", "x"),), None)
    assert request_problems("/Patient", (("_history", "yes"),), None)
    assert request_problems("/Patient", (("family", "x"), ("family", "y")), None)
    assert request_problems("/Patient", (("family", "x"),), {"x-request-id": "1"})
    assert request_problems("/Patient", (("family", "x"),), {})


def test_published_records_are_read() -> None:
    plain, _ = converse(WhoHas("9000000009"), in_turn(fhir(sample("patients/Patient.json"))), date(2025, 1, 1))
    hidden, _ = converse(WhoHas("9000000025"), in_turn(fhir(sample("patients/Sensitive_Patient.json"))))
    least, _ = converse(WhoHas("9000000033"), in_turn(fhir(sample("patients/Minimal_Patient.json"))))
    assert isinstance(plain, Found) and isinstance(hidden, Found) and isinstance(least, Found)
    assert plain.person.postcode and plain.person.practice_code and len(plain.person.address_lines) == 5
    assert plain.person.death == Death(True, date(2010, 10, 22)) and plain.person.removal is None
    then, _ = converse(WhoHas("9000000009"), in_turn(fhir(sample("patients/Patient.json"))), date(2021, 12, 31))
    assert isinstance(then, Found) and then.person.removal == Removal("SCT", date(2020, 1, 1))
    assert hidden.person.restricted and hidden.person.death
    assert least.person == Demographics("9000000033", 2)
    for path in (SAMPLES / "search").glob("*.json"):
        found = fhir(sample(f"search/{path.name}"))
        whole_one = fhir(sample("patients/Patient.json"))
        answer, _ = converse(who("ordinary"), lambda asked, f=found, w=whole_one: f if asked.query else w)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        assert isinstance(answer, Found | Ambiguous), path.name
