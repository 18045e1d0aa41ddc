"""What the hub promises about PDS, kept on both roads: an unknown claim asks PDS before a clerk must, and what is
answered joins nothing by PDS's word alone; whatever is away or dies, nothing is lost, guessed or done twice."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.pds_fhir import PdsFhir
from adapters.simulators.pds import Fault, PdsSimulator
from adapters.simulators.pds_keys import new_keys
from adapters.simulators.pds_people import Registered
from hub.contract import result_identity
from hub.domain.demographics import Hint
from hub.domain.events import ResultParked, TaskClosed
from hub.domain.people import Claim, Participant
from hub.errors import Reason
from hub.flow import hints
from hub.flow.asker import Asker
from hub.flow.asking import NOT_ANSWERED
from hub.flow.ports.questions import Kind, QuestionRow
from hub.flow.ports.results import TaskRow
from hub.io.nhs_api import ApiSettings
from hub.io.pds import PdsDoor
from tests.flow.scene import misspelt
from tests.promises.road import Road

PATIENCE = timedelta(days=1)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    return new_keys(tmp_path_factory.mktemp("keys"))


class Bench:
    """A road with askers beside its workers, and a PDS that they ask."""

    def __init__(self, road: Road, pds: PdsSimulator, key: Path) -> None:
        self.road, self.scene, self.pds = road, road.scene, pds
        self._settings = ApiSettings(
            pds.url, pds.token_url, pds.client, pds.kid, key, per_second=500.0, seconds=0.5, failures=1000
        )
        self.doors: list[PdsDoor] = []
        road.context = replace(road.context, asks_pds=True)

    def asker(self, *, configured: bool = True) -> Asker:
        store = self.road.store()
        door = PdsDoor(self._settings, PdsFhir(), store, lambda: datetime.now(UTC)) if configured else None
        self.doors += [door] if door else []
        return Asker(store, door, self.road.context, PATIENCE, self.road.look_again)

    async def unknown(self, claim: Claim | Participant) -> str:
        """A result for somebody of whom the cohort knows nobody; its id."""
        raw = self.scene.message(claim, self.scene.result())
        await self.road.take(raw)
        await self.road.settled()
        return result_identity("northmoor", hashlib.sha256(raw).hexdigest(), "1.1")

    def registered(self, **changes: Any) -> Participant:
        """Somebody whom PDS knows, and the cohort does not."""
        person = replace(self.scene.stranger(), date_of_birth=date(1990, 5, 17))
        self.pds.people = [*self.pds.people, Registered(person, **changes)]
        return person

    def joined(self, person: Participant) -> Participant | None:
        return self.scene.read(lambda tx: tx.cohort.by_nhs_number(person.nhs_number))

    def question(self, subject: str) -> QuestionRow:
        return self.scene.read(lambda tx: tx.questions.about(subject))[-1]

    def task(self, result_id: str) -> TaskRow:
        return self.scene.tasks_of(result_id)[-1]


@pytest.fixture
async def bench(road: Road, keys: tuple[Path, bytes]) -> AsyncIterator[Bench]:
    async with PdsSimulator([], keys[1]) as pds:
        made = Bench(road, pds, keys[0])
        road.start_relays()
        road.start_workers()
        yield made
        await road.stop()
        for door in made.doors:
            await door.close()


async def test_who_is_found_and_eligible_joins_and_the_result_goes_on_her_record(bench: Bench) -> None:
    person = bench.registered()
    result_id = await bench.unknown(person)
    assert bench.task(result_id).state == "asking"
    assert not [event for event in bench.scene.events(result_id) if isinstance(event, ResultParked)]
    await bench.asker().ask_some()
    joined = bench.joined(person)
    assert joined is not None
    assert bench.scene.codes_of(joined) == ["X0A"]
    assert bench.scene.open_tasks() == []
    told = bench.scene.events(result_id)
    assert not [event for event in told if isinstance(event, ResultParked | TaskClosed)], "no clerk ever had it"
    assert bench.question(bench.task(result_id).task_id).outcome == "Found"


async def test_what_pds_says_alone_matches_nobody(bench: Bench) -> None:
    """The number is hers, the name is not: she joins, and a clerk chooses."""
    person = bench.registered()
    result_id = await bench.unknown(misspelt(person))
    await bench.asker().ask_some()
    task = bench.task(result_id)
    joined = bench.joined(person)
    assert joined is not None
    assert (task.state, task.reason) == ("open", Reason.UNSURE.code)
    assert [each["participant_id"] for each in task.candidates] == [joined.participant_id]
    assert bench.scene.codes_of(joined) == []
    assert "the claim does not agree with certainty" in task.hint


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"restricted": True}, "restricted"),
        ({"died_on": date(2025, 12, 20), "notice": "2"}, "has died"),
        ({"removal": "EMB"}, "removal reason EMB"),
    ],
)
async def test_who_may_not_join_is_the_clerks(bench: Bench, changes: dict[str, Any], sentence: str) -> None:
    person = bench.registered(**changes)
    result_id = await bench.unknown(person)
    await bench.asker().ask_some()
    task = bench.task(result_id)
    assert (task.state, task.reason) == ("open", Reason.UNKNOWN.code)
    assert sentence in task.hint
    assert bench.joined(person) is None
    await bench.road.settled()
    assert [type(event) for event in bench.scene.events(result_id)].count(ResultParked) == 1


async def test_nobody_found_is_the_clerks_with_the_searches_tried(bench: Bench) -> None:
    result_id = await bench.unknown(bench.scene.stranger())
    await bench.asker().ask_some()
    task = bench.task(result_id)
    assert task.state == "open"
    assert task.hint.startswith("By the number: PDS found nobody.")
    assert "By name, date of birth and postcode: PDS found nobody." in task.hint


async def test_while_pds_is_away_the_result_waits_and_then_becomes_a_task(bench: Bench) -> None:
    person = bench.registered()
    result_id = await bench.unknown(person)
    bench.pds.faults.extend([Fault(status=503, code="SERVICE_UNAVAILABLE")] * 1000)
    began = bench.scene.now
    asker = bench.asker()
    assert await asker.ask_some() > 0, "it rests before it asks others"
    question = bench.question(bench.task(result_id).task_id)
    assert (bench.task(result_id).state, question.state, question.tries) == ("asking", "waiting", 1)
    assert question.why
    assert question.next_at > began
    assert bench.scene.read(lambda tx: tx.questions.backlog())["claim"] == (1, began)
    bench.scene.now = began + PATIENCE - timedelta(seconds=1)
    await asker.ask_some()
    assert bench.task(result_id).state == "asking"
    bench.scene.now = began + PATIENCE + timedelta(hours=1)
    await asker.ask_some()
    task = bench.task(result_id)
    assert (task.state, task.hint) == ("open", NOT_ANSWERED)
    bench.pds.faults.clear()
    await asker.ask_some()
    assert bench.joined(person) is None, "a question that was given up is not asked again"


async def test_pds_comes_back_in_time(bench: Bench) -> None:
    person = bench.registered()
    result_id = await bench.unknown(person)
    bench.pds.faults.extend([Fault(status=503, code="SERVICE_UNAVAILABLE")] * 1000)
    asker = bench.asker()
    await asker.ask_some()
    bench.pds.faults.clear()
    bench.scene.now += timedelta(minutes=10)
    await asker.ask_some()
    assert bench.scene.ending(result_id) != "waiting"
    assert bench.joined(person)


async def test_an_asker_that_dies_leaves_its_question_to_the_next(bench: Bench) -> None:
    person = bench.registered()
    result_id = await bench.unknown(person)
    bench.pds.faults.append(Fault(seconds=30.0))
    asker = bench.asker()
    dying = asyncio.create_task(asker.ask_some())
    await bench.road.until(lambda: bool(bench.pds.seen))
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert bench.task(result_id).state == "asking"
    bench.scene.now += timedelta(minutes=6)
    await bench.asker().ask_some()
    assert bench.joined(person)
    assert bench.scene.open_tasks() == []


async def test_two_askers_settle_every_question_once(bench: Bench) -> None:
    people = [bench.registered() for _ in range(12)]
    raws = [bench.scene.message(person, bench.scene.result()) for person in people]
    await bench.road.take(*raws)
    await bench.road.settled()
    for asker in [bench.asker() for _ in range(2)]:
        bench.road.start(asker.run())

    def none_waits() -> bool:
        bench.scene.now += timedelta(seconds=1)  # what was put off comes again
        return not bench.scene.read(lambda tx: tx.questions.backlog())["claim"].waiting

    await bench.road.until(none_waits)
    assert [bench.scene.codes_of(joined) for person in people if (joined := bench.joined(person))] == [["X0A"]] * 12
    assert bench.scene.read(lambda tx: tx.cohort.count()) == 12
    assert bench.scene.open_tasks() == []


async def test_a_clerk_may_decide_before_pds_does(bench: Bench) -> None:
    person = bench.registered()
    result_id = await bench.unknown(person)
    bench.scene.reject(result_id)
    await bench.asker().ask_some()
    assert bench.joined(person) is None
    assert bench.task(result_id).outcome in ("reject", "rejected", "refused")
    assert bench.question(bench.task(result_id).task_id).state == "settled"
    assert not bench.pds.seen, "nobody need be asked any more"


async def test_without_pds_an_unknown_claim_is_a_clerks_at_once(bench: Bench) -> None:
    bench.road.context = replace(bench.road.context, asks_pds=False)
    await bench.road.stop()
    await bench.road.start_again()
    result_id = await bench.unknown(bench.registered())
    assert bench.task(result_id).state == "open"
    assert bench.scene.read(lambda tx: tx.questions.about(bench.task(result_id).task_id)) == []


async def test_what_waited_for_a_pds_that_is_configured_no_more_becomes_a_task(bench: Bench) -> None:
    result_id = await bench.unknown(bench.registered())
    await bench.asker(configured=False).ask_some()
    assert bench.task(result_id).state == "open"


# -- hints


def hint(bench: Bench, *people: Participant) -> None:
    events = [Hint(f"e{number}", "pds-record-change-2", person.nhs_number) for number, person in enumerate(people)]
    bench.scene.step(lambda step: hints.take(step.tx, events, step.now))


async def test_a_hint_has_her_read_again_and_only_a_newer_version_counts(bench: Bench) -> None:
    person = bench.scene.person()
    moved = replace(person, postcode="ZZ99 3VZ")
    bench.pds.people = [Registered(moved, version=7)]
    hint(bench, person, person)
    asker = bench.asker()
    await asker.ask_some()
    joined = bench.joined(person)
    assert joined is not None
    assert joined.postcode == "ZZ99 3VZ"
    assert bench.question(person.nhs_number).version == 7
    bench.pds.people = [Registered(replace(person, postcode="ZZ99 1AA"), version=6)]
    hint(bench, person)
    await asker.ask_some()
    assert bench.question(person.nhs_number).outcome == "not-newer"
    joined = bench.joined(person)
    assert joined is not None
    assert joined.postcode == "ZZ99 3VZ"


async def test_a_day_of_hints_is_one_question_a_person_and_strangers_are_not_asked_about(bench: Bench) -> None:
    """The short form of 100,000 events: duplicates in any order, most about people who are none of ours."""
    person, strangers = bench.scene.person(), [bench.scene.stranger() for _ in range(200)]
    bench.pds.people = [Registered(person)]
    for _ in range(5):
        hint(bench, *strangers, person)
    backlog = bench.scene.read(lambda tx: tx.questions.backlog())["person"]
    assert backlog == (201, bench.scene.now)
    asker = bench.asker()
    while bench.scene.read(lambda tx: tx.questions.backlog())["person"].waiting:
        await asker.ask_some()
    assert [seen.path.rpartition("/")[2] for seen in bench.pds.seen] == [person.nhs_number]


async def test_a_claim_goes_before_every_hint(bench: Bench) -> None:
    hint(bench, *[bench.scene.person() for _ in range(20)])
    await bench.unknown(bench.registered())
    taken = bench.scene.store.write_now(
        lambda tx: tx.questions.take(1, bench.scene.now, bench.scene.now + timedelta(minutes=5))
    )
    assert [question.kind for question in taken] == [Kind.CLAIM]


async def test_a_hint_that_comes_while_she_is_read_has_her_read_again(bench: Bench) -> None:
    """The answer under way is older than what the second event is about."""
    person = bench.scene.person()
    bench.pds.people = [Registered(replace(person, postcode="ZZ99 3VZ"), version=7)]
    bench.pds.faults.append(Fault(seconds=0.2))
    hint(bench, person)
    asker = bench.asker()
    asking = asyncio.create_task(asker.ask_some())
    await bench.road.until(lambda: bool(bench.pds.seen))
    bench.scene.now += timedelta(seconds=1)
    hint(bench, person)
    await asking
    assert bench.question(person.nhs_number).state == "waiting"
    bench.pds.people = [Registered(replace(person, postcode="ZZ99 1AA"), version=8)]
    await asker.ask_some()
    assert (bench.question(person.nhs_number).state, bench.question(person.nhs_number).version) == ("settled", 8)
