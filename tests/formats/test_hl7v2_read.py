"""What really comes down the wire (wire.md), one quirk a test."""

from __future__ import annotations

import pytest

from hub.formats.hl7v2 import Frame, Message, read

HEADER = "MSH|^~\\&|LAB|RXX01|HUB|CSAS|20250701||ORU^R01^ORU_R01|M1|P|2.5.1"


def message(*segments: str, header: str = HEADER, end: str = "\r") -> Message:
    return read(end.join((header, *segments, "")).encode()).messages[0]


def names(found: Message) -> list[str]:
    return [segment.name for segment in found.all()]


# --- header and delimiters ------------------------------------------------------------------------------------------


def test_a_header_is_read() -> None:
    found = message()
    assert (found.index, found.message_type, found.control_id, found.version) == (1, "ORU^R01", "M1", "2.5.1")
    assert (found.sending_application, found.sending_facility) == ("LAB", "RXX01")
    assert (found.get("MSH-1"), found.get("MSH-2")) == ("|", "^~\\&")
    assert not found.is_acknowledgement


@pytest.mark.parametrize(
    ("encoding", "component", "subcomponent", "truncation"),
    [
        ("^~\\&", "^", "&", ""),
        ("^~\\&#", "^", "&", "#"),
        ("!@%*", "!", "*", ""),
        ("^~\\\\&", "^", "&", ""),
        ("^~", "^", "&", ""),
    ],
)
def test_delimiters_are_those_of_msh_2(encoding: str, component: str, subcomponent: str, truncation: str) -> None:
    marks = message(header=f"MSH|{encoding}|LAB").delimiters
    assert (marks.component, marks.subcomponent, marks.truncation) == (component, subcomponent, truncation)
    assert len({marks.field, *marks.encoding}) == 1 + len(marks.encoding)


def test_other_delimiters_divide_the_message() -> None:
    found = message("PID#1##12345!!!MRN*x@67%S%8##A!B", header="MSH#!@%*#LAB#RXX01#####ORU!R01#M1#P#2.5")
    assert found.message_type == "ORU^R01"
    assert (found.get("PID-3.4.2"), found.get("PID-3[2]"), found.get("PID-5.2")) == ("x", "67!8", "B")


def test_unusual_encoding_characters_are_noted() -> None:
    assert "MSH-2 incomplete or unusual" in read(b"MSH|^~|LAB\r").notes
    assert "MSH-2 incomplete or unusual" not in read(HEADER.encode()).notes


@pytest.mark.parametrize("header", ["MSH|", "MSH|^~\\&", "MSH||", "MSH|^~\\&|||||||||", "msh|^~\\&|LAB"])
def test_a_header_cut_short_is_still_a_message(header: str) -> None:
    found = read(header.encode())
    assert len(found.messages) == 1
    assert (found.messages[0].control_id, found.messages[0].message_type, found.problem) == ("", "", "")


@pytest.mark.parametrize("version", ["", "2.9", "2.3.z", "1.0", "2.5.1^GBR"])
def test_any_version_is_read(version: str) -> None:
    found = message("PID|1", header=f"MSH|^~\\&|LAB|F|||||ORU^R01|M1|P|{version}")
    assert (found.version, names(found)) == (version.split("^")[0], ["MSH", "PID"])


# --- lines ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("end", "kind"), [("\r", "CR"), ("\n", "LF"), ("\r\n", "CRLF")])
def test_line_ends_are_taken_as_they_come_and_noted(end: str, kind: str) -> None:
    frame = read(end.join((HEADER, "PID|1", "OBR|1", "")).encode())
    assert frame.line_ends == kind
    assert names(frame.messages[0]) == ["MSH", "PID", "OBR"]
    assert (f"line-ends={kind}" in frame.notes) == (kind != "CR")


def test_mixed_line_ends() -> None:
    frame = read(f"{HEADER}\r\nPID|1\rOBR|1\nOBX|1".encode())
    assert (frame.line_ends, names(frame.messages[0])) == ("mixed", ["MSH", "PID", "OBR", "OBX"])


def test_only_cr_and_lf_end_a_line() -> None:
    text = "a\u2028b\x85c\x0bd\x1de"
    assert message(f"NTE|1||{text}").get("NTE-3") == text


def test_blank_lines_are_passed_over() -> None:
    assert names(message("", "PID|1", "   ", "", "OBR|1", "")) == ["MSH", "PID", "OBR"]


