"""The clerks' decisions, and taking each of them back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from hub.domain.events import DecisionUndone, MatchUndone, ResultMatched, ResultQueried, ResultRefused, TaskClosed
from hub.flow import clerks
from hub.flow.clerks import Refused
from tests.flow.scene import CLERK, WHY, Scene, misspelt

NOT_FOUND = "00000000-0000-4000-8000-000000000000"


# -- match


async def test_a_match_puts_the_result_on_the_record_and_closes_the_task(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(misspelt(person), scene.result())
    task = scene.match(result_id, person)
    assert scene.codes_of(person) == ["X0A"]
    assert scene.letters_of(person) == {"PX0A": "wished"}
    closed = scene.read(lambda tx: tx.tasks.get(task.task_id))
    assert closed is not None
    assert (closed.state, closed.outcome, closed.closed_by, closed.note) == ("closed", "matched", CLERK, WHY)


async def test_every_decision_says_who_and_why_in_its_row_and_in_the_outbox(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(misspelt(person), scene.result())
    task = scene.query(result_id)
    scene.match(result_id, person)
    scene.undo(task)
    scene.reject(result_id)
    decisions = scene.read(lambda tx: tx.tasks.decisions(task.task_id))
    assert [decision.action for decision in decisions] == ["query", "match", "undo", "reject"]
    assert {decision.by for decision in decisions} == {CLERK}
    assert all(decision.why for decision in decisions)
    decided = (ResultQueried, ResultMatched, TaskClosed, MatchUndone, DecisionUndone, ResultRefused)
    said = [event for event in scene.events(result_id) if isinstance(event, decided)]
    assert [type(event) for event in said] == [
        ResultQueried, ResultMatched, TaskClosed, MatchUndone, DecisionUndone, ResultRefused, TaskClosed,
    ]  # fmt: skip
    assert {event.by for event in said} == {CLERK}
    assert all(event.why for event in said)


async def test_undoing_a_match_brings_record_letters_and_task_back(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2025, 12, 20)))
    result_id = await scene.report(misspelt(person), scene.result("39S"))
    before, task = scene.standing(person), scene.task_of(result_id)
    scene.match(result_id, person)
    assert scene.letters_of(person) == {"P39S": "wished"}
    scene.undo(task)
    assert scene.standing(person) == before
    assert scene.task_of(result_id) == task


async def test_a_task_opened_again_is_still_settled_by_new_evidence(scene: Scene) -> None:
    stranger, mistaken = scene.stranger(), scene.person()
    result_id = await scene.report(stranger, scene.result())
    scene.undo(scene.match(result_id, mistaken))
    scene.import_people(stranger)
    assert scene.ending(result_id) == "recorded"
    assert (scene.codes_of(stranger), scene.codes_of(mistaken)) == (["X0A"], [])


async def test_undoing_a_match_of_a_queried_task_leaves_it_queried(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(misspelt(person), scene.result())
    scene.query(result_id)
    scene.undo(scene.match(result_id, person))
    assert (scene.task_of(result_id).state, scene.task_of(result_id).note) == ("queried", WHY)


async def test_a_rule_that_the_clerk_saw_is_accepted_with_the_match(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("XUR", date(2025, 11, 1)))
    result_id = await scene.report(person, scene.result("XUR"))
    scene.match(result_id, person)
    assert scene.ending(result_id) == "recorded"
    assert scene.alerts_of(person) == []
    assert scene.letters_of(person) == {"PXUR": "wished"}


async def test_a_rule_that_nobody_saw_is_asked_about_after_the_match(scene: Scene) -> None:
    """The task asked whose result it is; that it is her second inadequate one comes out with the answer."""
    person = scene.person()
    await scene.report(person, scene.result("XUR", date(2025, 11, 1)))
    result_id = await scene.report(misspelt(person), scene.result("XUR"))
    before, task = scene.standing(person), scene.task_of(result_id)
    scene.match(result_id, person)
    assert scene.ending(result_id) == "recorded second-inadequate"
    assert "wished" not in scene.letters_of(person).values()
    scene.undo(task)
    assert scene.ending(result_id) == "unsure"
    assert scene.standing(person) == before


async def test_matching_an_older_result_questions_the_newer_one_on_the_record(scene: Scene) -> None:
    person = scene.person()
    newer = await scene.report(person, scene.result("XUR"))
    older = await scene.report(misspelt(person), scene.result("XUR", date(2025, 11, 1)))
    task = scene.match(older, person)
    assert scene.ending(newer) == "recorded second-inadequate"
    scene.undo(task)
    assert scene.ending(newer) == "recorded"
    assert scene.letters_of(person) == {"PXUR": "wished"}


async def test_a_questioned_result_is_accepted_as_it_stands_and_questioned_again_by_undo(scene: Scene) -> None:
    person = scene.person()
    newer = await scene.report(person, scene.result("XUR"))
    await scene.report(person, scene.result("XUR", date(2025, 11, 1)))
    before = scene.standing(person)
    task = scene.match(newer, person)
    assert scene.ending(newer) == "recorded"
    assert scene.letters_of(person) == {"PXUR": "wished"}
    scene.undo(task)
    assert scene.ending(newer) == "recorded second-inadequate"
    assert scene.standing(person) == before


async def test_a_questioned_result_cannot_be_given_to_somebody_else_in_passing(scene: Scene) -> None:
    person, other = scene.person(), scene.person()
    newer = await scene.report(person, scene.result("XUR"))
    await scene.report(person, scene.result("XUR", date(2025, 11, 1)))
    with pytest.raises(Refused, match="another person's record"):
        scene.match(newer, other)


async def test_giving_a_waiting_result_to_somebody_else_releases_the_first_ones_letters(scene: Scene) -> None:
    person, other = scene.person(), scene.person()
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    result_id = await scene.report(person, scene.result("XUR"))
    assert scene.letters_of(person) == {"PXUR": "waiting"}
    scene.match(result_id, other)
    assert scene.letters_of(person) == {"PXUR": "wished"}
    assert scene.letters_of(other) == {"PXUR": "wished"}


# -- reject


async def test_a_rejected_result_stands_nowhere_and_undo_brings_the_task_back(scene: Scene) -> None:
    result_id = await scene.report(scene.stranger(), scene.result())
    task = scene.reject(result_id)
    assert scene.ending(result_id) == "refused"
    assert any(isinstance(event, ResultRefused) for event in scene.events(result_id))
    scene.undo(task)
    assert scene.task_of(result_id) == task


async def test_a_rejected_questioned_result_leaves_the_record_and_undo_restores_it(scene: Scene) -> None:
    person = scene.person()
    newer = await scene.report(person, scene.result("XUR"))
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    before = scene.standing(person)
    task = scene.reject(newer)
    assert scene.codes_of(person) == ["XUR"]
    assert scene.letters_of(person) == {"PXUR": "wished"}
    scene.undo(task)
    assert scene.ending(newer) == "recorded second-inadequate"
    assert scene.standing(person) == before


async def test_a_rejected_slide_may_be_reported_anew(scene: Scene) -> None:
    person, result = scene.person(), scene.result()
    scene.reject(await scene.report(misspelt(person), result))
    assert scene.ending(await scene.report(person, result)) == "recorded"


async def test_a_rejected_waiting_result_releases_her_letters(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    scene.reject(await scene.report(person, scene.result("XUR")))
    assert scene.letters_of(person) == {"PXUR": "wished"}


async def test_a_rejection_is_not_undone_onto_two_people(scene: Scene) -> None:
    person, other, result = scene.person(), scene.person(), scene.result("XUR")
    newer = await scene.report(person, result)
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    task = scene.reject(newer)
    await scene.report(other, result)
    with pytest.raises(Refused, match="another person's record"):
        scene.undo(task)
    assert scene.codes_of(other) == ["XUR"]


# -- query


async def test_a_queried_task_goes_on_waiting_and_undo_clears_the_mark(scene: Scene) -> None:
    result_id = await scene.report(scene.stranger(), scene.result())
    before = scene.task_of(result_id)
    task = scene.query(result_id)
    assert (scene.task_of(result_id).state, scene.ending(result_id)) == ("queried", "unknown")
    scene.undo(task)
    assert scene.task_of(result_id) == before


async def test_a_query_answered_by_new_evidence_cannot_be_undone(scene: Scene) -> None:
    stranger = scene.stranger()
    task = scene.query(await scene.report(stranger, scene.result()))
    scene.import_people(stranger)
    with pytest.raises(Refused, match=r"closed since \(settled by hub\)"):
        scene.undo(task)
    assert scene.open_tasks() == []


# -- what the hub matched by itself


async def test_an_automatic_match_is_taken_back_and_becomes_an_unsure_task(scene: Scene) -> None:
    person = scene.person()
    await scene.report(person, scene.result("X0A", date(2025, 12, 20)))
    before = scene.standing(person)
    result_id = await scene.report(person, scene.result("39S"))
    scene.undo_automatic(result_id)
    assert scene.standing(person) == before
    assert scene.ending(result_id) == "unsure"
    undone = [event for event in scene.events(result_id) if isinstance(event, MatchUndone)]
    assert [(event.by, event.why) for event in undone] == [(CLERK, "It is her sister's.")]


async def test_a_clerk_may_match_again_what_was_taken_back(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(person, scene.result())
    scene.undo_automatic(result_id)
    scene.match(result_id, person)
    assert scene.codes_of(person) == ["X0A"]
    assert scene.letters_of(person) == {"PX0A": "wished"}


async def test_a_questioned_result_that_is_taken_back_has_one_task_only(scene: Scene) -> None:
    person = scene.person()
    newer = await scene.report(person, scene.result("XUR"))
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    scene.undo_automatic(newer)
    assert scene.ending(newer) == "unsure"
    assert scene.letters_of(person) == {"PXUR": "wished"}


# -- what cannot be done is said in a sentence


async def test_a_closed_task_is_not_decided_again(scene: Scene) -> None:
    person = scene.person()
    result_id = await scene.report(misspelt(person), scene.result())
    task = scene.match(result_id, person)
    for action in ("match", "reject", "query"):
        with pytest.raises(Refused, match=rf"closed already \(matched by {CLERK}\)"):
            scene.decide(action, task, *([person.participant_id] if action == "match" else []))
    assert len(scene.read(lambda tx: tx.tasks.decisions(task.task_id))) == 1


async def test_what_is_not_there_is_not_decided(scene: Scene) -> None:
    result_id = await scene.report(scene.stranger(), scene.result())
    task = scene.task_of(result_id)
    with pytest.raises(Refused, match="no such participant"):
        scene.decide("match", task, NOT_FOUND)
    with pytest.raises(Refused, match="no such task"):
        scene.decide("reject", replace(task, task_id=NOT_FOUND))
    with pytest.raises(Refused, match="no decision on this task"):
        scene.undo(task)
    with pytest.raises(Refused, match="nobody's record"):
        scene.undo_automatic(result_id)


async def test_a_report_that_could_not_be_read_is_not_matched(scene: Scene) -> None:
    person = scene.person()
    raw = scene.message(person, scene.result(feed="southwick"), feed="southwick").replace(b"HPVNEG", b"HPVNOT")
    await scene.send(raw)
    await scene.settle()
    (task,) = scene.open_tasks()
    with pytest.raises(Refused, match="mend the table"):
        scene.decide("match", task, person.participant_id)
    scene.decide("reject", task)
    assert scene.ending(task.result_id) == "refused"


async def test_a_refused_decision_leaves_nothing_behind(scene: Scene) -> None:
    result_id = await scene.report(scene.stranger(), scene.result())
    before = (scene.task_of(result_id), scene.events(result_id))
    with pytest.raises(Refused):
        scene.decide("match", before[0], NOT_FOUND)
    assert (scene.task_of(result_id), scene.events(result_id)) == before


@pytest.mark.parametrize("blank", ["", "  "])
async def test_a_decision_bears_a_name_and_a_reason(scene: Scene, blank: str) -> None:
    person = scene.person()
    task = scene.task_of(await scene.report(misspelt(person), scene.result()))
    recorded = await scene.report(person, scene.result())
    decisions = [
        lambda step, **who: clerks.match(step, task.task_id, person.participant_id, **who),
        lambda step, **who: clerks.reject(step, task.task_id, **who),
        lambda step, **who: clerks.query(step, task.task_id, **who),
        lambda step, **who: clerks.undo(step, task.task_id, **who),
        lambda step, **who: clerks.undo_automatic(step, recorded, **who),
    ]
    for decision in decisions:
        with pytest.raises(Refused, match="Say who decides"):
            scene.step(lambda step, act=decision: act(step, by=blank, why=WHY))
        with pytest.raises(Refused, match="Say why"):
            scene.step(lambda step, act=decision: act(step, by=CLERK, why=blank))
    assert scene.codes_of(person) == ["X0A"]


async def test_the_task_about_a_match_taken_back_says_so_and_why(scene: Scene) -> None:
    result_id = await scene.report(scene.person(), scene.result())
    scene.undo_automatic(result_id)
    assert scene.task_of(result_id).hint == f"The match was taken back by {CLERK}: It is her sister's."
