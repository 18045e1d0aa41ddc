"""Letters are handed over once, whoever dies meanwhile; who may not be written to is not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from hub import telemetry
from hub.app.readiness import without
from hub.domain.catalogue import Catalogue, CatalogueLetter
from hub.domain.communications import Batch, News
from hub.domain.events import ResultReported
from hub.domain.letter_account import account
from hub.domain.people import Participant
from hub.flow.clerks import people_changed
from hub.flow.following import Follower
from hub.flow.handed import hear
from hub.flow.leaving import LEASE, claim
from hub.flow.ports.communications import BatchRow, CommunicationRow
from hub.flow.ports.records import Span
from hub.flow.telling import FILL, Dispatcher
from hub.flow.timeline import timeline
from hub.flow.watch import Watch
from hub.flow.whereabouts import whereabouts
from hub.mapping.actions import load_actions
from hub.mapping.letters import load_letters
from tests.flow.postbox import Postbox, channel, id_of, loses, refuses, told
from tests.flow.scene import Scene, corrected

MAPPINGS = Path(__file__).resolve().parents[2] / "mappings"
CATALOGUE = load_letters(MAPPINGS / "letters.toml", load_actions(MAPPINGS / "actions.toml"))
LATER = LEASE + timedelta(seconds=1)
GONE = {"removal": "DEA"}


class Killed(BaseException):
    """The process dies here."""


def dispatcher(scene: Scene, postbox: Postbox, most: int = 500) -> Dispatcher:
    return Dispatcher(scene.store, postbox, CATALOGUE, scene.context, most=most)


async def tell(scene: Scene, postbox: Postbox, after: timedelta = FILL) -> None:
    """Hand over all there is, some time later."""
    scene.now += after
    while await dispatcher(scene, postbox).tell_some():
        pass


async def follow(scene: Scene, postbox: Postbox, after: timedelta) -> None:
    scene.now += after
    while await Follower(scene.store, postbox, CATALOGUE, lambda: scene.now).follow_some():
        pass


def hears(scene: Scene, *news: News) -> int:
    return scene.store.write_now(lambda tx: hear(tx, news, CATALOGUE.following, scene.now))[0]


def rows(scene: Scene, person: Participant) -> list[CommunicationRow]:
    letters = [letter.letter_id for letter in scene.every_letter_of(person)]
    return scene.read(lambda tx: tx.communications.of_letters(letters))


def only(scene: Scene, person: Participant) -> CommunicationRow:
    (row,) = rows(scene, person)
    return row


def states(scene: Scene, person: Participant) -> dict[str, str]:
    return {letter.code: letter.state for letter in scene.every_letter_of(person)}


def waiting(scene: Scene) -> list[BatchRow]:
    return scene.read(lambda tx: tx.communications.waiting_batches())


def changed(scene: Scene, person: Participant, **changes: Any) -> None:
    known = scene.read(lambda tx: tx.cohort.get(person.participant_id))
    assert known is not None
    scene.step(lambda step: people_changed(step, [replace(known, **changes)]))


async def people(scene: Scene, *codes: str) -> list[Participant]:
    """Each with a result and a letter wished."""
    found = [scene.person() for _ in codes]
    for person, code in zip(found, codes, strict=True):
        await scene.report(person, scene.result(code))
    return found


def silent(scene: Scene) -> list[str]:
    return [each.what for each in scene.read(lambda tx: tx.communications.silent(scene.now, 10))]


# -- sending


async def test_what_is_wished_is_sent_and_then_delivered(scene: Scene) -> None:
    postbox = Postbox()
    first, second = await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    (batch,) = postbox.batches
    assert (batch.single, batch.routing_plan, len(batch.messages)) == (False, "result", 2)
    assert states(scene, first) == {"PX0A": "sent"}
    row = only(scene, first)
    assert (row.state, row.message_id, row.reference) == ("sent", id_of(row.reference), row.letter_id)
    hears(scene, told(row.reference, "delivered", scene.now))
    assert (states(scene, first), states(scene, second)) == ({"PX0A": "delivered"}, {"PX0A": "sent"})
    assert waiting(scene) == []
    await tell(scene, postbox)
    assert len(postbox.batches) == 1


async def test_dates_are_written_as_people_read_them(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = await people(scene, "X0A")
    await tell(scene, postbox)
    (message,) = postbox.messages.values()
    due = (scene.record_of(person))["next_test_due_on"]
    assert message.personalisation["test_date"] == "20 February 2026"
    assert message.personalisation["next_test_date"].endswith(due[:4])
    assert message.nhs_number == person.nhs_number
    assert person.nhs_number not in repr(message)


async def test_a_referral_goes_at_once_and_others_wait_for_company(scene: Scene) -> None:
    postbox = Postbox()
    await people(scene, "X0A", "X9S")
    await tell(scene, postbox, timedelta())
    assert [(batch.routing_plan, batch.single) for batch in postbox.batches] == [("referral", True)]
    await tell(scene, postbox, FILL)
    assert [batch.routing_plan for batch in postbox.batches] == ["referral", "result"]


async def test_a_full_batch_waits_for_nothing(scene: Scene) -> None:
    postbox = Postbox()
    await people(scene, "X0A", "X0A", "X0A")
    assert await dispatcher(scene, postbox, most=2).tell_some() == 2
    assert [len(batch.messages) for batch in postbox.batches] == [2]
    assert await dispatcher(scene, postbox, most=2).tell_some() == 0, "the third waits for others"


async def test_several_tellers_hand_over_each_once(scene: Scene) -> None:
    postbox = Postbox()
    await people(scene, *["X0A"] * 6)
    scene.now += FILL
    for _ in range(4):
        await asyncio.gather(*(dispatcher(scene, postbox, most=2).tell_some() for _ in range(3)))
    assert sorted(postbox.accepted.values()) == [1] * 6


@pytest.mark.parametrize("codes", [["X9S"], ["X9S", "39S"]], ids=["single", "batch"])
@pytest.mark.parametrize("arrived", [True, False])
async def test_whoever_dies_in_between_is_made_up_for_in_the_same_form(
    scene: Scene, codes: list[str], arrived: bool
) -> None:
    postbox = Postbox()
    everybody = await people(scene, *codes)

    def dies(_: Batch) -> None:
        raise Killed

    setattr(postbox, "after" if arrived else "before", dies)
    with pytest.raises(Killed):
        await tell(scene, postbox)
    postbox.before = postbox.after = lambda batch: None
    await tell(scene, postbox, timedelta())
    assert len(postbox.batches) == 1, "whoever claimed it may still be at it"
    await tell(scene, postbox, LATER)
    first, second = postbox.batches
    assert (first.reference, first.single, len(first.messages)) == (second.reference, second.single, len(codes))
    assert set(postbox.accepted.values()) == {1}
    for person in everybody:
        assert only(scene, person).state == "sent"
        assert bool(only(scene, person).message_id) == (not arrived), "ids of what was known come by callback"


async def test_what_is_not_answered_is_asked_again_with_the_same_references(scene: Scene) -> None:
    postbox = Postbox(after=loses(3))
    await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    assert [batch.why for batch in waiting(scene)] == ["lost"]
    for _ in range(4):
        await tell(scene, postbox, timedelta(minutes=6))
    assert len({batch.reference for batch in postbox.batches}) == 1
    assert set(postbox.accepted.values()) == {1}
    assert waiting(scene) == []


# -- quiet rules


@pytest.mark.parametrize(("changes", "state"), [(GONE, "cancelled"), ({"removal": "SCT"}, "cancelled")])
async def test_who_is_gone_is_not_written_to(scene: Scene, changes: dict[str, Any], state: str) -> None:
    postbox = Postbox()
    (person,) = await people(scene, "X0A")
    # Nothing but her row: as if the letter had not followed.
    known = scene.read(lambda tx: tx.cohort.get(person.participant_id))
    assert known is not None
    scene.step(lambda step: step.tx.cohort.put([replace(known, **changes)], scene.now))
    await tell(scene, postbox)
    assert (postbox.batches, states(scene, person)) == ([], {"PX0A": state})


async def test_a_task_about_her_holds_what_is_wished_and_lets_be_what_was_sent(scene: Scene) -> None:
    postbox = Postbox()
    person = scene.person()
    await scene.report(person, scene.result("XUR", date(2025, 12, 20)))
    await tell(scene, postbox)
    second = await scene.report(person, scene.result("XUR"))
    assert sorted(letter.state for letter in scene.every_letter_of(person)) == ["sent"]
    scene.match(second, person)
    await tell(scene, postbox)
    assert sorted(letter.state for letter in scene.every_letter_of(person)) == ["sent", "sent"]
    assert len(postbox.accepted) == 2


async def test_a_correction_after_the_letter_left_is_another_letter(scene: Scene) -> None:
    postbox = Postbox()
    person, result = scene.person(), scene.result("X0A")
    await scene.report(person, result)
    await tell(scene, postbox)
    await scene.report(person, corrected(result, "39S"))
    assert states(scene, person) == {"PX0A": "sent", "P39S": "wished"}
    await tell(scene, postbox)
    assert states(scene, person) == {"PX0A": "sent", "P39S": "sent"}


async def test_who_dies_meanwhile_is_left_out_of_the_repeat(scene: Scene) -> None:
    """The first try never arrived: then she was not written to."""
    postbox = Postbox(before=loses())
    dead, alive = await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    changed(scene, dead, **GONE)
    assert states(scene, dead) == {"PX0A": "sent"}, "nobody knows yet"
    await tell(scene, postbox, timedelta(minutes=6))
    first, second = postbox.batches
    assert (first.reference, len(first.messages)) == (second.reference, 2)
    assert [message.reference for message in second.messages] == [only(scene, alive).reference]
    assert (only(scene, dead).state, states(scene, dead)) == ("withdrawn", {"PX0A": "cancelled"})
    assert only(scene, alive).state == "sent"


async def test_if_the_first_try_had_arrived_her_message_is_followed(scene: Scene) -> None:
    postbox = Postbox(after=loses())
    dead, alive = await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    changed(scene, dead, **GONE)
    await tell(scene, postbox, timedelta(minutes=6))
    assert (only(scene, dead).state, only(scene, alive).state) == ("sent", "sent")
    hears(scene, told(only(scene, dead).reference, "failed", scene.now, reason="MFR_PDSV_0006"))
    assert only(scene, dead).needs_somebody


async def test_nobody_left_to_write_to_and_nothing_had_been_taken(scene: Scene) -> None:
    postbox = Postbox(before=refuses(ours=True, code="CM_FORBIDDEN"))
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    changed(scene, person, **GONE)
    postbox.before = lambda batch: None
    await tell(scene, postbox, timedelta(hours=1))
    assert (only(scene, person).state, states(scene, person)) == ("withdrawn", {"PX9S": "cancelled"})
    assert (postbox.accepted, waiting(scene)) == ({}, [])


async def test_an_invitation_of_somebody_ceased_meanwhile_is_cancelled(scene: Scene) -> None:
    from tests.flow.test_recall_run import DUE, run  # a round of call and recall is told there

    postbox = Postbox()
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    assert states(scene, person) == {"PA1": "wished"}
    await scene.report(person, scene.result("X0A", date(2026, 7, 10)))
    await tell(scene, postbox)
    assert states(scene, person) == {"PA1": "cancelled", "PX0A": "sent"}


async def test_an_invitation_is_filled_and_sent(scene: Scene) -> None:
    from tests.flow.test_recall_run import DUE, run

    postbox = Postbox()
    person = scene.person(next_test_due_on=DUE, practice_code="Y00001")
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    await tell(scene, postbox)
    (message,) = postbox.messages.values()
    assert message.personalisation == {"due_date": "1 September 2026", "practice": "Y00001"}
    run(scene, date(2026, 11, 24))
    assert states(scene, person) == {"PA1": "sent", "PA2": "wished"}


# -- refused


async def test_one_message_at_fault_fails_and_the_rest_go_in_another_batch(scene: Scene) -> None:
    postbox = Postbox()
    bad, good, well = await people(scene, "X0A", "X0A", "X0A")
    (letter,) = scene.every_letter_of(bad)
    postbox.before = refuses(letter.letter_id)
    await tell(scene, postbox)
    first, second = postbox.batches
    assert first.reference != second.reference
    assert len(second.messages) == 2
    assert (only(scene, bad).state, only(scene, bad).why) == ("failed", "CM_INVALID_NHS_NUMBER")
    assert only(scene, bad).needs_somebody
    assert states(scene, bad) == {"PX0A": "failed"}
    assert {only(scene, each).state for each in (good, well)} == {"sent"}
    assert scene.open_tasks() == [], "it is no task about her record: her other letters go on"


async def test_a_fault_of_ours_holds_the_whole_plan_and_no_other(scene: Scene) -> None:
    postbox = Postbox(before=refuses(ours=True, code="CM_NO_SUCH_ROUTING_PLAN"))
    await people(scene, "X0A")
    await tell(scene, postbox)
    (batch,) = waiting(scene)
    assert (batch.plan, batch.why) == ("result", "CM_NO_SUCH_ROUTING_PLAN")
    assert await without(scene.store)() == {"letters by plan result": "CM_NO_SUCH_ROUTING_PLAN"}
    await Watch(scene.store, scene.conveyor, lambda: scene.now).look()
    assert b"hub_notify_plans_held 1.0" in telemetry.render_metrics()
    postbox.before = lambda batch: None
    await people(scene, "X0A", "X9S")
    await tell(scene, postbox, timedelta(seconds=1))
    assert [each.routing_plan for each in postbox.batches] == ["result", "referral"]
    await tell(scene, postbox, timedelta(hours=1))
    assert set(postbox.accepted.values()) == {1}
    assert len(postbox.accepted) == 3
    assert waiting(scene) == []
    assert await without(scene.store)() == {}


async def test_each_try_at_our_fault_comes_later(scene: Scene) -> None:
    postbox = Postbox(before=refuses(ours=True))
    await people(scene, "X0A")
    rests = []
    await tell(scene, postbox)
    for _ in range(9):
        (batch,) = waiting(scene)
        rests.append((batch.look_at - scene.now).total_seconds())
        await tell(scene, postbox, batch.look_at - scene.now)
    assert rests == [30, 60, 120, 240, 480, 960, 1920, 3600, 3600]


# -- followed


async def test_news_before_our_own_note_is_not_lost(scene: Scene) -> None:
    """Notify calls back before the answer to the batch has reached us."""
    postbox = Postbox()
    first, second = await people(scene, "X9S", "39S")

    def calls_back(batch: Batch) -> None:
        hears(scene, told(batch.messages[0].reference, "delivered", scene.now))

    postbox.after = calls_back
    await tell(scene, postbox)
    assert sorted(only(scene, each).state for each in (first, second)) == ["delivered", "sent"]


async def test_news_of_one_message_says_that_its_batch_arrived(scene: Scene) -> None:
    postbox = Postbox(after=loses())
    first, second = await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    hears(scene, told(only(scene, first).reference, "sending", scene.now))
    await tell(scene, postbox, LATER)
    assert len(postbox.batches) == 1, "it need not be handed over again"
    assert {only(scene, each).state for each in (first, second)} == {"sent"}


async def test_without_news_notify_is_asked(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    row = only(scene, person)
    await follow(scene, postbox, timedelta(hours=1, minutes=59))
    assert postbox.asked == []
    postbox.news[row.message_id] = [told(row.reference, "delivered", scene.now)]
    await follow(scene, postbox, timedelta(minutes=1))
    assert (postbox.asked, only(scene, person).state) == ([row.message_id], "delivered")
    await follow(scene, postbox, timedelta(days=30))
    assert len(postbox.asked) == 1


async def test_what_notify_does_not_know_is_somebodys_task(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    await follow(scene, postbox, timedelta(hours=2))
    assert (only(scene, person).why, only(scene, person).needs_somebody) == ("not-known", True)


async def test_a_message_without_an_id_is_waited_for_and_then_a_task_and_news_undoes_that(scene: Scene) -> None:
    postbox = Postbox(after=loses())
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    await tell(scene, postbox, timedelta(minutes=6))
    row = only(scene, person)
    assert (row.state, row.message_id) == ("sent", "")
    await follow(scene, postbox, timedelta(hours=23))
    assert not only(scene, person).needs_somebody
    await follow(scene, postbox, timedelta(hours=1))
    assert (only(scene, person).why, only(scene, person).needs_somebody) == ("no-news", True)
    assert silent(scene) == []
    hears(scene, told(row.reference, "sending", scene.now))
    row = only(scene, person)
    assert (row.why, row.needs_somebody, row.message_id) == ("", False, id_of(row.reference))


async def test_an_unread_message_whose_next_channel_does_not_begin_is_a_task(scene: Scene) -> None:
    postbox = Postbox()
    unread, followed = await people(scene, "X9S", "X9S")
    await tell(scene, postbox)
    for person in (unread, followed):
        row = only(scene, person)
        news: list[News] = [
            channel(row.reference, "nhsapp", "delivered", scene.now, supplier="unnotified"),
            channel(row.reference, "letter", "created", scene.now, order=2),
        ]
        if person is followed:
            news.append(channel(row.reference, "letter", "sending", scene.now, order=2))
        postbox.news[row.message_id] = news
    for _ in range(12):
        await follow(scene, postbox, timedelta(hours=3))
    assert (only(scene, unread).why, only(scene, unread).needs_somebody) == ("not-followed", True)
    assert (only(scene, followed).why, only(scene, followed).channel) == ("", "letter")
    assert silent(scene) == []


async def test_a_message_without_an_end_is_a_task(scene: Scene) -> None:
    postbox = Postbox()
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    row = only(scene, person)
    postbox.news[row.message_id] = [channel(row.reference, "letter", "sending", scene.now, order=2)]
    for _ in range(16):
        await follow(scene, postbox, timedelta(days=1))
    assert (only(scene, person).why, only(scene, person).needs_somebody) == ("not-ended", True)
    assert len(postbox.asked) < 20, "less and less often"


async def test_two_same_failures_late(scene: Scene) -> None:
    """An end stays an end, however late and often other news comes."""
    postbox = Postbox()
    (person,) = await people(scene, "X9S")
    await tell(scene, postbox)
    row = only(scene, person)
    failed = told(row.reference, "failed", scene.now, 60, "CFR_NEW_9999")
    assert hears(scene, failed) == 1
    assert hears(scene, failed, told(row.reference, "sending", scene.now, 30)) == 1
    row = only(scene, person)
    assert (row.state, row.why, row.description, row.needs_somebody) == ("failed", "CFR_NEW_9999", "words", True)
    assert states(scene, person) == {"PX9S": "failed"}


async def test_news_about_nobody_is_kept_and_counted(scene: Scene) -> None:
    hears(scene, told("somebody-elses", "delivered", scene.now))
    assert scene.read(lambda tx: tx.communications.strangers()) == 1


# -- how far it has come


async def test_the_road_of_a_result_ends_with_its_letter_delivered(scene: Scene) -> None:
    postbox = Postbox()
    person = scene.person()
    result_id = await scene.report(person, scene.result("X9S"))
    row, wished_at = scene.row(result_id), scene.now
    await tell(scene, postbox)
    sent_at = scene.now
    hears(scene, told(only(scene, person).reference, "delivered", scene.now, 3600))
    moments = [one for one in scene.read(lambda tx: timeline(tx, row.journal_seq)) if "letter" in one.what]
    assert [(one.what, one.at) for one in moments] == [
        ("letter wished", wished_at),
        ("letter sent", sent_at),
        ("letter delivered", sent_at + timedelta(hours=1)),
    ]
    assert isinstance(row.event, ResultReported)
    slide = row.event.result.slide_number
    (found,) = scene.read(lambda tx: whereabouts(tx, "northmoor", slide_number=slide))
    assert [one.what for one in found.happened][-3:] == ["letter wished", "letter sent", "letter delivered"]
    span = Span()
    account_of = scene.read(lambda tx: account(tx.letter_account.received(span), tx.letter_account.standings(span)))
    assert (account_of.adds_up, account_of.reasons) == (True, {("letter", "delivered"): 1})


async def test_a_task_that_opens_between_two_tries_holds_her_message_and_it_goes_afterwards(scene: Scene) -> None:
    postbox = Postbox(before=loses())
    doubtful, other = await people(scene, "X0A", "X0A")
    await tell(scene, postbox)
    question = await scene.report(doubtful, scene.result("29R", date(2026, 1, 10), repeat_months=7))
    await tell(scene, postbox, timedelta(minutes=6))
    assert [len(batch.messages) for batch in postbox.batches] == [2, 1]
    assert (states(scene, doubtful), only(scene, other).state) == ({"PX0A": "waiting"}, "sent")
    scene.reject(question)
    await tell(scene, postbox)
    withdrawn, sent = rows(scene, doubtful)
    assert (withdrawn.state, sent.state, withdrawn.reference != sent.reference) == ("withdrawn", "sent", True)
    assert set(postbox.accepted.values()) == {1}


async def test_what_cannot_be_written_is_a_task_at_once_and_also_at_the_second_try(scene: Scene) -> None:
    """An invitation that names her practice, and she has none any more."""
    from tests.flow.test_recall_run import DUE, run

    postbox = Postbox(before=loses())
    first, second, third = (scene.person(next_test_due_on=DUE, practice_code="Y00001") for _ in range(3))
    run(scene, date(2026, 6, 23))
    run(scene, date(2026, 7, 21))
    changed(scene, first, practice_code=None)
    await tell(scene, postbox)
    assert (only(scene, first).why, only(scene, first).needs_somebody) == ("nothing-for:practice", True)
    changed(scene, second, practice_code=None)
    await tell(scene, postbox, timedelta(minutes=6))
    assert (only(scene, second).state, only(scene, second).why) == ("failed", "nothing-for:practice")
    assert (states(scene, second), states(scene, third)) == ({"PA1": "failed"}, {"PA1": "sent"})
    assert [len(batch.messages) for batch in postbox.batches] == [2, 1]


async def test_a_letter_on_which_the_hub_fails_is_a_task_and_the_others_go(scene: Scene) -> None:
    """Of another code than the table has, as after an update of the table alone."""
    postbox = Postbox()
    broken, well = await people(scene, "X9S", "39S")
    without = {code: letter for code, letter in CATALOGUE.letters.items() if code != "PX9S"}
    plan = CATALOGUE.plans["referral"]
    scene.step(lambda step: claim(step, Forgetful(without), plan, 10) and None)
    assert (only(scene, broken).why, only(scene, broken).needs_somebody) == ("our-fault", True)
    assert only(scene, well).state == "claimed"
    await tell(scene, postbox, LATER)
    assert only(scene, well).state == "sent"


class Forgetful(Catalogue):
    """It knows by which plan a letter goes, and not the letter."""

    def __init__(self, letters: dict[str, CatalogueLetter]) -> None:
        super().__init__(letters, CATALOGUE.plans, CATALOGUE.placeholders, CATALOGUE.following)

    def codes_of(self, plan: str) -> tuple[str, ...]:
        return CATALOGUE.codes_of(plan)
