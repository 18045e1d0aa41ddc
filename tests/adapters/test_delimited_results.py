"""Files of rows, however a table says they are written: layouts, numbers, the confirmation, what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from adapters import ADAPTERS
from hub.contract import Reading
from hub.domain.events import ResultReported
from hub.errors import Reason, Reject
from hub.formats.delimited import MOST_LINES
from hub.mapping import FeedTable, FeedTables, check_tables
from hub.mapping.feed_table import FileForm, FileRecord
from hub.tabular.confirmation import MOST_REFUSALS
from tests.golden_cases import CASES, FEEDS, ROOT, Case

ADAPTER = ADAPTERS["delimited_results"]
BIRCHWOOD = FEEDS.by_id["birchwood"]
TODAY = date(2026, 7, 20)
AT = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)


def golden(sentence: str) -> Case:
    return next(case for case in CASES if case.feed == "birchwood" and case.sentence == sentence)


THREE = golden("three results, a new one, a corrected one and one withdrawn")


def read(raw: bytes, table: FeedTable = BIRCHWOOD) -> Reading:
    return ADAPTER.decode(ADAPTER.open(raw), FeedTables((table,)).of(table.feed), TODAY)


def confirmed(raw: bytes, table: FeedTable = BIRCHWOOD) -> list[str]:
    opened = ADAPTER.open(raw)
    reply = ADAPTER.reply(opened, read(raw, table), AT, "HUB1")
    assert reply is not None
    return reply.decode().removesuffix("\r\n").split("\r\n")


def with_file(**changes: object) -> FeedTable:
    return msgspec.structs.replace(BIRCHWOOD, file=msgspec.structs.replace(BIRCHWOOD.file, **changes))


def numbered(table: FeedTable, names: list[str]) -> FeedTable:
    """The table with the places by number instead of by name."""
    facts = {}
    for name, fact in table.facts.declared():
        places = [f"#{names.index(place) + 1}" for place in fact.places]
        facts[name] = msgspec.structs.replace(
            fact, place=(places if len(places) > 1 else places[0]) if places else None
        )
    return msgspec.structs.replace(table, facts=msgspec.structs.replace(table.facts, **facts))


@pytest.mark.parametrize("separator", ["|", ";", "\t"])
def test_the_same_file_by_other_separators_says_the_same(separator: str) -> None:
    raw = THREE.raw.replace(b",", separator.encode())
    assert [item.outcome for item in read(raw, with_file(separator=separator)).items] == [
        item.outcome for item in read(THREE.raw).items
    ]


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16"])
def test_the_same_file_as_a_spreadsheet_saves_it_says_the_same(codec: str) -> None:
    assert read(THREE.raw.decode().encode(codec)) == read(THREE.raw)


def test_without_names_of_columns_places_are_numbers() -> None:
    lines = THREE.raw.decode().split("\r\n")
    names = lines[1].split(",")
    table = numbered(with_file(header=False, columns=len(names)), names)
    reading = read("\r\n".join([lines[0], *lines[2:]]).encode(), table)
    assert [item.outcome for item in reading.items] == [item.outcome for item in read(THREE.raw).items]
    lines[2] = lines[2].replace("03/07/2026", "03/13/2026")
    (refused,) = read("\r\n".join([lines[0], *lines[2:]]).encode(), table).refused
    assert isinstance(refused.outcome, Reject)
    assert refused.outcome.place and refused.outcome.place.text == "row 2, column 13"
    assert not ADAPTER.problems(table)


def test_where_quotation_marks_are_letters() -> None:
    raw = THREE.raw.replace(b"Examplar", b'Exam"plar')
    assert read(raw).refused
    (first, *_others) = read(raw, with_file(quoting=False)).taken
    assert isinstance(first.outcome, ResultReported)
    assert first.outcome.claim.family_name == 'Exam"plar'


def test_a_row_counts_only_where_its_condition_holds() -> None:
    fact = msgspec.structs.replace(BIRCHWOOD.facts.sample_taker_code, where={"Source": ["1", "2"]})
    table = msgspec.structs.replace(BIRCHWOOD, facts=msgspec.structs.replace(BIRCHWOOD.facts, sample_taker_code=fact))
    takers = [
        item.outcome.result.sample_taker_code
        for item in read(THREE.raw.replace(b",1,Z99001,C70002", b",7,Z99001,C70002"), table).taken
        if isinstance(item.outcome, ResultReported)
    ]
    assert takers[:2] == ["C70001", None]


@pytest.mark.parametrize(
    ("opening", "closing", "raw", "sequence"),
    [
        (None, None, THREE.raw, None),
        (FileRecord("HDR", 3, sequence=2), None, THREE.raw, 17),
        (FileRecord("HDR", 3), FileRecord("TRL", 2, sequence=2), THREE.raw, 3),
        (FileRecord("HDR", 3, sequence=2), None, THREE.raw.replace(b"Sex", b"Gender"), 17),
    ],
)
def test_the_number_of_a_file(
    opening: FileRecord | None, closing: FileRecord | None, raw: bytes, sequence: int | None
) -> None:
    assert read(raw, with_file(opening=opening, closing=closing)).sequence == sequence


@pytest.mark.parametrize("number", [b"", b"seventeen", b"-17", b"1.7", b"1234567890"])
def test_a_number_that_is_none_refuses_the_file(number: bytes) -> None:
    reading = read(THREE.raw.replace(b"HDR,17", b"HDR," + number))
    assert (reading.answer, reading.sequence, reading.taken) == ("AR", None, ())
    reading = read(
        THREE.raw.replace(b"TRL,3", b"TRL," + number),
        with_file(closing=FileRecord("TRL", 2, sequence=2), opening=FileRecord("HDR", 3)),
    )
    assert (reading.answer, reading.sequence, reading.taken) == ("AR", None, ())


def test_the_confirmation_counts_and_names_each_refusal() -> None:
    case = golden("good rows are taken, the bad ones refused one by one")
    assert confirmed(case.raw) == [
        "confirmation|HUB1",
        "received|2026-07-20T09:00:00Z",
        "feed|birchwood",
        "number|18",
        "answer|AE",
        "lines|8",
        "taken|2",
        "taken, waiting for us|0",
        "refused|3",
        'refusal|row 4, column "Test date"|invalid-date|This is not a possible date in the agreed form. '
        "Write it as DD/MM/YYYY.",
        'refusal|row 5, column "Cytology"|invalid-combination|Result, HPV and action code do not form a valid '
        'combination. See also row 5, column "Action" and row 5, column "HPV".',
        'refusal|row 7, column "Slide number"|missing-slide-number|The slide number is missing. Fill it and '
        "send again.",
    ]


def test_the_confirmation_of_what_is_taken_but_waits() -> None:
    lines = confirmed(golden("a code that our table lacks waits for an engineer").raw)
    assert lines[6:] == ["taken|1", "taken, waiting for us|1", "refused|0"]


def test_no_confirmation_holds_a_value_of_the_file() -> None:
    for case in CASES:
        if case.dialect != "delimited_results":
            continue
        said = "\n".join(confirmed(case.raw))
        for word in ("99900510", "Examplar", "Placehold", "Sampleton", "Synthetic", "B26000", "1976", "ZZ1"):
            assert word not in said, case


def test_refusals_are_listed_up_to_a_limit() -> None:
    head, _, _rest = THREE.raw.partition(b"9990051003")
    lines = confirmed(head + b"x\r\n" * (MOST_REFUSALS + 5) + b"TRL,%d\r\n" % (MOST_REFUSALS + 5))
    assert sum(line.startswith("refusal|") for line in lines) == MOST_REFUSALS
    assert lines[-1] == "more refusals|5"


def test_a_file_of_too_many_lines_is_refused() -> None:
    reading = read(THREE.raw + b"\r\n" * MOST_LINES)
    (item,) = reading.items
    assert isinstance(item.outcome, Reject)
    assert item.outcome.reason is Reason.TOO_LARGE


def test_a_hundred_thousand_rows() -> None:
    head, _, rest = THREE.raw.partition(b"\r\n9990051003")
    row = b"\r\n9990051003" + rest.partition(b"\r\n")[0]
    reading = read(head + row * 100_000 + b"\r\nTRL,100000\r\n")
    assert len(reading.taken) == 100_000
    assert reading.items[-1].position == "100002.1"


def test_an_unknown_and_a_closed_feed_are_refused() -> None:
    closed = msgspec.structs.replace(BIRCHWOOD, status="deactivated")
    for reading, reason in (
        (ADAPTER.decode(ADAPTER.open(THREE.raw), FEEDS.find, TODAY), Reason.UNKNOWN_SENDER),
        (read(THREE.raw, closed), Reason.SENDER_DEACTIVATED),
    ):
        (item,) = reading.items
        assert isinstance(item.outcome, Reject)
        assert (item.outcome.reason, reading.answer) == (reason, "AR")


def test_a_lost_quotation_mark_changes_no_row() -> None:
    case = golden("every kind of quoting, an apostrophe and accents in UTF-8 with a mark")
    whole = [item.outcome for item in read(case.raw).taken]
    at = -1
    while (at := case.raw.find(b'"', at + 1)) >= 0:
        for item in read(case.raw[:at] + case.raw[at + 1 :]).taken:
            assert item.outcome in whole


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('[facts.version]\nplace = "Status"\ncodes = "status"\n', "", "facts.version", "does not say it by itself"),
        ('[file]\nseparator = ","', "[file]\nheader = false", "file.columns", "how many there are"),
        ('[file]\nseparator = ","', "[file]\nheader = false\ncolumns = 3", "facts.test_on.place", "write #3"),
        ('place = "Test date"', 'place = "#9"', "facts.test_on.place", ""),
        ('place = "Test date"', 'place = " "', "facts.test_on.place", "Name the column"),
        ('separator = ","', 'separator = ":"', "file.separator", "Invalid enum value"),
        ('separator = ","', "sequence_in_name = '[0-9]+'", "file.sequence_in_name", "one group"),
        ("columns = 2\ncount = 2", "columns = 2\ncount = 3", "file.closing.columns", "fewer columns"),
        ("columns = 2\ncount = 2", "columns = 2\nsequence = 2", "file.closing.sequence", "one of the two"),
        ("columns = 3\nsequence = 2", "columns = 3\ncount = 2", "file.opening.count", "[file.closing]"),
    ],
)
def test_what_a_table_cannot_say_is_found(tmp_path: Path, old: str, new: str, where: str, words: str) -> None:
    text = (ROOT / "mappings" / "feeds" / "birchwood.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "birchwood.toml").write_text(text.replace(old, new), encoding="utf-8")
    problems = check_tables(tmp_path, ADAPTERS)
    found = any(problem.where.split(" (")[0] == where and words in problem.sentence for problem in problems)
    assert found == bool(words), problems


def test_the_number_in_a_file_name() -> None:
    form = FileForm(sequence_in_name=r"BW_([0-9]+)\.csv")
    assert [form.sequence_of(name) for name in ("BW_17.csv", "BW_17.csv.old", "", "BW_.csv")] == ["17", "", "", ""]
    assert FileForm().sequence_of("BW_17.csv") == ""


def test_without_a_closing_record_a_cut_is_seen_but_between_two_rows() -> None:
    table = with_file(closing=None)
    raw = THREE.raw.partition(b"TRL")[0]
    whole = [item.outcome for item in read(raw, table).items]
    assert len(whole) == 3
    for length in range(len(raw)):
        reading = read(raw[:length], table)
        if raw[:length].endswith((b"\r", b"\n")) and reading.taken:
            assert [item.outcome for item in reading.items] == whole[: len(reading.items)]
        else:
            assert not reading.taken, length