def test_lines_that_are_no_segments_belong_to_the_field_before_them() -> None:
    found = message("OBX|1|TX|R||First line", "second: PIDX|", "", " third", "OBX|2|TX|R||next||||||F")
    assert found.get("OBX[1]-5") == "First line\nsecond: PIDX"
    assert found.segments("OBX")[0].text == "OBX|1|TX|R||First line\nsecond: PIDX|\n\n third"
    assert found.get("OBX[2]-11") == "F"
    assert found.text == f"{HEADER}\rOBX|1|TX|R||First line\nsecond: PIDX|\n\n third\rOBX|2|TX|R||next||||||F\r"


def test_prose_about_a_header_is_no_header() -> None:
    found = read(f"{HEADER}\rNTE|1||see\rMSH-3 is empty\rMSH is short\r".encode())
    assert len(found.messages) == 1
    assert found.messages[0].get("NTE-3") == "see\nMSH-3 is empty\nMSH is short"


def test_segment_names_in_lower_case_and_indented_segments() -> None:
    found = message("pid|1||7", "  obx|1", "\tOBX|2")
    assert names(found) == ["MSH", "PID", "OBX", "OBX"]
    assert (found.get("PID-3"), found.get("obx[2]-1"), len(found.segments("oBx"))) == ("7", "2", 2)


def test_order_unknown_segments_and_repeats_are_kept() -> None:
    found = message("ZZ1|a", "OBX|1", "PID|1", "PID|2", "QQQ|x", "OBX|2")
    assert names(found) == ["MSH", "ZZ1", "OBX", "PID", "PID", "QQQ", "OBX"]
    assert [segment.number for segment in found.all()] == [1, 1, 1, 1, 2, 1, 2]
    assert found.get("PID[2]-1") == "2"


@pytest.mark.parametrize("before", [" \r\n\t ", "\ufeff", "\x0b", "\x00", "\n\n"])
def test_stray_white_space_before_the_header(before: str) -> None:
    assert read(f"{before}{HEADER}\rPID|1\x1c\r".encode()).messages[0].get("PID-1") == "1"


def test_text_before_the_header_is_passed_over_and_noted() -> None:
    frame = read(f"junk\rmore junk\r{HEADER}\r".encode())
    assert (len(frame.messages), frame.notes) == (1, ("text before the header",))


# --- what cannot be read --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "raw", [b"", b"   ", b"\r\n", b"hello", b"PID|1\rOBX|1\r", b"MSH hello", b"\xff\xfe\x00", b"<xml/>"]
)
def test_what_is_no_message_gives_none_and_says_so(raw: bytes) -> None:
    frame = read(raw)
    assert (frame.messages, frame.head, frame.raw) == ((), None, raw)
    assert frame.problem


def test_a_header_in_the_middle_of_a_line_can_be_quoted_but_is_no_message() -> None:
    frame = read(b"[SOM]MSH|^~\\&|LAB|RXX01|||||ORU^R01|M7|P|2.3\rPID|1")
    assert frame.messages == ()
    assert frame.head is not None
    assert frame.control_id == frame.head.control_id == "M7"


# --- fields ---------------------------------------------------------------------------------------------------------

PERSON = 'PID|1||9434765919^^^NHS^NH~A1^^^RXX&2.16&ISO^MR||van der Berg&van der&Berg^ANNE|""|19850304'


def test_components_repetitions_and_subcomponents() -> None:
    found = message(PERSON)
    person = found.segments("PID")[0]
    assert person.repetitions(3) == 2
    assert (person.repetitions(4), person.repetitions(99)) == (0, 0)
    assert person.value(3) == person.value(3, 1, 1, 1) == "9434765919"
    assert person.value(3, 4, 2, 2) == found.get("PID-3[2].4.2") == "2.16"
    assert person.value(5) == found.get("PID-5.1.1") == "van der Berg"
    assert person.raw(3).startswith("9434765919^^^NHS^NH~A1")


def test_a_location_gives_all_that_stands_there() -> None:
    found = message("OBX|1|TX|U&E^Urea & electrolytes||pH 7 ^ H&E|")
    assert (found.get("OBX-5"), found.get("OBX-3.2")) == ("pH 7 ^ H&E", "Urea & electrolytes")
    assert found.segments("OBX")[0].value(5, 0) == "pH 7 ^ H&E"


@pytest.mark.parametrize("location", ["PID-99", "PID-3[9]", "PID-3.9", "PID-3.1.9", "PID[2]-3", "OBX-1", "PID-4"])
def test_what_is_not_there_is_empty_or_the_default(location: str) -> None:
    assert (message(PERSON).get(location), message(PERSON).get(location, "none")) == ("", "none")


