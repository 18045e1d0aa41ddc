"""The FHIR adapter beyond its golden cases: the NHS's own report Bundles, whose message it is, tables, damage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from adapters import ADAPTERS
from hub.contract import Opened, Reading
from hub.domain.events import ResultReported, Version
from hub.errors import Reason, Reject
from hub.formats.fhir import read
from hub.mapping import FeedTable, FeedTables
from tests.golden_cases import FEEDS, GOLDEN
from tests.promises.test_adapter_promises import not_our_fault
from tests.samples import fhir_samples

ADAPTER = ADAPTERS["fhir_report"]
ASHDOWN = FEEDS.by_id["ashdown"]
RECEIVED_ON = date(2026, 7, 20)
AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
HPV = "path-R4-example-bundle-HPV-report", "Pathology-Bundle-HPV-Report-Example"


def outcome_of(raw: bytes, tables: FeedTables = FEEDS, feed: str = "ashdown") -> tuple[Opened, Reading, dict[str, Any]]:
    """What becomes of a message, and the outcome that answers it, read back."""
    opened = ADAPTER.open(raw)
    reading = ADAPTER.decode(opened, tables.of(feed) if feed else tables.find, RECEIVED_ON)
    reply = ADAPTER.reply(opened, reading, AT, "HUB1")
    assert reply
    answer = read(reply)
    assert answer.is_xml == raw.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
    return opened, reading, dict(answer.tree)


def golden(sentence: str) -> bytes:
    (path,) = (path for path in (GOLDEN / "ashdown").iterdir() if path.stem == sentence)
    return path.read_bytes()


def bundle(sentence: str = "HPV negative, routine recall") -> dict[str, Any]:
    tree: dict[str, Any] = json.loads(golden(sentence))
    return tree


def resource(tree: dict[str, Any], resource_type: str) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entry["resource"] for entry in tree["entry"] if entry["resource"]["resourceType"] == resource_type
    )
    return found


def refusals(tree: dict[str, Any]) -> list[tuple[str, str]]:
    _, reading, _ = outcome_of(json.dumps(tree).encode())
    stops = [item.outcome for item in reading.refused]
    return [(stop.reason.code, stop.place.text if stop.place else "") for stop in stops if isinstance(stop, Reject)]


# -- the samples


def table_for(tree: dict[str, Any]) -> FeedTable:
    """A table for the NHS's report Bundle: its notes are codes, and stand in it as the sample writes them."""
    notes = [note["text"] for note in resource(tree, "Observation")["note"]]
    code = {"Observation.code.coding.code": "50121000237101"}
    of_note = {"place": "Observation.note.text", "where": {"Observation.note.text": notes, **code}}
    nhs_number = {"Patient.identifier.system": "https://fhir.nhs.uk/Id/nhs-number"}
    organization = resource(tree, "Organization")["identifier"][0]["value"]
    facts = {
        "nhs_number": {"place": "Patient.identifier.value", "where": nhs_number},
        "family_name": {"place": "Patient.name.family"},
        "given_names": {"place": "Patient.name.given"},
        "date_of_birth": {"place": "Patient.birthDate", "form": "ISO"},
        "slide_number": {"place": "Specimen.accessionIdentifier.value"},
        "test_on": {"place": "Specimen.collection.collectedDateTime", "form": "ISO"},
        "result_code": of_note | {"codes": "note", "where": {"Observation.note.text": notes[0], **code}},
        "infection_code": {"place": "Observation.valueCodeableConcept.coding.code", "where": code, "codes": "hpv"},
        "action_code": of_note | {"codes": "recall", "where": {"Observation.note.text": notes[1], **code}},
        "self_sample": {"place": "Specimen.type.coding.code", "codes": "specimen"},
        "hpv_primary": {"constant": "Y"},
    }
    raw = {
        "feed": "example",
        "name": "Example",
        "dialect": "fhir_report",
        "status": "live",
        "sender": {"facility": organization},
        "laboratory": {"code": "69099"},
        "facts": facts,
        "codes": {
            "note": {notes[0]: "X"},
            "recall": {notes[1]: "A"},
            "hpv": {"260415000": "0"},
            "specimen": {"258524009": "N"},
        },
    }
    return msgspec.convert(raw, FeedTable)


def hpv_reports() -> Iterator[tuple[str, bytes]]:
    return ((name, raw) for name, raw in fhir_samples() if Path(name).stem in HPV)


