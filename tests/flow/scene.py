"""A small hub for the tests of the journey: real store, conveyor, relay and worker; laboratories that write real HL7.

person = scene.person()
result_id = await scene.report(person, scene.result("X0A"))
assert scene.codes_of(person) == ["X0A"]
"""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from adapters import ADAPTERS
from adapters.simulators.laboratory import claim_of, laboratory_code, report, slide_number
from adapters.simulators.people import PeopleMaker
from hub.contract import Envelope, event_from_json, result_identity, seal
from hub.domain import names
from hub.domain.events import Event, TestResult, Version
from hub.domain.people import Claim, Participant
from hub.flow import clerks
from hub.flow.cohort_import import take_people
from hub.flow.consumers import CONSUMERS, RECORDS
from hub.flow.handlers import Context
from hub.flow.intake import Answered, Intake
from hub.flow.ports.journal import Via
from hub.flow.ports.records import LetterRow
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.ports.store import Transaction
from hub.flow.relay import Relay
from hub.flow.step import Step, tell_all
from hub.flow.worker import Worker
from hub.io.conveyor import InProcessConveyor
from hub.io.store import SqlStore
from hub.mapping import FeedTables, load_feeds, load_policies

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[2]
FEEDS = load_feeds(ROOT / "mappings" / "feeds")
POLICIES = load_policies(ROOT / "mappings" / "policy")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PATIENCE = 20.0
CLERK = "r.patel"
WHY = "Checked with the practice."
_MONTHS = {"XUR": 3, "19R": 3, "29R": 12, "09R": 12, "X0R": 36}


def corrected(result: TestResult, codes: str = "", **more: Any) -> TestResult:
    """A later version of the same slide, issued two days after the one before it."""
    later = replace(result, version=Version.CORRECTED, authorised_at=result.authorised_at + timedelta(days=2))
    if codes:
        parts = {"result_code": codes[0], "infection_code": codes[1], "action_code": codes[2]}
        later = replace(later, **parts, repeat_months=_MONTHS.get(codes))
    return replace(later, **more)


def misspelt(person: Participant) -> Claim:
    """Her claim under a family name that a clerk would recognise and the hub must not."""
    return replace(claim_of(person), family_name=person.family_name + "son")


def withdrawn(result: TestResult) -> TestResult:
    return replace(corrected(result), version=Version.WITHDRAWN)


MLLP = Via("mllp", "127.0.0.1", "hl7v2_oru", address="127.0.0.1")


