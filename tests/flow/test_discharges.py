"""A clinic's list of discharges: on records, repeated, before a clerk with its clock; and the clerk's decisions."""

from __future__ import annotations

import csv
import io
import re
import uuid
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any

import pytest

from hub import telemetry
from hub.contract import seal
from hub.domain.events import DischargeApplied, DischargeParked, DischargeRefused
from hub.domain.people import Participant
from hub.flow import discharge_clerks, discharges
from hub.flow.actions import Signed, cease, defer, reinstate, take_back
from hub.flow.clerks import Refused
from hub.flow.ports.journal import Via
from hub.flow.ports.results import DischargeRow, TaskRow
from hub.flow.step import Step
from hub.flow.watch import Watch
from hub.mapping.actions import load_actions
from hub.telemetry.outcomes import CLOCKS
from hub.verbs import discharges as verb
from tests.flow.scene import POLICIES, ROOT, Scene, withdrawn
from tests.flow.test_recall_run import run, whole_run

DOOR = Via("mesh", "X26FELLGATE", "colposcopy_discharge", feed="fellgate", file="fellgate-discharges-202603.csv")
ACTIONS = load_actions(ROOT / "mappings" / "actions.toml")
CLERK = Signed("clerk", "The clinic confirms.", "CAS-12345-ABCDE")
COLUMNS = (
    "NHS No", "Hospital No", "Surname", "Forenames", "DOB", "Address 1", "Address 2", "Postcode", "Last seen",
    "Date of discharge", "Next test due",
)  # fmt: skip
DISCHARGED_ON = date(2026, 2, 27)
IN_A_YEAR = date(2027, 2, 27)


