"""What becomes of a result: on a record, or before a clerk."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import msgspec
import pytest

from adapters.simulators.laboratory import claim_of
from hub.domain.events import MatchUndone, ResultMatched, ResultParked, ResultReported, TaskClosed
from hub.domain.nhs_number import is_valid
from hub.domain.people import Claim, Participant
from hub.mapping import FeedTable, FeedTables
from tests.flow.scene import CLERK, FEEDS, Scene, corrected, withdrawn


def wrong_number(person: Participant) -> Claim:
    """Her demographics under a valid number that nobody of the cohort has."""
    number = next(text for text in map(str, range(9_000_001_000, 9_000_001_100)) if is_valid(text))
    return replace(claim_of(person), nhs_number=number)


def misspelt(person: Participant) -> Claim:
    """A family name that a clerk would recognise and the hub must not."""
    return replace(claim_of(person), family_name=person.family_name + "son")


def any_slide(table: FeedTable) -> FeedTable:
    """The same laboratory, numbering its slides as it likes."""
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


# -- versions of one slide


async def test_a_correction_replaces_what_stood_on_the_record(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    await scene.report(person, corrected(result, "39S"))
    assert scene.codes_of(person) == ["39S"]
    assert scene.record_of(person)["recall_type"] == "Suspended"
    assert scene.letters_of(person) == {"P39S": "wished"}


async def test_a_correction_may_come_before_its_original(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, corrected(result, "39S"))
    original = await scene.report(person, result)
    assert scene.codes_of(person) == ["39S"]
    assert scene.letters_of(person) == {"P39S": "wished"}
    assert scene.ending(original) == "recorded"


async def test_a_withdrawal_takes_the_result_away_in_either_order(scene: Scene) -> None:
    for turned in (False, True):
        person, result = scene.person(), scene.result("X0A")
        versions = [result, withdrawn(result)]
        for version in reversed(versions) if turned else versions:
            await scene.report(person, version)
        assert scene.codes_of(person) == []
        assert scene.letters_of(person) == {}
        assert scene.record_of(person)["recall_type"] == "Called"


@pytest.mark.parametrize("turned", [False, True])
async def test_a_correction_for_another_person_never_puts_one_slide_on_two_people(scene: Scene, turned: bool) -> None:
    person, other, result = scene.person(), scene.person(), scene.result("X0A")
    reports = [(person, result), (other, corrected(result, "39S"))]
    for whom, version in reversed(reports) if turned else reports:
        last = await scene.report(whom, version)
    assert scene.ending(last) == "unsure"
    assert "another person" in scene.task_of(last).hint
    assert len(scene.codes_of(person) + scene.codes_of(other)) == 1


async def test_a_correction_settles_the_task_of_the_version_before_it(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    original = await scene.report(misspelt(person), result)
    task = scene.task_of(original)
    await scene.report(person, corrected(result))
    assert scene.row(original).state == "superseded"
    (closed,) = scene.tasks_of(original)
    assert (closed.state, closed.outcome, closed.closed_by) == ("closed", "superseded", "hub")
    assert "correction" in closed.note
    assert TaskClosed(task.task_id, "superseded", "hub", closed.note) in scene.events(original)
    assert scene.codes_of(person) == ["X0A"]


async def test_an_original_that_comes_after_its_correction_is_settled_by_it_too(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, corrected(result))
    original = await scene.report(misspelt(person), result)
    assert scene.ending(original) == "superseded"
    (closed,) = scene.tasks_of(original)
    assert "correction" in closed.note
    assert scene.codes_of(person) == ["X0A"]


async def test_a_correction_lifts_a_rule_that_spoke_against_the_original(scene: Scene) -> None:
    person, result = scene.person(), scene.result("29R", repeat_months=7)
    original = await scene.report(person, result)
    assert scene.ending(original) == "repeat-months"
    await scene.report(person, corrected(result, "29R"))
    assert scene.open_tasks() == []
    assert scene.letters_of(person) == {"P29R": "wished"}


async def test_letters_of_a_person_are_released_when_a_correction_turns_out_to_be_anothers(scene: Scene) -> None:
    """The original waits for a rule and holds her letters; the correction says it was somebody else's."""
    person, other = scene.person(), scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 1, 20)))
    wrong = scene.result("29R", repeat_months=7)
    await scene.report(person, wrong)
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    await scene.report(other, corrected(wrong, "29R"))
    assert scene.open_tasks() == []
    assert scene.letters_of(person) == {"PX0A": "wished"}
    assert scene.letters_of(other) == {"P29R": "wished"}


# -- late results


async def test_an_older_result_goes_on_the_record_and_moves_nothing(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 2, 20)))
    due = scene.record_of(person)["next_test_due_on"]
    await scene.report(person, scene.result("X0A", date(2022, 2, 20)))
    assert len(scene.codes_of(person)) == 2
    assert scene.record_of(person)["next_test_due_on"] == due


async def test_a_late_older_result_questions_a_newer_one_that_stays_on_the_record(scene: Scene) -> None:
    person = scene.person()
    newer = await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    older = await scene.report(person, scene.result("XUR", date(2025, 11, 1)))
    assert scene.ending(older) == "recorded"
    assert scene.ending(newer) == "recorded second-inadequate"
    assert scene.codes_of(person) == ["XUR", "XUR"]
    assert scene.letters_of(person) == {"PXUR": "waiting"}
    assert scene.task_of(newer).participant_id == person.participant_id


