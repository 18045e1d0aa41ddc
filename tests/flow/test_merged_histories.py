"""Whatever was decided and done about two people: made one, their record is the fold of all of it; taken apart, each
has hers again."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hub.domain.facts import Fact, TakenBackFact
from hub.domain.record import fold
from hub.flow.merging import merge, take_apart
from hub.flow.recording import entry_of, refold
from hub.flow.step import Step
from hub.io.store import open_store
from tests.domain.test_call import DECISIONS, DUE, NAMES, STEPS
from tests.flow.conftest import quick_directory
from tests.flow.scene import POLICIES, Scene

LIVES = st.lists(st.one_of(DECISIONS, STEPS, STEPS, st.builds(TakenBackFact, NAMES)), max_size=8)


@given(st.lists(st.tuples(LIVES, LIVES, DUE), min_size=4, max_size=8))
@settings(
    max_examples=12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # what fails is small enough, and making it smaller takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
def test_the_record_of_one_who_was_two_is_the_fold_of_both_histories(
    pairs: list[tuple[list[Fact], list[Fact], object]],
) -> None:
    with quick_directory() as directory:
        store = open_store(directory)
        try:
            scene = Scene(store)
            for hers, others, due_on in pairs:
                a_merge(scene, hers, others, due_on)
        finally:
            store.close_now()


def a_merge(scene: Scene, hers: list[Fact], others: list[Fact], due_on: object) -> None:
    gone, kept = scene.person(next_test_due_on=due_on), scene.person(next_test_due_on=due_on)

    def live(step: Step) -> None:
        for person, facts in ((gone, hers), (kept, others)):
            for fact in facts:
                step.add_fact(person.participant_id, fact)
            refold(step, person.participant_id)

    scene.step(live)
    people = [scene.read(lambda tx, who=who: tx.cohort.get(who)) for who in (gone.participant_id, kept.participant_id)]
    assert people[0] and people[1]
    first, second = people
    before = [scene.record_of(gone), scene.record_of(kept)]
    made: list[str] = []
    scene.step(lambda step: made.append(merge(step, first, second, by="clerk", why="One person.")))
    expected = fold(entry_of(second), [*hers, *others], POLICIES)
    record = scene.record_of(kept)
    assert record["because"] == [each.sentence for each in expected.because]
    assert record["recall_type"] == expected.recall_type
    assert scene.read(lambda tx: tx.records.get(gone.participant_id)) is None
    scene.step(lambda step: take_apart(step, made[0], by="clerk", why="Two sisters."))
    assert [scene.record_of(gone), scene.record_of(kept)] == before
