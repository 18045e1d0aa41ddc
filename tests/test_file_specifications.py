"""What the pages of `adapters/` about files tell laboratories and clinics is so: examples, places,
reasons, limits."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime

import pytest

from adapters import ADAPTERS
from hub.errors import Reason
from hub.formats.delimited import MOST_LINES
from hub.formats.edifact.interchange import MOST_MESSAGES, MOST_SEGMENTS
from hub.formats.xlsx import MOST_COLUMNS, MOST_ROWS
from hub.mapping import FeedTable
from hub.mapping.reading import DATES
from hub.tabular.confirmation import MOST_REFUSALS
from tests.golden_cases import CASES, FEEDS, ROOT

RECEIVED_ON = date(2026, 7, 20)
ANSWERED_AT = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Page:
    """A specification, with the feed that its examples are of."""

    dialect: str
    feed: str
    language: str
    codec: str
    limits: tuple[int, ...]

    @property
    def text(self) -> str:
        return (ROOT / "adapters" / f"{self.dialect}.md").read_text(encoding="utf-8")

    @property
    def examples(self) -> list[tuple[str, str]]:
        block = rf"```{self.language}\n(.*?)```"
        return re.findall(rf"{block}\n\nAnswer:\n\n{block}", self.text, re.DOTALL)

    def on_the_wire(self, block: str) -> bytes:
        return block.replace("\n", "\r\n").encode(self.codec)


PAGES = (
    Page("delimited_results", "birchwood", "csv", "utf-8", (MOST_LINES, MOST_REFUSALS)),
    Page("colposcopy_discharge", "fellgate", "csv", "utf-8", (MOST_LINES, MOST_REFUSALS, MOST_ROWS, MOST_COLUMNS)),
    Page("edifact_results", "kelham", "edi", "iso-8859-1", (MOST_SEGMENTS, MOST_MESSAGES)),
)
EXAMPLES = [(page, message, answer) for page in PAGES for message, answer in page.examples]


@pytest.mark.parametrize(("page", "message", "answer"), EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_is_answered_as_printed(page: Page, message: str, answer: str) -> None:
    adapter = ADAPTERS[page.dialect]
    opened = adapter.open(page.on_the_wire(message))
    reading = adapter.decode(opened, FEEDS.of(page.feed), RECEIVED_ON)
    assert adapter.reply(opened, reading, ANSWERED_AT, "HUB0000001") == page.on_the_wire(answer)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.dialect)
def test_the_examples_show_every_kind_of_answer(page: Page) -> None:
    assert len(page.examples) == page.text.count(f"```{page.language}\n") // 2 >= 5
    kinds = {found for _, answer in page.examples for found in re.findall(r"\nanswer\|(..)|\+(I..)'\n", answer)}
    assert {first or second for first, second in kinds} >= (
        {"AA", "AE", "AR"} if page.language == "csv" else {"IAF", "IAP", "IRI"}
    )


def place_of(table: FeedTable, name: str) -> str:
    """Where a fact stands, in the words of a specification."""
    fact = getattr(table.facts, name)
    if fact.constant is not None:
        return f"always `{fact.constant}`"
    conditions = [f"{at} = {text if isinstance(text, str) else ' or '.join(text)}" for at, text in fact.where.items()]
    words = ", ".join(fact.places) + (f" where {', '.join(conditions)}" if conditions else "")
    words += f", character {fact.characters}" if fact.characters else ""
    return words + (f", {fact.form}" if name in (*DATES, "authorised_at") else "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.dialect)
def test_the_places_are_those_of_the_table(page: Page) -> None:
    lines = page.text.partition("### Where they stand")[2].partition("\n## ")[0].strip().splitlines()
    printed = [line.strip("| ").split(" | ", 1) for line in lines[2:]]
    table = FEEDS.by_id[page.feed]
    assert printed == [[name, place_of(table, name)] for name, _ in table.facts.declared()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.dialect)
def test_every_reason_a_laboratory_may_get_is_named(page: Page) -> None:
    paragraph = re.search(r"Reasons an? .* may be refused for: (.*); by the door also `sender-not-proven`", page.text)
    assert paragraph
    printed = set(re.findall(r"`([a-z-]+)`", paragraph[1]))
    shown = {
        item["refused"]
        for case in CASES
        if case.dialect == page.dialect
        for item in case.expected["items"]
        if "refused" in item
    }
    assert shown <= printed <= {reason.code for reason in Reason if reason.answer in ("AE", "AR")}
    # What no golden case shows is of the door, of a closed feed, or shown by the other languages.
    assert printed - shown <= {"too-large", "sender-deactivated", "unknown-sender"} | {
        item["refused"] for case in CASES for item in case.expected["items"] if "refused" in item
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.dialect)
def test_the_limits_are_those_of_the_code(page: Page) -> None:
    for limit in page.limits:
        assert re.search(rf"\b{limit}\b", page.text)


def test_the_doubt_is_said() -> None:
    (edifact,) = [page for page in PAGES if page.dialect == "edifact_results"]
    assert "The layout of the NHS cervical message is **not public**." in edifact.text
