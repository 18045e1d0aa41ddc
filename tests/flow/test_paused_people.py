"""While a validation failure of a person is unresolved all her letters wait; resolved they go, none of them twice."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

import pytest

from hub.domain.events import LetterWished
from hub.domain.people import Participant
from hub.flow.actions import cease, take_back
from hub.flow.recall_run import RecallRun
from tests.flow.scene import POLICIES, Scene
from tests.flow.test_actions import ACTIONS, CLERK, do
from tests.flow.test_recall_run import letters, run

DUE = date(2026, 9, 1)
INVITED_ON = date(2026, 7, 21)


def wishes(scene: Scene, person: Participant) -> list[str]:
    return [event.code for event in scene.events(person.participant_id) if isinstance(event, LetterWished)]


async def doubt(scene: Scene, person: Participant) -> str:
    """A result with which a rule disagrees comes in: a clerk must look."""
    result_id = await scene.report(person, scene.result("29R", scene.now.date() - timedelta(days=10), repeat_months=7))
    assert scene.task_of(result_id).reason == "repeat-months"
    return result_id


async def invited(scene: Scene) -> Participant:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    run(scene, INVITED_ON)
    return person


async def test_an_invitation_that_was_wished_waits_and_goes(scene: Scene) -> None:
    person = await invited(scene)
    result_id = await doubt(scene, person)
    assert letters(scene, person) == [("PA1", "waiting")]
    scene.reject(result_id)
    assert letters(scene, person) == [("PA1", "wished")]
    assert wishes(scene, person) == ["PA1", "PA1"]  # the same letter: whoever sends it knows it by its id


async def test_an_invitation_that_waited_is_cancelled_by_the_result_that_was_in_doubt(scene: Scene) -> None:
    person = await invited(scene)
    result_id = await doubt(scene, person)
    scene.match(result_id, person)
    assert dict(letters(scene, person)) == {"PA1": "cancelled", "P29R": "wished"}


async def test_reminders_and_invitations_that_fell_due_meanwhile_are_caught_up(scene: Scene) -> None:
    person = await invited(scene)
    result_id = await doubt(scene, person)
    assert run(scene, date(2026, 11, 24)) == {}
    scene.reject(result_id)
    assert run(scene, date(2026, 12, 1)) == {"reminded": 1}
    assert letters(scene, person) == [("PA1", "wished"), ("PA2", "wished")]


async def test_a_ceasing_letter_waits_too(scene: Scene) -> None:
    person = await invited(scene)
    result_id = await doubt(scene, person)
    do(scene, lambda step: cease(step, person.participant_id, "informed-choice", CLERK, ACTIONS))
    assert letters(scene, person) == [("PA1", "cancelled"), ("CIC", "waiting")]
    scene.reject(result_id)
    assert letters(scene, person) == [("PA1", "cancelled"), ("CIC", "wished")]
    assert wishes(scene, person) == ["PA1", "CIC"]


async def test_a_ceasing_that_is_taken_back_while_its_letter_waits_is_never_told(scene: Scene) -> None:
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    result_id = await doubt(scene, person)
    action = do(scene, lambda step: cease(step, person.participant_id, "informed-choice", CLERK, ACTIONS))
    do(scene, lambda step: take_back(step, action, CLERK))
    scene.reject(result_id)
    assert letters(scene, person) == [("CIC", "cancelled")]
    assert wishes(scene, person) == []


class Lives:
    """What may happen to one person, in any order."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self.scene = scene
        self.chance = chance
        self.person = scene.person(next_test_due_on=DUE, practice_code=chance.choice(["Y00001", None]))
        self.doubtful: list[str] = []

    async def next(self) -> None:
        what: Callable[[], object] = self.chance.choice(
            [self.night, self.night, self.night, self.come, self.resolve, self.plain, self.cease]
        )
        done = what()
        if hasattr(done, "__await__"):
            await done  # type: ignore[misc]  # one of those that wait
        await self.scene.settle()

    def night(self) -> None:
        on = self.scene.now.date() + timedelta(days=self.chance.choice([1, 20, 60]))
        self.scene.now = datetime.combine(on, time(2), UTC)
        RecallRun(self.scene.store.write_now, POLICIES, lambda: self.scene.now, on).run()

    async def come(self) -> None:
        self.doubtful.append(await doubt(self.scene, self.person))

    async def plain(self) -> None:
        await self.scene.report(self.person, self.scene.result("X0A", self.scene.now.date() - timedelta(days=9)))

    def resolve(self) -> None:
        open_tasks = self.scene.open_tasks()
        if open_tasks:
            self.chance.choice([self.scene.reject, lambda each: self.scene.match(each, self.person)])(
                self.chance.choice(open_tasks).result_id
            )

    def cease(self) -> None:
        summary = self.scene.read(lambda tx: tx.records.summary(self.person.participant_id))
        if summary and not summary.ceased and self.chance.random() < 0.3:
            do(self.scene, lambda step: cease(step, self.person.participant_id, "no-cervix", CLERK, ACTIONS))


@pytest.mark.parametrize("seed", range(12))
async def test_in_whatever_order_it_happens(scene: Scene, seed: int) -> None:
    """No letter is wished while a task is open; what waits is wished or cancelled once none is; each has one row."""
    lives = Lives(scene, random.Random(seed))
    hers = lives.person.participant_id
    scene.now = datetime(2026, 6, 22, 9, tzinfo=UTC)
    for _ in range(18):
        before, was_paused = wishes(scene, lives.person), bool(scene.open_tasks())
        await lives.next()
        paused = bool(scene.read(lambda tx: tx.tasks.open_for(hers)))
        if paused and was_paused:
            assert wishes(scene, lives.person) == before, "a letter went out while a task was open"
        states = {letter.state for letter in scene.every_letter_of(lives.person)}
        assert paused or "waiting" not in states, "a letter waits for nothing"
    while scene.open_tasks():
        lives.resolve()
    rows = scene.every_letter_of(lives.person)
    assert not [row for row in rows if row.state == "waiting"]
    assert max(Counter(row.letter_id for row in rows).values(), default=1) == 1
    told = {event.letter_id for event in scene.events(hers) if isinstance(event, LetterWished)}
    assert {row.letter_id for row in rows if row.state == "wished"} <= told
