"""The lazy reader beside two independent ones, python-hl7 and hl7apy, field by field.

On every sample message (a seeded part of them; all with HUB_TEST_ALL=1) and on generated ones they agree, but for the
exceptions in one table: each has a reason and a witness, and both an unlisted disagreement and a listed one that no
longer occurs fail the test. The other readers get decoded text with CR line ends, because neither takes the bytes.
"""

from __future__ import annotations

import logging
import os
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import hl7
import pytest
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.exceptions import HL7apyException
from hl7apy.parser import parse_message
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.formats.hl7v2 import Message, Segment, read
from tests.samples import sample_messages

FULL = bool(os.environ.get("HUB_TEST_ALL"))
HEADERS = ("MSH", "FHS", "BHS")


@dataclass(frozen=True)
class Disagreement:
    """`kind`: messages, refused (theirs raised), segments (names), field (raw text), leaf (unescaped)."""

    kind: str
    where: str
    theirs: str
    ours: str


@dataclass(frozen=True)
class Known:
    reason: str
    witness: str
    applies: Callable[[Disagreement], bool]


def _escape_of(pattern: str) -> Callable[[Disagreement], bool]:
    return lambda found: found.kind == "leaf" and re.search(pattern, found.ours) is not None


PYTHON_HL7 = (
    Known(
        "refuses text before the header; we pass over it and note it",
        "fn-receiver-debatcher/src/test/resources/genV1/Genv1-Case-TestMessage1.HL7",
        lambda found: found.kind == "refused" and found.ours == "junk",
    ),
    Known(
        "takes a line of another form (PIDX|, PV|) for a segment; we keep it with the field before it",
        "qa/fixtures/invalid-segment-header-length.hl7",
        lambda found: found.kind == "segments" and "PIDX" in found.theirs,
    ),
    Known(
        "runs MSH-1 and MSH-2 into the next field where MSH-2 is the last one",
        "malformed/msh-too-short.hl7",
        lambda found: found.where.startswith("MSH") and found.ours in ("^~", ""),
    ),
    Known(
        "strips white space from the end of the message; we keep it",
        "sample-messages/PPR-Problem Add.txt",
        lambda found: found.ours != found.theirs and found.ours.rstrip() == found.theirs,
    ),
    Known(
        "takes the second of a doubled backslash in MSH-2 for the sub-component separator; we take the ampersand",
        "resources/sample_unix.hl7",
        lambda found: found.kind == "leaf" and found.theirs in ("", "r", "VOMITING", "IPv6", 'r"'),
    ),
    Known("drops stray backslashes; we keep them", "Hep/KY_Hepatitis Test.txt", _escape_of(r'\\"\\"')),
    Known(
        "carries out .in, .sp, .ce and the like; we keep them", "edge-cases/escape-formatting.hl7", _escape_of(r"\\\.")
    ),
    Known("drops \\C..\\ and \\M..\\; we keep them", "edge-cases/escape-formatting.hl7", _escape_of(r"\\C2842\\")),
    Known("drops \\Z..\\; we keep it", "edge-cases/unknown-escapes.hl7", _escape_of(r"\\Z99\\")),
    Known(
        "drops the truncation character; we give it", "edge-cases/truncation-char-msh2.hl7", _escape_of("truncated#")
    ),
)

HL7APY = (
    Known(
        "has tables of some versions only, and refuses the others",
        "covidELR/ND 23z Valid#1.txt",
        lambda found: found.kind == "refused" and found.theirs == "UnsupportedVersion",
    ),
    Known(
        "refuses segments that its version does not have (PRT in 2.5.1)",
        "catchall/prt/prt-to-device.hl7",
        lambda found: found.kind == "refused" and found.theirs == "InvalidName",
    ),
    Known(
        "refuses encoding characters that are too few or twice the same",
        "malformed/invalid-encoding-characters.hl7",
        lambda found: found.kind == "refused" and found.theirs == "InvalidEncodingChars",
    ),
    Known(
        "refuses text before the header, and what has no header",
        "fn-receiver-debatcher/src/test/resources/genV1/Genv1-Case-TestMessage1.HL7",
        lambda found: found.kind == "refused" and found.theirs == "ParserError",
    ),
    Known(
        "takes the first three characters of any line for a segment's name",
        "qa/fixtures/invalid-segment-header-length.hl7",
        lambda found: found.kind == "refused" or (found.kind == "segments" and found.theirs != found.ours),
    ),
    Known(
        "loses the number of fields that its version does not have",
        "sample-messages/VXU_V04 - 1.txt",
        lambda found: found.kind == "field" and found.theirs == "(nameless)",
    ),
    Known(
        "loses the position of components and sub-components that its datatype does not have",
        "PL-to-Location-only-pl3-pl4.hl7",
        lambda found: found.kind == "leaf" and found.theirs == "(nameless)",
    ),
    Known(
        "writes numbers (NM, SI) without their leading zeros, telephone numbers too",
        "sample-messages/ADT-A08 Update Patient.txt",
        lambda found: (
            found.kind == "leaf" and found.ours.isdigit() and found.ours.lstrip("0") == found.theirs.lstrip("0")
        ),
    ),
    Known(
        "strips white space from the ends of a segment; we keep it",
        "sample-messages/PPR-Problem Add.txt",
        lambda found: found.ours != found.theirs and found.ours.strip() == found.theirs,
    ),
)


