"""Letters and what happens beside them: people become one, a clerk decides, a callback comes, nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from hub import telemetry
from hub.domain.catalogue import Catalogue, Plan
from hub.domain.communications import Batch, News
from hub.domain.people import Participant
from hub.errors import Reason, Retry
from hub.flow import communication_clerks as clerks
from hub.flow import leaving, telling
from hub.flow.actions import Signed, cease, defer, reinstate, take_back
from hub.flow.callbacks import Callbacks
from hub.flow.following import answered, not_answered
from hub.flow.leaving import Handing
from hub.flow.merging import merge, take_apart
from hub.flow.ports.communications import BatchRow, CommunicationRow
from hub.flow.step import Step
from tests.flow.postbox import Postbox, channel, loses, told
from tests.flow.scene import CLERK, WHY, Scene
from tests.flow.test_actions import ACTIONS
from tests.flow.test_actions import CLERK as CSAS
from tests.flow.test_communication_clerks import report
from tests.flow.test_recall_run import DUE, run
from tests.flow.test_telling import CATALOGUE, GONE, changed, follow, hears, only, people, rows, states, tell

SIGNED = Signed(CLERK, WHY)


class Deaf(Postbox):
    """It takes what it is given, and says nothing when asked."""

    async def ask(self, message_id: str) -> Sequence[News] | None:
        self.asked.append(message_id)
        raise Retry(Reason.NOT_NOW, hint="CM_FORBIDDEN")


def invited(scene: Scene, *practices: str | None) -> list[Participant]:
    """Each with an invitation wished, about the same date."""
    found = [scene.person(next_test_due_on=DUE, practice_code=practice) for practice in practices]
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    return found


def merged(step: Step, gone: Participant, kept: Participant) -> None:
    known = {each.participant_id: each for each in step.tx.cohort.of([gone.participant_id, kept.participant_id])}
    merge(step, known[gone.participant_id], known[kept.participant_id], by="clerk", why="One person.")


# -- two people become one


async def test_an_invitation_goes_out_though_she_became_another(scene: Scene) -> None:
    postbox = Postbox()
    (gone,) = invited(scene, "Y00001")
    middle, kept = (scene.person(next_test_due_on=None, practice_code="Y00001") for _ in range(2))
    scene.step(lambda step: merged(step, gone, middle))
    scene.step(lambda step: merged(step, middle, kept))
    await tell(scene, postbox)
    assert states(scene, kept) == {"PA1": "sent"}
    (message,) = postbox.messages.values()
    assert message.nhs_number == kept.nhs_number
    assert message.personalisation["due_date"] == "1 September 2026"


@pytest.mark.parametrize("practice", ["Y00001", None])
async def test_of_two_invitations_of_one_person_one_goes_out(scene: Scene, practice: str | None) -> None:
    postbox = Postbox()
    gone, kept = invited(scene, "Y00001", practice)
    scene.step(lambda step: merged(step, gone, kept))
    await tell(scene, postbox)
    await tell(scene, postbox)
    assert len(postbox.messages) == 1
    assert sorted(each.state for each in scene.every_letter_of(kept)) == ["cancelled", "sent"]


async def test_an_invitation_that_has_left_is_not_sent_to_her_a_second_time(scene: Scene) -> None:
    postbox = Postbox()
    gone, kept = invited(scene, "Y00001", None)
    scene.step(lambda step: step.tx.letters.put(replace(step.tx.letters.of(gone.participant_id)[0], state="delivered")))
    scene.step(lambda step: merged(step, gone, kept))
    await tell(scene, postbox)
    assert postbox.batches == []
    assert sorted(each.state for each in scene.every_letter_of(kept)) == ["cancelled", "delivered"]


async def test_taken_apart_again_each_has_her_own_invitation(scene: Scene) -> None:
    postbox = Postbox()
    (gone,) = invited(scene, "Y00001")
    kept = scene.person(next_test_due_on=None, practice_code="Y00001")
    scene.step(lambda step: merged(step, gone, kept))
    (row,) = scene.read(lambda tx: tx.merges.of(gone.participant_id))
    scene.step(lambda step: take_apart(step, row.merge_id, by="clerk", why="Two."))
    await tell(scene, postbox)
    assert states(scene, gone) == {"PA1": "sent"}
    assert [message.nhs_number for message in postbox.messages.values()] == [gone.nhs_number]


async def test_people_who_become_one_while_a_batch_is_taken_over(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker merges them after we looked whose letters these are, and before we hold them."""
    postbox = Postbox(before=loses())
    (gone,) = await people(scene, "X0A")
    kept, hold = scene.person(), leaving._hold
    await tell(scene, postbox)

    def late(step: Step, ids: Sequence[str]) -> None:
        if not step.tx.letters.of(kept.participant_id):
            merged(step, gone, kept)
        hold(step, ids)

    monkeypatch.setattr(leaving, "_hold", late)
    await tell(scene, postbox, timedelta(minutes=6))
    assert states(scene, kept) == {"PX0A": "sent"}
    assert [message.nhs_number for message in postbox.messages.values()] == [kept.nhs_number]


