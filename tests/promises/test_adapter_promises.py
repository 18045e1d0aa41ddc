"""What every adapter in the register promises, tried on every golden message of its dialect.

Broken bytes may cost a result (refused, with the reason) but never change one: what a message still says after it was
cut, or after a field or segment of it was lost, is what the whole message said, or less.
"""

from __future__ import annotations

import os
import random
import tracemalloc
from dataclasses import fields
from datetime import UTC, date, datetime
from time import process_time
from typing import Any

import pytest

from adapters import ADAPTERS
from hub.contract import Reading, Reported, event_from_json, event_to_json
from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported
from hub.errors import Reason, Reject
from hub.flow.conformance import pieces, place_key, places_around
from hub.mapping.discharge import DischargeReport
from hub.mapping.report import Report
from tests.golden_cases import CASES, FEEDS, Case
from tests.promises.parts import parts_of, private_words

AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
SEED = 20260720


def decode(case: Case, raw: bytes) -> Reading:
    adapter = ADAPTERS[case.dialect]
    return adapter.decode(adapter.open(raw), case.feeds, case.received_on)


def comparable(reading: Reading) -> list[tuple[str, Any]]:
    """A reading as something to compare: exceptions are compared by what they say."""
    return [
        (item.position, (stop.reason, stop.place, stop.hint) if isinstance(stop := item.outcome, Reject) else stop)
        for item in reading.items
    ]


def taken(reading: Reading) -> dict[str, Reported]:
    return {item.position: item.outcome for item in reading.taken if not isinstance(item.outcome, Reject)}


def not_our_fault(reading: Reading) -> bool:
    return all(getattr(item.outcome, "reason", None) != Reason.OUR_FAULT.code for item in reading.items)


TAKEN_WHOLE = [
    case for case in CASES if case.expected["items"] and not any("refused" in x for x in case.expected["items"])
]


def says_no_more(whole: Any, rest: Any) -> bool:
    """Whether each fact of `rest` is the one of `whole`, or is missing."""
    for fact in fields(whole):
        before, after = getattr(whole, fact.name), getattr(rest, fact.name)
        less = after in (None, "", ()) or (isinstance(after, tuple) and set(after) <= set(before))
        if (
            before != after and not less and fact.name != "authorised_at"
        ):  # where it is lost, the header's time stands in
            return False
    return True


def slide_of(outcome: ResultReported | ReportParked) -> str | None:
    """Slides are what results are told apart by; positions shift when a message of several is lost."""
    return outcome.result.slide_number if isinstance(outcome, ResultReported) else outcome.slide_number


def names_of(outcome: Reported) -> set[str | None]:
    """Discharges are told apart by the people they are about, by a number or by the name where both are lost."""
    if isinstance(outcome, DischargeReported | DischargeUnread):
        claim = outcome.claim
        return {claim.nhs_number, claim.local_id, claim.family_name} - {None} if claim else set()
    return {slide_of(outcome)}


def the_same(whole: list[Reported], outcome: Reported) -> Reported:
    """What was said of the same slide or person before."""
    return next(before for before in whole if names_of(before) & names_of(outcome))


def result_is_the_same_or_less(whole: Any, rest: Any) -> bool:
    if isinstance(whole, ResultReported) and isinstance(rest, ResultReported):
        return says_no_more(whole.result, rest.result)
    if isinstance(whole, DischargeReported) and isinstance(rest, DischargeReported):
        return says_no_more(whole.discharge, rest.discharge)
    return isinstance(rest, ReportParked | DischargeUnread)


def cuts(case: Case) -> range:
    """Every length of a third of the messages, every seventh of the others; with HUB_TEST_ALL every one of all."""
    place = TAKEN_WHOLE.index(case)
    if place % 3 == 0 or os.environ.get("HUB_TEST_ALL"):
        return range(len(case.raw))
    return range(place % 7, len(case.raw), 7)


