"""What every node keeps to: a port that stays its own, and an end with the tests."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.servers import PostgresNode, RabbitNode
from tests.servers.node import HeldPort, wait_until
from tests.servers.seen import family, listens, living

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.servers


def test_a_held_port_refuses_and_is_given_to_nobody() -> None:
    held = HeldPort()
    assert not listens(held.number)
    with closing(socket.socket()) as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", held.number))
    held.release()
    with closing(socket.socket()) as other:
        other.bind(("127.0.0.1", held.number))


def test_every_node_has_its_own() -> None:
    nodes = [PostgresNode(), PostgresNode(), RabbitNode(), RabbitNode()]
    ports = [port.number for node in nodes for port in node._ports]
    for node in nodes:
        node.close()
    assert len(set(ports)) == len(ports) == 8


STARTS_AND_WAITS = """
import sys
from tests.servers import PostgresNode
with PostgresNode(durable=False) as node:
    print(node.pid, node.directory, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_server_does_not_outlive_tests_that_are(number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_AND_WAITS], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    ) as tests:  # fmt: skip
        assert tests.stdout is not None
        pid, directory = tests.stdout.readline().split()
        processes = family(tests.pid) - {tests.pid}
        assert int(pid) in processes
        tests.send_signal(number)
        tests.wait(20)
    wait_until(lambda: not living(processes), 10)
    wait_until(lambda: not Path(directory).exists(), 10)
