"""A private RabbitMQ, to be stopped, killed, emptied and started again at will."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers import fresh
from tests.servers.node import Kept, Node
from tests.servers.programs import ServersMissing, erl_call, rabbitmq_server

_NAME = "hub@localhost"  # nobody else is asked for names at our epmd
# Other machines cannot reach it. And its threads wait a little before they sleep, which is Erlang's default and not
# RabbitMQ's: on a virtual machine, where waking up is slow, it starts in half the time.
_ARGUMENTS = "-kernel inet_dist_use_interface {127,0,0,1} +sbwt medium +sbwtdcpu short +sbwtdio short"
_CONFIGURATION = """\
listeners.tcp.1 = 127.0.0.1:{port}
loopback_users.guest = true
log.console = false
log.file.level = warning
vm_memory_high_watermark.absolute = {memory}
disk_free_limit.absolute = 50MB
"""


class RabbitNode(Node):
    """A broker of its own, with its own cookie and its own epmd, running as whoever runs the tests."""

    name = "rabbitmq"
    quick_end = signal.SIGKILL

    def __init__(self, *, plugins: Sequence[str] = (), memory: str = "1GB", within: Path | None = None) -> None:
        """`plugins` by their names; above `memory` the broker blocks publishers, with a small one soon."""
        server, asking = rabbitmq_server(), erl_call()
        if server is None or asking is None:
            raise ServersMissing("There is no RabbitMQ here. On Debian: apt-get install rabbitmq-server")
        super().__init__(within, ports=3)
        self._server, self._erl_call = server, asking
        for name in ("home", "data", "log"):
            (self.directory / name).mkdir()
        self._write("home/.erlang.cookie", secrets.token_hex(16)).chmod(0o400)
        self._write("rabbitmq.conf", _CONFIGURATION.format(port=self.port, memory=memory))
        self._write("enabled_plugins", f"[{','.join(plugins)}].")

    def url(self, vhost: str = "/") -> str:
        return fresh.at(f"amqp://guest:guest@127.0.0.1:{self.port}", vhost)

    def make_vhost(self, name: str) -> None:
        """A new empty virtual host, in which guest may do everything; one of that name stays as it is."""
        vhost, all_of_it = _binary(name), ", ".join([_binary(".*")] * 3)
        self._tell(f'rabbit_vhost:add({vhost}, <<"tests">>)')
        self._tell(f'rabbit_auth_backend_internal:set_permissions(<<"guest">>, {vhost}, {all_of_it}, <<"tests">>)')

    def delete_vhost(self, name: str) -> None:
        """With its queues and messages; its connections are closed."""
        self._tell(f'rabbit_vhost:delete({_binary(name)}, <<"tests">>)')

    @contextmanager
    def fresh_vhost(self) -> Iterator[str]:
        """The URL of a new empty virtual host; deleted after, if the broker still runs."""
        name = f"hub-test-{secrets.token_hex(6)}"
        self.make_vhost(name)
        try:
            yield self.url(name)
        finally:
            if self.running:
                self.delete_vhost(name)

    def evaluate(self, erlang: str) -> str:
        """What this Erlang expression gives inside the broker, as Erlang writes it."""
        done = subprocess.run(
            [self._erl_call, "-sname", _NAME, "-e"], input=f"{erlang}.\n", env=self._environment(),
            capture_output=True, text=True, timeout=30, check=False,
        )  # fmt: skip
        said = done.stdout.strip()
        if not said.startswith("{ok, "):
            raise RuntimeError(f"the broker answered {said or done.stderr.strip()!r} to {erlang}")
        return said.removeprefix("{ok, ").removesuffix("}")

    def wipe(self) -> None:
        """Stop, and forget everything: it comes up empty."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self.directory / "data")
        (self.directory / "data").mkdir()

    def _tell(self, erlang: str) -> None:
        answer = self.evaluate(erlang)
        if answer != "ok":
            raise RuntimeError(f"the broker answered {answer} to {erlang}")

    def _run(self) -> Kept:
        return Kept([self._server], self.directory, self.log, self._environment())

    def _answers(self) -> bool:
        """It takes AMQP, and has finished booting: it takes connections a moment before."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                if connection.recv(1) != b"\x01":  # a frame of a method: connection.start
                    return False
            return self.evaluate("rabbit:is_booted()") == "true"
        except (OSError, RuntimeError):
            return False

    def _environment(self) -> dict[str, str]:
        ports = [str(port.number) for port in self._ports]
        others = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        return others | {
            "HOME": str(self.directory / "home"),
            "ERL_EPMD_PORT": ports[2],
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": _NAME,
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": ports[0],
            "RABBITMQ_DIST_PORT": ports[1],
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": _ARGUMENTS,
            "RUNNING_UNDER_SYSTEMD": "true",  # its script then becomes the server, and does not stay beside it
            **{name: str(self.directory / path) for name, path in _PATHS.items()},
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        }

    def _write(self, name: str, text: str) -> Path:
        path = self.directory / name
        path.write_text(text)
        return path


_PATHS = {
    "RABBITMQ_MNESIA_BASE": "data",
    "RABBITMQ_LOG_BASE": "log",
    "RABBITMQ_CONFIG_FILE": "rabbitmq",
    "RABBITMQ_ADVANCED_CONFIG_FILE": "none",
    "RABBITMQ_ENABLED_PLUGINS_FILE": "enabled_plugins",
    "RABBITMQ_PID_FILE": "pid",
    "RABBITMQ_GENERATED_CONFIG_DIR": "generated",
    "RABBITMQ_SCHEMA_DIR": "schema",
    "RABBITMQ_FEATURE_FLAGS_FILE": "data/feature_flags",
}


def _binary(text: str) -> str:
    """Any text as an Erlang binary: by its bytes, so that nothing in it means anything."""
    return f"<<{','.join(map(str, text.encode()))}>>"
