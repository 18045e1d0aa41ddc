"""Sees to it that the servers the tests need are installed.

`python -m tests.servers.install` does it for all of them, `... install postgresql` for one. Exit code 2 and one
sentence if it cannot be done here.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.servers.programs import ServersMissing, erl_call, libfaketime, postgres_bin, rabbitmq_server

FOUND: dict[str, Callable[[], object]] = {
    "postgresql": postgres_bin,
    "rabbitmq": lambda: rabbitmq_server() and erl_call(),
    "libfaketime": libfaketime,
}
"""What can be asked for, and how it is looked for."""

_PACKAGES = {"postgresql": "postgresql", "rabbitmq": "rabbitmq-server", "libfaketime": "libfaketime"}
# Another apt may be at work, or a machine's first update: wait for it.
_APT = ("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=120")
_SECONDS = 900.0


def ensure(*programs: str) -> None:
    """Take what is there, install what is missing; ServersMissing if neither works."""
    missing = [program for program in programs if not FOUND[program]()]
    if not missing:
        return
    packages = [_PACKAGES[program] for program in missing]
    before = _as_root()
    if before is None:
        raise _cannot(packages, "")
    _install(before, packages)
    if still := [_PACKAGES[program] for program in missing if not FOUND[program]()]:
        raise _cannot(still, ", which was tried and did not help")


def _as_root() -> tuple[str, ...] | None:
    """What to write before a command so that it is root's; None where we may not install."""
    if not shutil.which("apt-get"):
        return None
    if os.geteuid() == 0:
        return ()
    sudo = shutil.which("sudo")
    asked = sudo and subprocess.run([sudo, "-n", "true"], capture_output=True, timeout=30, check=False)
    return ("sudo", "-n") if asked and asked.returncode == 0 else None


def _install(before: tuple[str, ...], packages: list[str]) -> None:
    print(f"Installing {' and '.join(packages)} for the tests ...", file=sys.stderr, flush=True)
    # Through env, because sudo does not hand its environment on. Debian starts a server of its own where it may
    # start services at all; ours is another, on other ports, so we neither use that one nor stop it.
    quiet = (*before, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1")
    for words in (("update",), ("install", "-y", "--no-install-recommends", *packages)):
        done = _run([*quiet, *_APT, *words])
        if done.returncode != 0 and words[0] == "install":  # what stands in the lists may do, if update fails
            raise _cannot(packages, f", which failed here: {_last_line(done.stderr)}")


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False, cwd=Path("/"))
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(words, 1, "", f"nothing after {_SECONDS:.0f} s")


def _last_line(said: str) -> str:
    return (said.strip().splitlines() or ["it said nothing"])[-1]


def _cannot(packages: list[str], why: str) -> ServersMissing:
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    return ServersMissing(f"The tests need real servers. On Debian: {command}{why}")


def main(words: list[str]) -> int:
    programs = words or list(FOUND)
    if unknown := set(programs) - FOUND.keys():
        print(f"There is no {', '.join(sorted(unknown))} to install; there are {', '.join(FOUND)}", file=sys.stderr)
        return 2
    try:
        ensure(*programs)
    except ServersMissing as missing:
        print(missing, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
