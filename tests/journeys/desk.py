"""A clerk's and an engineer's desk: a running hub with a small day behind it, and the command line to ask it with."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from adapters.simulators.laboratory import claim_of, laboratory_code, report, slide_number
from adapters.simulators.people import synthetic_population
from hub.contract import result_identity
from hub.domain.events import TestResult
from hub.domain.people import Claim, Participant
from tests.journeys.driving import Finished, HubUp, hub, write_cohort

NOW = datetime.now(UTC).replace(microsecond=0)
WHO = ("--by", "r.patel", "--why", "looked at the request form")


def _people(count: int) -> list[Participant]:
    """People whom nobody of the cohort is easily taken for, of the age that is routinely invited."""
    population = synthetic_population(400, 11, NOW.date())
    alike = {index for pair in (*population.twins, *population.namesakes, *population.mothers) for index in pair}
    fit = (
        person
        for index, person in enumerate(population.participants)
        if index not in alike and person.gender == "2" and 26 <= NOW.year - person.date_of_birth.year <= 48
    )
    return [next(fit) for _ in range(count)]


def _report(person: Claim | Participant, number: int, codes: str = "X0A", days: int = 8, **more: Any) -> bytes:
    """A northmoor report with control id and slide of this number."""
    plain = TestResult(
        laboratory_code=laboratory_code("northmoor"),
        slide_number=slide_number("northmoor", NOW.year, number),
        test_on=(NOW - timedelta(days=days)).date(),
        authorised_at=NOW - timedelta(days=1),
        result_code=codes[0],
        infection_code=codes[1],
        action_code=codes[2],
        repeat_months=3 if codes[2] == "R" else None,
        source_type="1",
        sender_code="Z99001",
    )
    return report("northmoor", person, replace(plain, **more), f"CLI{number:04}", NOW)


def slide(number: int) -> str:
    return slide_number("northmoor", NOW.year, number)


@dataclass
class Desk:
    """A running hub with a day behind it: whose messages are which, by name."""

    running: HubUp
    files: Path
    people: list[Participant]
    sent: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.running.data

    def ask(self, *words: object, given: bytes = b"") -> Finished:
        """A verb that reads the store of the running hub."""
        return hub(*words, "--data", self.data, given=given)

    def json(self, *words: object, given: bytes = b"") -> Any:
        done = self.ask(*words, "--json", given=given)
        assert done.code == 0, done.complained
        return json.loads(done.out)

    def person(self, index: int) -> dict[str, Any]:
        """Her record as `hub trace --person` tells it."""
        person: dict[str, Any] = self.json("trace", "--person", given=self.people[index].nhs_number.encode() + b"\n")
        return person

    def slides(self, index: int) -> list[str]:
        return [kept["slide_number"] for kept in self.person(index)["record"].get("results", [])]

    def result(self, name: str) -> str:
        """The id of the one result of a message."""
        raw = (self.files / f"{name}.hl7").read_bytes()
        return result_identity("northmoor", hashlib.sha256(raw).hexdigest(), "1.1")

    def task(self, name: str) -> str:
        """The task that the message of this name waited in at first."""
        return self.tasks[self.result(name)]


@contextmanager
def desk_in(folder: Path) -> Iterator[Desk]:
    """The desk, with its files in `folder`."""
    people = _people(12)
    stranger = Claim(None, "Quillfeather", ("Isolde",), (), people[0].date_of_birth + timedelta(days=40), "F")
    doubtful = [replace(claim_of(person), nhs_number="9000000009") for person in people]
    bodies = {
        "good": _report(people[0], 1),
        "unsure": _report(doubtful[1], 2),
        "unknown": _report(stranger, 3),
        "for reject": _report(doubtful[2], 4),
        "for query": _report(doubtful[3], 5),
        "for undo": _report(people[4], 6),
        "no slide": _report(people[5], 7, slide_number=""),
        "stranger's laboratory": _report(people[5], 8).replace(b"|NORTHMOOR|", b"|NOWHERE|"),
    }
    for name, body in bodies.items():
        (folder / f"{name}.hl7").write_bytes(body)
    with HubUp(folder / "data") as running:
        cohort = hub("cohort", "import", write_cohort(folder / "cohort.csv", people), "--json", "--data", running.data)
        assert json.loads(cohort.out) == {"taken": 12, "taken_before": 0, "refused": []}
        desk = Desk(running, folder, people)
        sent = hub("send", *(folder / f"{name}.hl7" for name in bodies), "--json", "--to", f"127.0.0.1:{running.mllp}")
        desk.sent = {"exit": sent.code, "rows": json.loads(sent.out)}
        _wait_until_settled(desk)
        yield desk
        assert running.terminate() == 0
        assert "our_fault" not in running.log.read_text()


def _wait_until_settled(desk: Desk) -> None:
    for _ in range(50):
        waiting = desk.json("tasks", "list")
        if len(waiting) == 4 and desk.slides(4):
            desk.tasks = {task["result_id"]: task["task_id"] for task in waiting}
            return
    raise AssertionError("the hub does not come to an end with six results")
