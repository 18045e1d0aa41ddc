"""Drives the real hub: its command line in subprocesses, its doors over real sockets, in temporary directories.

The client and the reading of answers here are written apart from the hub's own, so that the two can disagree.
"""

from __future__ import annotations

import asyncio
import csv
import os
import queue
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType

from hub.domain.people import Participant

_INSTALLED = Path(sys.executable).parent / "hub"
HUB = [str(_INSTALLED)] if _INSTALLED.exists() else [sys.executable, "-m", "hub"]
ROOT = Path(__file__).resolve().parents[2]
START, END = b"\x0b", b"\x1c\r"
START_SECONDS = 40.0
STOP_SECONDS = 30.0
_PORT = re.compile(r"^(MLLP|HTTP|PARTNERS) .*?127\.0\.0\.1:(\d+)")


def environment(settings: dict[str, str]) -> dict[str, str]:
    """This process's environment without any setting of a hub, and those given."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HUB_")} | settings


@dataclass(frozen=True, slots=True)
class Finished:
    """How a command ended. `out` and `err` are its two outputs as bytes."""

    words: tuple[str, ...]
    code: int
    out: bytes
    err: bytes

    @property
    def said(self) -> str:
        return self.out.decode()

    @property
    def complained(self) -> str:
        return self.err.decode()


Inside = Callable[..., Finished]
"""The command line run inside the tests' own process (the fixture `inside`)."""


def is_one_sentence(done: Finished) -> bool:
    """How a command says that it cannot run: one line that begins with its name, and exit code 2."""
    begins = done.complained.startswith(f"hub {done.words[0]}: ")
    return done.code == 2 and not done.out and begins and done.complained.count("\n") == 1


def hub(
    *words: object,
    given: bytes = b"",
    settings: dict[str, str] | None = None,
    cwd: Path | None = None,
    seconds: float = 90.0,
) -> Finished:
    """Run one command to its end; `given` is its standard input."""
    said = tuple(str(word) for word in words)
    done = subprocess.run(
        [*HUB, *said], input=given, capture_output=True, env=environment(settings or {}), cwd=cwd, timeout=seconds
    )
    return Finished(said, done.returncode, done.stdout, done.stderr)


def hubs(calls: Iterable[Sequence[object]], settings: dict[str, str] | None = None) -> list[Finished]:
    """Several commands side by side, in the order asked."""
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda call: hub(*call, settings=settings), calls))


class HubUp:
    """`hub up` on a directory, on free ports. `log` is the file that its standard error goes to (and is added to)."""

    def __init__(self, data: Path, *, log: Path | None = None, settings: dict[str, str] | None = None) -> None:
        self.data = data
        self.log = log or data.parent / f"{data.name}.log"
        self.said: list[str] = []
        self.ports: dict[str, int] = {}
        self._settings = settings or {}
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> HubUp:
        self.start()
        try:
            self.wait_until_up()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.kill()

    @property
    def mllp(self) -> int:
        return self.ports["MLLP"]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports['HTTP']}"

    def start(self) -> None:
        """Begin; it may still be starting when this returns."""
        words = [*HUB, "up", "--data", str(self.data), "--mllp", "0", "--http", "0"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, env=environment(self._settings)
            )
        self._lines = queue.Queue()
        threading.Thread(target=self._listen, args=(self._process, self._lines), daemon=True).start()

    def wait_until_up(self) -> None:
        """Until it has said where it listens."""
        self.ports = {}
        while "HTTP" not in self.ports or "MLLP" not in self.ports:
            line = self._lines.get(timeout=START_SECONDS)
            if line is None:
                raise AssertionError(f"hub up ended before it was up:\n{self.log.read_text()[-4000:]}")
            self.said.append(line)
            if found := _PORT.match(line):
                self.ports[found[1]] = int(found[2])

    def kill(self) -> None:
        """kill -9, at once; nothing where nothing runs."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def terminate(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop, and give its exit code."""
        assert self._process is not None, "start it first"
        self._process.send_signal(number)
        code = self._process.wait(STOP_SECONDS)
        while (line := self._lines.get(timeout=STOP_SECONDS)) is not None:
            self.said.append(line)
        self._process = None
        return code

    @staticmethod
    def _listen(process: subprocess.Popen[bytes], lines: queue.Queue[str | None]) -> None:
        assert process.stdout is not None
        with process.stdout as out:
            for line in out:
                lines.put(line.decode())
        lines.put(None)


