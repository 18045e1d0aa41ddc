"""A whole deployment on this machine: the roles of a hub as processes of their own, over servers of our own."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import Any

import psycopg

from tests.journeys.driving import HUB, environment, hub, wait_until_finished, write_cohort
from tests.journeys.kept import Kept
from tests.journeys.laboratories import Laboratories
from tests.journeys.workload import Day

START_SECONDS = 40.0
STOP_SECONDS = 30.0
FINISH_SECONDS = 90.0
_WHERE = re.compile(r"^(MLLP|HTTP) .*?127\.0\.0\.1:(\d+)", re.MULTILINE)


class Process:
    """One process of a hub, to be started, killed and started again; its two outputs go to files."""

    def __init__(self, name: str, words: Sequence[str], folder: Path, settings: Mapping[str, str]) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._said = folder / f"{name}.out"
        self._words = [*HUB, *words]
        self._settings = dict(settings)
        self._process: subprocess.Popen[bytes] | None = None
        self.ports: dict[str, int] = {}

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} is not running"
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin; it may still be starting when this returns."""
        with self.log.open("ab") as log, self._said.open("wb") as said:
            self._process = subprocess.Popen(
                self._words, stdout=said, stderr=log, stdin=subprocess.DEVNULL, env=environment(self._settings)
            )

    async def up(self) -> None:
        """Until it has said where it listens, or was killed before it could."""
        process, deadline = self._process, monotonic() + START_SECONDS
        while "\nStop " not in (said := self._said.read_text()):
            if self._process is not process:
                return
            assert self.running and monotonic() < deadline, f"{self.name} did not start: {self.log.read_text()[-4000:]}"
            await asyncio.sleep(0.02)
        if self._process is process:
            self.ports = {what: int(number) for what, number in _WHERE.findall(said)}

    async def restart(self) -> None:
        self.start()
        await self.up()

    def kill(self) -> None:
        """kill -9, at once; nothing where nothing runs."""
        self.ports = {}
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()

    async def terminate(self) -> None:
        """Ask it to stop: it must end in good order, and not have ended before."""
        assert self._process is not None and self._process.poll() is None, self.told()
        self._process.terminate()
        code = await asyncio.to_thread(self._process.wait, STOP_SECONDS)
        assert code == 0, self.told()
        self._process = None

    def told(self) -> str:
        """How it ended, for a failed test."""
        code = self._process.poll() if self._process else "killed"
        return f"{self.name} ended with {code}: {self.log.read_text()[-4000:]}"

    async def ready(self) -> dict[str, str]:
        """What `/ready` says is away; empty when nothing is."""
        return await asyncio.to_thread(_away, f"http://127.0.0.1:{self.ports['HTTP']}/ready")


def _away(url: str) -> dict[str, str]:
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:  # our own hub on this machine
            body: dict[str, Any] = json.loads(answer.read())
            assert answer.status == 200 and body["away"] == {}
    except urllib.error.HTTPError as error:
        body = json.loads(error.read())
        assert error.code == 503 and body["away"]
    away: dict[str, str] = body["away"]
    return away


