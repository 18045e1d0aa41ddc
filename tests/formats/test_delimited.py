"""Rows and cells: a line is a row, a doubtful row is never shifted, and nothing grows faster than its input."""

from __future__ import annotations

import csv
import io
import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.formats.charsets import decode
from hub.formats.delimited import MOST_LINES, cells, read


@pytest.mark.parametrize(
    ("text", "separator", "quoting", "found"),
    [
        ("a,b,c", ",", True, ["a", "b", "c"]),
        ("a|b|c", "|", True, ["a", "b", "c"]),
        ("a\t\tc", "\t", True, ["a", "", "c"]),
        ("a;b,b;c", ";", True, ["a", "b,b", "c"]),
        ('"a,a",b,c', ",", True, ["a,a", "b", "c"]),
        ('a,"say ""no""",c', ",", True, ["a", 'say "no"', "c"]),
        ('"","",""', ",", True, ["", "", ""]),
        ('a|5" nail|c', "|", False, ["a", '5" nail', "c"]),
        ('a|"b|c', "|", False, ["a", '"b', "c"]),
    ],
)
def test_cells(text: str, separator: str, quoting: bool, found: list[str]) -> None:
    assert cells(text, separator, 3, quoting=quoting) == found
    assert cells(text, separator, 0, quoting=quoting) == found


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b", "2 columns instead of 3"),
        ("a,b,c,d", "4 columns instead of 3"),
        ('"a,a",b', "2 columns instead of 3"),
        ('"a,b,c', "quotation mark"),
        ('a,b,c"', "quotation mark"),
        ('a,"b"b,c', "quotation mark"),
        ('a, "b",c', "quotation mark"),
        ('a,5" nail,c', "quotation mark"),
        ('a,b,"', "quotation mark"),
    ],
)
def test_a_doubtful_row_has_no_cells(text: str, words: str) -> None:
    found = cells(text, ",", 3, quoting=True)
    assert isinstance(found, str)
    assert words in found


@given(
    st.lists(st.text(st.characters(exclude_characters="\r\n\0", codec="utf-8"), max_size=12), min_size=1, max_size=6)
)
def test_what_the_standard_library_writes_is_read(row: list[str]) -> None:
    written = io.StringIO()
    csv.writer(written, quoting=csv.QUOTE_ALL, lineterminator="").writerow(row)
    assert cells(written.getvalue(), ",", len(row), quoting=True) == row


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines(end: str) -> None:
    sheet = read(end.join(["one", "", "two\u2028still two", "cut"]).encode())
    assert [(row.number, row.text, row.is_open) for row in sheet.rows()] == [
        (1, "one", False),
        (3, "two\u2028still two", False),
        (4, "cut", True),
    ]


@pytest.mark.parametrize(
    ("raw", "text", "note"),
    [
        (b"plain", "plain", ""),
        ("Zoë".encode(), "Zoë", ""),
        (b"\xef\xbb\xbf" + "Zoë".encode(), "Zoë", "charset=utf-8 by its mark"),
        ("Zoë".encode("utf-16"), "Zoë", "charset=utf-16 by its mark"),
        (b"\xfe\xff" + "Zoë".encode("utf-16-be"), "Zoë", "charset=utf-16 by its mark"),
        ("Zoë ’".encode("cp1252"), "Zoë ’", "charset=cp1252 undeclared"),
        (b"Zo\xeb \x81\x8d", "Zoë \x81\x8d", "charset=iso-8859-1 undeclared"),
        ("Zoë".encode()[:-1], "Zo", ""),
    ],
)
def test_charsets(raw: bytes, text: str, note: str) -> None:
    assert (decode(raw).text, decode(raw).note) == (text, note)


def test_a_file_of_too_many_lines_is_not_cut_into_them() -> None:
    assert read(b"x\n" * (MOST_LINES + 1)).is_too_long
    assert not read(b"x\n" * MOST_LINES).is_too_long
    assert list(read(b"\n" * (MOST_LINES + 1)).rows()) == []


@given(st.binary(max_size=300))
@example(b"\xff\xfe\0")
@example(b"\xff\xfe\x00\xd8")
@settings(max_examples=300)
def test_any_bytes(raw: bytes) -> None:
    for row in read(raw).rows():
        for separator in ",|;\t":
            for quoting in (True, False):
                found = cells(row.text, separator, 3, quoting=quoting)
                assert isinstance(found, str) or len(found) == 3


@pytest.mark.parametrize("text", ["," * 1_000_000, '"' * 1_000_001, '","' * 300_000, '"' + 'a""' * 300_000])
def test_a_long_row_takes_no_longer_than_its_length(text: str) -> None:
    started = time.perf_counter()
    assert isinstance(cells(text, ",", 20, quoting=True), str)
    assert time.perf_counter() - started < 2