def test_every_dialect_has_golden_messages() -> None:
    assert set(ADAPTERS) == {case.dialect for case in CASES}
    for dialect in ADAPTERS:
        assert ADAPTERS[dialect].dialect == dialect


def test_every_dialect_reads_a_result() -> None:
    for dialect in ADAPTERS:
        read = [case for case in CASES if case.dialect == dialect and taken(decode(case, case.raw))]
        assert read, (
            f"{dialect}: none of its golden messages becomes a result. Fill in adapters/{dialect}.py, then write one "
            f"down with `hub new FEED --sample FILE` (a feed of this dialect)."
        )


@pytest.mark.parametrize("case", CASES, ids=str)
def test_written_again_unchanged_it_is_the_same_bytes(case: Case) -> None:
    adapter = ADAPTERS[case.dialect]
    assert adapter.rewritten(adapter.open(case.raw), case.feeds, lambda piece: piece.text) == case.raw


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_read_has_a_source_and_every_fact_of_it_a_piece(case: Case) -> None:
    """So that a report says where each fact stands, and a redacted message has nobody in it."""
    adapter = ADAPTERS[case.dialect]
    opened = adapter.open(case.raw)
    sources = {sourced.position: sourced for sourced in adapter.sources(opened, case.feeds)}
    assert taken(decode(case, case.raw)).keys() <= sources.keys()
    places = {key for piece in pieces(adapter, opened, case.feeds) for key in places_around(piece.place)}
    for sourced in sources.values():
        for _, fact in sourced.table.facts.declared():
            for text in sourced.source.texts(fact) if fact.places else ():
                assert place_key(text.place.text) in places


@pytest.mark.parametrize("case", CASES, ids=str)
def test_decoded_twice_gives_the_same(case: Case) -> None:
    assert comparable(decode(case, case.raw)) == comparable(decode(case, case.raw))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_events_survive_json(case: Case) -> None:
    for event in taken(decode(case, case.raw)).values():
        data = event_to_json(event)
        again = event_from_json(type(event).__name__, data)
        assert again == event
        assert event_to_json(again) == data


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_message_is_answered_but_an_acknowledgement(case: Case) -> None:
    adapter = ADAPTERS[case.dialect]
    opened = adapter.open(case.raw)
    reading = adapter.decode(opened, case.feeds, case.received_on)
    first, again = (adapter.reply(opened, reading, AT, "HUB1") for _ in range(2))
    assert first == again
    assert (first is None) == opened.is_acknowledgement
    assert opened.raw == case.raw


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_refusal_names_no_value_of_the_message(case: Case) -> None:
    """What a hint or a place says may reach a log."""
    for item in decode(case, case.raw).refused:
        assert isinstance(item.outcome, Reject)
        said = f"{item.outcome} {item.outcome.hint}"
        for word in private_words(case.dialect, case.raw):
            assert word not in said


