"""What `adapters/fhir_report.md` tells laboratories is so: its examples, its places, its reasons."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest

from adapters import ADAPTERS
from hub.errors import Reason
from hub.formats.fhir.document import MOST_BYTES
from hub.formats.fhir.json_form import MOST_ELEMENTS
from hub.formats.fhir.xml_form import MOST_DEEP
from hub.mapping import FeedTable
from hub.mapping.check import OF_RESULTS
from tests.golden_cases import FEEDS, ROOT

PAGE = ROOT / "adapters" / "fhir_report.md"
TEXT = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
EXAMPLES = re.findall(r"```(json|xml)\n(.*?)\n```\n\nAnswer (A[AER]):\n\n```\1\n(.*?)\n```", TEXT, re.DOTALL)
RECEIVED_ON = date(2026, 7, 20)
ANSWERED_AT = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)
SAID_BY_FHIR = {"version", "authorised_at"}


@pytest.mark.parametrize(("form", "message", "code", "answer"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_answered_as_printed(form: str, message: str, code: str, answer: str) -> None:
    adapter = ADAPTERS["fhir_report"]
    opened = adapter.open(message.encode())
    reading = adapter.decode(opened, FEEDS.of("ashdown"), RECEIVED_ON)
    assert reading.answer == code
    assert adapter.reply(opened, reading, ANSWERED_AT, "HUB0000001") == answer.encode()


def test_the_examples_show_every_kind_of_answer_in_both_forms() -> None:
    assert len(EXAMPLES) == TEXT.count("Answer A")
    assert {code for _, _, code, _ in EXAMPLES} == {"AA", "AE", "AR"}
    assert {form for form, _, _, _ in EXAMPLES} == {"json", "xml"}


def place_of(table: FeedTable, name: str) -> str:
    """Where a fact stands, in the words of the specification."""
    fact = getattr(table.facts, name)
    if fact.constant is not None:
        return f"always `{fact.constant}`"
    conditions = [f"{at} = {text if isinstance(text, str) else ' or '.join(text)}" for at, text in fact.where.items()]
    return ", ".join(fact.places) + (f" where {', '.join(conditions)}" if conditions else "")


def test_the_places_are_those_of_the_table() -> None:
    table = FEEDS.by_id["ashdown"]
    printed = dict(re.findall(r"^\| (\w+) \| (.*) \|$", TEXT.partition("### Where they stand")[2], re.MULTILINE))
    printed.pop("fact")
    names = {*OF_RESULTS.facts, *OF_RESULTS.others} - SAID_BY_FHIR
    assert printed == {name: place_of(table, name) for name in names}


def test_every_reason_a_laboratory_may_get_is_named() -> None:
    reasons = {reason for reason in Reason if reason.answer in ("AE", "AR")}
    named = TEXT.partition("The reasons:")[2].partition("Those up to")[0]
    order = re.findall(r"`([a-z-]+)`", named)
    assert set(order) == {reason.code for reason in reasons - {Reason.MALFORMED}}  # that is said of rows
    last = order.index("type-not-taken")
    assert set(order[: last + 1]) == {reason.code for reason in reasons if reason.answer == "AR"}


def test_the_bounds_are_those_of_the_reader() -> None:
    bounds = f"At most {MOST_BYTES >> 20} MiB, {MOST_ELEMENTS:,} elements and {MOST_DEEP} levels"
    assert bounds in " ".join(TEXT.split())
