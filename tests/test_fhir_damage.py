"""FHIR that is large or damaged: answered in good time, never a fault of ours, never another result."""

from __future__ import annotations

import json
import random
import time
from typing import Any
from xml.etree import ElementTree

import pytest

from hub.formats.fhir import read
from tests.golden_cases import CASES
from tests.promises.test_adapter_promises import not_our_fault, result_is_the_same_or_less, slide_of, taken
from tests.test_fhir_reports import ADAPTER, AT, outcome_of

SEED = 20260720

# -- what is large

_OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}
_REPORT = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}}


def large(*entries: dict[str, Any], **elements: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": list(entries), **elements}).encode()


def called(number: int) -> dict[str, str]:
    return {"reference": f"urn:example:{number}"}


def web() -> list[dict[str, Any]]:
    """Observations that are members of each other, and reports that all begin with the same of them."""
    members = ([called(each) for each in (number + 1, number + 2, number // 2)] for number in range(3000))
    observations = [
        {"fullUrl": f"urn:example:{number}", "resource": _OBSERVATION | {"hasMember": of}}
        for number, of in enumerate(members)
    ]
    return observations + [{"resource": _REPORT | {"result": [called(0)]}}] * 1500


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(large(*web()), id="a web of members"),
        pytest.param(large(*[{"resource": _REPORT}] * 10_000), id="reports"),
        pytest.param(large(*[{"resource": _OBSERVATION}] * 10_000), id="observations"),
        pytest.param(large(timestamp="2026-07-14T00:00:00." + "0" * 5_000_000), id="a fraction"),
        pytest.param(large(identifier={"value": "a " * 5_000_000}), id="a text"),
        pytest.param(large({"resource": _REPORT | {"presentedForm": [{"data": "A" * 12_000_000}]}}), id="a document"),
        pytest.param(b'<Bundle xmlns="http://hl7.org/fhir">' + b"<!--x-->" * 1_500_000 + b"</Bundle>", id="comments"),
        pytest.param(b'<Bundle xmlns="http://hl7.org/fhir"><type a="' + b"a" * 12_000_000 + b'"/></Bundle>', id="XML"),
    ],
)
def test_megabytes_are_read_in_linear_time(raw: bytes) -> None:
    """In seconds, where anything quadratic would need hours."""
    began = time.monotonic()
    assert outcome_of(raw)[1].refused
    assert time.monotonic() - began < 60


# -- damage

SCRAPS = [b"", b"\x00", b'"', b"{", b"}", b"[", b"<", b"/>", b">", b",", b"null", b"\xff", b"9", b"&", b"'", b"[0]"]


def broken(chance: random.Random, raw: bytes) -> bytes:
    """The bytes with some of them lost, doubled or exchanged; or the tree with some elements moved."""
    if chance.random() < 0.5 and raw.startswith(b"{"):
        return moved(chance, raw)
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(damaged))
        damaged[at : at + chance.randint(0, 6)] = chance.choice(SCRAPS)
    return bytes(damaged)


def moved(chance: random.Random, raw: bytes) -> bytes:
    """Elements that stand in the place of others: any value anywhere."""
    tree = json.loads(raw)
    spots: list[tuple[Any, Any]] = []
    left = [tree]
    while left:
        node = left.pop()
        for name in list(node) if isinstance(node, dict) else range(len(node)):
            spots.append((node, name))
            if isinstance(node[name], dict | list):
                left.append(node[name])
    holder, name = chance.choice(spots)
    other, elsewhere = chance.choice(spots)
    holder[name] = chance.choice(
        [None, "", {}, [], 7, True, "x" * 300, [[[]]], json.loads(json.dumps(other[elsewhere]))]
    )
    return json.dumps(tree).encode()


FHIR_CASES = [case for case in CASES if case.dialect == "fhir_report" and "refused, " not in case.sentence]


def test_damage_is_answered_and_makes_no_fault_of_ours() -> None:
    chance = random.Random(SEED)
    for _ in range(1500):
        case = chance.choice(FHIR_CASES)
        raw = broken(chance, case.raw)
        opened = ADAPTER.open(raw)
        reading = ADAPTER.decode(opened, case.feeds, case.received_on)
        assert not_our_fault(reading)
        assert reading.items
        assert read(ADAPTER.reply(opened, reading, AT, "HUB1") or b"").tree["resourceType"] == "OperationOutcome"


def test_two_elements_lost_say_no_more() -> None:
    """Any one element lost is the promise of every adapter; here two at once, drawn by chance."""
    chance = random.Random(SEED)
    for case in FHIR_CASES:
        whole = {slide_of(outcome): outcome for outcome in taken(outcome_of(case.raw)[1]).values()}
        for _ in range(40):
            reading = outcome_of(thinned(chance, case.raw))[1]
            assert not_our_fault(reading)
            for outcome in taken(reading).values():
                assert result_is_the_same_or_less(whole[slide_of(outcome)], outcome), case


def thinned(chance: random.Random, raw: bytes) -> bytes:
    if raw.startswith(b"<"):
        tree = ElementTree.fromstring(raw)
        for _ in range(2):
            parent = chance.choice([node for node in tree.iter() if len(node)])
            parent.remove(chance.choice(list(parent)))
        return ElementTree.tostring(tree)
    root = json.loads(raw)
    for _ in range(2):
        holders: list[Any] = []
        left = [root]
        while left:
            node = left.pop()
            if node:
                holders.append(node)
            left += [
                each for each in (node.values() if isinstance(node, dict) else node) if isinstance(each, dict | list)
            ]
        holder = chance.choice(holders)
        del holder[chance.choice(list(holder) if isinstance(holder, dict) else range(len(holder)))]
    return json.dumps(root).encode()