class Deployment:
    """So many processes of each role over one database and one broker.

    `special` are settings for all processes of one role, like another way to the database.
    """

    def __init__(
        self,
        folder: Path,
        database: str,
        broker: str,
        roles: Mapping[str, int],
        settings: Mapping[str, str] | None = None,
        special: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self.database = database
        self.settings = {
            "HUB_DATABASE_URL": database,
            "HUB_AMQP_URL": broker,
            "HUB_LOG": "warning",
            "HUB_LOG_FORMAT": "json",
            "HUB_REFILL_SECONDS": "2",
            "HUB_DATA": str(folder / "nothing"),
        } | dict(settings or {})
        self.of = {
            role: [self._process(role, number, folder, (special or {}).get(role, {})) for number in range(count)]
            for role, count in roles.items()
        }

    def _process(self, role: str, number: int, folder: Path, special: Mapping[str, str]) -> Process:
        ports = ["--http", "0", *(["--mllp", "0"] if role == "intake" else [])]
        return Process(f"{role}-{number}", ["run", role, *ports], folder, self.settings | dict(special))

    @property
    def everybody(self) -> list[Process]:
        return [process for processes in self.of.values() for process in processes]

    def door(self, attempt: int) -> int:
        """The port of an intake that is up, each time another one's; 0 where none is."""
        ports = [process.ports["MLLP"] for process in self.of["intake"] if "MLLP" in process.ports]
        return ports[attempt % len(ports)] if ports else 0

    async def hub(self, *words: str) -> Any:
        """A verb of an operator's, with --json."""
        done = await asyncio.to_thread(hub, *words, "--json", settings=self.settings)
        assert done.code == 0, done.complained
        return json.loads(done.out)

    async def behind(self) -> tuple[int, int]:
        """How many events wait for the broker, and how many for the workers, at one moment."""
        waiting = "count(*) FILTER (WHERE confirmed_at IS NULL), count(*) FILTER (WHERE finished_at IS NULL)"
        async with await psycopg.AsyncConnection.connect(self.database) as store:
            found = await (await store.execute(f"SELECT {waiting} FROM outbox")).fetchone()
        assert found is not None
        return int(found[0]), int(found[1])

    async def finished(self) -> None:
        """Until every event is confirmed and handled."""
        deadline = monotonic() + FINISH_SECONDS
        while (behind := await self.behind()) != (0, 0):
            assert monotonic() < deadline, f"unconfirmed and unfinished after {FINISH_SECONDS:.0f} s: {behind}"
            await asyncio.sleep(0.05)

    async def confirmed(self) -> None:
        """Until the broker has every event."""
        async with asyncio.timeout(FINISH_SECONDS):
            while (await self.behind())[0]:  # noqa: ASYNC110 - another process does it: nothing would wake us
                await asyncio.sleep(0.05)

    async def at_rest(self, seconds: float = 1.0) -> int:
        """Until the workers have handled nothing for so long; how many events are unfinished then."""
        before, now = -1, (await self.behind())[1]
        while before != now:
            await asyncio.sleep(seconds)
            before, now = now, (await self.behind())[1]
        return now

    async def end(self) -> Kept:
        """Ask every process to stop, and look at what is left."""
        await asyncio.gather(*(process.terminate() for process in self.everybody))
        return Kept.at(self.database)

    def logs(self) -> str:
        return "".join(process.log.read_text() for process in self.everybody)

    async def __aenter__(self) -> Deployment:
        try:
            for process in self.everybody:
                process.start()
            await asyncio.gather(*(process.up() for process in self.everybody))
        except BaseException:
            self._kill()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()

    def _kill(self) -> None:
        for process in self.everybody:
            process.kill()


def embedded(data: Path, settings: Mapping[str, str] | None = None) -> Process:
    """`hub up` on a directory: every role in one process."""
    return Process(data.name, ["up", "--data", str(data), "--mllp", "0", "--http", "0"], data.parent, settings or {})


async def import_cohort(data: Path, plan: Day, settings: Mapping[str, str] | None = None) -> None:
    """The people of the day into the database that the settings name, or into this directory."""
    cohort = await asyncio.to_thread(write_cohort, data.with_suffix(".csv"), plan.people)
    words = ("cohort", "import", cohort, "--data", data)
    done = await asyncio.to_thread(hub, *words, settings=dict(settings or {}), seconds=900)
    assert done.code == 0, done.complained


async def left_alone(data: Path, plan: Day) -> tuple[Laboratories, Kept]:
    """The day sent to an embedded hub that nobody disturbs: what must come of it."""
    told, process = Laboratories(), embedded(data)
    await import_cohort(data, plan)
    try:
        await process.restart()
        await told.send(plan, lambda _: process.ports["MLLP"])
        await asyncio.to_thread(wait_until_finished, data)
        await process.terminate()
    finally:
        process.kill()
    return told, Kept.in_directory(data)