def test_the_hpv_report_of_the_nhs_becomes_the_right_event() -> None:
    reports = list(hpv_reports())
    assert len(reports) == 3
    by_json = next(json.loads(raw) for name, raw in reports if name.endswith(".json"))
    table = table_for(by_json)
    assert not ADAPTER.problems(table)
    person, specimen = resource(by_json, "Patient"), resource(by_json, "Specimen")
    for name, raw in reports:
        for feed in ("example", ""):  # named by the door, or found by what the Bundle says of its sender
            opened, reading, answer = outcome_of(raw, FeedTables((table,)), feed)
            (item,) = reading.items
            assert isinstance(item.outcome, ResultReported), name
            claim, result = item.outcome.claim, item.outcome.result
            assert claim.nhs_number == person["identifier"][0]["value"]
            assert claim.family_name == person["name"][0]["family"]
            assert claim.given_names == tuple(person["name"][0]["given"])
            assert claim.date_of_birth == date.fromisoformat(person["birthDate"])
            assert result.slide_number == specimen["accessionIdentifier"]["value"]
            assert result.test_on == date(2022, 3, 22)
            assert result.authorised_at == datetime(2022, 4, 3, 15, 43, tzinfo=UTC)
            assert (result.combination, result.self_sample, result.version) == ("X0A", False, Version.FINAL)
            assert opened.control_id == by_json["identifier"]["value"]
            assert opened.message_type == "Bundle/message"
            assert answer["issue"][0]["severity"] == "information"


def test_every_sample_gets_one_answer_and_none_a_wrong_result() -> None:
    samples = fhir_samples()
    assert len(samples) > 150
    by_json = next(json.loads(raw) for name, raw in hpv_reports() if name.endswith(".json"))
    tables = {"ashdown": FEEDS, "example": FeedTables((table_for(by_json),))}
    results = set()
    for name, raw in samples:
        for feed, known in tables.items():
            _, reading, answer = outcome_of(raw, known, feed)
            assert not_our_fault(reading), name
            assert reading.items, name
            assert answer["resourceType"] == "OperationOutcome"
            if reading.taken:
                results.add((feed, Path(name).stem))
    assert results == {("example", stem) for stem in HPV}


# -- whose message it is


def test_the_sender_is_the_organisation_that_the_bundle_names() -> None:
    message, document = bundle(), bundle("a document whose observations its section names")
    assert ADAPTER.open(json.dumps(message).encode()).facility == "RAS01"
    assert ADAPTER.open(json.dumps(document).encode()).facility == "RAS01"
    assert ADAPTER.open(golden("a collection of two reports")).facility == "RAS01"
    resource(message, "MessageHeader")["sender"] = {"identifier": {"system": "https://example.org", "value": "X"}}
    assert ADAPTER.open(json.dumps(message).encode()).facility == "RAS01"  # the performer's
    resource(message, "DiagnosticReport").pop("performer")
    assert ADAPTER.open(json.dumps(message).encode()).facility == ""
    ods = {"system": "https://fhir.nhs.uk/Id/ods-organization-code", "value": "RAS01"}
    resource(message, "MessageHeader")["sender"] = {"identifier": ods}
    assert ADAPTER.open(json.dumps(message).encode()).facility == "RAS01"
    role = {"resourceType": "PractitionerRole", "organization": {"reference": "urn:uuid:role", "identifier": ods}}
    message["entry"].append({"fullUrl": "urn:uuid:role", "resource": role})
    resource(message, "MessageHeader")["sender"] = {"reference": "urn:uuid:role"}
    assert ADAPTER.open(json.dumps(message).encode()).facility == "RAS01"


def test_a_closed_feed_is_refused() -> None:
    closed = FeedTables((msgspec.structs.replace(ASHDOWN, status="deactivated"),))
    _, reading, answer = outcome_of(golden("HPV negative, routine recall"), closed)
    assert reading.answer == "AR"
    assert answer["issue"][0]["details"]["coding"][0]["code"] == Reason.SENDER_DEACTIVATED.code


# -- what holds a report together


def test_when_a_version_was_issued() -> None:
    tree = bundle()
    resource(tree, "DiagnosticReport").pop("issued")
    _, reading, _ = outcome_of(json.dumps(tree).encode())
    (item,) = reading.items
    assert isinstance(item.outcome, ResultReported)
    assert item.outcome.result.authorised_at == datetime(2026, 7, 14, 8, 31, tzinfo=UTC)
    tree.pop("timestamp")
    assert refusals(tree) == [("missing-data", "Bundle.entry[8].resource.issued")]


@pytest.mark.parametrize(
    ("status", "version"),
    [
        ("final", Version.FINAL),
        ("amended", Version.CORRECTED),
        ("corrected", Version.CORRECTED),
        ("appended", Version.CORRECTED),
        ("cancelled", Version.WITHDRAWN),
        ("entered-in-error", Version.WITHDRAWN),
        ("registered", "not-final"),
        ("partial", "not-final"),
        ("preliminary", "not-final"),
        ("unknown", "invalid-value"),
        ("finished", "invalid-value"),
    ],
)
def test_the_status_of_a_report(status: str, version: Version | str) -> None:
    tree = bundle()
    resource(tree, "DiagnosticReport")["status"] = status
    _, reading, _ = outcome_of(json.dumps(tree).encode())
    (item,) = reading.items
    if isinstance(item.outcome, ResultReported):
        assert item.outcome.result.version is version
    else:
        assert refusals(tree) == [(version, "Bundle.entry[8].resource.status")]


