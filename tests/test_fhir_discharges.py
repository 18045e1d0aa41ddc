"""The FHIR adapter of discharges beyond its golden cases: whose message it is, what counts, other tables."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import msgspec
import pytest

from adapters import ADAPTERS
from hub.domain.events import DischargeReported
from hub.errors import Reject
from hub.mapping import FeedTable, FeedTables
from tests.golden_cases import CASES, FEEDS

ADAPTER = ADAPTERS["fhir_discharge"]
THORNMERE = FEEDS.by_id["thornmere"]
RECEIVED_ON = date(2026, 7, 20)


def bundle(sentence: str = "a discharge, her next test in three years") -> dict[str, Any]:
    (case,) = (case for case in CASES if case.feed == "thornmere" and case.sentence == sentence)
    tree: dict[str, Any] = json.loads(case.raw)
    return tree


def resource(tree: dict[str, Any], resource_type: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entry["resource"] for entry in tree["entry"] if entry["resource"]["resourceType"] == resource_type
    )
    return found


def outcomes(tree: dict[str, Any], table: FeedTable = THORNMERE) -> list[Any]:
    opened = ADAPTER.open(json.dumps(tree).encode())
    reading = ADAPTER.decode(opened, FeedTables((table,)).of(table.feed), RECEIVED_ON)
    return [item.outcome for item in reading.items]


def refusals(tree: dict[str, Any], table: FeedTable = THORNMERE) -> list[tuple[str, str]]:
    stops = [each for each in outcomes(tree, table) if isinstance(each, Reject)]
    return [(stop.reason.code, stop.place.text.removeprefix("Bundle.") if stop.place else "") for stop in stops]


def with_facts(**facts: dict[str, Any]) -> FeedTable:
    """The clinic's table with other places."""
    changed = msgspec.to_builtins(THORNMERE.facts) | facts
    return msgspec.convert(msgspec.to_builtins(THORNMERE) | {"facts": changed}, FeedTable)


def test_the_sender_is_the_header_s_else_the_clinic_of_the_attendance() -> None:
    tree = bundle()
    assert ADAPTER.open(json.dumps(tree).encode()).facility == "RZZ43"
    del resource(tree, "MessageHeader")["sender"]
    assert ADAPTER.open(json.dumps(tree).encode()).facility == "RZZ43"
    del resource(tree, "Encounter")["serviceProvider"]
    opened = ADAPTER.open(json.dumps(tree).encode())
    assert (opened.facility, opened.application, opened.message_type) == ("", "Thornmere PAS", "Bundle/message")


@pytest.mark.parametrize(
    ("kind", "element", "value", "place"),
    [
        ("Encounter", "status", "planned", "entry[4].resource.status"),
        ("Encounter", "status", "cancelled", "entry[4].resource.status"),
        ("Encounter", "status", "unknown", "entry[4].resource.status"),
        ("EpisodeOfCare", "status", "onhold", "entry[3].resource.status"),
        ("ServiceRequest", "status", "draft", "entry[5].resource.status"),
        ("ServiceRequest", "status", "entered-in-error", "entry[5].resource.status"),
        ("ServiceRequest", "intent", "option", "entry[5].resource.intent"),
        ("ServiceRequest", "doNotPerform", True, "entry[5].resource.doNotPerform"),
    ],
)
def test_what_fhir_says_does_not_count_is_no_discharge(kind: str, element: str, value: object, place: str) -> None:
    tree = bundle()
    resource(tree, kind)[element] = value
    assert refusals(tree) == [("invalid-value", place)]


def test_that_the_request_is_to_be_done_may_be_said() -> None:
    tree = bundle()
    resource(tree, "ServiceRequest")["doNotPerform"] = False
    assert refusals(tree) == []


@pytest.mark.parametrize(
    ("name", "to", "refused"),
    [
        ("subject", "urn:uuid:none", ("missing-data", "entry[4].resource.subject")),
        ("subject", "EpisodeOfCare", ("invalid-value", "entry[4].resource.subject")),
        ("episodeOfCare", "urn:uuid:none", ("missing-data", "entry[4].resource.episodeOfCare[0]")),
        ("episodeOfCare", "Patient", ("invalid-value", "entry[4].resource.episodeOfCare[0]")),
    ],
)
def test_references_must_lead_to_what_they_promise(name: str, to: str, refused: tuple[str, str]) -> None:
    tree = bundle()
    called = [entry["fullUrl"] for entry in tree["entry"] if entry["resource"]["resourceType"] == to] or [to]
    reference = {"reference": called[0]}
    resource(tree, "Encounter")[name] = [reference] if name == "episodeOfCare" else reference
    assert refusals(tree) == [refused]


def test_an_attendance_that_says_nobody_is_nobodys() -> None:
    tree = bundle()
    del resource(tree, "Encounter")["subject"]
    assert ("no-person", "entry[4].resource.subject") in refusals(tree)


def test_a_date_may_stand_in_an_observation_and_the_discharge_in_the_attendance() -> None:
    table = with_facts(
        discharged_on={"place": "Encounter.period.end", "form": "ISO"},
        next_test_due_on={
            "place": "Observation.valueDateTime",
            "where": {"Observation.code.coding.code": "due"},
            "form": "ISO",
        },
    )
    assert not ADAPTER.problems(table)
    tree = bundle()
    request = resource(tree, "ServiceRequest")
    kept = {name: request[name] for name in ("subject", "encounter")}
    request.clear()
    request |= {"resourceType": "Observation", "status": "final", "code": {"coding": [{"code": "due"}]}, **kept}
    request["valueDateTime"] = "2027-07-01"
    (event,) = outcomes(tree, table)
    assert isinstance(event, DischargeReported)
    assert event.discharge.discharged_on == event.discharge.seen_on == date(2026, 6, 12)
    assert event.discharge.next_test_due_on == date(2027, 7, 1)
    request["status"] = "preliminary"
    assert refusals(tree, table) == [("invalid-value", "entry[5].resource.status")]
    request["encounter"] = {"reference": "urn:uuid:none"}
    assert ("missing-data", "entry[5].resource.encounter") in refusals(tree, table)


@pytest.mark.parametrize(
    ("fact", "keys", "words"),
    [
        (
            {"place": "ServiceRequest.occurrenceDateTime", "form": "ISO"},
            ("where",),
            "Say which ServiceRequest is meant",
        ),
        ({"place": "EpisodeOfCare.period.end"}, ("form",), 'Set form = "ISO"'),
        ({"place": "Specimen.receivedTime", "form": "ISO"}, ("place",), "begins with one of Encounter"),
        ({"place": "Encounter.period.ende", "form": "ISO"}, ("place",), "Period has no element ende"),
    ],
)
def test_what_a_table_asks_in_vain_is_found(fact: dict[str, Any], keys: tuple[str, ...], words: str) -> None:
    found = ADAPTER.problems(with_facts(next_test_due_on=fact))
    assert [where for where, _ in found] == [("facts", "next_test_due_on", *keys)]
    assert words in found[0][1]