# -- she is no longer called


async def test_who_is_ceased_after_her_invitation_was_wished_is_not_invited(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = invited(scene, "Y00001")
    scene.step(lambda step: cease(step, person.participant_id, "informed-choice", CSAS, ACTIONS) and None)
    await tell(scene, postbox)
    assert (states(scene, person), [batch.routing_plan for batch in postbox.batches]) == (
        {"PA1": "cancelled", "CIC": "sent"},
        ["post"],
    )


async def test_who_is_put_off_after_her_invitation_was_wished_is_not_invited(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = invited(scene, "Y00001")
    scene.step(lambda step: defer(step, person.participant_id, "pregnancy", date(2027, 1, 1), CSAS, ACTIONS) and None)
    await tell(scene, postbox)
    assert (states(scene, person), postbox.batches) == ({"PA1": "cancelled"}, [])


async def test_an_invitation_that_was_kept_back_for_a_mistake_goes_out_after_all(scene: Scene) -> None:
    postbox, made = Postbox(), list[str]()
    ceased, dead, mistaken = invited(scene, "Y00001", "Y00001", "Y00001")
    scene.step(lambda step: made.append(cease(step, ceased.participant_id, "informed-choice", CSAS, ACTIONS)))
    changed(scene, dead, **GONE)
    wrong = await scene.report(mistaken, scene.result("X0A", date(2026, 7, 10)))
    await tell(scene, postbox)
    assert {states(scene, each)["PA1"] for each in (ceased, dead, mistaken)} == {"cancelled"}
    scene.step(lambda step: take_back(step, made[-1], CSAS))
    changed(scene, dead, removal="")
    scene.undo_automatic(wrong)
    await tell(scene, postbox)
    assert [states(scene, each)["PA1"] for each in (ceased, dead, mistaken)] == ["sent"] * 3
    assert set(postbox.accepted.values()) == {1}


async def test_ceased_again_for_the_same_reason_she_is_told_once(scene: Scene) -> None:
    postbox = Postbox()
    person, who = scene.person(next_test_due_on=DUE, practice_code="Y00001"), CSAS
    scene.step(lambda step: cease(step, person.participant_id, "informed-choice", who, ACTIONS) and None)
    scene.now += timedelta(seconds=10)
    scene.step(lambda step: reinstate(step, person.participant_id, date(2027, 1, 1), who) and None)
    scene.now += timedelta(seconds=10)
    scene.step(lambda step: cease(step, person.participant_id, "informed-choice", who, ACTIONS) and None)
    await tell(scene, postbox)
    assert sorted(each.state for each in scene.every_letter_of(person)) == ["cancelled", "sent"]


# -- a clerk and a callback


async def no_news(scene: Scene, postbox: Postbox) -> tuple[Participant, CommunicationRow]:
    """Her message had arrived before we heard so, and nobody has told of it for a day."""
    postbox.after = loses()
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    await tell(scene, postbox, timedelta(minutes=6))
    await follow(scene, postbox, timedelta(hours=24))
    assert only(scene, person).why == "no-news"
    return person, only(scene, person)


async def test_news_between_a_retry_and_its_sending_makes_it_needless(scene: Scene) -> None:
    postbox = Postbox()
    person, row = await no_news(scene, postbox)
    scene.step(lambda step: clerks.retry(step, row.reference, SIGNED))
    hears(scene, told(row.reference, "sending", scene.now))
    await tell(scene, postbox)
    assert (len(postbox.accepted), states(scene, person)) == (1, {"PX9S": "sent"})
    hears(scene, told(row.reference, "failed", scene.now, 60, "MFR_1"))
    assert only(scene, person).needs_somebody, "the decision was about a message of which nothing was known"
    assert states(scene, person) == {"PX9S": "failed"}


async def test_a_task_that_closes_while_the_rest_is_handed_over_lets_her_letter_go(scene: Scene) -> None:
    postbox = Postbox(before=loses())
    doubtful, other = await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    question = await scene.report(doubtful, scene.result("29R", date(2026, 1, 10), repeat_months=7))

    def decides(_: Batch) -> None:
        scene.reject(question)

    postbox.before = decides
    await tell(scene, postbox, timedelta(minutes=6))
    postbox.before = lambda batch: None
    await tell(scene, postbox)
    assert [each.state for each in rows(scene, doubtful)] == ["withdrawn", "sent"]
    assert (only(scene, other).state, set(postbox.accepted.values())) == ("sent", {1})
    assert report(scene).silent == ()


@pytest.mark.parametrize("fails", ["claim", "take_over"])
async def test_a_bug_with_one_batch_holds_up_no_other_plan(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, fails: str
) -> None:
    postbox = Postbox(before=loses())
    (urgent,) = await people(scene, "X9S")
    if fails == "take_over":
        await tell(scene, postbox)
        scene.now += timedelta(minutes=6)
    postbox.before, works = lambda batch: None, getattr(telling, fails)

    def broken(step: Step, catalogue: Catalogue, first: Plan | BatchRow, more: Any) -> Handing:
        if "referral" in (getattr(first, "name", ""), getattr(first, "plan", "")):
            raise AssertionError
        return works(step, catalogue, first, more)

    monkeypatch.setattr(telling, fails, broken)
    (other,) = await people(scene, "X0A")
    await tell(scene, postbox)
    assert only(scene, other).state == "sent"
    monkeypatch.undo()
    await tell(scene, postbox)
    assert only(scene, urgent).state == "sent"


# -- nobody answers, or another than was thought


async def test_what_notify_does_not_say_is_somebodys_in_the_end(scene: Scene) -> None:
    postbox = Deaf()
    unread, read = await people(scene, "X9S", "X9S")
    await tell(scene, postbox)
    row = only(scene, read)
    hears(scene, channel(row.reference, "nhsapp", "delivered", scene.now, supplier="read"))
    for _ in range(4):
        await follow(scene, postbox, timedelta(hours=11))
    assert not only(scene, unread).needs_somebody, "it may answer yet"
    await follow(scene, postbox, timedelta(hours=11))
    assert (only(scene, unread).why, only(scene, unread).needs_somebody) == ("not-followed", True)
    assert not only(scene, read).needs_somebody
    for _ in range(32):
        await follow(scene, postbox, timedelta(hours=11))
    assert (only(scene, read).why, only(scene, read).needs_somebody) == ("not-ended", True)


async def test_what_notify_knows_again_needs_nobody(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    row = only(scene, person)
    news = told(row.reference, "sending", scene.now)
    hears(scene, news)
    await follow(scene, postbox, timedelta(hours=2))
    assert (only(scene, person).why, only(scene, person).needs_somebody) == ("not-known", True)
    postbox.news[row.message_id] = [news]
    await follow(scene, postbox, timedelta(hours=24))
    assert (only(scene, person).why, only(scene, person).needs_somebody) == ("", False)


async def test_a_message_of_a_plan_that_has_another_name_now_is_followed(scene: Scene) -> None:
    (person,) = await people(scene, "X9S")
    await tell(scene, Postbox())
    row = only(scene, person)
    scene.step(lambda step: step.tx.communications.put([replace(row, plan="urgent")]))
    hour, at = timedelta(hours=1), scene.now
    scene.step(lambda step: answered(step.tx, row.reference, [], CATALOGUE, at + 40 * hour) and None)
    assert only(scene, person).why == "not-followed"
    scene.step(lambda step: not_answered(step.tx, row.reference, hour, CATALOGUE, at + 41 * hour) and None)
    assert only(scene, person).needs_somebody


async def test_a_channel_that_nobody_knew_of_is_kept(scene: Scene) -> None:
    (person,) = await people(scene, "X9S")
    await tell(scene, Postbox())
    hears(scene, channel(only(scene, person).reference, "carrier-pigeon-express", "sending", scene.now))
    assert only(scene, person).channel == "carrier-pigeon-e"


async def test_a_failure_that_is_called_back_is_counted_once(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[tuple[str, str]] = []
    monkeypatch.setattr(telemetry, "communication_failed", lambda *words: counted.append(words))
    (person,) = await people(scene, "X9S")
    await tell(scene, Postbox())
    news = [told(only(scene, person).reference, "failed", scene.now, after, "MFR_1") for after in (0, 60)]
    taken = Callbacks(scene.store, lambda: scene.now, CATALOGUE.following, bool, lambda _raw, _: True, lambda _: ())
    for each in (*news, news[0]):
        await taken.take([each])
    assert counted == [("PX9S", "MFR_1")]
