"""Dialects of rows: what `hub.rows` does for an adapter that only says how a file is cut."""

from __future__ import annotations

from datetime import UTC, date, datetime

import msgspec
import pytest

from hub.contract import Piece, Reading
from hub.domain.events import ReportParked, ResultReported, Version
from hub.errors import Reason, Reject
from hub.mapping import Feeds, FeedTable
from hub.mapping.feed_table import Fact, Facts, Laboratory, Sender
from hub.rows import RowDialect, Sheet, cut, row

TODAY = date(2026, 7, 20)
AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
COLUMNS = ("nhs_number", "family_name", "date_of_birth", "slide_number", "test_on", "codes", "version", "authorised_at")
LINE = "9990001375;Sampleton;19710202;26000101;20260703;X0A;final;20260714103000"


class _Semicolons(RowDialect):
    dialect = "semicolons"
    columns = COLUMNS

    def take_apart(self, text: str) -> Sheet:
        header, *lines, end = cut(text, ";")
        if header[0].text != "FILE":
            raise Reject(Reason.UNREADABLE)
        if end[0].text != f"END {len(lines)}":
            raise Reject(Reason.INCOMPLETE)
        return Sheet([row(cells, COLUMNS) for cells in lines], control_id=header[1].text, facility=header[2].text)


def table() -> FeedTable:
    names = ("nhs_number", "family_name", "slide_number", "date_of_birth", "test_on", "version")
    facts = {name: Fact(place=name) for name in names}
    codes = {
        name: Fact(place="codes", characters=str(number), where={"version": ["final", "corrected", "preliminary"]})
        for number, name in enumerate(("result_code", "infection_code", "action_code"), start=1)
    }
    flags = {"self_sample": Fact(constant="N"), "hpv_primary": Fact(constant="Y")}
    issued = Fact(place="authorised_at", form="HL7")
    return FeedTable(
        feed="semi",
        name="Semi",
        dialect="semicolons",
        status="live",
        sender=Sender("SEMI"),
        laboratory=Laboratory("69099"),
        facts=Facts(**facts, **codes, **flags, authorised_at=issued),
    )


def feeds(application: str, facility: str) -> FeedTable | None:
    return table() if facility == "SEMI" else None


ADAPTER = _Semicolons()


def file(*lines: str, facility: str = "SEMI") -> bytes:
    return "\n".join([f"FILE;C1;{facility}", *lines, f"END {len(lines)}", ""]).encode()


def decode(raw: bytes, by: Feeds = feeds) -> Reading:
    return ADAPTER.decode(ADAPTER.open(raw), by, TODAY)


def refusals(reading: Reading) -> list[tuple[str, str, str]]:
    return [
        (item.position, item.outcome.reason.code, item.outcome.place.text if item.outcome.place else "")
        for item in reading.refused
        if isinstance(item.outcome, Reject)
    ]


def test_each_row_is_a_result_of_its_own() -> None:
    reading = decode(file(LINE, LINE.replace("20260703", "20260732"), LINE.replace("final", "corrected")))
    assert (reading.feed, reading.answer, refusals(reading)) == (
        "semi",
        "AE",
        [("3.1", "invalid-date", 'row 3, column "test_on"')],
    )
    first, third = (item.outcome for item in reading.taken)
    assert isinstance(first, ResultReported) and isinstance(third, ResultReported)
    assert (first.result.combination, first.result.version, third.result.version) == (
        "X0A", Version.FINAL, Version.CORRECTED,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("raw", "reason", "answer"),
    [
        (b"", "unreadable", "AR"),
        (b"something else", "unreadable", "AR"),
        (file(LINE)[:-3], "incomplete", "AR"),
        (file(LINE + ";more"), "malformed", "AE"),
        (file(), "no-result", "AE"),
        (file(LINE, facility="OTHER"), "unknown-sender", "AR"),
        (file(LINE.replace("final", "preliminary")), "not-final", "AE"),
        (file(LINE.replace("final", "word")), "not-final", "AE"),
        (file(LINE.replace("20260714103000", "")), "missing-data", "AE"),
        (file(LINE.replace(";final", ";")), "missing-data", "AE"),
    ],
)
def test_what_is_wrong_is_refused(raw: bytes, reason: str, answer: str) -> None:
    reading = decode(raw)
    assert reason in [code for _, code, _ in refusals(reading)]
    assert reading.answer == answer


