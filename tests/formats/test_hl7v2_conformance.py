"""Conformance to a message's own HL7 version, and that no value of a message gets into a finding."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from hub.formats.hl7v2 import Finding, conformance_findings, read
from tests.samples import sample_messages

HEADER = "MSH|^~\\&|LAB|RXX01|HUB|CSAS|20250701103000||ORU^R01^ORU_R01|M1|P|2.5.1"
PERSON = "PID|1||9434765919^^^NHS^NH||BAILEY^ANNE||19850304"
ORDER = "OBR|1||F1|CYT^Cervical cytology^L|||20250620"
RESULT = "OBX|1|CE|CYT^Result^L||X^No abnormality^L||||||F"


def findings(*segments: str) -> list[Finding]:
    return conformance_findings(read("\r".join((*segments, "")).encode()).messages[0])


def test_a_good_message_has_none() -> None:
    assert findings(HEADER, PERSON, ORDER, RESULT, "ZLB|our own") == []


@pytest.mark.parametrize(
    ("segment", "place"),
    [
        ("PID|x||1||A", "PID[1]-1"),
        ("PID|1||1||A^B||19851304", "PID[1]-7"),
        ("PID|1||1||A^B|||F~M", "PID[1]-8"),
        ("OBX|1|NM|A^B||>5||||||F", "OBX[1]-5"),
        ("OBX|1|DT|A^B||2025-01-01||||||F", "OBX[1]-5"),
        ("OBX|1|CE|A^B||U&E^Urea||||||F", "OBX[1]-5"),
        ("OBX|1|QQ|A^B||1||||||F", "OBX[1]-2"),
        ("OBX|1|TX|A^B||a||||||", "OBX[1]-11"),
        ("OBX|1|TX|A^B||good~bad^text||||||F", "OBX[1]-5[2]"),
        ("DG1|1|||x||A", "DG1[1]"),
    ],
)
def test_what_is_not_as_hl7_has_it_is_found_with_its_place(segment: str, place: str) -> None:
    first = [] if segment.startswith("PID") else [PERSON]
    assert place in [finding.place for finding in findings(HEADER, *first, segment, ORDER)]


def test_a_missing_segment_is_found() -> None:
    assert Finding("OBR", "The message structure requires this segment, and it is missing.") in findings(HEADER, PERSON)


@pytest.mark.parametrize(
    ("before", "after", "place"), [("2.5.1", "2.9", "MSH-12"), ("ORU^R01^ORU_R01", "QQQ^Q01", "MSH-9")]
)
def test_what_cannot_be_judged_is_said_once(before: str, after: str, place: str) -> None:
    found = findings(HEADER.replace(before, after), PERSON)
    assert [finding.place for finding in found] == [place]
    assert "not judged" in found[0].sentence


def test_no_value_gets_into_a_finding() -> None:
    secret = "9434765919"
    broken = [
        HEADER,
        f"PID|{secret}|{secret}&{secret}|{secret}&1^&{secret}||||{secret}|{secret}",
        f"OBX|{secret}|{secret}|||{secret}",
    ]
    broken += [
        f"OBX|1|{kind}|{secret}&{secret}||{secret}x&{secret}^{secret}" for kind in ("NM", "DT", "TS", "CE", "XPN", "ED")
    ]
    found = findings(*broken)
    assert len(found) > 6
    assert secret not in repr(found)


def test_samples_never_make_it_raise_nor_quote() -> None:
    small = [raw for _name, raw in sample_messages() if len(raw) < 3_000]
    for raw in random.Random(20252).sample(small, 40):
        for message in read(raw).messages[:2]:
            for finding in conformance_findings(message):
                assert len(finding.sentence) < 140
                assert finding.place


def test_hl7apy_is_loaded_only_when_needed() -> None:
    script = "import sys, hub.formats.hl7v2; sys.exit('hl7apy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