def _decoded(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252")
    return text.strip("\x0b\x1c\r\n").replace("\r\n", "\r").replace("\n", "\r")


def _apart(text: str) -> list[str]:
    """The messages of a frame, each beginning with MSH but for text in front of the first."""
    lines = [line for line in text.split("\r") if line.strip() and line[:3] not in ("FHS", "BHS", "BTS", "FTS")]
    found = re.split(r"\r(?=MSH)", "\r".join(lines)) if lines else []
    return ["\r".join(found[:2]), *found[2:]] if found and not found[0].lstrip().startswith("MSH") else found


def _disagreements(raw: bytes, compare: Callable[[str, Message], Iterator[Disagreement]]) -> Iterator[Disagreement]:
    texts, ours = _apart(_decoded(raw)), read(raw).messages
    if not ours and not any(re.search(r"(^|\r)MSH", text) for text in texts):
        return
    if len(texts) != len(ours):
        yield Disagreement("messages", "", str(len(texts)), str(len(ours)))
        return
    for text, message in zip(texts, ours, strict=True):
        yield from compare(text, message)


def _beside_python_hl7(text: str, message: Message) -> Iterator[Disagreement]:
    try:
        theirs = hl7.parse(text)
    except hl7.ParseException as refused:
        yield Disagreement("refused", "", type(refused).__name__, text.split("\r", 1)[0])
        return
    names, ours = [str(segment[0]) for segment in theirs], message.all()
    if [name.upper() for name in names] != [segment.name for segment in ours]:
        yield Disagreement("segments", "", " ".join(names), " ".join(segment.name for segment in ours))
        return
    for their_segment, segment in zip(theirs, ours, strict=True):
        for field in range(1, max(len(their_segment), segment.fields + 1)):
            their_field = their_segment[field] if field < len(their_segment) else ""
            where = f"{segment.name}[{segment.number}]-{field}"
            if str(their_field) != segment.raw(field):
                yield Disagreement("field", where, str(their_field), segment.raw(field))
            elif segment.name not in HEADERS or field > 2:
                yield from _leaves_beside_python_hl7(theirs, their_field, segment, field)


def _leaves_beside_python_hl7(theirs: Any, their_field: Any, segment: Segment, field: int) -> Iterator[Disagreement]:
    for (repetition, component, subcomponent), raw in _leaves(their_field):
        expected = "" if raw == '""' else raw
        if "\\" in raw:
            # It writes a line break as CR, and knows highlighting only if told what to make of it.
            expected = theirs.unescape(raw, {"H": "", "N": ""}).replace("\r", "\n")
        found = segment.value(field, component, subcomponent, repetition)
        if expected != found.replace("\r", "\n"):
            where = f"{segment.name}[{segment.number}]-{field}[{repetition}].{component}.{subcomponent}"
            yield Disagreement("leaf", where, expected, found)


def _leaves(field: Any) -> Iterator[tuple[tuple[int, int, int], str]]:
    """python-hl7 keeps a level only where there is something to divide."""
    for repetition, parts in enumerate([field] if isinstance(field, str) else field, 1):
        for component, subparts in enumerate([parts] if isinstance(parts, str) else parts, 1):
            for subcomponent, leaf in enumerate([subparts] if isinstance(subparts, str) else subparts, 1):
                yield (repetition, component, subcomponent), str(leaf)


def _beside_hl7apy(text: str, message: Message) -> Iterator[Disagreement]:
    # Before 2.7 it refuses the fifth encoding character, which many send (wire.md 3): it gets the text without.
    text = re.sub(r"^(MSH.....)[^|]\|", r"\1|", text)
    try:
        theirs = parse_message(text, validation_level=VALIDATION_LEVEL.TOLERANT, find_groups=False)
    except HL7apyException as refused:
        yield Disagreement("refused", "", type(refused).__name__, "")
        return
    their_names, our_names = [str(each.name) for each in theirs.children], [each.name for each in message.all()]
    if their_names != our_names:
        yield Disagreement("segments", "", " ".join(their_names), " ".join(our_names))
        return
    for their_segment, segment in zip(theirs.children, message.all(), strict=True):
        yield from _fields_beside_hl7apy(their_segment, segment)


def _fields_beside_hl7apy(theirs: Any, segment: Segment) -> Iterator[Disagreement]:
    seen: Counter[int] = Counter()
    for field in theirs.children:
        if field.name is None:
            yield Disagreement("field", segment.name, "(nameless)", "")
            continue
        number = int(field.name.rsplit("_", 1)[1])
        seen[number] += 1
        if segment.name not in HEADERS or number > 2:
            yield from _leaves_beside_hl7apy(field, segment, number, seen[number])
    nameless = any(field.name is None for field in theirs.children)
    for number in range(1, segment.fields + 1):
        repetitions = 1 if (segment.name, number) == ("MSH", 2) else segment.repetitions(number)
        if segment.raw(number).strip() and seen[number] != repetitions and not nameless:
            yield Disagreement("field", f"{segment.name}-{number}", str(seen[number]), segment.raw(number))


def _leaves_beside_hl7apy(theirs: Any, segment: Segment, field: int, repetition: int) -> Iterator[Disagreement]:
    where = f"{segment.name}[{segment.number}]-{field}[{repetition}]"
    leaves = [(_position(part), _position(leaf), leaf.to_er7()) for part in theirs.children for leaf in part.children]
    positions = [(component, subcomponent) for component, subcomponent, _text in leaves]
    if len(set(positions)) < len(positions) or (None in {each for pair in positions for each in pair}):
        yield Disagreement("leaf", where, "(nameless)", "")
        return
    for component, subcomponent, expected in leaves:
        if "\\" in expected or expected == '""':  # it escapes afresh what it never unescaped
            continue
        found = segment.value(field, component, subcomponent, repetition)
        if found != expected:
            yield Disagreement("leaf", f"{where}.{component}.{subcomponent}", expected, found)


def _position(element: Any) -> int | None:
    """CX_4 is the fourth; a bare datatype (ST) is the only one; what its tables do not have bears no name."""
    if element.name is None:
        return None
    number = element.name.rsplit("_", 1)[-1]
    return int(number) if number.isdigit() else 1


pytestmark = pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")  # python-hl7's

READERS = {"python-hl7": (_beside_python_hl7, PYTHON_HL7, 250), "hl7apy": (_beside_hl7apy, HL7APY, 25)}


def _chosen(how_many: int, known: tuple[Known, ...]) -> list[tuple[str, bytes]]:
    entries = sample_messages()
    if FULL:
        return entries
    small = [entry for entry in entries if len(entry[1]) < 20_000]
    return random.Random(20251).sample(small, how_many) + [_witness(entries, each) for each in known]


def _witness(entries: list[tuple[str, bytes]], known: Known) -> tuple[str, bytes]:
    return next(entry for entry in entries if entry[0].endswith(known.witness) and len(entry[1]) > 0)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """python-hl7 logs an error for every escape it drops."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("reader", READERS)
def test_the_readers_agree_on_the_samples(reader: str) -> None:
    compare, known, how_many = READERS[reader]
    unlisted = [
        (name, found)
        for name, raw in _chosen(how_many, known)
        for found in _disagreements(raw, compare)
        if not any(each.applies(found) for each in known)
    ]
    assert unlisted == []


@pytest.mark.parametrize(("reader", "known"), [(name, each) for name, row in READERS.items() for each in row[1]])
def test_every_listed_exception_still_occurs(reader: str, known: Known) -> None:
    _name, raw = _witness(sample_messages(), known)
    assert any(known.applies(found) for found in _disagreements(raw, READERS[reader][0])), known.reason


_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters='|^~\\&\r\n"', exclude_categories=["C", "Z", "N"]), max_size=8
)
_ESCAPED = st.sampled_from(
    ["a\\F\\b", "\\S\\", "x\\T\\\\T\\y", "\\R\\z", "\\E\\", "one\\.br\\two", "\\H\\w\\N\\", "\\X41\\", "12", "007"]
)
_LEAF = _TEXT | _ESCAPED
_COMPONENT = st.lists(_LEAF, min_size=1, max_size=3).map("&".join)
_REPETITION = st.lists(_COMPONENT, min_size=1, max_size=4).map("^".join)
_FIELD = st.lists(_REPETITION, min_size=1, max_size=3).map("~".join)
_SEGMENT = st.tuples(st.sampled_from(["PID", "OBX", "ZLB", "NTE"]), st.lists(_FIELD, min_size=1, max_size=9)).map(
    lambda parts: "|".join((parts[0], *parts[1]))
)
_MESSAGE = st.lists(_SEGMENT, max_size=6).map(
    lambda segments: "\r".join(["MSH|^~\\&|LAB|RXX01|HUB|CSAS|20250701||ORU^R01^ORU_R01|M1|P|2.5.1", *segments]) + "\r"
)


@settings(deadline=None, max_examples=500 if FULL else 50)
@given(_MESSAGE)
def test_the_lazy_reader_agrees_with_python_hl7_on_generated_messages(text: str) -> None:
    assert list(_disagreements(text.encode(), _beside_python_hl7)) == []


@settings(deadline=None, max_examples=300 if FULL else 12)
@given(_MESSAGE)
def test_the_lazy_reader_agrees_with_hl7apy_on_generated_messages(text: str) -> None:
    found = _disagreements(text.encode(), _beside_hl7apy)
    assert [each for each in found if not any(known.applies(each) for known in HL7APY)] == []