class Scene:
    """One hub over one store file. `now` is its clock: set it."""

    def __init__(self, store: SqlStore, *, feeds: FeedTables = FEEDS) -> None:
        self.store = store
        self.now = NOW
        self.context = Context(POLICIES, lambda: self.now)
        self.conveyor = InProcessConveyor(CONSUMERS)
        self.relay = self._relay()
        self.intake = self.intake_with(feeds)
        self._worker: asyncio.Task[None] | None = None
        self._people = PeopleMaker(7, NOW.date(), postcodes=500)
        self.numbers = count(1)

    # -- the house

    def _relay(self) -> Relay:
        return Relay(self.store, self.conveyor, lambda: self.now)

    def intake_with(self, feeds: FeedTables) -> Intake:
        """An intake under these tables; the scene's own uses the tables of `mappings/feeds`."""
        return Intake(self.store, ADAPTERS, feeds, lambda: self.now, lambda: None)

    def start_worker(self) -> None:
        worker = Worker(self.store, self.conveyor, self.context, RECORDS, lambda: None)
        self._worker = asyncio.create_task(worker.run())

    async def stop_worker(self) -> None:
        if self._worker:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
            self._worker = None

    async def lose_the_conveyor(self) -> None:
        """What a crash does: all that was not in the store is gone."""
        await self.stop_worker()
        self.conveyor = InProcessConveyor(CONSUMERS)
        self.relay = self._relay()

    async def settle(self) -> None:
        """Wait until every event is confirmed and finished."""
        if self._worker is None:
            self.start_worker()
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.relay.relay_once()
                if not any(self.read(lambda tx: tx.events.backlog()).values()):
                    return
                await asyncio.sleep(0.002)

    def read(self, work: Callable[[Transaction], T]) -> T:
        return self.store.read_now(work)

    def step(self, work: Callable[[Step], None]) -> None:
        """Do something in a transaction of its own, as the command line does."""
        cause = str(uuid.uuid4())

        def done(tx: Transaction) -> Step:
            step = Step(tx, POLICIES, self.now, cause)
            work(step)
            return step

        tell_all(self.store.write_now(done).told)

    # -- people and laboratories

    def person(self, **changes: Any) -> Participant:
        """A new participant of the cohort whom nobody is easily taken for, 35 years old."""
        someone = self._people.person()
        born_on = date(1990, 1 + someone.date_of_birth.month % 12, 1 + someone.date_of_birth.day % 28)
        plain = replace(someone, date_of_birth=born_on, gender="2", former_family_names=())
        person = replace(plain, **changes)
        self.import_people(person)
        return person

    def stranger(self) -> Participant:
        """Somebody who is not in the cohort (yet)."""
        return replace(self._people.person(), gender="2", former_family_names=())

    @staticmethod
    def skeletons(*family_names: str) -> list[str]:
        """How the names stand in the keys by which people are found."""
        return [names.skeleton(names.fold(name)) for name in family_names]

    def import_people(self, *people: Participant) -> None:
        self.step(lambda step: take_people(step, list(people)))

    def result(
        self, codes: str = "X0A", test_on: date = date(2026, 2, 20), *, feed: str = "northmoor", **more: Any
    ) -> TestResult:
        """A result of a fresh slide, authorised six days after the test."""
        plain = TestResult(
            laboratory_code=laboratory_code(feed),
            slide_number=slide_number(feed, test_on.year, next(self.numbers)),
            test_on=test_on,
            authorised_at=datetime.combine(test_on + timedelta(days=6), time(12), UTC),
            result_code=codes[0],
            infection_code=codes[1],
            action_code=codes[2],
            repeat_months=_MONTHS.get(codes),
            source_type="1",
            sender_code="Z99001",
            sample_taker_code="C99001",
        )
        return replace(plain, **more)

    def message(
        self, person: Claim | Participant, result: TestResult, *, feed: str = "northmoor", control_id: str = ""
    ) -> bytes:
        return report(feed, person, result, control_id or f"T{next(self.numbers):06}", self.now)

    async def send(self, raw: bytes, intake: Intake | None = None) -> Answered:
        return await (intake or self.intake).take(raw, MLLP)

    async def report(self, person: Claim | Participant, result: TestResult, *, feed: str = "northmoor") -> str:
        """Send a report and wait until the hub has made up its mind; returns the result's id."""
        raw = self.message(person, result, feed=feed)
        answered = await self.send(raw)
        assert answered.code == "AA", answered.body
        await self.settle()
        return result_identity(feed, hashlib.sha256(raw).hexdigest(), "1.1")

    async def read_again(self, raw: bytes, feeds: FeedTables) -> None:
        """Put into the outbox what a message that is in the journal says under other tables, as a replay does."""
        adapter = ADAPTERS["hl7v2_oru"]
        reading = adapter.decode(adapter.open(raw), feeds.speaking("hl7v2_oru"), self.now.date())
        digest = hashlib.sha256(raw).hexdigest()
        for item in reading.taken:
            place = {"feed": reading.feed, "digest": digest, "position": item.position}
            envelope = seal(item.outcome, subject=result_identity(*place.values()), at=self.now, **place)
            self.store.write_now(lambda tx, each=envelope: tx.events.put(each, consumed=True))
        await self.settle()

    # -- what became of it

    def row(self, result_id: str) -> ResultRow:
        row = self.read(lambda tx: tx.results.get(result_id))
        assert row is not None
        return row

    def task_of(self, result_id: str) -> TaskRow:
        """The one task of this result that is not closed."""
        (task,) = [task for task in self.tasks_of(result_id) if task.state != "closed"]
        return task

    def tasks_of(self, result_id: str) -> list[TaskRow]:
        return self.read(lambda tx: tx.tasks.of_result(result_id))

    def open_tasks(self) -> list[TaskRow]:
        return self.read(lambda tx: tx.tasks.worklist(1000))

    def ending(self, result_id: str) -> str:
        """`recorded`, `superseded`, `refused`; or the reason of the open task, beside the state unless it waits."""
        state = self.row(result_id).state
        reasons = [task.reason for task in self.tasks_of(result_id) if task.state != "closed"]
        return " ".join(([] if state == "waiting" else [state]) + reasons)

    def record_of(self, person: Participant) -> dict[str, Any]:
        """The record without the ids of matches, which are drawn from their causes."""
        record = self.read(lambda tx: tx.records.get(person.participant_id)) or {"results": []}
        for kept in record["results"]:
            del kept["match_id"]
        return record

    def codes_of(self, person: Participant) -> list[str]:
        return [kept["combination"] for kept in self.record_of(person)["results"]]

    def alerts_of(self, person: Participant) -> list[tuple[str, str]]:
        return [(alert["result_id"], alert["reason"]) for alert in self.record_of(person)["alerts"]]

    def letters_of(self, person: Participant) -> dict[str, str]:
        """Code → state of the letters that are wished or wait."""
        letters = self.every_letter_of(person)
        return {letter.code: letter.state for letter in letters if letter.state in ("wished", "waiting")}

    def every_letter_of(self, person: Participant) -> list[LetterRow]:
        return self.read(lambda tx: tx.letters.of(person.participant_id))

    def standing(self, *people: Participant) -> list[Any]:
        """What must be the same before a decision and after its undoing. A record without results counts as none."""
        records = [(self.record_of(person), self.letters_of(person)) for person in people]
        return [(record if record["results"] else None, letters) for record, letters in records]

    def events(self, *subjects: str) -> list[Event]:
        """The events about these results or participants, oldest first."""
        rows = self.read(lambda tx: tx.events.about(subjects))
        return [event_from_json(envelope.type, envelope.data) for envelope, _, _ in rows]

    def envelopes_of(self, raw: bytes) -> list[Envelope]:
        """The events about the results of a message of northmoor, oldest first."""
        digest = hashlib.sha256(raw).hexdigest()
        subjects = [result_identity("northmoor", digest, f"{one}.1") for one in range(1, 10)]
        return [envelope for envelope, _, _ in self.read(lambda tx: tx.events.about(subjects))]

    # -- the clerks

    def decide(self, action: str, task: TaskRow, *more: str) -> TaskRow:
        act = {"match": clerks.match, "reject": clerks.reject, "query": clerks.query}[action]
        self.step(lambda step: act(step, task.task_id, *more, by=CLERK, why=WHY))
        return task

    def match(self, result_id: str, person: Participant) -> TaskRow:
        return self.decide("match", self.task_of(result_id), person.participant_id)

    def reject(self, result_id: str) -> TaskRow:
        return self.decide("reject", self.task_of(result_id))

    def query(self, result_id: str) -> TaskRow:
        return self.decide("query", self.task_of(result_id))

    def undo(self, task: TaskRow) -> None:
        self.step(lambda step: clerks.undo(step, task.task_id, by=CLERK, why="That was a mistake."))

    def undo_automatic(self, result_id: str) -> None:
        self.step(lambda step: clerks.undo_automatic(step, result_id, by=CLERK, why="It is her sister's."))
