"""A changed policy reaches whoever is in the cohort already, not only those of whom something new is heard."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from hub.flow.folding_again import fold_again
from tests.flow.scene import POLICIES, Scene

DUE = date(2027, 5, 1)


async def test_everybody_is_called_by_the_tables_as_they_are_now(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.flow.folding_again.BATCH", 2)
    people = [scene.person(next_test_due_on=DUE) for _ in range(5)]
    await scene.report(people[0], scene.result("39S"))
    before = [scene.letters_of(person) for person in people]
    earlier = replace(POLICIES, call=replace(POLICIES.call, notify_weeks_before=12))
    for _ in range(2):
        assert fold_again(scene.store.write_now, earlier, lambda: scene.now) == 5
    notified_on = DUE - timedelta(weeks=12)
    due = scene.read(lambda tx: tx.records.due(notified_on, None, 9))
    assert {each.participant_id for each in due} == {person.participant_id for person in people[1:]}
    assert scene.read(lambda tx: tx.records.count_due(notified_on - timedelta(days=1))) == {}
    assert [scene.letters_of(person) for person in people] == before