def uk(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


def row(person: Participant, due_on: date = IN_A_YEAR, on: date = DISCHARGED_ON, **changes: str) -> dict[str, str]:
    """What the clinic writes of somebody."""
    lines = [*person.address_lines, "", ""]
    said = (
        person.nhs_number, "FG1", person.family_name, " ".join(person.given_names), uk(person.date_of_birth),
        lines[0], lines[1], person.postcode or "", "", uk(on), uk(due_on),
    )  # fmt: skip
    return dict(zip(COLUMNS, said, strict=True)) | changes


def listed(*rows: dict[str, str]) -> bytes:
    """A file of them."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


async def send(scene: Scene, *rows: dict[str, str], answer: str = "AA") -> list[DischargeRow]:
    """Send a list, and wait until the hub has made up its mind; what became of its rows."""
    answered = await scene.intake.take(listed(*rows), DOOR)
    assert answered.code == answer, answered.body
    await scene.settle()
    (entry,) = scene.read(lambda tx: tx.journal.newest(1))
    return scene.read(lambda tx: tx.discharges.of_message(entry.seq))


def due(scene: Scene, person: Participant) -> tuple[str, date | None]:
    summary = scene.read(lambda tx: tx.records.summary(person.participant_id))
    assert summary is not None
    return summary.recall_type, summary.next_test_due_on


def task_of(scene: Scene, row: DischargeRow) -> TaskRow:
    """The one task of this discharge that is not closed."""
    tasks = scene.read(lambda tx: tx.tasks.of_discharge(row.discharge_id))
    (task,) = [task for task in tasks if task.state != "closed"]
    return task


def again(scene: Scene, row: DischargeRow) -> DischargeRow:
    found = scene.read(lambda tx: tx.discharges.get(row.discharge_id))
    assert found is not None
    return found


def decide(scene: Scene, act: Callable[..., None], row: DischargeRow, signed: Signed = CLERK, *more: Any) -> None:
    scene.step(lambda step: act(step, row.discharge_id, signed, *more))


def ceased(scene: Scene, person: Participant, reason: str) -> None:
    scene.step(lambda step: cease(step, person.participant_id, reason, CLERK, ACTIONS) and None)


async def referred(scene: Scene, **changes: Any) -> Participant:
    """Somebody whom her last test sent to colposcopy."""
    person = scene.person(**changes)
    await scene.report(person, scene.result("39S", date(2025, 11, 3)))
    assert due(scene, person) == ("Suspended", None)
    return person


async def test_each_row_goes_on_the_record_of_its_person(scene: Scene) -> None:
    first, second = await referred(scene), await referred(scene)
    one, other = await send(scene, row(first), row(second, date(2029, 2, 27)))
    assert (one.state, other.state) == ("applied", "applied")
    assert due(scene, first) == ("Repeat advised", IN_A_YEAR)
    assert due(scene, second) == ("Routine", date(2029, 2, 27))
    (action,) = scene.read(lambda tx: tx.actions.of(first.participant_id))
    assert (action.action, action.reason, action.due_on, action.by) == ("discharge", "colposcopy", IN_A_YEAR, "hub")
    assert [type(event) for event in scene.events(one.discharge_id)][1:] == [DischargeApplied]
    assert scene.read(lambda tx: tx.counts.without_outcome()) == 0


async def test_a_date_too_early_is_moved_and_the_clinics_own_is_kept(scene: Scene) -> None:
    person = await referred(scene)
    (applied,) = await send(scene, row(person, date(2026, 4, 1)))
    earliest = scene.now.date() + timedelta(days=71)
    assert due(scene, person) == ("Repeat advised", earliest)
    assert applied.due_on == earliest
    (action,) = scene.read(lambda tx: tx.actions.of(person.participant_id))
    assert action.why.endswith("The clinic's own date was 1 April 2026.")
    assert scene.record_of(person)["because"][-1].endswith("The clinic's own date was 1 April 2026.")
    assert POLICIES.call.earliest_due_days == 71


async def test_the_day_after_the_clinics_date_becomes_possible_it_counts(scene: Scene) -> None:
    person = await referred(scene)
    exactly = scene.now.date() + timedelta(days=71)
    await send(scene, row(person, exactly))
    assert due(scene, person) == ("Repeat advised", exactly)


async def test_a_list_that_repeats_last_months_rows_changes_nothing(scene: Scene) -> None:
    known, unknown, new = await referred(scene), scene.stranger(), await referred(scene)
    await send(scene, row(known), row(unknown))
    before = scene.record_of(known)
    scene.now += timedelta(days=28)
    third = row(known, Surname=known.family_name.lower(), **{"Hospital No": "FG7"})
    rows = await send(scene, row(known, Postcode="ZZ9 9ZZ"), row(unknown), row(new), third)
    assert [one.state for one in rows] == ["repeated", "repeated", "applied", "repeated"]
    assert scene.record_of(known) == before
    assert len(scene.read(lambda tx: tx.actions.of(known.participant_id))) == 1
    assert len(scene.read(lambda tx: tx.tasks.about_discharges(10))) == 1
    assert scene.read(lambda tx: tx.discharges.counts("fellgate")) == {"applied": 2, "repeated": 3, "waiting": 1}


async def test_named_otherwise_it_is_the_same_discharge_still(scene: Scene) -> None:
    """By what stands on her record, not only by what the rows say."""
    person = await referred(scene)
    await send(scene, row(person))
    accented = person.family_name[:1] + "\N{COMBINING ACUTE ACCENT}" + person.family_name[1:]
    (repeated,) = await send(scene, row(person, Surname=accented))
    assert repeated.state == "repeated"
    assert len(scene.read(lambda tx: tx.actions.of(person.participant_id))) == 1


async def test_another_date_for_the_same_discharge_counts_from_then_on(scene: Scene) -> None:
    person = await referred(scene)
    await send(scene, row(person))
    scene.now += timedelta(days=1)
    (row_,) = await send(scene, row(person, date(2027, 8, 27)))
    assert row_.state == "applied"
    assert due(scene, person) == ("Repeat advised", date(2027, 8, 27))


async def test_whose_it_is_a_clerk_decides(scene: Scene) -> None:
    person = await referred(scene)
    (waiting,) = await send(scene, row(person, Surname=person.family_name + "son"))
    task = task_of(scene, waiting)
    assert (waiting.state, task.reason, task.due_on) == ("waiting", "unsure", scene.now.date() + timedelta(days=5))
    assert task.candidates[0]["participant_id"] == person.participant_id
    assert isinstance(scene.events(waiting.discharge_id)[1], DischargeParked)
    with pytest.raises(Refused, match="Say who it is"):
        decide(scene, discharge_clerks.apply, waiting)
    decide(scene, discharge_clerks.apply, waiting, CLERK, person.participant_id)
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)
    assert again(scene, waiting).state == "applied"
    (action,) = scene.read(lambda tx: tx.actions.of(person.participant_id))
    assert (action.by, action.case_number) == ("clerk", CLERK.case_number)


async def test_somebody_who_joins_the_cohort_settles_it(scene: Scene) -> None:
    stranger = scene.stranger()
    stranger = replace(stranger, date_of_birth=date(1990, 5, 1))
    (waiting,) = await send(scene, row(stranger))
    assert task_of(scene, waiting).reason == "unknown"
    scene.import_people(stranger)
    assert again(scene, waiting).state == "applied"
    assert due(scene, stranger) == ("Repeat advised", IN_A_YEAR)


@pytest.mark.parametrize(
    ("due_on", "on", "reason", "hint"),
    [
        (date(2031, 2, 28), DISCHARGED_ON, "discharge-date", "The latest is 27 February 2031."),
        (date(2031, 2, 27), DISCHARGED_ON, "", ""),
        (DISCHARGED_ON, DISCHARGED_ON, "discharge-date", "no later than the day of discharge"),
        (date(2017, 2, 27), DISCHARGED_ON, "discharge-date", "no later than the day of discharge"),
        (IN_A_YEAR, date(2025, 10, 1), "discharge-overtaken", "The test was taken on 3 November 2025."),
    ],
)
async def test_what_speaks_against_a_discharge(scene: Scene, due_on: date, on: date, reason: str, hint: str) -> None:
    person = await referred(scene)
    (said,) = await send(scene, row(person, due_on, on))
    if not reason:
        assert said.state == "applied"
        return
    task = task_of(scene, said)
    assert (said.state, task.reason, task.participant_id) == ("waiting", reason, person.participant_id)
    assert hint in task.hint
    assert due(scene, person) == ("Suspended", None)


@pytest.mark.parametrize(
    ("reason", "parks"), [("death", "discharge-deceased"), ("informed-choice", "discharge-ceased")]
)
async def test_whoever_is_ceased_is_a_clerks_question(scene: Scene, reason: str, parks: str) -> None:
    person = await referred(scene)
    ceased(scene, person, reason)
    (waiting,) = await send(scene, row(person))
    assert task_of(scene, waiting).reason == parks
    with pytest.raises(Refused, match="hub person reinstate"):
        decide(scene, discharge_clerks.apply, waiting)
    scene.step(lambda step: reinstate(step, person.participant_id, IN_A_YEAR, CLERK) and None)
    decide(scene, discharge_clerks.apply, waiting)
    assert again(scene, waiting).state == "applied"
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)


async def test_a_discharge_that_would_have_no_effect_is_never_applied(scene: Scene) -> None:
    """She was reinstated with another date, or put off, since the day on which the clinic discharged her."""
    ceased_before, put_off = await referred(scene), scene.person(next_test_due_on=date(2026, 9, 1))
    ceased(scene, ceased_before, "informed-choice")
    scene.step(lambda step: reinstate(step, ceased_before.participant_id, date(2026, 9, 1), CLERK) and None)
    later = date(2026, 12, 1)
    scene.step(lambda step: defer(step, put_off.participant_id, "pregnancy", later, CLERK, ACTIONS) and None)
    for person, stands in ((ceased_before, "1 September 2026"), (put_off, "1 December 2026")):
        (waiting,) = await send(scene, row(person))
        task = task_of(scene, waiting)
        assert task.reason == "discharge-overtaken" and task.hint.endswith(f"sets her date: {stands}.")
        with pytest.raises(Refused, match="hub person undo"):
            decide(scene, discharge_clerks.apply, waiting)


async def test_the_too_young_are_not_eligible(scene: Scene) -> None:
    person = scene.person(date_of_birth=date(2002, 5, 1))
    (waiting,) = await send(scene, row(person))
    assert task_of(scene, waiting).reason == "discharge-not-eligible"
    decide(scene, discharge_clerks.apply, waiting)  # a clerk may know better
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)


async def test_a_date_far_from_that_of_the_last_result(scene: Scene) -> None:
    person = scene.person()
    result = scene.result("X0A", date(2026, 2, 2))
    result_id = await scene.report(person, result)
    kind, on = due(scene, person)
    assert (kind, on) == ("Routine", date(2031, 2, 2))
    (waiting,) = await send(scene, row(person, date(2026, 8, 27)))
    task = task_of(scene, waiting)
    assert (task.reason, task.hint) == (
        "discharge-disagrees",
        "By the test of 2 February 2026 the next is due on 2 February 2031.",
    )
    assert scene.letters_of(person) == {"PX0A": "waiting"}  # her letters wait with it
    decide(scene, discharge_clerks.reject, waiting)
    assert scene.letters_of(person) == {"PX0A": "wished"}
    assert due(scene, person) == ("Routine", on)
    assert DischargeRefused in [type(event) for event in scene.events(waiting.discharge_id)]
    assert scene.row(result_id).state == "recorded"


async def test_a_result_that_is_withdrawn_settles_what_it_spoke_against(scene: Scene) -> None:
    person = scene.person()
    result = scene.result("X0A", date(2025, 11, 3))
    await scene.report(person, result)
    (waiting,) = await send(scene, row(person, date(2026, 8, 27)))
    await scene.report(person, withdrawn(result))
    assert again(scene, waiting).state == "applied"
    assert due(scene, person) == ("Repeat advised", date(2026, 8, 27))


async def test_a_newer_result_outweighs_a_discharge_on_the_record(scene: Scene) -> None:
    person = await referred(scene)
    await send(scene, row(person))
    scene.now += timedelta(days=60)
    await scene.report(person, scene.result("X0A", date(2026, 4, 20)))
    assert due(scene, person)[1] == date(2029, 4, 20)


async def test_the_referral_that_comes_after_the_discharge_changes_nothing(scene: Scene) -> None:
    person = scene.person()
    await send(scene, row(person))
    await scene.report(person, scene.result("39S", date(2025, 11, 3)))
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)


@pytest.mark.parametrize(
    ("signed", "day", "says"),
    [
        (Signed("clerk", "why"), None, "CAS-12345"),
        (Signed("", "why", CLERK.case_number), None, "who takes it"),
        (CLERK, date(2026, 5, 11), "earliest is 12 May 2026"),
        (CLERK, date(2031, 2, 28), "latest is 27 February 2031"),
        (CLERK, None, "latest is 27 February 2031"),
    ],
)
async def test_what_a_clerk_may_not_enter(scene: Scene, signed: Signed, day: date | None, says: str) -> None:
    person = await referred(scene)
    (waiting,) = await send(scene, row(person, date(2031, 3, 1)))
    with pytest.raises(Refused, match=says):
        decide(scene, discharge_clerks.apply, waiting, signed, "", day)
    assert due(scene, person) == ("Suspended", None)
    decide(scene, discharge_clerks.apply, waiting, CLERK, "", date(2031, 2, 27))
    assert due(scene, person) == ("Routine", date(2031, 2, 27))


async def test_each_decision_is_taken_back(scene: Scene) -> None:
    person = await referred(scene)
    (waiting,) = await send(scene, row(person, date(2031, 3, 1)))
    task = task_of(scene, waiting)
    decide(scene, discharge_clerks.apply, waiting, CLERK, "", date(2027, 1, 1))
    with pytest.raises(Refused, match="It waits for nobody: it is applied"):
        decide(scene, discharge_clerks.reject, waiting)
    decide(scene, discharge_clerks.undo, waiting)
    assert (again(scene, waiting).state, task_of(scene, waiting).task_id) == ("waiting", task.task_id)
    assert due(scene, person) == ("Suspended", None)
    (action,) = scene.read(lambda tx: tx.actions.of(person.participant_id))
    assert action.taken_back_by == "clerk"
    with pytest.raises(Refused, match="Nothing was decided"):
        decide(scene, discharge_clerks.undo, waiting)
    decide(scene, discharge_clerks.reject, waiting)
    decide(scene, discharge_clerks.undo, waiting)
    decide(scene, discharge_clerks.apply, waiting, CLERK, "", date(2027, 2, 1))
    assert due(scene, person) == ("Repeat advised", date(2027, 2, 1))


async def test_what_the_hub_did_by_itself_is_taken_back_and_not_done_again(scene: Scene) -> None:
    person = await referred(scene)
    (applied,) = await send(scene, row(person))
    assert applied.action_id
    with pytest.raises(Refused, match="hub discharges undo"):
        scene.step(lambda step: take_back(step, applied.action_id or "", CLERK))
    decide(scene, discharge_clerks.undo, applied)
    task = task_of(scene, applied)
    assert (task.reason, again(scene, applied).participant_id) == ("unsure", None)
    assert due(scene, person) == ("Suspended", None)
    scene.import_people(replace(person, postcode="ZZ1 1ZZ"))  # new evidence of her, which would settle it
    assert again(scene, applied).state == "waiting"
    (repeated,) = await send(scene, row(person, **{"Last seen": "20/02/2026"}))
    assert repeated.state == "repeated"
    assert due(scene, person) == ("Suspended", None)


async def test_the_confirmation_names_the_rows_that_were_refused(scene: Scene) -> None:
    person = await referred(scene)
    rows = (row(person), row(person, **{"Next test due": "cease"}))
    (applied,) = await send(scene, *rows, answer="AE")
    assert applied.state == "applied"
    (sent,) = scene.read(lambda tx: tx.outgoing.in_state("wished", 10))
    assert (sent.kind, sent.mailbox, sent.workflow) == ("confirmation", "X26FELLGATE", "CSP_DISCHARGE_CONFIRMATION")
    lines = sent.body.decode().splitlines()
    assert "taken|1" in lines
    assert any(line.startswith('refusal|row 3, column "Next test due"|invalid-date|') for line in lines)
    assert person.family_name not in sent.body.decode()
    (file,) = scene.read(lambda tx: tx.files.page("fellgate", 10))
    assert (file.sequence, file.state) == (202603, "read")


async def test_a_fault_of_ours_waits_as_a_task(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await referred(scene)

    def broken(*_: object) -> None:
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr(discharges, "date_that_counts", broken)
    (waiting,) = await send(scene, row(person))
    assert (waiting.state, task_of(scene, waiting).reason) == ("waiting", "our-fault")
    assert due(scene, person) == ("Suspended", None)
    monkeypatch.undo()
    (letter,) = scene.read(lambda tx: tx.dead.page(10))
    scene.store.write_now(lambda tx: tx.events.revive(letter.event_id, letter.consumer))
    await scene.settle()
    assert again(scene, waiting).state == "applied"
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)


async def test_handled_twice_it_is_one_discharge(scene: Scene) -> None:
    person = await referred(scene)
    (applied,) = await send(scene, row(person))
    ((envelope, _, _), *_) = scene.read(lambda tx: tx.events.about([applied.discharge_id]))

    def once_more(tx: Any) -> None:
        step = Step(tx, POLICIES, datetime(2026, 3, 9, tzinfo=UTC), str(uuid.uuid4()))
        assert discharges.on_discharge(step, envelope) == []

    scene.store.write_now(once_more)
    assert len(scene.read(lambda tx: tx.actions.of(person.participant_id))) == 1


async def read_again(scene: Scene, row_: DischargeRow, due_on: date) -> None:
    """Put into the outbox what the same place of the file says under another table, as a replay does."""
    event = discharges.reported(row_)
    changed = replace(event, discharge=replace(event.discharge, next_test_due_on=due_on))
    place = {"feed": row_.feed, "digest": row_.digest, "position": row_.position}
    envelope = seal(changed, subject=row_.discharge_id, at=scene.now, **place)
    scene.store.write_now(lambda tx: tx.events.put(envelope, consumed=True))
    await scene.settle()


async def test_read_again_under_another_table_it_is_decided_anew(scene: Scene) -> None:
    person = await referred(scene)
    (applied,) = await send(scene, row(person))
    await read_again(scene, applied, date(2027, 8, 27))
    assert due(scene, person) == ("Repeat advised", date(2027, 8, 27))
    first, second = sorted(scene.read(lambda tx: tx.actions.of(person.participant_id)), key=lambda one: str(one.due_on))
    assert (first.taken_back_by, second.taken_back_at) == ("hub", None)
    await read_again(scene, again(scene, applied), date(2037, 8, 27))
    assert due(scene, person) == ("Suspended", None)
    assert task_of(scene, applied).reason == "discharge-date"
    await read_again(scene, again(scene, applied), date(2027, 9, 27))
    assert (again(scene, applied).state, due(scene, person)) == ("applied", ("Repeat advised", date(2027, 9, 27)))
    assert scene.read(lambda tx: tx.tasks.about_discharges(10)) == []


async def test_read_again_it_undoes_no_clerks_decision(scene: Scene) -> None:
    person = await referred(scene)
    (waiting,) = await send(scene, row(person, date(2031, 3, 1)))
    decide(scene, discharge_clerks.reject, waiting)
    await read_again(scene, waiting, IN_A_YEAR)
    assert (again(scene, waiting).state, due(scene, person)) == ("refused", ("Suspended", None))


async def test_whose_letters_wait_and_who_is_not_invited(scene: Scene) -> None:
    """While a clerk has to decide about her discharge."""
    person = scene.person(next_test_due_on=date(2026, 5, 4))
    await send(scene, row(person, date(2031, 3, 1)))
    assert whole_run(scene, scene.now.date()).cohort == {"paused": 1}


async def test_a_discharge_answers_the_practices_list(scene: Scene) -> None:
    person = scene.person(next_test_due_on=date(2026, 5, 4), practice_code="Y00001")
    assert run(scene, scene.now.date()) == {"notified": 1}
    await send(scene, row(person))
    assert scene.read(lambda tx: tx.notifications.open_of(person.participant_id)) == []
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)


async def test_the_clocks_of_what_waits_are_told_by_whoever_watches(scene: Scene) -> None:
    first, second = await referred(scene), await referred(scene)
    for person in (first, second):
        await send(scene, row(person, Surname=person.family_name + "son"))
        scene.now += timedelta(days=1)
    found = {}
    for days in (3, 1, 1):
        scene.now += timedelta(days=days)
        await Watch(scene.store, scene.conveyor, lambda: scene.now).look()
        found[scene.now.date()] = [
            telemetry.REGISTRY.get_sample_value("hub_discharges_waiting", {"clock": clock}) for clock in CLOCKS
        ]
    assert list(found.values()) == [[0, 1, 1], [1, 1, 0], [2, 0, 0]]


async def test_the_worklist_counts_the_clock_by_englands_day(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What came half an hour after midnight in England's summer came that day; five days later its clock ends."""

    class Wall(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return scene.now.astimezone(tz)

    monkeypatch.setattr(verb, "datetime", Wall)
    scene.now = datetime(2026, 7, 5, 23, 30, tzinfo=UTC)
    person = await referred(scene)
    await send(scene, row(person, Surname=person.family_name + "son"))
    for days, clock in ((0, "5 days left"), (5, "ends today"), (1, "1 day late")):
        scene.now += timedelta(days=days)
        verb._list(scene.store, Namespace(state="waiting", feed=None, limit=9, json=False))
        assert re.search(rf"{clock} +fellgate +2026-07-06 ", capsys.readouterr().out)
