"""Faults, caused on servers of our own while results flow: nothing acknowledged is lost, nothing is done twice.

A day of three laboratories goes through intakes, relays, workers and schedules as processes of their own, over a real
PostgreSQL and a real RabbitMQ. After each fault what stands in the database is compared with what was sent, and with
what an embedded hub made of the same day that nobody disturbed: each message that was acknowledged is in the journal
once, byte for byte; each of its results has one outcome; records and letters are the same; nothing is left over.

Short forms here; `make faults` for the full counts (HUB_TEST_FAULTS messages).
"""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

import pytest

from hub.app import running
from hub.config import Settings
from tests.journeys.deployment import Deployment, Process, embedded, import_cohort, left_alone
from tests.journeys.driving import wait_until_finished
from tests.journeys.kept import Kept, nothing_lost, nothing_repeated, same_outcome
from tests.journeys.laboratories import LANES, Laboratories
from tests.journeys.leaks import leaks
from tests.journeys.workload import Day, day
from tests.servers import FaultProxy, PostgresNode, RabbitNode
from tests.servers.fresh import at, execute
from tests.servers.install import ensure
from tests.servers.keeper import children
from tests.servers.programs import libfaketime

SEED = int(os.environ.get("HUB_TEST_SEED", "20260115"))
MESSAGES = int(os.environ.get("HUB_TEST_FAULTS", "300"))
FEWER = max(300, MESSAGES // 10)
SECONDS = 120 + MESSAGES // 10
TWO_OF_EACH = {"intake": 2, "relay": 2, "worker": 2, "schedule": 2}

pytestmark = [pytest.mark.servers, pytest.mark.timeout(2 * SECONDS)]


@dataclass(frozen=True)
class Planned:
    """A day, what comes of it undisturbed, and a database with its people in it."""

    plan: Day
    alone: Kept
    template: str


@dataclass
class Place:
    """The servers of this file, and the days that are played on them."""

    folder: Path
    postgres: PostgresNode
    rabbit: RabbitNode
    _days: dict[int, Planned] = field(default_factory=dict)

    async def planned(self, messages: int) -> Planned:
        if messages not in self._days:
            plan, template = day(SEED, LANES, messages), f"day_of_{messages}"
            self.postgres.create_database(template)
            people = {"HUB_DATABASE_URL": self.postgres.url(template)}
            await import_cohort(self.folder / template, plan, people)
            told, alone = await left_alone(self.folder / f"left alone {messages}", plan)
            nothing_lost(alone, plan, told)
            nothing_repeated(alone)
            self._days[messages] = Planned(plan, alone, template)
        return self._days[messages]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    ensure("postgresql", "rabbitmq")
    with PostgresNode() as postgres, RabbitNode() as rabbit:
        yield Place(tmp_path_factory.mktemp("faults"), postgres, rabbit)


@dataclass
class Scene:
    """One deployment with its laboratories, and what is to be said of it at the end."""

    place: Place
    hub: Deployment
    day: Planned
    told: Laboratories
    vhost: str
    random: Random
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return len(self.day.plan.sendings)

    async def were_answered(self, share: float) -> None:
        """Until so much of the day is answered."""
        await self.told.were_answered(int(self.total * share))

    def pause_at(self, share: float | None) -> None:
        self.told.pause_at(None if share is None else int(self.total * share))

    def moments(self, count: int) -> list[int]:
        """Numbers of answers, at random, in order."""
        return sorted(self.random.sample(range(1, int(self.total * 0.97)), count))

    @asynccontextmanager
    async def flowing(self) -> AsyncIterator[asyncio.TaskGroup]:
        """The day is sent while the block lasts; everything is answered when it ends."""
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            group.create_task(self.told.send(self.day.plan, self.hub.door))
            yield group

    async def ends_well(self) -> Kept:
        """What every fault must leave behind."""
        began = monotonic()
        await self.hub.finished()
        self.figures["seconds to finish"] = round(monotonic() - began, 1)
        logs = self.hub.logs()
        kept = await self.hub.end()
        self._tell(kept)
        nothing_lost(kept, self.day.plan, self.told)
        nothing_repeated(kept)
        same_outcome(kept, self.day.alone)
        assert not [row for row in kept.events if row["confirmed_at"] is None]
        assert "our_fault" not in logs
        assert leaks(logs, self.day.plan.people[:2000]) == []
        return kept

    def _tell(self, kept: Kept) -> None:
        sendings = self.day.plan.sendings
        self.figures |= {
            "messages": self.total,
            "acknowledged": self.told.answered,
            "sent again": self.told.sent - self.total,
            "of these stored already": len(kept.repeats) - (self.total - len({one.raw for one in sendings})),
            "lost": len(kept.missing(self.told.acknowledged())),
            "twice": sum(count > 1 for count in kept.wishes().values()),
            "ended otherwise for their order": (kept.endings() - self.day.alone.endings()).total(),
        }
        print("\n" + ", ".join(f"{name} {value}" for name, value in self.figures.items()))


async def make_vhost(rabbit: RabbitNode, name: str) -> None:
    """On a busy machine the broker does not hear every question asked right after its start."""
    for _ in range(3):
        with suppress(RuntimeError):
            await asyncio.to_thread(rabbit.make_vhost, name)
            return
        await asyncio.sleep(1.0)
    rabbit.make_vhost(name)


@asynccontextmanager
async def deployed(
    place: Place,
    tmp_path: Path,
    roles: Mapping[str, int],
    messages: int = FEWER,
    *,
    settings: Mapping[str, str] | None = None,
    database_of: Mapping[str, str] | None = None,
) -> AsyncIterator[Scene]:
    """These roles on a fresh copy of the day's database and in a fresh virtual host. `database_of`: the roles that
    reach the database another way, by the server of that URL."""
    planned = await place.planned(messages)
    place.postgres.start()
    place.rabbit.start()
    name = f"hub_{tmp_path.name}"
    place.postgres.create_database(name, planned.template)
    await make_vhost(place.rabbit, name)
    special = {role: {"HUB_DATABASE_URL": at(url, name)} for role, url in (database_of or {}).items()}
    urls = place.postgres.url(name), place.rabbit.url(name)
    async with Deployment(tmp_path, *urls, roles, settings, special) as hub:
        yield Scene(place, hub, planned, Laboratories(), name, Random(f"{SEED} {tmp_path.name}"))


# -- our own processes


async def test_kill_9_of_every_role(place: Place, tmp_path: Path) -> None:
    async with deployed(place, tmp_path, TWO_OF_EACH, MESSAGES) as scene:
        kills = dict.fromkeys(TWO_OF_EACH, 0)
        async with scene.flowing() as group:
            for number, after in enumerate(scene.moments(max(8, MESSAGES // 500))):
                await scene.told.were_answered(after)
                await asyncio.sleep(scene.random.choice((0.0, scene.random.random() * 0.03)))
                role = list(kills)[number % len(kills)]
                kills[role] += 1
                group.create_task(_kill_one(scene.hub.of[role], scene.random))
        for role in ("worker", "relay"):  # all at once, while they are still at it and nobody sends
            await asyncio.gather(*(_kill(process, 0.0) for process in scene.hub.of[role]))
            kills[role] += 2
        scene.figures = {f"kills of {role}": count for role, count in kills.items()}
        await scene.ends_well()


async def _kill_one(processes: list[Process], random: Random) -> None:
    """One of those that run; it is started again a little later."""
    victim = random.choice([process for process in processes if process.running] or processes)
    await _kill(victim, random.random())


async def _kill(process: Process, down: float) -> None:
    process.kill()
    await asyncio.sleep(down)
    if not process.running:
        await process.restart()


# -- the broker


async def test_the_broker_is_stopped_and_killed(place: Place, tmp_path: Path) -> None:
    async with deployed(place, tmp_path, {"intake": 1, "relay": 2, "worker": 2, "schedule": 1}) as scene:
        scene.pause_at(0.3)
        async with scene.flowing():
            await scene.were_answered(0.2)
            await asyncio.to_thread(place.rabbit.stop)
            before = scene.told.answered
            scene.pause_at(0.6)
            await scene.were_answered(0.6)  # an intake needs no broker
            answered = scene.told.answered - before
            (intake,), (relay, _) = scene.hub.of["intake"], scene.hub.of["relay"]
            assert await intake.ready() == {}
            assert (await relay.ready()).keys() == {"broker"}
            await asyncio.to_thread(place.rabbit.start)
            scene.pause_at(None)
            await scene.were_answered(0.8)
            place.rabbit.kill()
            await asyncio.to_thread(place.rabbit.start)
        scene.figures = {"broker stopped": 1, "broker killed": 1, "acknowledged meanwhile": answered}
        kept = await scene.ends_well()
        assert answered >= int(scene.total * 0.2) and kept.events


async def test_the_broker_loses_everything_and_the_schedule_refills_it(place: Place, tmp_path: Path) -> None:
    async with deployed(place, tmp_path, {"intake": 1, "relay": 2, "worker": 2, "schedule": 2}) as scene:
        async with scene.flowing():
            await scene.were_answered(0.3)
            lost = await _lose_everything(scene)
        scene.figures = {"lost by the broker": lost}
        await scene.ends_well()


async def test_the_broker_loses_everything_and_an_operator_refills_it(place: Place, tmp_path: Path) -> None:
    hours = {"HUB_REFILL_SECONDS": "7200"}
    async with deployed(place, tmp_path, {"intake": 1, "relay": 1, "worker": 2}, settings=hours) as scene:
        async with scene.flowing():
            await scene.were_answered(0.3)
            lost = await _lose_everything(scene)
        await scene.hub.confirmed()
        await scene.hub.at_rest()
        status = await scene.hub.hub("relay", "status")
        assert 0 < status["unfinished"] <= lost
        refilled = await scene.hub.hub("relay", "refill")
        scene.figures = {"lost by the broker": lost, "refilled": refilled["let_go_again"]}
        assert refilled["let_go_again"] == status["unfinished"]
        await scene.ends_well()


async def _lose_everything(scene: Scene, meanwhile: Callable[[], object] = lambda: None) -> int:
    """The workers die, the broker fills, and its data directory is wiped; returns how many events went with it."""
    for worker in scene.hub.of["worker"]:
        worker.kill()
    scene.pause_at(0.7)
    await scene.were_answered(0.7)
    await scene.hub.confirmed()
    scene.place.rabbit.wipe()
    meanwhile()
    _, lost = await scene.hub.behind()
    assert lost
    await asyncio.to_thread(scene.place.rabbit.start)
    await make_vhost(scene.place.rabbit, scene.vhost)
    scene.pause_at(None)
    await asyncio.gather(*(worker.restart() for worker in scene.hub.of["worker"]))
    return lost


# -- the database


async def test_the_database_is_stopped_killed_and_cuts_its_lines(place: Place, tmp_path: Path) -> None:
    cuts = max(8, FEWER // 100)
    async with deployed(place, tmp_path, {"intake": 2, "relay": 2, "worker": 2, "schedule": 1}) as scene:
        async with scene.flowing():
            for number, after in enumerate(scene.moments(cuts)):
                await scene.told.were_answered(after)
                await asyncio.sleep(scene.random.random() * 0.02)
                if number == cuts // 3:
                    await asyncio.to_thread(place.postgres.stop)
                    assert (await scene.hub.of["intake"][0].ready()).keys() == {"store"}
                elif number == 2 * cuts // 3:
                    await asyncio.to_thread(place.postgres.kill)
                else:
                    await asyncio.to_thread(place.postgres.cut_connections)
                await asyncio.to_thread(place.postgres.start)
        await asyncio.to_thread(place.postgres.cut_connections)  # and while only the workers are at it
        scene.figures = {"database stopped": 1, "database killed": 1, "lines cut": cuts - 1}
        await scene.ends_well()


async def test_the_answer_to_a_commit_is_lost(place: Place, tmp_path: Path) -> None:
    """Committed, and the hub does not know: the sender hears nothing and sends again, and it is stored once."""
    losses, port = max(5, FEWER // 100), place.postgres.port
    _make_commits_slow(place.postgres)
    async with FaultProxy(port) as network:
        elsewhere = {"intake": f"postgresql://slow@127.0.0.1:{network.port}/"}
        roles = {"intake": 2, "relay": 1, "worker": 1}
        async with deployed(place, tmp_path, roles, database_of=elsewhere) as scene:
            async with scene.flowing():
                for after in scene.moments(losses):
                    await scene.told.were_answered(after)
                    await asyncio.sleep(scene.random.random() * 0.05)
                    network.lose_replies()
                    await asyncio.sleep(0.2)
                    await network.flow()
            scene.figures = {"times that answers were lost": losses, "bytes of them": network.lost}
            await scene.ends_well()
            assert scene.figures["of these stored already"] > 0, "no answer to a commit was lost"


def _make_commits_slow(postgres: PostgresNode) -> None:
    """A user whose commits take nearly all of the time, so that what is lost is the answer to one."""
    if not postgres.execute("SELECT 1 FROM pg_roles WHERE rolname = 'slow'"):
        postgres.execute("CREATE ROLE slow SUPERUSER LOGIN")
        postgres.execute("ALTER ROLE slow SET commit_delay = 50000")  # microseconds
        postgres.execute("ALTER ROLE slow SET commit_siblings = 0")


# -- the senders


async def test_senders_hang_up_before_they_have_read_their_answer(place: Place, tmp_path: Path) -> None:
    async with deployed(place, tmp_path, {"intake": 2, "relay": 1, "worker": 1}) as scene:
        scene.told.hangs_up = lambda: scene.random.random() < 0.2
        async with scene.flowing():
            pass
        scene.figures = {"hung up": scene.told.dropped}
        await scene.ends_well()
        assert scene.figures["of these stored already"] > 0


# -- the disk


async def test_the_disk_is_full_for_the_embedded_hub(place: Place, tmp_path: Path) -> None:
    planned, told, data = await place.planned(FEWER), Laboratories(), tmp_path / "data"
    await import_cohort(data, planned.plan)
    process, total = embedded(data, {"HUB_LOG": "warning", "HUB_LOG_FORMAT": "json"}), len(planned.plan.sendings)
    try:
        await process.restart()
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as group:
            group.create_task(told.send(planned.plan, lambda _: process.ports["MLLP"]))
            await told.were_answered(total // 3)
            away, answered = await _while_full([process.pid], 4096, told, process, lambda: Kept.in_directory(data))
        await asyncio.to_thread(wait_until_finished, data)
        await process.terminate()
    finally:
        process.kill()
    print(f"\n/ready said {away}, acknowledged meanwhile {answered}, messages {total}, acknowledged {told.answered}")
    kept = Kept.in_directory(data)
    nothing_lost(kept, planned.plan, told)
    nothing_repeated(kept)
    same_outcome(kept, planned.alone)
    assert "our_fault" not in process.log.read_text()


async def test_the_disk_is_full_for_the_journal_in_the_database(place: Place, tmp_path: Path) -> None:
    """No file may grow beyond the 16 MiB that the files of the write-ahead log have anyway, and the journal's is that
    large already."""
    async with deployed(place, tmp_path, {"intake": 1, "relay": 1, "worker": 1}) as scene:
        url, (intake,) = scene.hub.database, scene.hub.of["intake"]
        for statement in (*_FILL, "CHECKPOINT"):
            execute(url, statement)
        async with scene.flowing():
            await scene.were_answered(0.3)
            server = [place.postgres.pid, *children(place.postgres.pid)]
            away, answered = await _while_full(server, 16 * 1024**2, scene.told, intake, lambda: Kept.at(url))
        await scene.hub.finished()
        execute(url, "DELETE FROM journal WHERE feed = 'filling'")
        scene.figures = {"/ready said": away, "acknowledged meanwhile": answered}
        await scene.ends_well()


_FILL = (
    "ALTER TABLE journal SET (fillfactor = 10, autovacuum_enabled = false)",  # one row a page
    """
    INSERT INTO journal (feed, digest, door, peer, received_at, control_id, message_type, state, results, notes,
                         traceparent, raw)
    SELECT 'filling', number, '', '', now(), '', '', 'refused', 0, '[]', '', decode(repeat('00', 1000), 'hex')
    FROM generate_series(1, 2100) number
    """,
)


async def _while_full(
    pids: list[int], size: int, told: Laboratories, door: Process, look: Callable[[], Kept]
) -> tuple[dict[str, str], int]:
    """No file of these processes may grow beyond this size, for a while: what /ready said, and how many messages were
    acknowledged once it had said so. One may find room, if it stands in the journal."""
    _let_files_grow(pids, str(size))
    try:
        async with asyncio.timeout(20):
            while not (away := await door.ready()):  # noqa: ASYNC110 - another process finds out
                await asyncio.sleep(0.02)
        before = told.answered
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert (await door.ready()).keys() == {"store"}
        answered, known = told.answered - before, told.acknowledged()
        assert answered < 5
        stored = await asyncio.to_thread(look)
        assert not stored.missing(known)
    finally:
        _let_files_grow(pids, "unlimited")
    async with asyncio.timeout(20):
        while await door.ready():  # noqa: ASYNC110 - another process finds out
            await asyncio.sleep(0.02)
    return away, answered


def _let_files_grow(pids: list[int], most: str) -> None:
    """Also of processes that have ended meanwhile. Whoever owns a process may do this, and root perhaps not."""
    for pid in pids:
        with suppress(FileNotFoundError):
            owner = Path(f"/proc/{pid}").stat().st_uid
            words = ["prlimit", f"--fsize={most}:", "--pid", str(pid)]
            done = subprocess.run(words, user=owner if os.geteuid() == 0 else None, cwd="/", capture_output=True)
            assert done.returncode == 0 or not Path(f"/proc/{pid}").exists(), done.stderr


# -- the clock


async def test_the_clock_goes_back_two_hours(place: Place, tmp_path: Path) -> None:
    """In the middle, for every role at once; and what the broker had confirmed before, it loses after."""
    ensure("libfaketime")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    wrong = {
        "LD_PRELOAD": str(libfaketime()),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",  # seconds until the file is read again
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",  # its older name
    }
    roles = {"intake": 1, "relay": 1, "worker": 2, "schedule": 1}
    async with deployed(place, tmp_path, roles, settings=wrong) as scene:
        async with scene.flowing():
            await scene.were_answered(0.3)
            lost = await _lose_everything(scene, lambda: clock.write_text("-2h"))
        await scene.hub.finished()
        received = "SELECT count(*) FILTER (WHERE age < '-1 hour'), count(*) FROM ({}) ages"
        ages = "SELECT received_at - min(received_at) FILTER (WHERE seq = 1) OVER () AS age FROM journal"
        ((early, every),) = execute(scene.hub.database, received.format(ages))
        scene.figures = {"received two hours early": early, "lost by the broker": lost}
        await scene.ends_well()
        assert every * 0.2 < early < every


async def test_an_embedded_hub_is_started_again_after_its_clock_was_put_back(tmp_path: Path) -> None:
    """What its conveyor had held was confirmed two hours from now, and does not wait until then."""
    plan, told, data = day(SEED, LANES, 30), Laboratories(), tmp_path / "data"
    await import_cohort(data, plan)
    settings = replace(Settings(), data=data, mllp_port=0, partners_port=0, http_port=0)
    async with running(settings, ("intake", "relay"), lambda: datetime.now(UTC) + timedelta(hours=2)) as fast:
        await told.send(plan, lambda _: fast.mllp_port)
        while (await fast.store.read(lambda tx: tx.events.backlog()))["unconfirmed"]:  # noqa: ASYNC110 - nothing would wake us
            await asyncio.sleep(0.02)
    async with running(settings) as hub:
        await hub.caught_up()
    kept = Kept.in_directory(data)
    nothing_lost(kept, plan, told)
    nothing_repeated(kept)
