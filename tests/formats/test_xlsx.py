"""Workbooks: what a cell says, what is too large, and what tries to unfold to more than it is."""

from __future__ import annotations

import io
import random
import time
import tracemalloc
import zipfile
from datetime import date, datetime
from typing import Any

import openpyxl
import pytest

from hub.formats.xlsx import MOST_COLUMNS, MOST_ROWS, Workbook, is_xlsx, read
from hub.formats.xlsx.package import MOST_PACKED, MOST_PARTS, MOST_UNPACKED
from tests.promises.parts import packed

SEED = 20260720
ENTITIES = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "lolol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>"""
OUTSIDE = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/hostname">]>"""


def workbook(*rows: list[Any], title: str = "Discharges") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(row)
    return saved(book)


def saved(book: openpyxl.Workbook) -> bytes:
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def texts(raw: bytes) -> list[tuple[str, ...]]:
    (rows,) = read(raw).sheets.values()
    return [row.texts for row in rows]


def package(raw: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def with_part(raw: bytes, name: str, data: bytes) -> bytes:
    return packed({**package(raw), name: data})


def is_nothing(book: Workbook) -> bool:
    return not book.sheets and not book.is_too_large


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("Examplar", "Examplar"),
        (" spaces ", " spaces "),
        (9990051003, "9990051003"),
        (9990051003.0, "9990051003"),
        (1.5, "1.5"),
        (True, "TRUE"),
        (date(2026, 7, 3), "03/07/2026"),
        (date(1930, 12, 31), "31/12/1930"),
        (datetime(2026, 7, 3, 10, 30), "03/07/2026 10:30:00"),
        ("=1+1", ""),  # a formula that no spreadsheet has worked out yet says nothing
    ],
)
def test_what_a_cell_says(value: Any, text: str) -> None:
    assert texts(workbook(["x", value, "y"])) == [("x", text, "y")]


def test_texts_that_are_kept_apart() -> None:
    """As Excel writes them: each text once, in a part of its own, some with letters of several fonts."""
    parts = package(workbook(["one", "two", "one"]))
    sheet = parts["xl/worksheets/sheet1.xml"]
    for number, word in enumerate((b"one", b"two")):
        sheet = sheet.replace(b't="inlineStr"><is><t>' + word + b"</t></is>", b't="s"><v>%d</v>' % number)
    assert b"inlineStr" not in sheet
    kind = b"application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    types = parts["[Content_Types].xml"]
    if kind not in types:
        override = b'<Override PartName="/xl/sharedStrings.xml" ContentType="' + kind + b'"/></Types>'
        types = types.replace(b"</Types>", override)
    main = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    strings = b"<sst " + main + b"><si><t>one</t></si><si><r><t>t</t></r><r><t>wo</t></r></si></sst>"
    raw = packed(
        {**parts, "xl/worksheets/sheet1.xml": sheet, "[Content_Types].xml": types, "xl/sharedStrings.xml": strings}
    )
    assert texts(raw) == [("one", "two", "one")]


def test_dates_count_from_1904_where_the_workbook_says_so() -> None:
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert book.active is not None
    book.active.append([date(2026, 7, 3)])
    assert texts(saved(book)) == [("03/07/2026",)]


def test_rows_keep_their_numbers_and_blank_ones_are_none() -> None:
    (rows,) = read(workbook(["a"], [], [None, " "], ["b", None, "c"])).sheets.values()
    assert [(row.number, row.texts) for row in rows] == [(1, ("a",)), (4, ("b", "", "c"))]


def test_cells_are_as_many_as_are_wanted() -> None:
    (row,) = read(workbook(["a", None, "c", None])).sheets["Discharges"]
    assert row.cells(",", 0, quoting=True) == ["a", "", "c"]
    assert row.cells(",", 5, quoting=True) == ["a", "", "c", "", ""]
    assert row.cells(",", 2, quoting=True) == "It has 3 columns instead of 2."


def test_an_error_of_the_spreadsheet_is_no_text() -> None:
    (row,) = read(workbook(["a", "#REF!"])).sheets["Discharges"]
    assert "holds an error" in row.cells(",", 2, quoting=True)


