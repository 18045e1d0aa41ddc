"""What `adapters/fhir_report.md` and `fhir_discharge.md` tell partners is so: examples, places, reasons."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from adapters import ADAPTERS
from hub.errors import Reason
from hub.formats.fhir.document import MOST_BYTES
from hub.formats.fhir.json_form import MOST_ELEMENTS
from hub.formats.fhir.xml_form import MOST_DEEP
from hub.mapping import FeedTable
from hub.mapping.check import OF_RESULTS
from tests.golden_cases import CASES, FEEDS, ROOT

RECEIVED_ON = date(2026, 7, 20)
ANSWERED_AT = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)
SAID_BY_FHIR = {"version", "authorised_at"}
OF_ANY = {reason for reason in Reason if reason.answer == "AR"}


@dataclass(frozen=True)
class Page:
    """A specification, the feed that its examples are of, and the reasons that the content of such a message may be
    refused for."""

    dialect: str
    feed: str
    facts: frozenset[str]
    content: frozenset[str]

    @property
    def text(self) -> str:
        path = ROOT / "adapters" / f"{self.dialect}.md"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    @property
    def examples(self) -> list[tuple[str, str, str, str]]:
        block = r"```(json|xml)\n(.*?)\n```\n\nAnswer (A[AER]):\n\n```\1\n(.*?)\n```"
        return re.findall(block, self.text, re.DOTALL)

    def __str__(self) -> str:
        return self.dialect


def refused_in(dialect: str) -> frozenset[str]:
    """What the golden cases of a dialect are refused for."""
    items = (item for case in CASES if case.dialect == dialect for item in case.expected["items"])
    return frozenset(item["refused"] for item in items if "refused" in item)


PAGES = (
    Page(
        "fhir_report",
        "ashdown",
        frozenset({*OF_RESULTS.facts, *OF_RESULTS.others}) - SAID_BY_FHIR,
        frozenset(reason.code for reason in Reason if reason.answer == "AE") - {Reason.MALFORMED.code},  # said of rows
    ),
    Page(
        "fhir_discharge",
        "thornmere",
        frozenset(name for name, _ in FEEDS.by_id["thornmere"].facts.declared()),
        refused_in("fhir_discharge") - {reason.code for reason in OF_ANY},
    ),
)
EXAMPLES = [(page, *example) for page in PAGES for example in page.examples]


@pytest.mark.parametrize(("page", "form", "message", "code", "answer"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_answered_as_printed(page: Page, form: str, message: str, code: str, answer: str) -> None:
    adapter = ADAPTERS[page.dialect]
    opened = adapter.open(message.encode())
    reading = adapter.decode(opened, FEEDS.of(page.feed), RECEIVED_ON)
    assert reading.answer == code
    assert adapter.reply(opened, reading, ANSWERED_AT, "HUB0000001") == answer.encode()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_examples_show_every_kind_of_answer_in_both_forms(page: Page) -> None:
    assert len(page.examples) == page.text.count("Answer A")
    assert {code for _, _, code, _ in page.examples} == {"AA", "AE", "AR"}
    assert {form for form, _, _, _ in page.examples} == {"json", "xml"}


def place_of(table: FeedTable, name: str) -> str:
    """Where a fact stands, in the words of the specification."""
    fact = getattr(table.facts, name)
    if fact.constant is not None:
        return f"always `{fact.constant}`"
    conditions = [f"{at} = {text if isinstance(text, str) else ' or '.join(text)}" for at, text in fact.where.items()]
    return ", ".join(fact.places) + (f" where {', '.join(conditions)}" if conditions else "")


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_places_are_those_of_the_table(page: Page) -> None:
    table = FEEDS.by_id[page.feed]
    printed = dict(re.findall(r"^\| (\w+) \| (.*) \|$", page.text.partition("### Where they stand")[2], re.MULTILINE))
    printed.pop("fact")
    assert printed == {name: place_of(table, name) for name in page.facts}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_reason_a_sender_may_get_is_named(page: Page) -> None:
    named = page.text.partition("The reasons:")[2].partition("Those up to")[0]
    order = re.findall(r"`([a-z-]+)`", named)
    last = order.index("type-not-taken") + 1
    assert set(order[:last]) == {reason.code for reason in OF_ANY}
    assert set(order[last:]) == page.content


def test_the_bounds_are_those_of_the_reader() -> None:
    bounds = f"At most {MOST_BYTES >> 20} MiB, {MOST_ELEMENTS:,} elements and {MOST_DEEP} levels"
    assert bounds in " ".join(PAGES[0].text.split())
