"""EDIFACT result files: the groups of a message, the acknowledgement, and what a table may say."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
import pytest

from adapters import ADAPTERS
from adapters.edifact_results.samples import samples
from hub.contract import Item, Reading
from hub.errors import Reason, Reject
from hub.formats.edifact import read as read_interchange
from hub.mapping import FeedTable, FeedTables, check_tables
from hub.mapping.feed_table import Fact
from tests.golden_cases import CASES, FEEDS, ROOT, Case
from tests.samples import sample_messages

ADAPTER = ADAPTERS["edifact_results"]
KELHAM = FEEDS.by_id["kelham"]
TODAY = date(2026, 7, 20)
AT = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)
OF_THE_NHS = ROOT.parent / "shared" / "reference" / "api-data" / "pathology" / "bowel-screening-NHS004.edifact.dat"

NHSACK = OF_THE_NHS.with_name("NHSACK-screening-example.txt")


def golden(sentence: str) -> Case:
    return next(case for case in CASES if case.feed == "kelham" and case.sentence == sentence)


ONE = golden("one message, HPV negative, routine recall")


def read(raw: bytes, table: FeedTable = KELHAM) -> Reading:
    return ADAPTER.decode(ADAPTER.open(raw), FeedTables((table,)).of(table.feed), TODAY)


def answered(raw: bytes) -> str:
    reply = ADAPTER.reply(ADAPTER.open(raw), read(raw), AT, "HUB1")
    assert reply is not None
    again = read_interchange(reply)
    assert not again.faults and not again.messages[0].fault
    return reply.decode("iso-8859-1")


@pytest.mark.parametrize(
    ("sentence", "code", "verdicts"),
    [
        ("one message, HPV negative, routine recall", "IAF", {"1": "MA"}),
        ("a code that our table lacks waits for an engineer", "IAF", {"1": "MA"}),
        (
            "good messages are taken, the bad ones refused one by one",
            "IAP",
            {"1": "MA", "2": "MR", "3": "MR", "4": "MA"},
        ),
        ("refused, the count of messages does not agree", "IRI", {}),
        ("refused, two interchanges in one file", "IRI", {}),
        ("refused, a result is preliminary, one says no status", "IRA", {"1": "MR", "2": "MR"}),
        ("refused, an interchange without messages", "IRM", {}),
        ("refused, an unknown sender", "IRI", {}),
        ("refused, not an interchange", "IRI", {}),
        ("acknowledgements among the messages are left aside", "IAF", {"2": "MA"}),
    ],
)
def test_the_acknowledgement(sentence: str, code: str, verdicts: dict[str, str]) -> None:
    reply = answered(golden(sentence).raw)
    (told,) = re.findall(r"NIR\+SIR:.*\+(I..)'", reply)
    assert told == code
    assert dict(re.findall(r"NMR\+AGO:(\w+)\+(M.)'", reply)) == verdicts
    assert ("FTX+ERD" in reply) == (code != "IAF")


def test_an_error_stands_behind_its_message_and_is_located() -> None:
    reply = answered(golden("good messages are taken, the bad ones refused one by one").raw)
    segments = reply.split("'\r\n")
    at = segments.index("NMR+AGO:2+MR")
    assert segments[at + 1].startswith("FTX+ERD+++invalid-date at DTM[4]-1.2?: This is not a possible date")
    assert segments[at + 2] == "NMR+AGO:3+MR"
    assert "NIR+SIR:344+000000069006001:80+000000099000002:80+IAP" in segments


def test_what_the_door_refuses_is_an_interchange_refused() -> None:
    opened = ADAPTER.open(ONE.raw)
    reading = Reading("kelham", (Item("1.1", Reject(Reason.SENDER_NOT_PROVEN)),))
    reply = ADAPTER.reply(opened, reading, AT, "HUB1")
    assert reply is not None and b"+IRI'" in reply and b"NMR" not in reply


def test_who_sent_what() -> None:
    opened = ADAPTER.open(ONE.raw)
    assert (opened.facility, opened.control_id, opened.sequence) == ("000000069006001", "341", 341)
    assert (opened.message_type, opened.is_batch, opened.is_acknowledgement) == ("MEDRPT:NHS004", True, False)


@pytest.mark.parametrize("reference", ["", "A341", "1234567890", "-1"])
def test_a_reference_that_is_no_plain_number_is_no_number_of_a_file(reference: str) -> None:
    assert (
        ADAPTER.open(
            ONE.raw.replace(b"+341'", b"+%s'" % reference.encode()).replace(b"+341+", b"+%s+" % reference.encode())
        ).sequence
        is None
    )


def test_a_closed_feed_is_refused() -> None:
    (item,) = read(ONE.raw, msgspec.structs.replace(KELHAM, status="deactivated")).items
    assert isinstance(item.outcome, Reject)
    assert item.outcome.reason is Reason.SENDER_DEACTIVATED


def test_a_sender_of_another_feed_is_unknown_at_this_door() -> None:
    (item,) = ADAPTER.decode(ADAPTER.open(ONE.raw), FEEDS.of("birchwood"), TODAY).items
    assert isinstance(item.outcome, Reject)
    assert item.outcome.reason is Reason.UNKNOWN_SENDER


def message_of(*segments: str) -> bytes:
    body = ["UNH+1+MEDRPT:0:1:RT:NHS004", *segments]
    return (
        "UNB+UNOC:3+S+R+1:1+7'" + "".join(f"{one}'" for one in [*body, f"UNT+{len(body) + 1}+1", "UNZ+1+7"])
    ).encode()


def test_the_groups_of_a_sample() -> None:
    (message,) = read_interchange(
        message_of(
            "BGM+LSR", "S01+01", "NAD+PO+A", "S01+01", "NAD+SLA+B", "S02+02", "STS++1", "S06+06", "S07+07", "PNA+1",
            "S16+16", "SEQ++1", "S18+18", "INV+a", "RSL+1", "S18+18", "INV+b", "S16+16", "SEQ++2",
            "S07+07", "PNA+2", "S16+16", "SEQ++3", "S02+02", "STS++2", "S16+16", "SEQ++4",
        )
    ).messages  # fmt: skip
    found = [
        [one.value(1) or one.value(2) for part in sample.parts for group in part.groups for one in group
         if one.tag in ("STS", "PNA", "SEQ", "INV")]
        for sample in samples(message)
    ]  # fmt: skip
    assert found == [["1", "1", "1", "a", "b"], ["1", "1", "2"], ["1", "2", "3"], ["2", "4"]]
    parties = [
        [one.value(1) for group in sample.parts[0].groups for one in group if one.tag == "NAD"]
        for sample in samples(message)
    ]
    assert parties == [["PO", "SLA"]] * 4


def test_a_condition_on_another_segment_is_asked_of_the_last_one_before() -> None:
    (message,) = read_interchange(
        message_of("S16+16", "RSL+0", "INV+a", "RSL+1", "INV+", "RSL+2", "INV+a", "NTE+x", "RSL+3", "S18+18", "RSL+4")
    ).messages
    (sample,) = samples(message)
    fact = Fact(place="RSL-1", where={"INV-1": "a"})
    assert [text.text for text in sample.texts(fact)] == ["1", "3"]
    assert [text.place.text for text in sample.texts(fact)] == ["RSL[2]-1", "RSL[4]-1"]
    assert sample.missing(Fact(place="RSL-2", where={"INV-1": "a"})).text == "RSL[2]-2"
    assert sample.missing(Fact(place="RSL-2", where={"INV-1": "b"})).text == "RSL-2"


def test_the_screening_message_of_the_nhs_is_read() -> None:
    """Its results are of the bowel and none of ours; its frame and groups are those of this adapter."""
    if not OF_THE_NHS.exists():
        pytest.skip(f"{OF_THE_NHS.name} is not beside this tree")
    table = msgspec.structs.replace(
        KELHAM, sender=msgspec.structs.replace(KELHAM.sender, facility="000000004400001"), feed="bowel"
    )
    raw = OF_THE_NHS.read_bytes()
    interchange = read_interchange(raw)
    (message,) = interchange.messages
    assert not interchange.faults and not message.fault and len(message.segments) == 40
    (sample,) = samples(message)
    family_name = KELHAM.facts.family_name
    assert family_name and len(sample.texts(family_name)) == 1
    reading = read(raw, table)
    assert not reading.taken
    missing = {
        stop.outcome.place.text for stop in reading.refused if isinstance(stop.outcome, Reject) and stop.outcome.place
    }
    assert {"RFF-1.2", "DTM-1.2", "RSL-2"} <= missing


def test_the_acknowledgement_of_the_nhs_is_known_as_one() -> None:
    if not NHSACK.exists():
        pytest.skip(f"{NHSACK.name} is not beside this tree")
    opened = ADAPTER.open(NHSACK.read_bytes())
    assert opened.is_acknowledgement
    assert (opened.message_type, opened.notes) == ("NHSACK:NHS001", ())
    assert ADAPTER.reply(opened, read(opened.raw), AT, "HUB1") is None


@pytest.mark.parametrize("dialect", ["edifact_results", "delimited_results"])
def test_messages_of_another_language_are_refused(dialect: str) -> None:
    feed = "kelham" if dialect == "edifact_results" else "birchwood"
    for name, raw in sample_messages():
        opened = ADAPTERS[dialect].open(raw)
        reading = ADAPTERS[dialect].decode(opened, FEEDS.of(feed), TODAY)
        assert reading.answer == "AR", name
        assert ADAPTERS[dialect].reply(opened, reading, AT, "HUB1"), name


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        ('place = "STS-2"', 'place = "STS2"', "facts.version.place", "RSL-2 or PNA-5.2"),
        ('where = { "RFF-1.1" = "STI" }', 'where = { "RFF" = "STI" }', "facts.slide_number.where", "RSL-2 or PNA-5.2"),
        ('[facts.version]\nplace = "STS-2"\ncodes = "status"\n', "", "facts.version", "does not say it by itself"),
    ],
)
def test_what_a_table_cannot_say_is_found(tmp_path: Path, old: str, new: str, where: str, words: str) -> None:
    text = (ROOT / "mappings" / "feeds" / "kelham.toml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "kelham.toml").write_text(text.replace(old, new), encoding="utf-8")
    problems = check_tables(tmp_path, ADAPTERS)
    assert any(problem.where.split(" (")[0] == where and words in problem.sentence for problem in problems), problems
