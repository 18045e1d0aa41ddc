"""The hub as it runs beside real servers: every role a process of its own, on a fresh database and virtual host."""

from __future__ import annotations

import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

import psycopg

from hub.domain.people import Participant
from hub.flow.cohort_import import KNOWN
from tests.bench.history import grow
from tests.bench.processes import Groups, forget_peaks
from tests.bench.sender import Sent, frames
from tests.servers import PostgresNode, RabbitNode

ROOT = Path(__file__).resolve().parents[2]
COHORT = "bench_cohort"
HISTORY = 5_000
"""Messages in the journal of every copy before anything is measured."""
PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, and the database that holds the cohort, of which every run gets a copy."""

    postgres: PostgresNode
    rabbit: RabbitNode
    bystanders: Sequence[str]
    """Participants who have a past in every copy, and no present: nothing of theirs is sent."""

    @contextmanager
    def fresh_database(self, template: str = COHORT) -> Iterator[str]:
        """The URL of a copy; nobody may be connected to what is copied."""
        name = f"bench_{secrets.token_hex(4)}"
        self.postgres.create_database(name, template)
        self.postgres.execute("CHECKPOINT")  # what the copying wrote is not to be paid for by what is measured
        try:
            yield self.postgres.url(name)
        finally:
            self.postgres.drop_database(name)


@contextmanager
def servers(people: Sequence[Participant], ordinary: Sequence[Participant]) -> Iterator[Servers]:
    """A durable PostgreSQL and a RabbitMQ of our own; the first with these people in it, and a past of those who are
    not the ordinary ones."""
    present = {person.participant_id for person in ordinary}
    bystanders = [person.participant_id for person in people if person.participant_id not in present]
    with PostgresNode() as postgres, RabbitNode() as rabbit, TemporaryDirectory() as place:
        postgres.create_database(COHORT)
        cohort = Path(place) / "cohort.ndjson"
        with cohort.open("w", encoding="utf-8") as file:
            for person in people:
                file.write(json.dumps({name: getattr(person, name) for name in KNOWN}, default=str) + "\n")
        settings = environment(HUB_DATABASE_URL=postgres.url(COHORT))
        run_program("hub", "cohort", "import", str(cohort), settings=settings)
        grow(postgres.url(COHORT), 0, HISTORY, bystanders)
        yield Servers(postgres, rabbit, bystanders)


def environment(**settings: str) -> dict[str, str]:
    """This process's environment without any setting of a hub, and those given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUB_")} | settings


def run_program(*words: str, settings: dict[str, str]) -> bytes:
    command = [sys.executable, "-m", *words]
    return subprocess.run(command, check=True, capture_output=True, env=settings, cwd=ROOT).stdout


@dataclass(frozen=True, slots=True)
class Hub:
    """Roles at work. `groups` are their processes by role, and the servers'."""

    ports: Sequence[int]
    """Of the MLLP doors, one for each intake."""
    groups: Groups
    database: psycopg.Connection[Any]
    partners: Sequence[int] = ()
    """Ports of the partners' doors."""

    def send(self, messages: Sequence[bytes], connections: int, rate: float = 0.0, unanswered: int = 1) -> Sent:
        """By a process of its own; every answer must be AA."""
        with TemporaryDirectory() as place:
            file = Path(place) / "frames"
            file.write_bytes(frames(messages))
            words = (",".join(map(str, self.ports)), str(file), str(connections), str(unanswered), str(rate))
            sent = Sent(**json.loads(run_program("tests.bench.sender", *words, settings=environment())))
        assert not sent.refused, f"{sent.refused} of {len(messages)} were not answered AA"
        return sent

    def wait_until_no_event(self, is_not: str) -> float:
        """Wait until every event is `confirmed` or `finished`; the moment it was seen."""
        ask, end = f"SELECT EXISTS (SELECT FROM outbox WHERE {is_not}_at IS NULL)", monotonic() + PATIENCE
        while self.rows(ask)[0][0]:
            if monotonic() > end:
                raise TimeoutError(f"after {PATIENCE:.0f} s there are still events that are not {is_not}")
            sleep(0.01)
        return monotonic()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return self.database.execute(query).fetchall()


@contextmanager
def hub(on: Servers, roles: Sequence[str], **more: str) -> Iterator[Hub]:
    """Run these roles, one process for each time a role is named; `more` are further settings."""
    with ExitStack() as stack:
        url = stack.enter_context(on.fresh_database())
        vhost = stack.enter_context(on.rabbit.fresh_vhost())
        settings = environment(HUB_DATABASE_URL=url, HUB_AMQP_URL=vhost, HUB_LOG="warning", **more)
        started = [(role, stack.enter_context(role_process(role, settings))) for role in roles]
        ports = [_ports(process) for _, process in started]
        groups: dict[str, list[int]] = {}
        for role, process in started:
            groups.setdefault(role, []).append(process.pid)
        servers_of_it = {"postgres": [on.postgres.pid], "rabbitmq": [on.rabbit.pid]}
        forget_peaks(servers_of_it)
        groups |= servers_of_it
        database = stack.enter_context(psycopg.connect(url, autocommit=True))
        doors = [[found[door] for found in ports if door in found] for door in ("MLLP", "PARTNERS")]
        yield Hub(doors[0], groups, database, doors[1])


@contextmanager
def role_process(role: str, settings: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    words = [sys.executable, "-m", "hub", "run", role, *(("--mllp", "0") if role == "intake" else ())]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=settings, cwd=ROOT) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def _ports(process: subprocess.Popen[str]) -> dict[str, int]:
    """Wait until it is up; the ports of its doors by name, where it has any."""
    assert process.stdout is not None
    ports: dict[str, int] = {}
    for line in process.stdout:
        if found := re.match(r"(MLLP|PARTNERS)\s+\S+:(\d+)", line):
            ports[found[1]] = int(found[2])
        if line.startswith("Stop"):
            return ports
    raise RuntimeError("a role of the hub did not come up")
