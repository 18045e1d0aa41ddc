"""Where the servers' programs are on this machine."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_SYSTEM = (Path("/usr/bin"), Path("/usr/sbin"), Path("/usr/local/bin"), Path("/opt/homebrew/bin"))


class ServersMissing(Exception):
    """A server is not installed here; the one sentence says what to install."""


def postgres_bin() -> Path | None:
    """The directory of the newest PostgreSQL that has a server, not only a client."""
    return next((place for place in _postgres_places() if (place / "initdb").exists()), None)


def _postgres_places() -> Iterator[Path]:
    # Debian keeps versions beside one another, and none of them on the path.
    versions = [place for place in Path("/usr/lib/postgresql").glob("*/bin") if place.parent.name.isdecimal()]
    yield from sorted(versions, key=lambda place: int(place.parent.name), reverse=True)
    if config := shutil.which("pg_config"):
        said = subprocess.run([config, "--bindir"], capture_output=True, text=True, timeout=10, check=False)
        yield Path(said.stdout.strip())
    if found := shutil.which("initdb"):
        yield Path(found).resolve().parent


def rabbitmq_server() -> Path | None:
    """The plain script: the one on Debian's path is a wrapper that refuses every user but two."""
    plain = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
    return plain if plain.exists() else _program("rabbitmq-server")


def erl_call() -> Path | None:
    """Erlang's own way to ask a node something: milliseconds, where rabbitmqctl takes a second."""
    return _program("erl_call")


def libfaketime() -> Path | None:
    """The library to preload, so that a server's clock can be wrong."""
    return next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None) or next(
        Path("/usr/lib").glob("faketime/libfaketime.so.1"), None
    )


def _program(name: str) -> Path | None:
    """On the path or beside it: a plain user's path has no sbin."""
    found = shutil.which(name) or next((place / name for place in _SYSTEM if (place / name).exists()), None)
    return Path(found) if found else None
