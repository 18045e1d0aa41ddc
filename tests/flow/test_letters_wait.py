"""Letters: wished, waiting while a task about her is open, released, cancelled."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from hub.domain.events import LetterWished
from hub.domain.people import Participant
from hub.flow.clerks import people_changed
from tests.flow.scene import Scene, corrected


def wished(scene: Scene, participant_id: str) -> list[str]:
    """The codes of the letters that left through the outbox."""
    return [event.code for event in scene.events(participant_id) if isinstance(event, LetterWished)]


def withheld(scene: Scene, person: Participant) -> list[str]:
    """Why her results get no letter; that there is none."""
    letters = scene.every_letter_of(person)
    assert {letter.state for letter in letters} == {"withheld"}
    assert wished(scene, person.participant_id) == []
    return [letter.rule for letter in letters]


async def test_letters_wait_while_a_task_about_her_is_open_and_go_when_it_closes(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 1, 20)))
    waiting = await scene.report(person, scene.result("29R", repeat_months=7))
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    scene.match(waiting, person)
    assert scene.letters_of(person) == {"P29R": "wished"}


async def test_no_letter_leaves_before_the_task_is_closed(scene: Scene) -> None:
    person = scene.person()
    first = await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    second = await scene.report(person, scene.result("XUR"))
    assert wished(scene, person.participant_id) == ["PXUR"]  # the first left when nothing was in doubt
    scene.match(second, person)
    assert wished(scene, person.participant_id) == ["PXUR", "PXUR"]
    letters = {letter.result_id: letter.state for letter in scene.every_letter_of(person)}
    assert letters == {first: "cancelled", second: "wished"}


async def test_a_task_about_somebody_else_holds_nothing(scene: Scene) -> None:
    person = scene.person()
    await scene.report(scene.stranger(), scene.result())
    await scene.report(person, scene.result())
    assert scene.letters_of(person) == {"PX0A": "wished"}


async def test_a_correction_of_the_codes_cancels_the_letter_and_one_of_nothing_keeps_its_code(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    await scene.report(person, corrected(result, "39S"))
    states = {letter.code: (letter.state, letter.why) for letter in scene.every_letter_of(person)}
    assert states == {"PX0A": ("cancelled", "The record changed."), "P39S": ("wished", "")}


async def test_a_letter_once_wished_is_not_cancelled_because_time_passes(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result())
    scene.now += timedelta(days=200)
    scene.import_people(person)
    assert scene.letters_of(person) == {"PX0A": "wished"}
    assert wished(scene, person.participant_id) == ["PX0A"]


async def test_a_letter_that_waited_too_long_for_us_still_goes(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 1, 20)))
    doubtful = scene.result("29R", repeat_months=7)
    waiting = await scene.report(person, doubtful)
    scene.now += timedelta(days=200)
    scene.import_people(person)
    assert scene.letters_of(person) == {"PX0A": "waiting"}
    scene.reject(waiting)
    assert scene.letters_of(person) == {"PX0A": "wished"}
    assert wished(scene, person.participant_id) == ["PX0A", "PX0A"]


async def test_a_letter_long_gone_is_not_held_by_a_task_of_today(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("XUR", date(2026, 2, 20)))
    scene.now += timedelta(days=200)
    late = await scene.report(person, scene.result("XUR", date(2026, 8, 1)))
    assert scene.ending(late) == "second-inadequate"
    assert scene.letters_of(person) == {"PXUR": "wished"}


async def test_a_result_that_comes_too_late_gets_no_letter(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2025, 11, 1)))
    assert withheld(scene, person) == ["too-old"]


async def test_how_old_a_test_is_is_told_by_englands_day(scene: Scene) -> None:
    """Half an hour after midnight in England's summer it is yesterday in UTC."""
    scene.now = datetime(2026, 6, 5, 23, 30, tzinfo=UTC)
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 3, 5)))
    assert withheld(scene, person) == ["too-old"]


async def test_a_late_correction_cancels_the_letter_of_what_it_corrects(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    scene.now += timedelta(days=200)
    await scene.report(person, corrected(result, "39S"))
    assert scene.letters_of(person) == {}
    assert scene.codes_of(person) == ["39S"]


async def test_a_sample_taken_in_colposcopy_gets_no_letter(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("39S", source_type="7"))
    assert withheld(scene, person) == ["source-type"]
    assert scene.codes_of(person) == ["39S"]


async def test_whoever_has_died_or_moved_away_gets_no_letter(scene: Scene) -> None:
    dead, moved = scene.person(removal="DEA"), scene.person(removal="SCT")
    for person in (dead, moved):
        await scene.report(person, scene.result())
        assert scene.codes_of(person) == ["X0A"]
    assert (withheld(scene, dead), withheld(scene, moved)) == (["deceased"], ["moved-away"])


async def test_what_waits_for_somebody_who_dies_meanwhile_never_goes(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2026, 1, 20)))
    waiting = await scene.report(person, scene.result("29R", repeat_months=7))
    scene.now += timedelta(days=200)
    known = scene.read(lambda tx: tx.cohort.by_nhs_number(person.nhs_number))
    assert known is not None
    scene.import_people(replace(known, removal="DEA"))
    scene.reject(waiting)
    assert wished(scene, person.participant_id) == ["PX0A"]  # when nothing was in doubt and she lived
    assert [(letter.state, letter.rule) for letter in scene.every_letter_of(person)] == [("cancelled", "too-old")]


async def test_whoever_is_back_in_england_gets_her_letter(scene: Scene) -> None:
    person = scene.person(removal="SCT")
    await scene.report(person, scene.result())
    known = scene.read(lambda tx: tx.cohort.by_nhs_number(person.nhs_number))
    assert known is not None
    scene.step(lambda step: people_changed(step, [replace(known, removal="")]))
    assert scene.letters_of(person) == {"PX0A": "wished"}
    assert {letter.state for letter in scene.every_letter_of(person)} == {"wished", "cancelled"}
