"""What PDS tells of people of the cohort: the newest version only; death, removal, moves, two who were one."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from datetime import date, timedelta

import pytest

from hub.domain.demographics import Death, Demographics, Removal
from hub.domain.people import DEFENCE, EVERYBODY, Participant
from hub.domain.record import fold
from hub.flow.clerks import Refused
from hub.flow.cohort_import import REPLACED, take_people
from hub.flow.demographics import apply_demographics
from hub.flow.merging import known_by, merge, take_apart
from hub.flow.recording import entry_of
from hub.flow.review import NEW_ABNORMAL, NEW_CEASED, RECENTLY_CEASED
from hub.flow.step import Step
from hub.flow.visibility import visible_people, visible_tasks
from hub.verbs.task_view import say_view, view_of
from tests.flow.scene import POLICIES, Scene, misspelt
from tests.flow.test_actions import ACTIONS, CLERK, cease, do, listed
from tests.flow.test_recall_run import DUE, letters, run, status, whole_run

CHANGES = 10_000 if os.environ.get("HUB_TEST_ALL") else 400


def told(person: Participant, version: int, **changes: object) -> Demographics:
    same = {
        name: getattr(person, name)
        for name in ("nhs_number", "family_name", "given_names", "date_of_birth", "gender", "address_lines")
    }
    plain = Demographics(version=version, postcode=person.postcode, practice_code=person.practice_code, **same)
    return replace(plain, **changes)  # type: ignore[arg-type]  # fields of whatever type


def apply(scene: Scene, demographics: Demographics, superseded: str = "") -> bool:
    return do(scene, lambda step: apply_demographics(step, demographics, superseded))


def now(scene: Scene, person: Participant) -> Participant:
    found = scene.read(lambda tx: tx.cohort.get(person.participant_id))
    assert found is not None
    return found


def reviews(scene: Scene, practice: str) -> list[str]:
    since = date(2026, 1, 1)
    return [row.why for row in scene.read(lambda tx: tx.notifications.of_practice(practice, "to-review", since, 10))]


async def test_changes_in_any_order_with_duplicates_leave_the_newest_versions(scene: Scene) -> None:
    chance = random.Random(5)
    people = [scene.person() for _ in range(max(8, CHANGES // 50))]
    changes = [
        told(person, version, address_lines=(f"{version} Mill Lane",))
        for person in people
        for version in chance.sample(range(1, 1000), CHANGES // len(people) * 4 // 5)
    ]
    newest = {
        person.nhs_number: max(c.version for c in changes if c.nhs_number == person.nhs_number) for person in people
    }
    changes += chance.choices(changes, k=CHANGES - len(changes))
    chance.shuffle(changes)

    def all_of_them(step: Step) -> None:
        for change in changes:
            apply_demographics(step, change)

    scene.step(all_of_them)
    for person in people:
        after = now(scene, person)
        assert after.pds_version == newest[person.nhs_number]
        assert after.address_lines == (f"{after.pds_version} Mill Lane",)


async def test_what_pds_withholds_is_kept_and_marked(scene: Scene) -> None:
    person = scene.person(practice_code="Y00001")
    assert apply(scene, told(person, 3, restricted=True, address_lines=(), postcode=None, practice_code=None))
    after = now(scene, person)
    assert (after.restricted, after.address_lines, after.practice_code) == (True, person.address_lines, "Y00001")


async def test_a_name_she_bore_still_finds_her(scene: Scene) -> None:
    person = scene.person()
    apply(scene, told(person, 2, family_name="Quillfeather"))
    assert now(scene, person).former_family_names == (person.family_name,)


async def test_somebody_who_is_not_in_the_cohort_is_left_out(scene: Scene) -> None:
    assert not apply(scene, told(scene.stranger(), 1))
    assert scene.read(lambda tx: tx.cohort.count()) == 0


async def test_the_dead_are_neither_called_nor_written_to(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    await scene.report(person, scene.result("X0A", date(2026, 7, 10)))
    assert letters(scene, person)[0] == ("PA1", "wished")
    apply(scene, told(person, 2, death=Death(formal=True, on=date(2026, 7, 20))))
    assert {state for _, state in letters(scene, person)} == {"cancelled"}
    assert scene.record_of(person)["ceased"] == "death"
    assert reviews(scene, "Y00001") == []
    apply(scene, told(person, 3))  # it was somebody else's death
    assert scene.record_of(person)["ceased"] == ""
    assert ("PX0A", "wished") in letters(scene, person)


async def test_whoever_left_is_let_be_and_goes_on_when_she_is_back(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    apply(scene, told(person, 2, practice_code=None, removal=Removal("SCT", date(2026, 7, 22))))
    assert letters(scene, person) == [("PA1", "waiting")]
    assert run(scene, date(2026, 12, 1)) == {}
    apply(scene, told(person, 3))
    assert letters(scene, person) == [("PA1", "wished")]
    assert status(scene, person)[1] == "reminded"


async def test_a_new_practice_hears_whom_it_should_look_at_and_the_old_one_lets_go(scene: Scene) -> None:
    person, row = listed(scene)
    followed, ceased = scene.person(practice_code="Y00001"), scene.person(practice_code="Y00001", next_test_due_on=DUE)
    await scene.report(followed, scene.result("09R"))
    do(scene, lambda step: cease(step, ceased.participant_id, "no-cervix", CLERK, ACTIONS))
    assert reviews(scene, "Y00001") == [RECENTLY_CEASED]
    for each in (person, followed, ceased):
        apply(scene, told(each, 2, practice_code="Y00002"))
    assert reviews(scene, "Y00001") == []
    assert sorted(reviews(scene, "Y00002")) == [NEW_ABNORMAL, NEW_CEASED]
    after = scene.read(lambda tx: tx.notifications.get(row.notification_id))
    assert after is not None
    assert after.state == "closed"


async def test_a_number_that_is_replaced_is_hers_under_the_new_one(scene: Scene) -> None:
    person, number = scene.person(), scene.stranger().nhs_number
    assert apply(scene, told(replace(person, nhs_number=number), 1), superseded=person.nhs_number)
    assert now(scene, person).nhs_number == number


async def test_a_cohort_file_with_the_number_that_was_replaced_makes_no_second_woman_of_her(scene: Scene) -> None:
    person, number = scene.person(next_test_due_on=DUE), scene.stranger().nhs_number
    changed = told(replace(person, nhs_number=number), 1)
    assert apply(scene, changed, superseded=person.nhs_number)
    assert not apply(scene, changed, superseded=person.nhs_number)
    left = do(scene, lambda step: take_people(step, [replace(person, participant_id="")]))
    assert {refused.sentence for refused in left.values()} == {REPLACED}
    report = whole_run(scene, DUE - timedelta(days=70))
    assert report.taken == {"notified": 1} and not report.silent
    assert sum(report.cohort.values()) == scene.read(lambda tx: tx.cohort.count())


async def test_two_who_were_one_have_one_history_and_can_be_taken_apart(scene: Scene) -> None:
    gone, kept = scene.person(), scene.person()
    first = await scene.report(gone, scene.result("X0A", date(2022, 2, 20)))
    await scene.report(gone, scene.result("09R", date(2026, 2, 20)))
    await scene.report(kept, scene.result("09R", date(2025, 2, 10)))
    await scene.report(misspelt(gone), scene.result("X0A"))
    before = scene.standing(gone, kept)
    facts = [
        fact for each in (gone, kept) for fact in scene.read(lambda tx, e=each: tx.records.facts(e.participant_id))
    ]
    assert apply(scene, told(kept, 1), superseded=gone.nhs_number)
    assert not apply(scene, told(kept, 1), superseded=gone.nhs_number)
    assert set(scene.read(lambda tx: tx.records.facts(kept.participant_id))) == set(facts)
    folded = fold(entry_of(now(scene, kept)), facts, POLICIES)
    record = scene.record_of(kept)
    assert [each["result_id"] for each in record["results"]] == [each.result_id for each in folded.results]
    assert record["next_test_due_on"] == (folded.next_test_due_on.isoformat() if folded.next_test_due_on else None)
    match = scene.read(lambda tx: tx.records.live_match(first))
    assert match is not None
    assert match.participant_id == kept.participant_id
    assert scene.letters_of(gone) == {}
    found = scene.read(lambda tx: known_by(tx, gone.nhs_number))
    assert found is not None
    assert found.participant_id == kept.participant_id
    (row,) = scene.read(lambda tx: tx.merges.of(gone.participant_id))
    do(scene, lambda step: take_apart(step, row.merge_id, by="clerk", why="Two sisters."))
    assert scene.standing(gone, kept) == before
    with pytest.raises(Refused, match="taken back already"):
        do(scene, lambda step: take_apart(step, row.merge_id, by="clerk", why="Two sisters."))


async def test_a_letter_that_was_wished_before_a_merge_is_not_wished_again(scene: Scene) -> None:
    gone, kept = scene.person(), scene.person()
    await scene.report(gone, scene.result("X0A"))
    was = scene.every_letter_of(gone)
    do(scene, lambda step: merge(step, now(scene, gone), now(scene, kept), by="clerk", why="One person."))
    assert [(each.letter_id, each.state) for each in scene.every_letter_of(kept)] == [(was[0].letter_id, "wished")]


async def test_people_of_a_workgroup_of_their_own_are_shown_to_nobody_else(scene: Scene) -> None:
    person, other = scene.person(workgroup=DEFENCE), scene.person()
    await scene.report(misspelt(person), scene.result("X0A"))
    await scene.report(misspelt(other), scene.result("X0A"))
    assert visible_people([person, other], [EVERYBODY]) == [other]
    tasks = scene.open_tasks()
    assert len(scene.read(lambda tx: visible_tasks(tx, tasks, [EVERYBODY, DEFENCE]))) == 2
    (task,) = scene.read(lambda tx: visible_tasks(tx, tasks, [EVERYBODY]))
    assert [each["participant_id"] for each in task.candidates] == [other.participant_id]


async def test_an_address_that_is_restricted_is_not_shown_to_a_clerk(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    person = scene.person()
    apply(scene, told(person, 2, restricted=True, address_lines=(), postcode=None))
    await scene.report(replace(misspelt(person), address_lines=(), postcode=None), scene.result("X0A"))
    (task,) = scene.open_tasks()
    say_view(scene.read(lambda tx: view_of(tx, task)))
    shown = capsys.readouterr().out
    assert "withheld (restricted)" in shown
    assert not any(line in shown for line in person.address_lines)