@dataclass(frozen=True, slots=True)
class Ack:
    """An answer taken apart by hand: MSA-1, MSA-2, and the fields of each ERR from ERR-1 on."""

    raw: bytes
    code: str
    control_id: str
    errors: tuple[tuple[str, ...], ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Our own reason code of each ERR (the first component of ERR-5)."""
        return tuple(error[4].split("^")[0] for error in self.errors)

    @property
    def places(self) -> tuple[str, ...]:
        return tuple(error[1] for error in self.errors)

    @property
    def sentences(self) -> tuple[str, ...]:
        return tuple(error[7] for error in self.errors)


def ack_of(raw: bytes) -> Ack:
    """An answer, in whatever delimiters and in one byte a letter or two; AssertionError if it is none."""
    text = raw.replace(b"\0", b"").removeprefix(b"\xff\xfe").removeprefix(b"\xfe\xff").decode("latin-1")
    assert text.startswith("MSH"), raw
    lines = [line.split(text[3]) for line in text.split("\r") if line]
    msa = next(line for line in lines if line[0] == "MSA")
    errors = tuple((*line[1:], *[""] * 9)[:9] for line in lines if line[0] == "ERR")
    return Ack(raw, msa[1], msa[2] if len(msa) > 2 else "", errors)


class Wire:
    """A sender's end of an MLLP connection, with nothing clever in it: bytes out, whole frames back."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._came = b""

    async def __aenter__(self) -> Wire:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.transport.abort()

    async def write(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def send(self, body: bytes) -> None:
        await self.write(START + body + END)

    async def frame(self, seconds: float = 20.0) -> bytes:
        """The next answer. TimeoutError when none comes, EOFError when the line is closed first."""
        async with asyncio.timeout(seconds):
            while END not in self._came:
                piece = await self._reader.read(65536)
                if not piece:
                    raise EOFError
                self._came += piece
        frame, self._came = self._came.split(END, 1)
        assert frame.startswith(START), frame[:40]
        return frame[1:]

    async def ack(self, seconds: float = 20.0) -> Ack:
        return ack_of(await self.frame(seconds))

    async def ask(self, body: bytes) -> Ack:
        """Send one message and take its answer."""
        await self.send(body)
        return await self.ack()

    async def is_silent(self, seconds: float = 0.3) -> bool:
        """Nothing more comes for so long."""
        try:
            async with asyncio.timeout(seconds):
                return not self._came and not await self._reader.read(1)
        except TimeoutError:
            return True


def wait_until_finished(data: Path, seconds: float = 60.0) -> None:
    """Until every event of the store is finished, read past the hub's own code."""
    deadline = monotonic() + seconds
    with closing(sqlite3.connect(data / "hub.sqlite")) as store:
        while store.execute("SELECT count(*) FROM outbox WHERE finished_at IS NULL").fetchone()[0]:
            assert monotonic() < deadline, "the hub does not finish what it took"
            sleep(0.05)


def write_cohort(path: Path, people: Sequence[Participant]) -> Path:
    """The people as the CSV that `hub cohort import` takes."""
    columns = [
        "nhs_number",
        "family_name",
        "given_names",
        "former_family_names",
        "date_of_birth",
        "gender",
        "address_lines",
        "postcode",
        "practice_code",
        "next_test_due_on",
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        for person in people:
            rows.writerow([_cell(getattr(person, column)) for column in columns])
    return path


def _cell(value: object) -> str:
    if isinstance(value, tuple):
        return ";".join(value)
    return "" if value is None else str(value)
