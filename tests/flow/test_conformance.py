"""The conformance report says what the live path says, where it found each fact, and never a value."""

from __future__ import annotations

import json
import re
from datetime import date

import pytest

from adapters import ADAPTERS
from hub.domain.shapes import shape
from hub.errors import Reject
from hub.flow.conformance import Conformance, conformance, whose
from tests.golden_cases import CASES, FEEDS, Case


def told(case: Case) -> Conformance:
    return conformance(ADAPTERS[case.dialect], case.raw, case.feeds, case.received_on)


def case_of(feed: str, sentence: str) -> Case:
    return next(case for case in CASES if (case.feed, case.sentence) == (feed, sentence))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_says_what_the_live_path_says(case: Case) -> None:
    report = told(case)
    adapter = ADAPTERS[case.dialect]
    reading = adapter.decode(adapter.open(case.raw), case.feeds, case.received_on)
    assert report.answer == (case.expected["answer"] or "")
    assert [one.position for one in report.results] == [item.position for item in reading.items]
    for one, item in zip(report.results, reading.items, strict=True):
        if isinstance(item.outcome, Reject):
            assert (one.becomes, one.reason) == ("refused", item.outcome.reason.code)
            assert one.place == (item.outcome.place.text if item.outcome.place else "")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_tells_no_value_of_the_message(case: Case) -> None:
    report = told(case)
    shapes = [one.shape for one in (*report.found, *report.results)]
    assert all(re.fullmatch(r"[9Aa\W_]*", each) for each in shapes)
    said = report.as_text() + json.dumps(report.as_json())
    for item in case.expected["items"]:
        claim = (item.get("data") or {}).get("claim") or {}
        for name in ("nhs_number", "family_name", "postcode", "date_of_birth"):
            assert not claim.get(name) or claim[name] not in said


def test_a_problem_has_its_place_the_shape_there_and_how_to_mend_it() -> None:
    report = told(case_of("northmoor", "refused, a slide number of seven digits"))
    (problem,) = report.problems
    assert not report.is_right
    assert (problem.place, problem.shape, problem.fact) == ("OBR[1]-3.1", "9999999", "slide_number")
    assert (problem.reason, problem.mend) == ("invalid-slide-number", "The whole text must match [0-9]{8}")
    assert "There stands: 9999999" in report.as_text()


def test_a_problem_of_the_header_has_a_shape_too() -> None:
    report = told(case_of("northmoor", "refused, an unknown sender"))
    (problem,) = report.problems
    assert (problem.place, problem.reason, report.found) == ("MSH[1]-4", "unknown-sender", ())
    assert problem.shape


def test_each_fact_says_where_it_was_found() -> None:
    found = {
        (one.fact, one.place): one.shape for one in told(case_of("northmoor", "HPV negative, routine recall")).found
    }
    assert found["family_name", "PID[1]-5.1"] == "Aaaaaaaaa"
    assert found["date_of_birth", "PID[1]-7"] == "99999999"
    assert found["result_code", "OBX[1]-5.1"] == "A"


def test_a_code_that_our_table_lacks_is_not_right_though_it_is_answered_aa() -> None:
    case = next(case for case in CASES if any(item.get("event") == "ReportParked" for item in case.expected["items"]))
    report = told(case)
    assert report.answer == "AA" and not report.is_right and report.problems[0].becomes == "a clerk's task"


def test_whose_message_it_is_stands_in_the_message() -> None:
    for case in CASES[::9]:
        adapter, feeds = whose(case.raw, ADAPTERS, FEEDS)
        if table := feeds(adapter.open(case.raw).application, adapter.open(case.raw).facility):
            assert (adapter.dialect, table.feed) == (case.dialect, case.feed), case
    nobody, _ = whose(b"nothing that anybody reads", ADAPTERS, FEEDS)
    assert conformance(nobody, b"nothing that anybody reads", FEEDS.find, date(2026, 7, 20)).answer == "AR"


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("O'Neill", "A'Aaaaa"),
        ("999 000 1375", "999 999 9999"),
        ("1971-02-02", "9999-99-99"),
        ("Zoë\n", "Aaa?"),
        ("", ""),
    ],
)
def test_shapes(text: str, kinds: str) -> None:
    assert shape(text) == kinds


def test_a_long_text_has_a_short_shape() -> None:
    assert shape("x" * 500) == "a" * 40 + "..."
