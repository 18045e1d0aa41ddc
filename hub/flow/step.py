"""One step of the journey: a transaction, what caused it, and what is to be told once it is committed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from hub.contract import Envelope, caused_identity, event_to_json
from hub.domain.events import DischargeReported, DischargeUnread, Event, ReportParked, ResultReported, TestResult
from hub.domain.facts import Fact
from hub.domain.matching import search_keys
from hub.domain.people import Claim, Participant
from hub.domain.policy import Policies
from hub.flow.consumers import CONSUMERS
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.ports.store import Transaction

Told = list[Callable[[], None]]


@dataclass(slots=True)
class Step:
    """`cause` is an event id or a decision's id: every id made in this step is drawn from it, so the step done again
    makes the same things. `told` collects what telemetry hears after the commit, because work may be run twice.
    `asks_pds`: whether PDS is asked about a claim that fits nobody, before a clerk is."""

    tx: Transaction
    policies: Policies
    now: datetime
    cause: str
    traceparent: str = ""
    feed: str = ""
    digest: str = ""
    asks_pds: bool = False
    told: Told = field(default_factory=list)
    _made: int = 0
    _people: dict[str, Participant] = field(default_factory=dict)
    _facts: dict[str, list[Fact]] = field(default_factory=dict)
    _tasks: dict[str, list[TaskRow]] = field(default_factory=dict)

    def new_id(self, what: str) -> str:
        self._made += 1
        return caused_identity(self.cause, f"{what}|{self._made}")

    def emit(self, event: Event, subject: str) -> None:
        """Into the outbox, in this transaction."""
        kind = type(event).__name__
        envelope = Envelope(
            event_id=self.new_id(kind),
            type=kind,
            subject=subject,
            occurred_at=self.now,
            data=event_to_json(event),
            feed=self.feed,
            digest=self.digest,
            traceparent=self.traceparent,
        )
        self.tx.events.put(envelope, consumed=kind in CONSUMERS)

    # Several steps may be at work at once. Whoever decides about a slide or a person holds it first, and reads then.

    def hold_result(self, row: ResultRow) -> None:
        """Nobody else decides about this result or any version of its slide until the step is committed."""
        self.tx.hold(*names_of(row.result_id, row.event))

    def hold_person(self, participant_id: str) -> None:
        """Nobody else changes what is known of her until the step is committed."""
        self.tx.hold(person_name(participant_id))

    # What a step looks at several times is read once: the step alone changes it, until it commits.

    def candidates(self, claim: Claim) -> list[Participant]:
        """Everybody of the cohort who might be meant."""
        people = self.tx.cohort.candidates(search_keys(claim))
        self._people.update((person.participant_id, person) for person in people)
        return people

    def participant(self, participant_id: str) -> Participant:
        """A participant that is known to be one."""
        if participant_id not in self._people:
            person = self.tx.cohort.get(participant_id)
            assert person is not None, "a match names a participant of the cohort"
            self._people[participant_id] = person
        return self._people[participant_id]

    def know(self, people: Iterable[Participant]) -> None:
        """These people are in the cohort now, as they are here."""
        self._people.update((person.participant_id, person) for person in people)

    def forget(self, people: Iterable[Participant]) -> None:
        """All that was read of these people is to be read again; they are in the cohort as they are here."""
        self.know(people)
        self._facts.clear()
        self._tasks.clear()

    def facts(self, participant_id: str) -> list[Fact]:
        """The facts of a participant's record, those of this step among them."""
        if participant_id not in self._facts:
            self.hold_person(participant_id)
            self._facts[participant_id] = self.tx.records.facts(participant_id)
        return self._facts[participant_id]

    def add_fact(self, participant_id: str, fact: Fact) -> None:
        self._tasks.clear()  # which slides are hers has changed, and with them which tasks concern her
        self.facts(participant_id).append(fact)
        self.tx.records.add_fact(participant_id, fact, self.now)

    def open_tasks(self, participant_id: str) -> list[TaskRow]:
        """The tasks that are open about her, or about another version of a slide on her record."""
        if participant_id not in self._tasks:
            self.hold_person(participant_id)
            self._tasks[participant_id] = self.tx.tasks.open_for(participant_id)
        return self._tasks[participant_id]

    def open_task(self, task: TaskRow, keys: Iterable[str]) -> None:
        """Open a task, with the keys under which new evidence is noticed."""
        self._tasks.clear()
        self.tx.tasks.open(task, keys)

    def put_task(self, task: TaskRow, keys: Iterable[str] = ()) -> None:
        """Renew a task. One that is opened again needs its keys again."""
        self._tasks.clear()
        self.tx.tasks.update(task, keys)

    def tell(self, happened: Callable[..., None], *words: str) -> None:
        self.told.append(lambda: happened(*words))


def person_name(participant_id: str) -> str:
    """What is held of a person."""
    return f"person|{participant_id}"


def names_of(result_id: str, event: Event) -> list[str]:
    """What is held of a result: itself, its slide if that could be read; of a discharge: itself, and what it says."""
    if isinstance(event, DischargeReported | DischargeUnread):
        return [f"discharge|{result_id}", f"said|{said_by(result_id, event)}"]
    slide, names = slide_of(event), [f"result|{result_id}"]
    if slide and slide.laboratory_code and slide.slide_number:
        names.append(f"slide|{slide.laboratory_code}|{slide.slide_number}")
    return names


def said_by(discharge_id: str, event: DischargeReported | DischargeUnread) -> str:
    """The same for discharges that say the same of the same person, as the clinic names her; of one that could not be
    read, its own id. A digest: nobody reads a name out of it."""
    if isinstance(event, DischargeUnread):
        return discharge_id
    claim, discharge = event.claim, event.discharge
    who = (claim.nhs_number, (claim.family_name or "").upper(), claim.date_of_birth)
    words = (*who, discharge.discharged_on, discharge.next_test_due_on)
    return hashlib.sha256(repr(words).encode()).hexdigest()


def slide_of(event: Event) -> TestResult | ReportParked | None:
    """Where an event that was read from a message names its slide."""
    if isinstance(event, ResultReported):
        return event.result
    return event if isinstance(event, ReportParked) else None


def tell_all(told: Told) -> None:
    """After the commit: let telemetry hear what happened."""
    for happened in told:
        happened()
