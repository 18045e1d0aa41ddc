"""What the servers have in common: ports that stay theirs, a directory of their own, a start and an end."""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep
from types import TracebackType
from typing import Self

from tests.servers import keeper

_START_SECONDS, _STOP_SECONDS = 60.0, 30.0


class HeldPort:
    """A free port of 127.0.0.1 that stays ours for as long as it is held, also while the server is down.

    A socket that is bound and does not listen refuses connections as a closed port does, and lets a server with
    SO_REUSEADDR listen beside it. Without it another process could be given the port between a kill and the next
    start, and a client that keeps knocking could even reach itself.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(("127.0.0.1", 0))
        self.number: int = self._socket.getsockname()[1]
        if sys.platform != "linux":  # elsewhere nobody may listen beside it
            self.release()

    def release(self) -> None:
        self._socket.close()


class Kept:
    """One run of a server, under a keeper that ends it if this process dies."""

    def __init__(
        self, command: Sequence[str | Path], directory: Path, log: Path, environment: Mapping[str, str],
        user: str | None = None, when_alone: signal.Signals = signal.SIGKILL,
    ) -> None:  # fmt: skip
        # The interpreter without site packages: it starts in a few hundredths of a second.
        words = [sys.executable, "-I", "-S", keeper.__file__, str(int(when_alone)), user or "", directory, *command]
        with log.open("ab") as out:
            self._keeper = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=out, cwd=directory, env=environment,
                start_new_session=True,  # a Ctrl-C at the terminal is for the tests, which then stop their servers
            )  # fmt: skip
        assert self._keeper.stdout is not None
        said = self._keeper.stdout.readline()
        if not said:
            self._keeper.communicate()
            raise RuntimeError(f"{command[0]} did not start: {tail(log)}")
        self.pid = int(said)

    @property
    def running(self) -> bool:
        return self._keeper.poll() is None

    def end(self, number: signal.Signals) -> None:
        """Send the signal; return when the server and all that it had started are gone."""
        with self._keeper:  # closes the pipes
            self._signal(number)
            try:
                self._keeper.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
                raise

    def _signal(self, number: signal.Signals) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


class Node(ABC):
    """A private server. `start`, `stop`, `kill` as often as you like; `close`, or leaving `with`, ends all of it."""

    name: str
    quick_end: signal.Signals
    """How it ends when its data are of no more use."""

    def __init__(self, within: Path | None, ports: int) -> None:
        """Makes a new directory `within` the given one, or in the system's place for temporary files."""
        self.directory = Path(tempfile.mkdtemp(prefix=f"hub-{self.name}-", dir=within))
        self.log = self.directory / "output.log"
        self._ports = [HeldPort() for _ in range(ports)]
        self.port = self._ports[0].number
        self._kept: Kept | None = None
        atexit.register(self.close)

    @abstractmethod
    def _run(self) -> Kept: ...

    @abstractmethod
    def _answers(self) -> bool: ...

    @property
    def running(self) -> bool:
        return self._kept is not None and self._kept.running

    @property
    def pid(self) -> int:
        assert self._kept is not None, f"{self.name} is not running"
        return self._kept.pid

    def start(self) -> None:
        """Return when the server answers; on the data it had, if it had any."""
        if self.running:
            return
        self._end(signal.SIGKILL)  # what is left of a run that ended by itself
        self._kept = self._run()
        try:
            wait_until(lambda: not self.running or self._answers(), _START_SECONDS)
            if not self.running:
                raise RuntimeError("it ended")
        except Exception as error:  # whatever it was: nothing half started may stay behind
            self.kill()
            raise RuntimeError(f"{self.name} did not come up ({error}): {tail(self.log)}") from error

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As by `kill -9`: no time for a last word."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def close(self) -> None:
        """Stop, and leave nothing: no process, no file, no port. A closed node does not start again."""
        atexit.unregister(self.close)
        try:
            self._end(self.quick_end)
        finally:
            for port in self._ports:
                port.release()
            shutil.rmtree(self.directory, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            kept.end(number)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def wait_until(true: Callable[[], bool], seconds: float) -> None:
    end = monotonic() + seconds
    while not true():
        if monotonic() > end:
            raise TimeoutError(f"not within {seconds:.0f} s")
        sleep(0.02)


def tail(log: Path, lines: int = 8) -> str:
    return " / ".join(log.read_text(errors="replace").splitlines()[-lines:]) or "it said nothing"
