"""What becomes of a result: on a record, or before a clerk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest

from adapters.simulators.laboratory import claim_of
from hub.domain.events import ResultMatched, ResultParked, ResultReported
from hub.domain.letters import ABNORMAL
from hub.domain.nhs_number import is_valid
from hub.domain.people import Claim, Participant
from hub.mapping import FeedTable, FeedTables
from tests.flow.scene import FEEDS, Scene


def wrong_number(person: Participant) -> Claim:
    """Her demographics under a valid number that nobody of the cohort has."""
    number = next(text for text in map(str, range(9_000_001_000, 9_000_001_100)) if is_valid(text))
    return replace(claim_of(person), nhs_number=number)


def any_slide(table: FeedTable) -> FeedTable:
    """The same laboratory, numbering its slides as it likes."""
    assert table.facts.slide_number is not None
    slide = msgspec.structs.replace(table.facts.slide_number, pattern="")
    return msgspec.structs.replace(table, facts=msgspec.structs.replace(table.facts, slide_number=slide))


# -- the plain ways


async def test_a_certain_result_goes_on_the_record_by_itself(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(person, scene.result("X0A", date(2026, 2, 20)))
    record = scene.record_of(person)
    assert scene.ending(result_id) == "recorded"
    assert scene.codes_of(person) == ["X0A"]
    assert (record["recall_type"], record["next_test_due_on"]) == ("Routine", "2031-02-20")
    assert scene.letters_of(person) == {"PX0A": "wished"}
    matched = [event for event in scene.events(result_id) if isinstance(event, ResultMatched)]
    assert [(event.participant_id, event.how, event.by) for event in matched] == [
        (person.participant_id, "automatic", "hub")
    ]


async def test_a_wrong_number_is_unsure_with_ranked_and_explained_candidates(scene: Scene) -> None:
    person = scene.person()
    scene.person(
        family_name=person.family_name,
        date_of_birth=person.date_of_birth,
        address_lines=person.address_lines,
        postcode=person.postcode,
    )  # her twin
    result_id = await scene.report(wrong_number(person), scene.result())
    task = scene.task_of(result_id)
    assert task.reason == "unsure"
    assert task.candidates[0]["participant_id"] == person.participant_id
    scores = [candidate["score"] for candidate in task.candidates]
    assert len(scores) > 1
    assert scores == sorted(scores, reverse=True)
    findings = {finding["field"]: finding for finding in task.candidates[0]["findings"]}
    assert findings["nhs_number"]["verdict"] == "differs"
    assert findings["family_name"]["verdict"] == "agrees"
    assert all(finding["sentence"].endswith(".") for finding in findings.values())
    assert task.hint == "No participant has the NHS number given."
    assert scene.record_of(person)["results"] == []
    assert task.due_on == date(2026, 3, 6)


async def test_an_unknown_person_waits(scene: Scene) -> None:
    result_id = await scene.report(scene.stranger(), scene.result())
    assert scene.ending(result_id) == "unknown"
    (parked,) = [event for event in scene.events(result_id) if isinstance(event, ResultParked)]
    assert parked.task_id == scene.task_of(result_id).task_id


async def test_a_second_first_report_of_a_slide_is_a_duplicate(scene: Scene) -> None:
    person, other = scene.person(), scene.person()
    result = scene.result()
    first = await scene.report(person, result)
    second = await scene.report(other, replace(result, infection_code="9", result_code="3", action_code="S"))
    assert (scene.ending(first), scene.ending(second)) == ("recorded", "duplicate-slide")
    assert scene.codes_of(other) == []


async def test_a_slide_of_the_same_number_from_another_laboratory_is_another_slide(scene: Scene) -> None:
    person = scene.person()
    eastvale = FeedTables(tuple(any_slide(table) if table.feed == "eastvale" else table for table in FEEDS))
    scene.intake = scene.intake_with(eastvale)
    first = await scene.report(
        person, scene.result(test_on=date(2022, 2, 1), slide_number="26000777", feed="eastvale"), feed="eastvale"
    )
    second = await scene.report(person, scene.result(slide_number="26000777"))
    assert (scene.ending(first), scene.ending(second)) == ("recorded", "recorded")


async def test_a_code_our_table_lacks_waits_for_an_engineer_with_its_place(scene: Scene) -> None:
    person = scene.person()
    raw = scene.message(person, scene.result(feed="southwick"), feed="southwick").replace(b"HPVNEG", b"HPVNOT")
    assert (await scene.send(raw)).code == "AA"
    await scene.settle()
    (task,) = scene.open_tasks()
    assert (task.reason, task.place) == ("our-table", "OBX[2]-5.1")
    assert "HPVNOT" not in task.hint


@pytest.mark.parametrize(
    ("history", "last", "reason"),
    [
        ([("XUR", 120)], "19R", "second-inadequate"),
        ([("29R", 800), ("29R", 420)], "29R", "third-hpv-positive"),
        ([("39S", 300)], "X0A", "invalid-return-to-routine"),
    ],
)
async def test_what_the_rules_of_history_speak_against_waits_off_the_record(
    scene: Scene, history: list[tuple[str, int]], last: str, reason: str
) -> None:
    person = scene.person()
    for codes, days in history:
        await scene.report(person, scene.result(codes, date(2026, 2, 20) - timedelta(days=days)))
    result_id = await scene.report(person, scene.result(last))
    task = scene.task_of(result_id)
    assert scene.ending(result_id) == reason
    assert (task.participant_id, task.person_key) == (person.participant_id, person.participant_id)
    assert scene.codes_of(person) == [codes for codes, _ in history]
    assert "wished" not in scene.letters_of(person).values()


async def test_repeat_months_nobody_allows_wait(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(person, scene.result("29R", repeat_months=7))
    assert scene.ending(result_id) == "repeat-months"


async def test_the_urgent_come_first_then_the_abnormal_then_by_age(scene: Scene) -> None:
    normal_old = await scene.report(scene.stranger(), scene.result("X0A", date(2026, 2, 1)))
    normal_new = await scene.report(scene.stranger(), scene.result("X0A", date(2026, 2, 20)))
    abnormal = await scene.report(scene.stranger(), scene.result("39S", date(2026, 2, 20)))
    urgent = await scene.report(scene.stranger(), scene.result("59S", date(2026, 2, 25)))
    assert [task.result_id for task in scene.open_tasks()] == [urgent, abnormal, normal_old, normal_new]


async def test_waiting_results_of_one_claimed_person_share_a_key(scene: Scene) -> None:
    stranger, other = scene.stranger(), scene.stranger()
    one = await scene.report(stranger, scene.result())
    two = await scene.report(stranger, scene.result(feed="eastvale"), feed="eastvale")
    three = await scene.report(other, scene.result())
    keys = [scene.task_of(each).person_key for each in (one, two, three)]
    assert keys[0] == keys[1] != keys[2]


async def test_every_event_read_from_a_message_is_in_the_outbox_with_its_trace(scene: Scene) -> None:
    person = scene.person()
    raw = scene.message(person, scene.result())
    await scene.send(raw)
    await scene.settle()
    hers = [envelope for envelope, _, _ in scene.read(lambda tx: tx.events.about([person.participant_id]))]
    envelopes = [*scene.envelopes_of(raw), *hers]
    assert envelopes[0].type == ResultReported.__name__
    assert {envelope.type for envelope in envelopes} == {
        "ResultReported", "ResultMatched", "RecordChanged", "LetterWished",
    }  # fmt: skip
    assert len({envelope.traceparent for envelope in envelopes}) == 1


async def test_a_referral_that_may_be_owed_is_as_urgent_as_an_abnormal_result(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("XUR", date(2025, 11, 1), repeat_months=3))
    owed = await scene.report(person, scene.result("XUR", date(2026, 2, 20), repeat_months=3))
    normal = await scene.report(scene.stranger(), scene.result())
    assert scene.task_of(owed).reason == "second-inadequate"
    assert scene.task_of(owed).priority == ABNORMAL < scene.task_of(normal).priority
