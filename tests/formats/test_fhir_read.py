"""FHIR in JSON and XML becomes the same tree; what is not FHIR R4 is refused with its place, and no value is told."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B.operationoutcome import OperationOutcome

from hub.errors import Reason, Retry
from hub.formats.fhir import (
    Document,
    Node,
    Resources,
    elements,
    expression,
    looks_like_xml,
    operation_outcome,
    read,
    refusal,
)
from hub.formats.fhir.document import MOST_BYTES
from hub.formats.fhir.outcome import Issue
from tests.samples import fhir_samples

QUANTITY = '"valueQuantity": {"value": 6.10, "unit": "copies"}'
JSON = (
    '{"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1", "resource": '
    '{"resourceType": "Patient", "active": true, "name": [{"family": "Synthetique", "given": ["Éa", null], '
    '"_given": [null, {"extension": [{"url": "https://example.org/absent", "valueCode": "unknown"}]}]}], '
    '"multipleBirthInteger": 2}}, {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Observation", '
    f'"status": "final", "code": {{"text": "count"}}, {QUANTITY}}}}}]}}'
)
XML = """<?xml version="1.0" encoding="UTF-8"?>
<Bundle xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="a b">
 <type value="collection"/> <!-- a comment -->
 <entry><fullUrl value="urn:uuid:1"/><resource><Patient><active value="true"/>
  <name><family value="Synthetique"/><given value="Éa"/>
   <given><extension url="https://example.org/absent"><valueCode value="unknown"/></extension></given></name>
  <multipleBirthInteger value="2"/></Patient></resource></entry>
 <entry><fullUrl value="urn:uuid:2"/><resource><Observation><status value="final"/><code><text value="count"/></code>
  <valueQuantity><value value="6.10"/><unit value="copies"/></valueQuantity></Observation></resource></entry>
