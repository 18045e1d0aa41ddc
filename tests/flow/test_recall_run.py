"""The daily run of call and recall: each step once, in order, whatever happens between, and nobody is forgotten."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from time import sleep

import pytest

from hub.domain.facts import StepFact
from hub.domain.people import Participant
from hub.domain.record import fold
from hub.flow.patience import patiently_now
from hub.flow.ports.recall import RunReport
from hub.flow.ports.store import Transaction
from hub.flow.recall_run import RecallRun
from hub.flow.recording import entry_of
from hub.flow.step import Told
from tests.flow.scene import POLICIES, Scene, misspelt

DUE = date(2026, 9, 1)


def run(scene: Scene, on: date) -> dict[str, int]:
    """The steps taken on this day; everybody of the cohort is somewhere at its end."""
    report = whole_run(scene, on)
    assert sum(report.cohort.values()) == scene.read(lambda tx: tx.cohort.count())
    return report.taken


def whole_run(scene: Scene, on: date) -> RunReport:
    scene.now = datetime.combine(on, time(2), UTC)
    return RecallRun(scene.store.write_now, POLICIES, lambda: scene.now, on).run()


def letters(scene: Scene, person: Participant) -> list[tuple[str, str]]:
    return [(letter.code, letter.state) for letter in scene.read(lambda tx: tx.letters.of(person.participant_id))]


def status(scene: Scene, person: Participant) -> tuple[str, str | None, str | None]:
    record = scene.read(lambda tx: tx.records.get(person.participant_id))
    assert record is not None
    return record["recall_status"], record["next_step"], record["next_step_on"]


def lists(scene: Scene, person: Participant) -> list[str]:
    return [row.list for row in scene.read(lambda tx: tx.notifications.open_of(person.participant_id))]


async def test_a_whole_round_without_an_answer(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    assert run(scene, date(2026, 6, 22)) == {}
    assert run(scene, date(2026, 6, 23)) == {"notified": 1}
    assert lists(scene, person) == ["due"]
    assert status(scene, person) == ("GP informed via PNL", "invited", "2026-07-21")
    assert run(scene, date(2026, 7, 21)) == {"invited": 1}
    assert (letters(scene, person), lists(scene, person)) == ([("PA1", "wished")], [])
    assert run(scene, date(2026, 11, 24)) == {"reminded": 1}
    assert letters(scene, person) == [("PA1", "wished"), ("PA2", "wished")]
    assert run(scene, date(2027, 3, 2)) == {"non-responder": 1}
    assert lists(scene, person) == ["not-responded"]
    assert status(scene, person) == ("Non-responder", "notified", "2029-06-23")


async def test_a_day_done_again_does_nothing_and_a_missed_one_is_caught_up(scene: Scene) -> None:
    people = [scene.person(next_test_due_on=DUE + timedelta(days=day), practice_code="Y00001") for day in range(5)]
    assert run(scene, date(2026, 6, 25)) == {"notified": 3}
    assert run(scene, date(2026, 6, 25)) == {"notified": 3}  # the same day: what it did in all
    assert run(scene, date(2026, 6, 29)) == {"notified": 2}
    assert [lists(scene, person) for person in people] == [["due"]] * 5
    # The practice has its four weeks, however late the list was.
    assert status(scene, people[0])[2] == "2026-07-23"


async def test_without_a_practice_there_is_nobody_to_ask_and_another_letter(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code=None)
    run(scene, date(2026, 6, 23))
    assert lists(scene, person) == []
    run(scene, date(2026, 7, 21))
    run(scene, date(2026, 11, 24))
    assert letters(scene, person) == [("PA3", "wished"), ("PA4", "wished")]


async def test_whoever_a_clerk_must_look_at_waits_and_is_caught_up(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    await scene.report(person, scene.result("29R", date(2024, 2, 20)))
    await scene.report(person, scene.result("29R", date(2025, 2, 20)))
    await scene.report(person, scene.result("29R", date(2026, 2, 20)))  # the third HPV positive in a row
    assert scene.read(lambda tx: tx.tasks.open_for(person.participant_id))
    due_on = scene.read(lambda tx: tx.records.summary(person.participant_id))
    assert due_on is not None
    assert due_on.next_test_due_on is not None
    on = due_on.next_test_due_on - timedelta(weeks=10)
    for _ in range(2):  # done again nobody is counted twice
        assert whole_run(scene, on).cohort == {"paused": 1}
    assert lists(scene, person) == []
    scene.reject(scene.open_tasks()[0].result_id)
    assert run(scene, on + timedelta(days=1)) == {"notified": 1}
    assert lists(scene, person) == ["due"]


async def test_a_result_ends_the_round(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    await scene.report(person, scene.result("X0A", date(2026, 7, 10)))
    assert status(scene, person)[:2] == ("No action", "notified")
    assert run(scene, date(2026, 11, 24)) == {}


async def test_a_claim_that_fits_nobody_pauses_nobody(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    await scene.report(misspelt(scene.person()), scene.result())
    assert run(scene, date(2026, 6, 23)) == {"notified": 1}
    assert lists(scene, person) == ["due"]


async def test_a_run_that_dies_goes_on_where_it_was(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 4)
    for _ in range(10):
        scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.now, on, pieces = datetime(2026, 6, 23, 2, tzinfo=UTC), date(2026, 6, 23), 0

    def dying(work: object) -> object:
        nonlocal pieces
        pieces += 1
        if pieces == 3:
            raise KeyboardInterrupt
        return scene.store.write_now(work)  # type: ignore[arg-type]  # any piece of work

    with pytest.raises(KeyboardInterrupt):
        RecallRun(dying, POLICIES, lambda: scene.now, on).run()
    died = scene.read(lambda tx: tx.recall_runs.report(on))
    assert died is not None
    assert (died.taken, died.cohort, died.ended_at) == ({"notified": 4}, {}, None)
    assert scene.read(lambda tx: tx.recall_runs.newest_ended()) is None
    assert run(scene, on) == {"notified": 10}
    ended = scene.read(lambda tx: tx.recall_runs.newest_ended())
    assert ended is not None
    assert (ended.run_on, ended.cohort) == (on, {"notified": 10})


async def test_the_columns_choose_whom_the_fold_would(scene: Scene) -> None:
    """On each day of more than a year: what the columns select is what folding everybody anew says."""
    chance = [DUE + timedelta(days=17 * number) for number in range(24)]
    people = [scene.person(next_test_due_on=day, practice_code="Y00001") for day in chance]
    for number, person in enumerate(people[::3]):
        await scene.report(person, scene.result(("X0A", "29R", "39S")[number % 3], date(2026, 1, 5 + number)))
    done: Counter[str] = Counter()
    for day in range(0, 500, 3):
        on = date(2026, 6, 1) + timedelta(days=day)
        expected = scene.read(lambda tx, on=on: folded_due(tx, people, on))
        found = scene.read(lambda tx, on=on: tx.records.count_due(on))
        assert found == expected, on
        done.update(run(scene, on))
    assert all(done[step] > 10 for step in ("notified", "invited", "reminded"))


def folded_due(tx: Transaction, people: list[Participant], on: date) -> dict[str, int]:
    steps = [
        fold(entry_of(known), tx.records.facts(known.participant_id), POLICIES).next_step
        for person in people
        if (known := tx.cohort.by_nhs_number(person.nhs_number))
    ]
    return dict(Counter(step.step.value for step in steps if step and step.on <= on))


async def test_a_person_long_overdue_takes_one_step_a_day(scene: Scene) -> None:
    person = scene.person(next_test_due_on=date(2016, 9, 1), practice_code="Y00001")
    run(scene, date(2026, 6, 1))
    run(scene, date(2026, 6, 29))
    run(scene, date(2026, 11, 2))
    on = date(2027, 2, 8)
    assert run(scene, on) == {"non-responder": 1}
    assert status(scene, person)[1:] == ("notified", "2019-06-23")  # due long ago again
    assert run(scene, on) == {"non-responder": 1}
    assert run(scene, on + timedelta(days=1)) == {"notified": 1}


async def test_whoever_does_not_respond_beyond_the_age_is_ceased_and_told(scene: Scene) -> None:
    born_on = date(1962, 1, 5)
    person = scene.person(date_of_birth=born_on, next_test_due_on=DUE, practice_code="Y00001")
    await scene.report(person, scene.result("X0A", date(2019, 9, 1), repeat_months=84))
    scene.match(scene.open_tasks()[0].result_id, person)
    for on in (date(2026, 6, 23), date(2026, 7, 21), date(2026, 11, 24)):
        run(scene, on)
    report = whole_run(scene, date(2027, 3, 2))
    assert report.cohort == {"non-responder": 1}
    assert [letter for letter in letters(scene, person) if letter[1] != "withheld"] == [
        ("PA1", "wished"), ("PA2", "wished"), ("CUA", "wished")
    ]  # fmt: skip
    assert whole_run(scene, date(2027, 3, 3)).cohort == {"ceased: age-automatic": 1}
    assert sorted(lists(scene, person)) == ["not-responded", "to-review"]


async def test_everybody_stands_in_one_place(scene: Scene) -> None:
    scene.person(next_test_due_on=DUE, practice_code="Y00001")
    scene.person(next_test_due_on=date(2030, 1, 1))
    scene.person(next_test_due_on=DUE, removal="DEA")
    scene.person(next_test_due_on=DUE, removal="SCT")
    suspended = scene.person(next_test_due_on=DUE)
    await scene.report(suspended, scene.result("39S"))
    assert whole_run(scene, date(2026, 6, 23)).cohort == {
        "deceased": 1, "moved-away": 1, "not yet due": 1, "notified": 1, "suspended": 1
    }  # fmt: skip


async def test_who_is_decided_about_meanwhile_is_left_alone(scene: Scene) -> None:
    """Between the choosing of a batch and the holding of its people a result moves her date: no step about that one."""
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    for on in (date(2026, 6, 23), date(2026, 7, 21), date(2026, 11, 24)):
        run(scene, on)
    chosen = scene.read(lambda tx: tx.records.due(date(2027, 3, 2), None, 10))
    scene.now = datetime(2027, 3, 2, 2, tzinfo=UTC)
    await scene.report(person, scene.result("X0A", date(2027, 2, 20)))
    todays = RecallRun(scene.store.write_now, POLICIES, lambda: scene.now, date(2027, 3, 2))
    counts, _ = scene.store.write_now(lambda tx: todays._take(tx, [each.participant_id for each in chosen]))
    assert (len(chosen), counts) == (1, {})
    assert status(scene, person)[:2] == ("No action", "notified")


async def test_a_run_among_results_that_come(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the run takes its steps, results about the same people move their dates: no step about a date of tomorrow,
    nobody twice, and every record as if one thing had come after the other."""
    monkeypatch.setattr("hub.flow.recall_run.BATCH", 3)
    take = RecallRun._take

    def slowly(self: RecallRun, tx: Transaction, ids: list[str]) -> tuple[Counter[str], Told]:
        sleep(0.05)  # chosen, and not held yet: long enough for others
        return take(self, tx, ids)

    monkeypatch.setattr(RecallRun, "_take", slowly)
    people = [scene.person(next_test_due_on=DUE, practice_code="Y00001") for _ in range(24)]
    for on in (date(2026, 6, 23), date(2026, 7, 21), date(2026, 11, 24)):
        run(scene, on)
    scene.now, on = datetime(2027, 3, 2, 2, tzinfo=UTC), date(2027, 3, 2)
    todays = RecallRun(lambda work: patiently_now(scene.store.write_now, work), POLICIES, lambda: scene.now, on)
    running = asyncio.create_task(asyncio.to_thread(todays.run))
    for person in reversed(people):
        await scene.report(person, scene.result("X0A", date(2027, 2, 20)))
    report = await running
    assert sum(report.cohort.values()) == len(people)
    for person in people:
        facts = scene.read(lambda tx, hers=person: tx.records.facts(hers.participant_id))
        steps = [fact for fact in facts if isinstance(fact, StepFact)]
        assert {step.about_due_on for step in steps} == {DUE}
        record = scene.read(lambda tx, hers=person: tx.records.get(hers.participant_id))
        assert record is not None
        assert record["next_test_due_on"] == "2032-02-20"
        assert (record["next_step"], record["non_responses"]) == ("notified", 0)