def test_the_explicit_null_is_empty_and_not_present() -> None:
    person = message(PERSON + "|^~&^|  ").segments("PID")[0]
    assert (person.raw(6), person.value(6), person.present(6)) == ('""', "", False)
    assert (person.present(5), person.present(7), person.present(8), person.present(9)) == (True, True, False, False)


def test_groups_are_each_obr_with_what_follows_it() -> None:
    found = message("PID|1", "ORC|RE", "OBR|1", "OBX|1", "NTE|1", "OBX|2", "OBR|2", "OBX|1", "SPM|1")
    groups = [(order.raw(1), [segment.name for segment in rest]) for order, rest in found.groups()]
    assert groups == [("1", ["OBX", "NTE", "OBX"]), ("2", ["OBX", "SPM"])]
    assert message("PID|1").groups() == []


# --- batches and several messages -----------------------------------------------------------------------------------

BATCH = "FHS|^~\\&|L|F|||2025||name||F11\rBHS|^~\\&|L|F|||2025||name||B11\r"


def several(count: int) -> str:
    return "".join(f"{HEADER.replace('M1', f'M{number}')}\rPID|{number}\r" for number in range(1, count + 1))


def test_a_batch_gives_its_messages_and_control_id() -> None:
    frame = read(f"{BATCH}{several(3)}BTS|3\rFTS|1\r".encode())
    assert (frame.is_batch, frame.batch_control_id, frame.control_id, frame.notes) == (True, "F11", "F11", ())
    assert [(each.index, each.control_id, each.get("PID-1")) for each in frame.messages] == [
        (1, "M1", "1"),
        (2, "M2", "2"),
        (3, "M3", "3"),
    ]
    assert frame.file_header is not None
    assert frame.batch_header is not None
    assert frame.batch_header.value(11) == "B11"


def test_a_batch_without_control_ids_is_quoted_by_its_first_message() -> None:
    frame = read(f"BHS|^~\\&|L|F\r{several(2)}BTS|2\r".encode())
    assert (frame.is_batch, frame.batch_control_id, frame.control_id) == (True, "", "M1")


@pytest.mark.parametrize("trailer", ["BTS|2\rFTS|1\r", "BTS|3\rFTS|2\r", "BTS|x\rFTS|\r"])
def test_counts_that_do_not_agree_are_noted(trailer: str) -> None:
    notes = read(f"{BATCH}{several(3)}{trailer}".encode()).notes
    assert [note for note in notes if "does not agree" in note]


def test_stray_segments_of_a_batch_belong_to_no_message() -> None:
    frame = read(f"{BATCH}NTE|1\r{several(1)}BTS|1\rPID|9\rFTS|1\r".encode())
    assert frame.notes == ("segments outside any message",)
    assert names(frame.messages[0]) == ["MSH", "PID"]


def test_an_empty_batch_is_a_problem() -> None:
    frame = read(f"{BATCH}BTS|0\rFTS|1\r".encode())
    assert (frame.messages, frame.control_id, frame.is_batch, frame.notes) == ((), "F11", True, ())
    assert frame.problem


def test_several_messages_without_a_batch() -> None:
    frame = read((several(2) + "MSH|^~\r" + "MSH#!@%*#L#F#####ORU!R01#M9#P#2.5\rPID#9\r").encode())
    assert [each.control_id for each in frame.messages] == ["M1", "M2", "", "M9"]
    assert frame.messages[3].get("PID-1") == "9"
    assert "several messages without a batch header" in frame.notes
    assert not frame.is_batch


@pytest.mark.parametrize(
    ("kind", "segments", "expected"),
    [
        ("ACK^R01^ACK", ["MSA|AA|1"], True),
        ("ACK", [], True),
        ("MCF", [], True),
        ("", ["MSA|AA|1"], True),
        ("ORU^R01", ["MSA|AA|1"], False),
    ],
)
def test_what_is_itself_an_acknowledgement(kind: str, segments: list[str], expected: bool) -> None:
    frame = read("\r".join((f"MSH|^~\\&|LAB|F|||||{kind}|M1|P|2.5", *segments)).encode())
    assert (frame.messages[0].is_acknowledgement, frame.is_acknowledgement) == (expected, expected)


def test_nothing_of_a_message_shows_in_a_repr() -> None:
    frame: Frame = read(f"{HEADER}\r{PERSON}\r".encode())
    shown = repr((frame, frame.messages[0], frame.messages[0].all()))
    assert "9434765919" not in shown
    assert "ANNE" not in shown