</Bundle>"""


def patient(**elements: Any) -> bytes:
    resource = {"resourceType": "Patient", **elements}
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": resource}]}).encode()


def said(document: Document) -> list[tuple[Reason, str]]:
    return [(finding.reason, expression(finding.steps)) for finding in document.violations()]


def test_both_forms_give_the_same_tree_and_it_is_fhir() -> None:
    by_json, by_xml = read(JSON.encode()), read(XML.encode())
    assert by_json.tree == by_xml.tree
    assert not by_json.is_xml
    assert by_xml.is_xml
    assert by_json.violations() == by_xml.violations() == ()
    value = Resources(by_xml.tree).bundle.first("entry", "resource", "active")
    assert value
    assert (value.text, expression(value.steps)) == ("true", "Bundle.entry[0].resource.active")


def test_numbers_keep_their_digits() -> None:
    for raw in (JSON.encode(), XML.encode()):
        (node,) = Resources(read(raw).tree).bundle.all("entry", "resource", "valueQuantity", "value")
        assert node.value == Decimal("6.10")
        assert node.text == "6.10"


def test_a_byte_order_mark_and_another_declared_charset_are_taken_and_noted() -> None:
    assert read(b"\xef\xbb\xbf" + JSON.encode()).notes == ("byte order mark",)
    latin = read(XML.replace("UTF-8", "ISO-8859-1").encode())
    assert latin.notes == ("charset=utf-8 declared otherwise",)
    assert latin.tree == read(JSON.encode()).tree


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.UNREADABLE),
        (b" \r\n", Reason.UNREADABLE),
        (b"[]", Reason.UNREADABLE),
        (b'"Bundle"', Reason.UNREADABLE),
        (JSON.encode()[:-1], Reason.INCOMPLETE),
        (JSON.encode()[:200], Reason.INCOMPLETE),
        (XML.encode()[:-3], Reason.INCOMPLETE),
        (XML.encode()[:400], Reason.INCOMPLETE),
        (JSON.encode("latin-1"), Reason.UNREADABLE),
        (JSON.encode("utf-16"), Reason.UNREADABLE),
        (b'{"type": "a", "type": "b"}', Reason.UNREADABLE),
        (b'{"total": NaN}', Reason.UNREADABLE),
        (b'{"total": -Infinity}', Reason.UNREADABLE),
        (b'{"total": ' + b"9" * 5000 + b"}", Reason.UNREADABLE),
        (b'{"id": "\\ud800"}', Reason.UNREADABLE),
        (b'{"id": "a\\u0000b"}', Reason.UNREADABLE),
        (b"[" * 200_000, Reason.TOO_LARGE),
        (b'{"a":' * 5_000 + b"1" + b"}" * 5_000, Reason.UNREADABLE),
        (b'{"a":' * 80 + b"1" + b"}" * 80, Reason.UNREADABLE),
        (b'{"a": [' + b"1," * 200_000 + b"1]}", Reason.TOO_LARGE),
        (XML.replace("<Bundle", "<!DOCTYPE Bundle><Bundle", 1).encode(), Reason.UNREADABLE),
        (XML.replace("<Bundle", '<!DOCTYPE a [<!ENTITY b "c">]><Bundle', 1).encode(), Reason.UNREADABLE),
        (XML.replace("count", "&b;").encode(), Reason.UNREADABLE),
        (XML.replace("http://hl7.org/fhir", "http://hl7.org/v3").encode(), Reason.UNREADABLE),
        (XML.replace("<status", "text<status").encode(), Reason.UNREADABLE),
        (XML.replace("<status value", "<status worth").encode(), Reason.UNREADABLE),
        (XML.replace("<type ", '<type value="message"/><type ').encode(), Reason.UNREADABLE),
        (XML.replace("<code>", '<code value="count">').encode(), Reason.UNREADABLE),
        (XML.replace("Observation>", "Observance>").encode(), Reason.UNREADABLE),
        (b'<Bundle xmlns="http://hl7.org/fhir">' * 100, Reason.UNREADABLE),
        (b'<Bundle xmlns="http://hl7.org/fhir">' + b"<a/>" * 300_000, Reason.TOO_LARGE),
        (b'<html xmlns="http://www.w3.org/1999/xhtml"/>', Reason.UNREADABLE),
        (b"MSH|^~\\&|", Reason.UNREADABLE),
        (b'"' + b"a" * MOST_BYTES, Reason.TOO_LARGE),
    ],
    ids=lambda part: part.code if isinstance(part, Reason) else repr(part[:24] + b".." + part[-12:]),
)
def test_what_cannot_be_read_is_said_so(raw: bytes, reason: Reason) -> None:
    document = read(raw)
    assert document.tree == {}
    assert document.unreadable
    assert document.unreadable.reason is reason
    assert document.unreadable.sentence.endswith(".")


MISSING, WRONG = Reason.MISSING_DATA, Reason.INVALID_VALUE
AT = "Bundle.entry[0].resource"


@pytest.mark.parametrize(
    ("raw", "findings"),
    [
        (patient(birthDate=""), [(WRONG, f"{AT}.birthDate")]),
        (patient(birthDate=None), [(WRONG, f"{AT}.birthDate")]),
        (patient(birthDate="14/07/1980"), [(WRONG, f"{AT}.birthDate")]),
        (patient(birthDate=19800714), [(WRONG, f"{AT}.birthDate")]),
        (patient(name={"family": "Synthetique"}), [(WRONG, f"{AT}.name")]),
        (patient(name=[]), [(WRONG, f"{AT}.name")]),
        (patient(name=[None]), [(WRONG, f"{AT}.name[0]"), (WRONG, f"{AT}.name")]),
        (patient(maritalStatus=[{"text": "x"}]), [(WRONG, f"{AT}.maritalStatus")]),
        (patient(maritalStatus='{"text": "x"}'), [(WRONG, f"{AT}.maritalStatus")]),
        (patient(active="true"), [(WRONG, f"{AT}.active")]),
        (patient(multipleBirthInteger="2"), [(WRONG, f"{AT}.multipleBirthInteger")]),
        (patient(deceasedBoolean=True, deceasedDateTime="2020"), [(WRONG, AT)]),
        (patient(animal={"species": {"text": "x"}}), [(WRONG, f"{AT}.animal")]),
        (patient(birth_date="1980-07-14"), [(WRONG, AT)]),
        (patient(Synthetique="x"), [(WRONG, AT)]),
        (patient(resource_type="Patient"), [(WRONG, AT)]),
        (patient(fhir_comments="Synthetique"), [(WRONG, AT)]),
        (patient(contained=[{"resourceType": "Synthetique"}]), [(WRONG, f"{AT}.contained[0].resourceType")]),
        (patient(contained=[{"id": "a"}]), [(WRONG, f"{AT}.contained[0].resourceType")]),
        (patient(communication=[{"preferred": True}]), [(MISSING, f"{AT}.communication[0].language")]),
        (b'{"resourceType": "Bundle"}', [(MISSING, "Bundle.type")]),
    ],
)
def test_what_is_not_fhir_is_found_at_its_place(raw: bytes, findings: list[tuple[Reason, str]]) -> None:
    document = read(raw)
    assert document.unreadable is None
    assert said(document)[: len(findings)] == findings
    for finding in document.violations():
        assert "Synthetique" not in f"{finding.sentence}{finding.steps}"


def test_unknown_profiles_and_codes_of_value_sets_are_not_looked_at() -> None:
    assert read(patient(meta={"profile": ["https://example.org/nothing"]}, gender="nothing")).violations() == ()


def test_the_model_knows_lists_and_types() -> None:
    assert elements("Patient")["name"].is_list
    assert elements("Observation")["valueCodeableConcept"].type == "CodeableConcept"
    assert elements("Specimen")["collection"].type == "SpecimenCollection"
    assert elements("Quantity")["value"].type == "decimal"
    assert elements("Synthetique") == {}


def test_references_lead_where_one_resource_is_called_so() -> None:
    tree = json.loads(
        """{"entry": [
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "a"}},
        {"fullUrl": "https://example.org/Patient/b", "resource": {"resourceType": "Patient", "id": "b"}},
        {"resource": {"resourceType": "Patient", "id": "c"}},
        {"resource": {"resourceType": "Patient", "id": "c"}},
        {"resource": {"resourceType": "Observation", "contained": [{"resourceType": "Patient", "id": "d"}],
         "subject": [{"reference": "urn:uuid:1"}, {"reference": "Patient/a"}, {"reference": "Patient/b"},
          {"reference": "https://example.org/Patient/b"}, {"reference": "#d"}, {"reference": "Patient/c"},
          {"reference": "#a"}, {"reference": "Patient/z"}, {"display": "x"}]}}]}"""
    )
    resources = Resources(tree)
    (observation,) = resources.of_type("Observation")
    found = [resources.resolve(reference) for reference in observation.children("subject")]
    places = [expression(node.steps) if node else None for node in found]
    contained = "Bundle.entry[4].resource.contained[0]"
    first, second = "Bundle.entry[0].resource", "Bundle.entry[1].resource"
    assert places == [first, first, second, second, contained, None, None, None, None]


def test_the_two_forms_of_an_outcome_say_the_same() -> None:
    issues = [Issue("error", "value", 'Say "no" & <why>.', "invalid-value", "Bundle.entry[0].resource.gender")]
    by_json = read(operation_outcome(issues, "A1", as_xml=False))
    by_xml = read(operation_outcome(issues, "A1", as_xml=True))
    assert by_json.tree == by_xml.tree
    OperationOutcome.model_validate(by_json.tree)
    assert Node(by_json.tree, ()).words("issue", "details", "text") == 'Say "no" & <why>.'


def test_a_door_says_in_the_same_words_why_nothing_was_stored() -> None:
    issue = refusal(Retry(Reason.STORE_AWAY))
    assert (issue.severity, issue.code, issue.reason) == ("error", "transient", "store-away")
    assert issue.sentence == Reason.STORE_AWAY.sentence


def test_the_forms_are_told_apart() -> None:
    assert looks_like_xml(b"\xef\xbb\xbf \n<Bundle")
    assert not looks_like_xml(b' {"resourceType"')
    assert not looks_like_xml(b"")


def test_the_xml_and_json_of_a_sample_are_the_same_message() -> None:
    samples = dict(fhir_samples())
    pairs = [(name, name.replace("/xml/", "/json/").replace(".xml", ".json")) for name in samples if "/xml/" in name]
    assert len(pairs) > 10
    for xml, by_json in pairs:
        first, second = read(samples[xml]), read(samples[by_json])
        assert first.violations() == second.violations() == ()
        assert first.tree["identifier"] == second.tree["identifier"]
        assert len(first.tree["entry"]) == len(second.tree["entry"])