def test_a_row_of_another_width_costs_no_other_row() -> None:
    raw = file(LINE + ";more", LINE)
    assert refusals(decode(raw)) == [("2.1", "malformed", "row 2")]
    assert [item.position for item in decode(raw).taken] == ["3.1"]
    opened = ADAPTER.open(raw)
    assert [sourced.position for sourced in ADAPTER.sources(opened, feeds)] == ["3.1"]
    assert ADAPTER.rewritten(opened, feeds, lambda _piece: "x").count(b"x") == 9 + 8 + 5


def test_a_closed_feed_is_refused() -> None:
    closed = msgspec.structs.replace(table(), status="deactivated")
    assert refusals(decode(file(LINE), lambda _application, _facility: closed))[0][1] == "sender-deactivated"


def test_where_the_cutting_stumbles_is_said_and_nothing_of_the_file() -> None:
    reading = decode(b"FILE\nEND 0\n")
    (item,) = reading.refused
    assert isinstance(item.outcome, Reject)
    assert item.outcome.reason is Reason.UNREADABLE and item.outcome.hint.startswith("IndexError at line ")


def test_a_mistake_of_ours_parks_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.rows.Report.outcomes", lambda _report: 1 // 0)
    (item,) = decode(file(LINE)).items
    assert isinstance(item.outcome, ReportParked) and item.outcome.reason == "our-fault"


def test_the_answer_names_what_is_wrong_line_by_line() -> None:
    raw = file(LINE, LINE.replace("20260703", "soon"))
    opened = ADAPTER.open(raw)
    answer = ADAPTER.reply(opened, decode(raw), AT, "HUB1")
    assert answer is not None
    *head, error = answer.decode().splitlines()
    assert head[:2] == ["confirmation|HUB1", "of|C1"] and head[-4:] == [
        "lines|4", "taken|1", "taken, waiting for us|0", "refused|1",
    ]  # fmt: skip
    assert error.startswith('refusal|row 3, column "test_on"|invalid-date|') and "soon" not in error


def test_a_table_that_names_no_column_is_refused() -> None:
    facts = msgspec.structs.replace(table().facts, sex=Fact(place="gender"), authorised_at=None)
    wrong = dict(ADAPTER.problems(msgspec.structs.replace(table(), facts=facts)))
    assert wrong.keys() == {("facts", "sex", "place"), ("facts", "authorised_at")}
    assert "nhs_number" in wrong["facts", "sex", "place"]
    assert ADAPTER.problems(table()) == []


def test_written_again_with_other_texts() -> None:
    for ends in ("\n", "\r\n", "\r"):
        raw = file(LINE, "é".join(LINE.split("e", 1))).replace(b"\n", ends.encode())
        opened = ADAPTER.open(raw)
        assert ADAPTER.rewritten(opened, feeds, lambda piece: piece.text) == raw
        new = ADAPTER.rewritten(
            opened, feeds, lambda piece: "NEW" if piece.place == 'row 3, column "family_name"' else piece.text
        )
        assert new.decode().count("NEW") == 1 and new.count(b"Sampleton") == 1
    latin = file(LINE.replace("Sampleton", "Sämpleton")).decode().encode("iso-8859-1")
    assert ADAPTER.rewritten(ADAPTER.open(latin), feeds, lambda piece: piece.text) == latin


def test_header_and_end_are_seen_as_codes_so_that_a_file_can_have_another_name() -> None:
    raw = file(LINE)
    seen: list[tuple[str, bool]] = []

    def change(piece: Piece) -> str:
        seen.append((piece.text, piece.is_code))
        return "C2" if piece.text == "C1" else piece.text

    again = ADAPTER.rewritten(ADAPTER.open(raw), feeds, change)
    assert again == raw.replace(b"C1", b"C2")
    assert [text for text, is_code in seen if is_code] == ["FILE", "C1", "SEMI", "END", "1"]