async def test_the_question_closes_itself_when_the_late_result_is_withdrawn(scene: Scene) -> None:
    person, late = scene.person(), scene.result("XUR", date(2025, 11, 1))
    newer = await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    await scene.report(person, late)
    await scene.report(person, withdrawn(late))
    assert scene.ending(newer) == "recorded"
    (closed,) = scene.tasks_of(newer)
    assert (closed.state, closed.closed_by) == ("closed", "hub")
    assert "no longer" in closed.note
    assert scene.letters_of(person) == {"PXUR": "wished"}


async def test_a_waiting_result_goes_on_the_record_when_the_rule_no_longer_speaks_against_it(scene: Scene) -> None:
    person, first = scene.person(), scene.result("XUR", date(2025, 11, 1))
    await scene.report(person, first)
    second = await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    assert scene.ending(second) == "second-inadequate"
    await scene.report(person, corrected(first, "X0A"))
    assert scene.ending(second) == "recorded"
    assert scene.codes_of(person) == ["X0A", "XUR"]
    assert scene.letters_of(person) == {"PXUR": "wished"}


# -- new evidence about people


async def test_a_person_who_joins_the_cohort_settles_her_waiting_results(scene: Scene) -> None:
    stranger = scene.stranger()
    one = await scene.report(stranger, scene.result("X0A", date(2026, 2, 20)))
    two = await scene.report(stranger, scene.result("X0A", date(2022, 12, 20), feed="eastvale"), feed="eastvale")
    assert (scene.ending(one), scene.ending(two)) == ("unknown", "unknown")
    scene.import_people(stranger)
    assert (scene.ending(one), scene.ending(two)) == ("recorded", "recorded")
    (closed,) = scene.tasks_of(one)
    assert (closed.outcome, closed.closed_by) == ("settled", "hub")
    assert "certain" in closed.note
    assert scene.letters_of(stranger) == {"PX0A": "wished"}


async def test_a_change_of_name_settles_an_unsure_result(scene: Scene) -> None:
    person = scene.person()
    married = replace(person, family_name="Quillfeather", former_family_names=(person.family_name,))
    result_id = await scene.report(replace(claim_of(married), former_family_names=()), scene.result())
    assert scene.ending(result_id) == "unsure"
    scene.import_people(married)
    assert scene.ending(result_id) == "recorded"
    assert scene.codes_of(person) == ["X0A"]


async def test_new_evidence_that_settles_nothing_renews_the_candidates(scene: Scene) -> None:
    stranger = scene.stranger()
    result_id = await scene.report(stranger, scene.result())
    scene.import_people(replace(stranger, date_of_birth=stranger.date_of_birth + timedelta(days=400)))
    task = scene.task_of(result_id)
    assert [candidate["participant_id"] for candidate in task.candidates] == [stranger.participant_id]


async def test_a_waiting_task_is_found_among_more_people_than_a_statement_has_room_for(scene: Scene) -> None:
    stranger = scene.stranger()
    result_id = await scene.report(stranger, scene.result())
    keys = [f"n:{number}" for number in range(40_000)]
    found = scene.read(lambda tx: tx.tasks.waiting_for_keys([*keys, f"n:{stranger.nhs_number}"]))
    assert [task.result_id for task in found] == [result_id]


async def test_correction_and_original_that_wait_together_are_settled_once_each(scene: Scene) -> None:
    stranger, result = scene.stranger(), scene.result("X0A")
    correction = await scene.report(stranger, corrected(result, "39S"))
    original = await scene.report(stranger, result)
    scene.import_people(stranger)
    assert scene.open_tasks() == []
    assert scene.codes_of(stranger) == ["39S"]
    for result_id in (correction, original):
        assert len([event for event in scene.events(result_id) if isinstance(event, TaskClosed)]) == 1


@pytest.mark.parametrize("what", ["demographics", "correction"])
async def test_a_person_ruled_out_by_a_clerk_is_never_matched_automatically_again(scene: Scene, what: str) -> None:
    person, result = scene.person(), scene.result()
    result_id = await scene.report(person, result)
    scene.undo_automatic(result_id)
    assert scene.ending(result_id) == "unsure"
    if what == "demographics":
        scene.import_people(replace(person, practice_code="Z99999"))
    else:
        result_id = await scene.report(person, corrected(result, "39S"))
    assert scene.ending(result_id) == "unsure"
    assert scene.codes_of(person) == []
    assert scene.letters_of(person) == {}


async def test_taking_a_slide_off_a_record_takes_all_its_versions_off(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    correction = await scene.report(person, corrected(result, "39S"))
    scene.undo_automatic(correction)
    assert scene.codes_of(person) == []
    undone = [event for event in scene.events(correction) if isinstance(event, MatchUndone)]
    assert [event.by for event in undone] == [CLERK]


async def test_every_event_read_from_a_message_is_in_the_outbox_with_its_trace(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result())
    await scene.send(raw)
    await scene.settle()
    envelopes = scene.envelopes_of(raw)
    assert envelopes[0].type == ResultReported.__name__
    assert {envelope.type for envelope in envelopes} == {
        "ResultReported", "ResultMatched", "RecordChanged", "LetterWished",
    }  # fmt: skip
    assert len({envelope.traceparent for envelope in envelopes}) == 1
