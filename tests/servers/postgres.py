"""A private PostgreSQL, to be stopped, killed and started again at will."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import psycopg

from tests.servers import fresh
from tests.servers.keeper import children
from tests.servers.node import Kept, Node
from tests.servers.programs import ServersMissing, postgres_bin

StopMode = Literal["smart", "fast", "immediate"]
_MODES = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",  # a path of a socket must be short, that of a test's directory need not be
    "max_connections": "100",
    "log_line_prefix": "%m [%p] ",
}
_NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresNode(Node):
    """A cluster of its own with one superuser, `hub`, who needs no password."""

    name = "postgres"
    quick_end = signal.SIGQUIT

    def __init__(
        self, *, durable: bool = True, settings: dict[str, str] | None = None, within: Path | None = None
    ) -> None:
        """`durable=False` is quicker and may lose data when killed; `settings` are postgresql.conf's."""
        place = postgres_bin()
        if place is None:
            raise ServersMissing("There is no PostgreSQL server here. On Debian: apt-get install postgresql")
        super().__init__(within, ports=1)
        self._bin = place
        self._user = _somebody_else() if os.geteuid() == 0 else None
        self._settings = _SETTINGS | ({} if durable else _NOT_DURABLE) | (settings or {})
        self._data = self.directory / "data"

    def url(self, database: str = "postgres") -> str:
        return fresh.at(f"postgresql://hub@127.0.0.1:{self.port}", database)

    def execute(self, sql: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement outside any transaction; the rows, if it gives any."""
        return fresh.execute(self.url(database), sql)

    def create_database(self, name: str, template: str | None = None) -> None:
        fresh.create_database(self.url(), name, template)

    def drop_database(self, name: str) -> None:
        fresh.drop_database(self.url(), name)

    def cut_connections(self) -> int:
        """End every client's connection from the server's side; how many there were."""
        who = "backend_type = 'client backend' AND pid <> pg_backend_pid()"
        return len(self.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {who}"))

    def stop(self, mode: StopMode = "fast") -> None:
        """`smart` waits for the clients, `fast` does not, `immediate` leaves the rest to the next start."""
        self._end(_MODES[mode])

    def kill(self) -> None:
        """`kill -9` of the server and of every process it has: the next start must recover."""
        family = list(children(self.pid)) if self.running else []
        with suppress(ProcessLookupError):
            if self.running:
                os.kill(self.pid, signal.SIGSTOP)  # or it would see its children die, and act on it
        for one in family:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        super().kill()

    def _run(self) -> Kept:
        if not (self._data / "PG_VERSION").exists():
            self._make()
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        command: list[str | Path] = [self._bin / "postgres", "-D", self._data, "-p", str(self.port), *options]
        return Kept(command, self.directory, self.log, _environment(), self._user, self.quick_end)

    def _make(self) -> None:
        """initdb, as somebody other than root, whom PostgreSQL refuses."""
        if self._user:
            owner = pwd.getpwnam(self._user)
            os.chown(self.directory, owner.pw_uid, owner.pw_gid)
        # The copy to disk is not awaited: what we let happen to the cluster is a kill, not a power cut.
        shape = ["-U", "hub", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
        done = subprocess.run(
            [self._bin / "initdb", "-D", self._data, *shape], cwd=self.directory, env=_environment(),
            user=self._user, extra_groups=[] if self._user else None,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed: {done.stderr.strip()}")

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.url(), connect_timeout=5):
            return True
        return False


def _somebody_else() -> str:
    """The user that Debian's package makes, or nobody."""
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _environment() -> dict[str, str]:
    """Without what would send a server of this name elsewhere."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}
