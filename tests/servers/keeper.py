"""Stands between the tests and one server, so that no server outlives the tests, however they ended.

Run as a program: `keeper.py SIGNAL USER DIRECTORY COMMAND...`. It starts the command and says its pid on standard
output. Standard input is a pipe on which nothing is ever said: that it closes means that the tests are gone, killed
perhaps, and then the server gets the signal and its directory is removed. When the server ends, the keeper ends
whatever the server left behind (a daemon, a child of a killed parent), and only then itself.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from time import sleep

_DIE_WITH_PARENT, _ADOPT_ORPHANS = 1, 36  # PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER of prctl(2)
_LONGEST_ENDING = 5.0


def children(pid: int) -> Iterator[int]:
    """The living children of a process. A zombie only waits to be counted, and is not among them."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it may end while we look
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if int(parent) == pid and state not in "ZX":
                yield int(stat.parent.name)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def _start(user: str, command: list[str]) -> subprocess.Popen[bytes]:
    """The server hears nothing, and says everything into the log, which is our standard error."""
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, user=user or None, extra_groups=[] if user else None,
        # Here is one thread only, so this is safe; it works after the change of user, which would undo it.
        preexec_fn=lambda: _prctl(_DIE_WITH_PARENT, signal.SIGKILL),
    )  # fmt: skip


def _end_with_the_tests(pid: int, number: int, gone: Event) -> None:
    os.read(0, 1)
    gone.set()
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        sleep(_LONGEST_ENDING)
        os.kill(pid, signal.SIGKILL)


def _end_what_is_left() -> None:
    with suppress(ChildProcessError):
        while True:
            for orphan in children(os.getpid()):
                with suppress(ProcessLookupError):
                    os.kill(orphan, signal.SIGKILL)
            os.wait()


def main(number: str, user: str, directory: str, *command: str) -> None:
    _prctl(_ADOPT_ORPHANS, 1)
    server, gone = _start(user, list(command)), Event()
    print(server.pid, flush=True)
    Thread(target=_end_with_the_tests, args=(server.pid, int(number), gone), daemon=True).start()
    while os.wait()[0] != server.pid:  # orphans end too
        pass
    _end_what_is_left()
    if gone.is_set():
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
