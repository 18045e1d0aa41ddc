"""Escape sequences: read without losing a character, and written so that they are read back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.formats.hl7v2 import Delimiters, Location, Unreadable, escape, read, unescape
from hub.formats.hl7v2.escapes import without_controls

USUAL = Delimiters()
LATER = Delimiters(truncation="#")


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
        ("\\T\\\\T\\", "&&"),
        ("one\\.br\\two\\.BR\\three", "one\ntwo\nthree"),
        ("is \\H\\high\\N\\ now", "is high now"),
        ("\\X41\\\\X0d0A\\", "A\r\n"),
        ("\\XC3A9\\", "é"),
        ("\\X4\\ \\XFF\\ \\XZZ\\ \\X\\", "\\X4\\ \\XFF\\ \\XZZ\\ \\X\\"),
        ("\\Z99\\ \\C2842\\ \\M824041\\", "\\Z99\\ \\C2842\\ \\M824041\\"),
        ("\\.in+4\\x\\.sp\\y\\.ce\\z", "\\.in+4\\x\\.sp\\y\\.ce\\z"),
        ("a\\b", "a\\b"),
        ("\\", "\\"),
        ("C:\\temp\\T\\new\\", "C:\\temp&new\\"),
        ('\\"\\"', '\\"\\"'),
        ("\\P\\", "\\P\\"),
        ("\\t\\ \\f\\", "\\t\\ \\f\\"),
    ],
)
def test_escapes_are_read(sent: str, meant: str) -> None:
    assert unescape(sent, USUAL) == meant


def test_the_truncation_character_of_hl7_2_7() -> None:
    assert unescape("long\\P\\", LATER) == "long#"
    assert escape("#", LATER) == "\\P\\"


def test_hexadecimal_is_read_by_the_charset_of_the_message() -> None:
    assert unescape("\\XE9\\", USUAL, "cp1252") == "é"
    frame = read("MSH|^~\\&|L|F|||||ORU^R01|1|P|2.5||||||8859/1\rNTE|1||caf\\XE9\\ ñ\r".encode("latin-1"))
    assert frame.messages[0].get("NTE-3") == "café ñ"


def test_another_escape_character() -> None:
    marks = Delimiters("#", "!", "@", "%", "*")
    assert unescape("a%F%b%S%c\\F\\", marks) == "a#b!c\\F\\"
    assert escape("a#b%", marks) == "a%F%b%E%"


def test_control_characters_cannot_leave_a_field() -> None:
    assert escape("a\r\nb\x0b\x1c\x7f", USUAL) == "a\\.br\\\\.br\\b\\X0B\\\\X1C\\\\X7F\\"
    assert without_controls("A^B&C\\T\\\n\x1c", USUAL) == "A^B&C\\T\\\\.br\\\\X1C\\"


@given(st.text())
def test_what_is_escaped_is_read_back(text: str) -> None:
    written = escape(text, LATER)
    assert not set(written) & set("|^~&#\r\n\x0b\x1c")
    assert unescape(written, LATER) == text.replace("\r", "\n")


_SENT_AND_MEANT = (
    [("\\T\\", "&"), ("\\.br\\", "\n"), ("\\X41\\", "A"), ("\\H\\", ""), ("\\E\\", "\\")]
    + [(kept, kept) for kept in ("\\Z9\\", "\\.sp2\\", "\\ ", "word ", "T", "\\t ", "X41 ", "\\C28 ")]
)  # fmt: skip


@given(st.lists(st.sampled_from(_SENT_AND_MEANT), max_size=30))
def test_what_is_no_escape_is_never_lost(parts: list[tuple[str, str]]) -> None:
    """Known sequences mean what they mean wherever they stand; strays and all else stay letter for letter."""
    assert unescape("".join(sent for sent, _meant in parts), USUAL) == "".join(meant for _sent, meant in parts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("OBX[3]-5.1", ("OBX", "3", "5", "1", "1")),
        ("PID[2]-3[2].1.4", ("PID", "2", "3", "2", "1", "4")),
        ("MSH-10", ("MSH", "1", "10")),
        ("ZPI", ("ZPI",)),
        ("OBX[2]", ("OBX", "2")),
    ],
)
def test_locations(text: str, parts: tuple[str, ...]) -> None:
    location = Location.parse(text)
    assert str(location) == text == location.place().text
    assert location.place().parts == parts
    assert Location.parse(text.lower()) == location


@pytest.mark.parametrize(
    "text", ["", "PID-", "PI-3", "PID-0", "PID-3.0", "PID-3..1", "1ID-3", "PID-3.1.1.1", "PID--1", "PID-٣"]
)
def test_what_is_no_location_is_refused(text: str) -> None:
    with pytest.raises(Unreadable):
        Location.parse(text)
