"""Bytes to text: MSH-18, then UTF-8, then cp1252, and which was used (wire.md 2)."""

from __future__ import annotations

import codecs

import pytest

from hub.formats.hl7v2 import read
from hub.formats.hl7v2.charset import codec_named


def raw(declared: str, name: str, codec: str) -> bytes:
    return f"MSH|^~\\&|L|F|||||ORU^R01|1|P|2.5||||||{declared}\rPID|1||||{name}\r".encode(codec)


@pytest.mark.parametrize(
    ("declared", "sent_in", "charset", "note"),
    [
        ("UNICODE UTF-8", "utf-8", "utf-8", ""),
        ("UTF-8~UNICODE", "utf-8", "utf-8", ""),
        ("8859/1", "latin-1", "iso-8859-1", ""),
        ("ISO-8859-1", "latin-1", "iso-8859-1", ""),
        ("8859/15", "iso-8859-15", "iso-8859-15", ""),
        ("WINDOWS-1252", "cp1252", "cp1252", ""),
        ("", "utf-8", "utf-8", "charset=utf-8 undeclared"),
        ("", "cp1252", "cp1252", "charset=cp1252 undeclared"),
        ("8859/1", "utf-8", "utf-8", "charset=utf-8 declared 8859/1"),
        ("ASCII", "utf-8", "utf-8", "charset=utf-8 declared ASCII"),
        ("ASCII", "cp1252", "cp1252", "charset=cp1252 declared ASCII"),
        ("UNICODE UTF-8", "cp1252", "cp1252", "charset=cp1252 declared UNICODE UTF-8"),
        ("UNICODE UTF-16", "utf-8", "utf-8", "charset=utf-8 declared UNICODE UTF-16"),
        ("ISO IR 999", "cp1252", "cp1252", "charset=cp1252 declared by an unknown name"),
    ],
)
def test_the_charset_used_is_recorded(declared: str, sent_in: str, charset: str, note: str) -> None:
    frame = read(raw(declared, "Zoë O’Né" if sent_in in ("utf-8", "cp1252") else "Zoë Né", sent_in))
    assert (frame.charset, frame.charset_note) == (charset, note)
    assert frame.declared_charset == declared.split("~")[0]
    assert frame.messages[0].get("PID-5").startswith("Zoë")
    assert (note in frame.notes) == bool(note)


@pytest.mark.parametrize(("declared", "charset"), [("", "utf-8"), ("ASCII", "ascii"), ("8859/1", "iso-8859-1")])
def test_plain_ascii_needs_no_note(declared: str, charset: str) -> None:
    frame = read(raw(declared, "JONES", "ascii"))
    assert (frame.charset, frame.charset_note, frame.notes) == (charset, "", ())


def test_quotation_marks_of_cp1252_declared_as_8859_1() -> None:
    frame = read(raw("8859/1", "O’Neill Né", "cp1252"))
    assert (frame.charset, frame.charset_note) == ("cp1252", "charset=cp1252 declared 8859/1")
    assert frame.messages[0].get("PID-5") == "O’Neill Né"


@pytest.mark.parametrize("byte", [0x81, 0x8D, 0x8F, 0x90, 0x9D])
def test_bytes_that_cp1252_leaves_undefined_are_kept(byte: int) -> None:
    frame = read(raw("", "N@", "ascii").replace(b"@", bytes((byte, 0xE9))))
    assert (frame.charset, frame.charset_note) == ("iso-8859-1", "charset=iso-8859-1 undeclared")
    assert frame.messages[0].get("PID-5") == f"N{chr(byte)}é"


def test_an_unknown_charset_name_is_never_repeated_in_a_note() -> None:
    assert all("9434765919" not in note for note in read(raw("9434765919", "é", "latin-1")).notes)


@pytest.mark.parametrize(
    ("mark", "codec"),
    [(codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")],
)
def test_byte_order_marks(mark: bytes, codec: str) -> None:
    frame = read(mark + raw("", "Zoë", codec))
    assert (frame.bom, frame.charset) == (True, codec)
    assert f"bom={codec}" in frame.notes
    assert frame.messages[0].get("PID-5") == "Zoë"


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be"])
def test_utf_16_without_a_mark(codec: str) -> None:
    frame = read(raw("UNICODE UTF-16", "Zoë", codec))
    assert (frame.bom, frame.charset, frame.messages[0].get("PID-5")) == (False, codec, "Zoë")


def test_the_declaration_is_read_with_the_message_s_own_delimiters_and_after_a_batch_header() -> None:
    header = "MSH#!@%*#L#F#####ORU!R01#1#P#2.5######8859/1@UTF-8\rPID#1####Né\r"
    assert read(("BHS|^~\\&|L\r" + header).encode("latin-1")).charset == "iso-8859-1"


@pytest.mark.parametrize(
    ("name", "codec"), [("8859/9", "iso-8859-9"), ("utf8", "utf-8"), ("GB 18030-2000", "gb18030"), ("x", "")]
)
def test_names_of_charsets(name: str, codec: str) -> None:
    assert codec_named(name) == codec