def test_sheets_without_anything_do_not_count() -> None:
    book = openpyxl.Workbook()
    book.create_sheet("List").append(["a"])
    assert list(read(saved(book)).sheets) == ["List"]


def test_only_what_begins_as_one_is_a_workbook() -> None:
    assert is_xlsx(workbook(["a"]))
    assert not is_xlsx(b"NHS No,Surname\r\n")


@pytest.mark.parametrize("rows", [MOST_ROWS, MOST_ROWS + 1])
def test_too_many_rows(rows: int) -> None:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("List")
    for _ in range(rows):
        sheet.append(["a"])
    assert read(saved(book)).is_too_large == (rows > MOST_ROWS)


def test_a_cell_at_the_far_end_makes_no_work() -> None:
    """A small file that spans a thousand million cells."""
    for place in ((1_048_576, 1), (1, 16_384), (1_048_576, 16_384)):
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.cell(*place, "x")
        started = time.process_time()
        assert read(saved(book)).is_too_large
        assert time.process_time() - started < 2
    assert not read(workbook(["a"] * MOST_COLUMNS)).is_too_large


def test_what_unfolds_to_more_than_is_taken() -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in package(workbook(["a"])).items():
            archive.writestr(name, data)
        archive.writestr("xl/more.xml", b" " * (MOST_UNPACKED + 1))
    assert len(bomb.getvalue()) < 100_000
    tracemalloc.start()
    try:
        assert read(bomb.getvalue()).is_too_large
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_an_archive_that_lies_about_its_sizes() -> None:
    """More than the archive says is never unfolded, and then the checksum does not fit."""
    raw = bytearray()
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in package(workbook(["a"])).items():
            archive.writestr(name, data)
        archive.writestr("xl/more.xml", b" " * 30_000_000)
    raw = bytearray(made.getvalue())
    size = (30_000_000).to_bytes(4, "little")
    at = raw.rfind(size)
    raw[at : at + 4] = (10).to_bytes(4, "little")
    tracemalloc.start()
    try:
        assert is_nothing(read(bytes(raw)))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_too_many_parts_or_bytes() -> None:
    parts = package(workbook(["a"]))
    many = packed({**parts, **{f"xl/{number}.xml": b"<a/>" for number in range(MOST_PARTS)}})
    assert read(many).is_too_large
    assert read(b"PK\x03\x04" + bytes(MOST_PACKED)).is_too_large


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/styles.xml", "xl/worksheets/sheet1.xml"])
@pytest.mark.parametrize(
    "head",
    [
        ENTITIES,
        OUTSIDE,
        ENTITIES.replace(b'"1.0"', b'"1.0" encoding="ISO-8859-1"'),
        b'<?xml version="1.0" encoding="cp037"?>',
    ],
)
def test_no_declaration_reaches_the_reader(part: str, head: bytes) -> None:
    raw = workbook(["a"])
    whole = package(raw)[part]
    body = whole.partition(b"?>")[2] if whole.startswith(b"<?xml") else whole
    assert is_nothing(read(with_part(raw, part, head + body)))
    assert not is_nothing(read(with_part(raw, part, b'<?xml version="1.0" encoding="UTF-8"?>' + body)))
    assert is_nothing(read(with_part(raw, part, (head + body).decode().encode("utf-16"))))


def test_two_parts_of_one_name_are_refused() -> None:
    made = io.BytesIO(workbook(["a"]))
    with zipfile.ZipFile(made, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("xl/worksheets/sheet1.xml", package(workbook(["b"]))["xl/worksheets/sheet1.xml"])
    assert is_nothing(read(made.getvalue()))


def test_no_bytes_make_it_raise() -> None:
    chance = random.Random(SEED)
    raw = workbook(["NHS No", "DOB"], [9990051003, date(1976, 7, 7)])
    for _ in range(300):
        broken = bytearray(raw)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        read(bytes(broken))
    sheet = package(raw)["xl/worksheets/sheet1.xml"]
    for _ in range(300):
        broken = bytearray(sheet)
        for _ in range(chance.randint(1, 5)):
            broken[chance.randrange(len(broken))] = chance.choice(b'<>"/ rcvt0129AZ')
        read(with_part(raw, "xl/worksheets/sheet1.xml", bytes(broken)))
