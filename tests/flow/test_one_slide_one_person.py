"""A slide belongs to one person: moving it, undoing the move, and what the database itself refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from hub.flow.clerks import Refused
from hub.flow.ports.records import MatchRow
from hub.io.store import StoreAway
from tests.flow.scene import CLERK, NOW, WHY, Scene, corrected, misspelt


async def test_a_match_moves_the_slide_from_another_persons_record_and_undo_restores_it(scene: Scene) -> None:
    person, other, result = scene.person(), scene.person(), scene.result("X0A")
    original = await scene.report(person, result)
    correction = await scene.report(other, corrected(result, "39S"))
    before = scene.standing(person, other)
    task = scene.match(correction, other)
    assert (scene.codes_of(person), scene.codes_of(other)) == ([], ["39S"])
    assert (scene.letters_of(person), scene.letters_of(other)) == ({}, {"P39S": "wished"})
    assert scene.ending(original) == "superseded"
    scene.undo(task)
    assert scene.standing(person, other) == before
    assert (scene.ending(original), scene.ending(correction)) == ("recorded", "unsure")


async def test_a_question_about_a_slide_that_moves_away_is_closed_and_comes_back_with_it(scene: Scene) -> None:
    person, other, result = scene.person(), scene.person(), scene.result("XUR")
    original = await scene.report(person, result)
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    assert scene.ending(original) == "recorded second-inadequate"
    correction = await scene.report(other, corrected(result, "X0A"))
    before = scene.standing(person, other)
    task = scene.match(correction, other)
    assert scene.ending(original) == "superseded"
    assert scene.letters_of(person) == {"PXUR": "wished"}
    scene.undo(task)
    assert scene.ending(original) == "recorded second-inadequate"
    assert scene.standing(person, other) == before


async def test_what_has_moved_on_since_cannot_be_undone_onto_two_people(scene: Scene) -> None:
    person, other, result = scene.person(), scene.person(), scene.result("X0A")
    await scene.report(person, result)
    task = scene.match(await scene.report(other, corrected(result, "39S")), other)
    later = replace(corrected(result, "49S"), authorised_at=result.authorised_at + timedelta(days=3))
    assert scene.ending(await scene.report(other, later)) == "recorded"
    with pytest.raises(Refused, match="another person's record"):
        scene.undo(task)
    assert (scene.codes_of(person), scene.codes_of(other)) == ([], ["49S"])


async def test_a_correction_that_waits_takes_the_place_of_its_original_and_keeps_it_through_undo(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    original = await scene.report(misspelt(person), result)
    correction = await scene.report(misspelt(person), corrected(result, "39S"))
    assert (scene.ending(original), scene.ending(correction)) == ("superseded", "unsure")
    task = scene.match(correction, person)
    assert (scene.ending(original), scene.ending(correction)) == ("superseded", "recorded")
    scene.undo(task)
    assert (scene.ending(original), scene.ending(correction)) == ("superseded", "unsure")
    scene.reject(correction)
    assert (scene.ending(original), scene.ending(correction)) == ("unsure", "refused")


async def test_a_refused_correction_gives_the_version_before_it_back_to_the_clerks(scene: Scene) -> None:
    person, result = scene.person(), scene.result("X0A")
    original = await scene.report(misspelt(person), result)
    correction = await scene.report(person, corrected(result, "39S"))
    assert scene.ending(original) == "superseded"
    scene.undo_automatic(correction)
    scene.reject(correction)
    assert (scene.ending(original), scene.ending(correction)) == ("unsure", "refused")


async def test_the_database_refuses_a_second_live_match_of_one_result(scene: Scene) -> None:
    person, other = scene.person(), scene.person()
    result_id = await scene.report(person, scene.result())
    second = MatchRow("second", result_id, other.participant_id, "clerk", CLERK, WHY, NOW)
    with pytest.raises(StoreAway, match=r"SQLITE_CONSTRAINT_UNIQUE|UniqueViolation"):
        scene.store.write_now(lambda tx: tx.records.match(second))
    (only,) = scene.read(lambda tx: tx.records.matches_of(result_id))
    assert only.participant_id == person.participant_id