@pytest.mark.parametrize("case", {case.dialect: case for case in TAKEN_WHOLE}.values(), ids=lambda case: case.dialect)
def test_a_mistake_of_ours_parks_itself(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    for reader in (Report, DischargeReport):
        monkeypatch.setattr(reader, "outcomes", lambda _report: {}["what nobody thought of"])
    items = decode(case, case.raw).items
    assert items and {getattr(item.outcome, "reason", None) for item in items} == {Reason.OUR_FAULT.code}
    assert "nobody thought" not in repr(items)


@pytest.mark.parametrize("case", TAKEN_WHOLE, ids=str)
def test_cut_at_every_byte_a_message_never_says_something_else(case: Case) -> None:
    raw = case.raw
    whole = taken(decode(case, raw))
    for length in cuts(case):
        reading = decode(case, raw[:length])
        assert not_our_fault(reading), length
        for position, outcome in taken(reading).items():
            assert outcome == whole[position], length


@pytest.mark.parametrize("case", TAKEN_WHOLE, ids=str)
def test_any_part_lost_the_result_is_refused_or_says_no_more(case: Case) -> None:
    whole = list(taken(decode(case, case.raw)).values())
    for what, raw in parts_of(case.dialect, case.raw):
        reading = decode(case, raw)
        assert not_our_fault(reading), what
        for outcome in taken(reading).values():
            before = the_same(whole, outcome)
            if "taken out" not in what and outcome.claim:
                assert says_no_more(before.claim, outcome.claim), what
            assert result_is_the_same_or_less(before, outcome), what


def test_no_bytes_make_an_adapter_raise() -> None:
    chance = random.Random(SEED)
    for _ in range(1500):
        case = chance.choice(CASES)
        raw = bytearray(case.raw)
        for _ in range(chance.randint(1, 6)):
            at = chance.randrange(len(raw))
            raw[at : at + chance.randint(0, 3)] = chance.choice(
                [b"", b"\x00", b"^", b"|", b"~", b"\r", b"\\", b"\xff", b"9", b",", b'"', b"\n", b"'", b"+", b":", b"?"]
            )
        adapter = ADAPTERS[case.dialect]
        opened = adapter.open(bytes(raw))
        reading = adapter.decode(opened, case.feeds, case.received_on)
        assert not_our_fault(reading)
        assert opened.is_acknowledgement or adapter.reply(opened, reading, AT, "HUB1")


@pytest.mark.parametrize(
    "raw", [b"", b"\r", b"MSH", b"MSH|", b"MSH|^~\\&", b"\x00" * 40, b"\xff\xfe", bytes(range(256))]
)
@pytest.mark.parametrize("dialect", list(ADAPTERS))
def test_what_is_hardly_a_message_is_refused(dialect: str, raw: bytes) -> None:
    adapter = ADAPTERS[dialect]
    opened = adapter.open(raw)
    case = next(case for case in CASES if case.dialect == dialect)
    reading = adapter.decode(opened, case.feeds, date(2026, 7, 20))
    assert reading.answer == "AR"
    assert adapter.reply(opened, reading, AT, "HUB1")


def hl7(*lines: str) -> bytes:
    return "".join(f"{line}\r" for line in lines).encode()


CROWDS = {
    "messages": b"MSH|^~\\&|NMLIMS|NORTHMOOR\r" * 400_000,
    "orders": hl7("MSH|^~\\&|NMLIMS|NORTHMOOR|||||ORU^R01|1", *["OBR|1", "OBX|1|ST|HPV||0||||||F"] * 20_000),
    "persons": hl7(
        "MSH|^~\\&|NMLIMS|NORTHMOOR|||||ORU^R01|1",
        *["PID|1||1^^^^NH"] * 20_000,
        *["OBR|1", "OBX|1|ST|HPV||0||||||F"] * 400,
    ),
    "repetitions": hl7(
        "MSH|^~\\&|NMLIMS|NORTHMOOR|||||ORU^R01|1", "PID|||" + "1^^^^NH~" * 200_000, "OBR|1", "OBX|1|ST|HPV"
    ),
    "fields": b"MSH|^~\\&|NMLIMS|NORTHMOOR|||||ORU^R01|1" + b"|" * 8_000_000 + b"\rOBR|1\rOBX|1|ST|HPV\r",
    "one line": b"MSH|" * 4_000_000,
}


@pytest.mark.parametrize("crowd", CROWDS)
def test_a_crowd_costs_no_more_than_its_bytes(crowd: str) -> None:
    """Processor seconds and memory are bounded by the size of a frame, whatever stands in it."""
    raw, adapter = CROWDS[crowd], ADAPTERS["hl7v2_oru"]
    tracemalloc.start()
    started = process_time()
    try:
        opened = adapter.open(raw)
        reading = adapter.decode(opened, FEEDS.speaking("hl7v2_oru"), date(2026, 7, 20))
        assert adapter.reply(opened, reading, AT, "HUB1")
        assert reading.refused
        assert not_our_fault(reading)
        assert process_time() - started < 20  # hours, where the work grows faster than the bytes
        assert tracemalloc.get_traced_memory()[1] < 20 * len(raw) + 50_000_000
    finally:
        tracemalloc.stop()
