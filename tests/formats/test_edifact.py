"""Interchanges: service and released characters, counts and references, charsets; nothing raises, nothing grows."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import Place
from hub.formats.edifact import Location, MessageVerdict, Segment, Unreadable, acknowledge, located, read
from hub.formats.edifact.interchange import MOST_MESSAGES, MOST_SEGMENTS
from hub.formats.edifact.marks import USUAL, Marks, cut, escaped, of_advice, released

AT = datetime(2026, 7, 20, 23, 30, tzinfo=UTC)
GOOD = (
    "UNB+UNOC:3+S:80+R:80+260714:1035+7++MEDRPT'UNH+1+MEDRPT:0:1'FTX+a?+b:c??'UNT+3+1'UNH+2+MEDRPT:0:1'UNT+2+2'UNZ+2+7'"
)


def test_an_interchange() -> None:
    found = read(GOOD.encode())
    assert found.reference == "7"
    assert not found.problem and not found.faults and not found.notes
    first, second = found.messages
    assert (first.reference, first.type, first.fault, second.reference) == ("1", "MEDRPT", "", "2")
    text = first.segments[1]
    assert (text.tag, text.number, text.value(1), text.value(1, 2), text.value(2), text.value(9, 9)) == (
        "FTX", 1, "a+b", "c?", "", "",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("advice", "marks"),
    [
        (":+.? '", USUAL),
        ("^*.! ~", Marks("^", "*", "!", "~")),
        (":+.  '", Marks(":", "+", "", "'")),
        ("\x1c\x1d.?\x1e'", None),
        (":+.?", None),
        ("::.? '", None),
        (":+.+ '", None),
        (":A.? '", None),
        (":+.? \n", None),
        (": .? '", None),
    ],
)
def test_service_characters(advice: str, marks: Marks | None) -> None:
    assert of_advice(advice) == marks


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("a+b", ["a", "b"]),
        ("a?+b+c", ["a?+b", "c"]),
        ("a??+b", ["a??", "b"]),
        ("a???+b", ["a???+b"]),
        ("a+b?", ["a", "b?"]),
        ("", [""]),
    ],
)
def test_a_released_mark_cuts_nothing(text: str, pieces: list[str]) -> None:
    assert cut(text, "+", "?") == pieces


@given(st.text(alphabet="ab?:+' \n", max_size=30))
def test_what_is_escaped_comes_back(text: str) -> None:
    assert released(escaped(text, USUAL), "?") == text
    segment = Segment(f"FTX+x:{escaped(text, USUAL)}+y", USUAL)
    assert (segment.value(1, 2), segment.value(2)) == (text, "y")
    assert cut(escaped(text, USUAL), "'", "?") == [escaped(text, USUAL)]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("UNT+3+1", "UNT+4+1", "number of segments"),
        ("UNT+3+1", "UNT++1", "number of segments"),
        ("UNT+3+1", "UNT+3+2", "reference of UNH"),
        ("UNT+3+1'", "", "UNT is missing"),
        ("UNT+3+1'", "UNTX+3+1'", "UNT is missing"),
    ],
)
def test_a_message_is_judged_by_its_trailer(old: str, new: str, fault: str) -> None:
    first, second = read(GOOD.replace(old, new).encode()).messages
    assert fault in first.fault
    assert second.fault == ""


@pytest.mark.parametrize(
    ("old", "new", "fault", "is_cut"),
    [
        ("UNZ+2+7", "UNZ+3+7", "number of messages", True),
        ("UNZ+2+7", "UNZ+2+8", "reference of UNB", True),
        ("UNZ+2+7'", "", "UNZ is missing", True),
        ("UNZ+2+7'", "UNZ+2+7", "UNZ is missing", True),
        ("UNZ+2+7'", f"UNZ+2+7'{GOOD}", "one interchange", False),
        ("UNH+1", "FTX+a'UNH+1", "in no message", False),
    ],
)
def test_an_interchange_is_judged_by_its_trailer(old: str, new: str, fault: str, is_cut: bool) -> None:
    (found,) = read(GOOD.replace(old, new).encode()).faults
    assert fault in found.sentence
    assert found.is_cut is is_cut


@pytest.mark.parametrize(
    ("level", "codec", "note"),
    [
        ("UNOC", "iso-8859-1", ""),
        ("UNOC", "utf-8", "charset=utf-8 declared iso-8859-1"),
        ("UNOC", "cp1252", ""),
        ("UNOW", "utf-8", ""),
        ("UNOA", "iso-8859-1", "charset=cp1252 declared ascii"),
        ("UNOD", "iso-8859-2", ""),
    ],
)
def test_charsets(level: str, codec: str, note: str) -> None:
    raw = GOOD.replace("UNOC", level).replace("c??", "Zoë").encode(codec)
    found = read(raw)
    assert found.messages[0].segments[1].value(1, 2) == "Zoë"
    assert found.notes == ((note,) if note else ())


def test_quotation_marks_of_windows_are_noted() -> None:
    found = read(GOOD.replace("c??", "O’Zoë").encode("cp1252"))
    assert found.messages[0].segments[1].value(1, 2) == "O’Zoë"
    assert found.notes == ("charset=cp1252 declared iso-8859-1",)


def test_locations() -> None:
    assert located("rsl-2.3") == Location("RSL", 2, 3)
    assert located("STS-2").place() == Place("STS-2", ("STS", "", "2", "1"))
    assert located("PNA-5.2").place(3) == Place("PNA[3]-5.2", ("PNA", "3", "5", "2"))
    for text in ("RSL", "RSL-0", "RSL-1.0", "RSL-1.2.3", "R-1", "RSL[1]-2", ""):
        with pytest.raises(Unreadable):
            located(text)


def test_an_acknowledgement_is_an_interchange_that_agrees_with_itself() -> None:
    received = read(GOOD.replace("S:80", "S?+?'1:80").encode())
    errors = ("invalid-date at DTM[2]-1.2: It's not a date: " + "long sentence + more " * 9, "second")
    verdicts = [MessageVerdict("1"), MessageVerdict("2", errors)]
    raw = acknowledge(received, "IAP", ["the whole"], verdicts, AT, "HUB00000000000000001")
    again = read(raw)
    (message,) = again.messages
    assert not again.faults and not again.problem and not message.fault
    assert again.reference == "HUB00000000000"
    assert (again.header.value(2), again.header.value(3), again.header.value(4)) == ("R", "S+'1", "260721")
    assert (again.header.value(4, 2), message.header.value(2, 5)) == ("0030", "NHS001")
    told = [(one.tag, one.value(1, 2) or one.value(1), one.value(2)) for one in message.segments[3:-1]]
    assert told == [
        ("NIR", "7", "S+'1"), ("FTX", "ERD", ""), ("NMR", "1", "MA"), ("NMR", "2", "MR"), ("FTX", "ERD", ""),
        ("FTX", "ERD", ""),
    ]  # fmt: skip
    words = [message.segments[7].value(4, number) for number in range(1, 6)]
    assert " ".join(filter(None, words)) == errors[0].strip()
    assert all(len(word) <= 70 for word in words)


@pytest.mark.parametrize("raw", [b"", b"UNA", b"UNA:+.? '", b"UNB", b"UNB'", b"UNB+'UNH'UNT'UNZ'", b"MSH|^~\\&|\r"])
def test_what_is_hardly_an_interchange_can_be_answered(raw: bytes) -> None:
    answer = acknowledge(read(raw), "IRI", ["no"], [], AT, "HUB1")
    assert not read(answer).faults


@given(st.binary(max_size=300))
@settings(max_examples=300)
def test_any_bytes(raw: bytes) -> None:
    exercise(raw)


@given(
    st.lists(st.sampled_from([*"?:+'\r\n", "UNH", "UNT", "UNZ", "UNB+UNOC", "UNA", "S16", "1", "é", "\0"]), max_size=60)
)
@example(["UNA", "+", "'", "\r"])
@settings(max_examples=400)
def test_any_pieces_of_an_interchange(parts: list[str]) -> None:
    exercise("".join(parts).encode())
    exercise(("UNB+UNOC:3+S+R+1:1+7'UNH+1+MEDRPT'" + "".join(parts) + "UNT+2+1'UNZ+1+7'").encode())


def exercise(raw: bytes) -> None:
    found = read(raw)
    assert (found.header is None) == bool(found.problem)
    for message in found.messages:
        message.reference, message.type  # noqa: B018 - only reading
        for segment in message.segments:
            segment.value(1), segment.value(2, 2), segment.value(0, 0)
    verdicts = [MessageVerdict(message.reference, ("no",)) for message in found.messages]
    again = read(acknowledge(found, "IRA", ["é | no"], verdicts, AT, "HUB1"))
    assert not again.faults and not again.messages[0].fault


@pytest.mark.parametrize(
    "inside", ["FTX" + "+" * 1_000_000 + "'", "FTX+" + "?" * 1_000_000 + "'", "FTX+" + "?'" * 500_000 + "'"]
)
def test_a_long_segment_takes_no_longer_than_its_length(inside: str) -> None:
    started = time.perf_counter()
    found = read(GOOD.replace("FTX+a?+b:c??'", inside).encode())
    found.messages[0].segments[1].value(2, 2)
    assert time.perf_counter() - started < 3
    assert len(found.messages) == 2


@pytest.mark.parametrize("more", ["'" * (MOST_SEGMENTS + 1), "UNH'" * (MOST_MESSAGES + 1)])
def test_endless_segments_are_not_read(more: str) -> None:
    found = read((GOOD[:43] + more).encode())
    assert found.is_too_long
    assert found.messages == ()
