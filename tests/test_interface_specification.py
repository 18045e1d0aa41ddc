"""What `adapters/hl7v2_oru.md` tells laboratories is so: its examples, its places, its reasons, its combinations."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from adapters import ADAPTERS
from hub.domain.codes import COMBINATIONS
from hub.errors import Reason
from hub.mapping import FeedTable
from hub.mapping.check import OF_RESULTS
from tests.golden_cases import CASES, FEEDS, ROOT

TEXT = (ROOT / "adapters" / "hl7v2_oru.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```hl7\n(.*?)```\n\nAnswer:\n\n```hl7\n(.*?)```", TEXT, re.DOTALL)
RECEIVED_ON = date(2026, 7, 20)
ANSWERED_AT = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)
# Given by the door, before the adapter reads anything.
OF_THE_DOOR = {Reason.TOO_LARGE, Reason.SENDER_NOT_PROVEN, Reason.WRONG_DOOR}
OF_OTHER_LANGUAGES = {Reason.MALFORMED}
# Two facts are said by HL7's own fields.
FACTS = {*OF_RESULTS.facts, *OF_RESULTS.others} - {"version", "authorised_at"}


def on_the_wire(block: str) -> bytes:
    return block.replace("\n", "\r").encode()


@pytest.mark.parametrize(("message", "answer"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_answered_as_printed(message: str, answer: str) -> None:
    adapter = ADAPTERS["hl7v2_oru"]
    opened = adapter.open(on_the_wire(message))
    reading = adapter.decode(opened, FEEDS.speaking("hl7v2_oru"), RECEIVED_ON)
    assert adapter.reply(opened, reading, ANSWERED_AT, "HUB0000001") == on_the_wire(answer)


def test_the_examples_show_every_kind_of_answer_and_several_feeds() -> None:
    assert len(EXAMPLES) == TEXT.count("```hl7\n") // 2 == TEXT.count("Answer:")
    assert {found for _, answer in EXAMPLES for found in re.findall(r"\nMSA\|(..)", answer)} >= {"AA", "AE", "AR", "CA"}
    facilities = {message.split("|")[3] for message, _ in EXAMPLES}
    assert len(facilities & {table.sender.facility for table in FEEDS}) >= 3


def rows(heading: str) -> dict[str, list[str]]:
    """The rows of the table that follows a heading, by their first cell."""
    table = re.search(r"\n((?:\|.*\n)+)", TEXT.partition(heading)[2])
    assert table
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table[1].strip().splitlines()[2:]]
    return {row[0].strip("* "): row[1:] for row in cells}


def place_of(table: FeedTable, name: str) -> str:
    """Where a fact stands, in the words of the specification."""
    fact = getattr(table.facts, name)
    if fact.constant is not None:
        return f"always `{fact.constant}`"
    conditions = [f"{at} = {text if isinstance(text, str) else ' or '.join(text)}" for at, text in fact.where.items()]
    words = ", ".join(fact.places) + (f" where {', '.join(conditions)}" if conditions else "")
    words += f", character {fact.characters}" if fact.characters else ""
    return words + (f", {fact.form}" if name in ("test_on", "date_of_birth") else "")


def test_the_places_are_those_of_the_tables() -> None:
    printed = rows("### Where they stand")
    order = ("northmoor", "eastvale", "southwick")
    assert set(printed) == FACTS
    for name, cells in printed.items():
        assert [cell.strip("| ") for cell in cells] == [place_of(FEEDS.by_id[feed], name) for feed in order]


def test_every_fact_is_explained() -> None:
    assert set(rows("## The facts")) == FACTS


def test_the_combinations_are_those_taken() -> None:
    paragraph = re.search(r"\*\*Combinations taken:\*\*(.*?)of a self-sample(.*?)\. A combination", TEXT, re.DOTALL)
    assert paragraph
    for self_sample, words in ((False, paragraph[1]), (True, paragraph[2])):
        printed = set(re.findall(r"[X0-9][09U][ARSH]", words))
        assert printed == {codes for codes, own in COMBINATIONS if own is self_sample}


def test_every_reason_a_laboratory_may_get_is_named_and_has_a_golden_case() -> None:
    reasons = {reason for reason in Reason if reason.answer in ("AE", "AR")} - OF_OTHER_LANGUAGES
    unnamed = {reason.code for reason in reasons if f"`{reason.code}`" not in TEXT}
    assert unnamed == set()
    shown = {item["refused"] for case in CASES for item in case.expected["items"] if "refused" in item}
    # A deactivated feed is no table of ours: tests/test_mapping.py makes one.
    missing = {reason.code for reason in reasons - OF_THE_DOOR - {Reason.SENDER_DEACTIVATED}} - shown
    assert missing == set()


def test_the_promises_stand_there() -> None:
    """The kill test proves what this section says; it must not lose a line unseen."""
    section = TEXT.partition("## What an answer promises")[2].partition("\n## ")[0]
    for promise in (
        "stored durably, byte for byte",
        "survives a killed process",
        "stored once",
        "never answered",
        "none | Nothing",
    ):
        assert promise in section
