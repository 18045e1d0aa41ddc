"""Events about people on PDS: which are hints, and that nothing that arrives raises."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.pds_events import KINDS, read_events
from hub.domain.demographics import Hint, Hints

NUMBER = "9990000018"
SAMPLES = Path(__file__).parents[3] / "shared/reference/api-data/mns"


def bundle(kind: str, number: str, event_id: str = "b-1", *more: dict[str, Any]) -> dict[str, Any]:
    subject = {"name": "subject", "valueReference": {"identifier": {"value": number}}}
    context = {"name": "additional-context", "part": [{"name": "event-type", "valueString": kind}, subject]}
    status = {"name": "status", "valueCode": "active"}
    resource = {"resourceType": "Parameters", "parameter": [status, context]}
    return {"resourceType": "Bundle", "id": event_id, "type": "history", "entry": [{"resource": resource}, *more]}


def cloud(kind: str, number: str, event_id: str = "c-1") -> dict[str, Any]:
    return {"specversion": "1.0", "id": event_id, "source": "s", "type": kind, "subject": number}


def read(*documents: Any) -> Hints:
    return read_events(json.dumps(documents[0] if len(documents) == 1 else documents).encode())


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_both_forms_are_hints(kind: str) -> None:
    assert read(bundle(kind, NUMBER)) == Hints((Hint("b-1", kind, NUMBER),))
    assert read(cloud(kind, NUMBER)) == Hints((Hint("c-1", kind, NUMBER),))


def test_several_come_as_a_list_or_one_a_line() -> None:
    one, other = bundle("pds-record-change-2", NUMBER), cloud("pds-record-change-2", NUMBER)
    lines = b"\n".join(json.dumps(each).encode() for each in (one, other))
    assert read(one, other) == read_events(lines)
    assert [hint.event_id for hint in read_events(lines).hints] == ["b-1", "c-1"]


def test_an_envelope_of_sns_is_opened_once() -> None:
    inner = json.dumps(bundle("pds-record-change-2", NUMBER))
    envelope = {"Type": "Notification", "MessageId": "m", "TopicArn": "arn:aws:sns:eu-west-2:1:t", "Message": inner}
    assert read(envelope) == Hints((Hint("b-1", "pds-record-change-2", NUMBER),))
    assert read({**envelope, "Message": json.dumps(envelope)}) == Hints(unfit=1)
    for nothing in ("", "{", 1, "\ud800"):
        assert read({**envelope, "Message": nothing}) == Hints(unfit=1)


def test_what_comes_with_an_event_is_not_read() -> None:
    patient = {"resource": {"resourceType": "Patient", "id": "9990000026"}}
    assert read(bundle("pds-record-change-2", NUMBER, "b", patient)).hints == (
        Hint("b", "pds-record-change-2", NUMBER),
    )


def test_other_types_are_passed_over_and_impossible_numbers_are_no_hints() -> None:
    assert read(bundle("mns-test-signal-1", NUMBER)) == Hints(others=1)
    assert read(cloud("pds-record-change-2", "9990000019")) == Hints(unfit=1)
    assert read(cloud("pds-record-change-2", NUMBER, "")) == Hints(unfit=1)
    assert read({"resourceType": "Bundle", "entry": []}) == Hints(unfit=1)


@given(st.binary(max_size=200))
def test_no_bytes_raise(body: bytes) -> None:
    read_events(body)


@given(
    st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["resourceType", "entry", "resource", "parameter", "part", "name", "specversion", "id"]
                ),
                inner,
            )
        ),
    )
)
def test_no_tree_raises(tree: Any) -> None:
    read_events(json.dumps(tree).encode())


@pytest.mark.skipif(not SAMPLES.exists(), reason="the published examples of MNS are not on this machine (../shared)")
def test_the_published_examples_are_read() -> None:
    for kind in sorted(KINDS):
        assert [hint.kind for hint in read_events((SAMPLES / "fhir" / f"{kind}.json").read_bytes()).hints] == [kind]
    for name in ("nhsNumberChange2Signal", "pdsDeath2Signal", "pdsChangeOfGp2Signal"):
        assert len(read_events((SAMPLES / "cloudevents" / f"{name}.json").read_bytes()).hints) == 1