@pytest.mark.parametrize(
    ("status", "version"), [("amended", Version.CORRECTED), ("entered-in-error", Version.WITHDRAWN)]
)
def test_the_status_of_a_document_counts_as_well(status: str, version: Version) -> None:
    tree = bundle("a document whose observations its section names")
    resource(tree, "Composition")["status"] = status
    _, reading, _ = outcome_of(json.dumps(tree).encode())
    assert [item.outcome.result.version for item in reading.taken if isinstance(item.outcome, ResultReported)] == [
        version
    ]
    resource(tree, "Composition")["status"] = "preliminary"
    assert refusals(tree) == [("not-final", "Bundle.entry[0].resource.status")]


def test_a_specimen_entered_in_error_carries_no_result() -> None:
    tree = bundle()
    resource(tree, "Specimen")["status"] = "entered-in-error"
    assert refusals(tree) == [("invalid-value", "Bundle.entry[6].resource.status")]


def test_references_must_lead_to_what_they_promise() -> None:
    for name, to, refused in (
        ("subject", "urn:uuid:none", "missing-data"),
        ("subject", "Organization", "invalid-value"),
        ("result", "Specimen", "invalid-value"),
        ("specimen", "Patient", "invalid-value"),
    ):
        tree = bundle()
        called = [entry["fullUrl"] for entry in tree["entry"] if entry["resource"]["resourceType"] == to] or [to]
        report = resource(tree, "DiagnosticReport")
        if name == "subject":
            report[name] = {"reference": called[0]}
        else:
            report[name].append({"reference": called[0]})
        assert refused in {reason for reason, _ in refusals(tree)}, (name, to)


def test_an_observation_is_the_result_of_one_report() -> None:
    tree = json.loads(golden("a collection of two reports"))
    first, second = (
        entry["resource"] for entry in tree["entry"] if entry["resource"]["resourceType"] == "DiagnosticReport"
    )
    second["result"].append(first["result"][0])
    assert ("conflicting-values", "Bundle.entry[8].resource") in refusals(tree)


def test_members_that_lead_in_a_circle_end() -> None:
    tree = bundle()
    observation = resource(tree, "Observation")
    called = next(entry["fullUrl"] for entry in tree["entry"] if entry["resource"] is observation)
    observation["hasMember"] = [{"reference": called}]
    assert refusals(tree) == []


def test_codes_that_the_feed_does_not_send_are_no_result() -> None:
    tree = bundle()
    for entry in tree["entry"]:
        if entry["resource"]["resourceType"] == "Observation":
            entry["resource"]["code"]["coding"][0]["code"] = "1"
    assert refusals(tree) == [("no-result", "Bundle.entry[8].resource")]


def test_a_report_without_codes_is_refused() -> None:
    tree = bundle()
    report = resource(tree, "DiagnosticReport")
    report.pop("result")
    report["text"] = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">HPV negative</div>'}
    tree["entry"] = [entry for entry in tree["entry"] if entry["resource"]["resourceType"] != "Observation"]
    assert {reason for reason, _ in refusals(tree)} == {"missing-data"}


# -- tables


@pytest.mark.parametrize(
    ("name", "changed", "keys", "words"),
    [
        ("sex", {"place": "PID-8"}, ("place",), "Write it like Patient.birthDate"),
        ("sex", {"place": "Patient"}, ("place",), "Write it like Patient.birthDate"),
        ("sex", {"place": "Observatory.gender"}, ("place",), "begins with one of DiagnosticReport"),
        ("sex", {"place": "Patient.sex"}, ("place",), "Patient has no element sex"),
        (
            "sex",
            {"place": "Patient.gender", "where": {"Patient.name.us": "x"}},
            ("where",),
            "HumanName has no element us",
        ),
        ("sex", {"place": "Patient.gender", "where": {"Specimen.status": "x"}}, (), "stand in one resource"),
        ("sex", {"place": "Observation.valueString"}, ("where",), "Say which Observation is meant"),
        ("date_of_birth", {"place": "Patient.birthDate"}, ("form",), 'Set form = "ISO"'),
        ("version", {"place": "DiagnosticReport.status"}, (), "FHIR says this by itself"),
        ("sex", {"place": "Specimen.collection.collector.nothing.value"}, None, ""),
    ],
)
def test_what_a_table_asks_in_vain_is_found(
    name: str, changed: dict[str, Any], keys: tuple[str, ...] | None, words: str
) -> None:
    facts = msgspec.to_builtins(ASHDOWN.facts) | {name: changed}
    table = msgspec.convert(msgspec.to_builtins(ASHDOWN) | {"facts": facts}, FeedTable)
    found = ADAPTER.problems(table)
    assert [where for where, _ in found] == ([] if keys is None else [("facts", name, *keys)])
    assert all(words in sentence for _, sentence in found)
