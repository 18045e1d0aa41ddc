"""What can be seen of a server from outside: its processes and its port."""

from __future__ import annotations

import socket
from contextlib import closing
from pathlib import Path

from tests.servers.keeper import children
from tests.servers.node import Node


def listens(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def family(pid: int) -> set[int]:
    """A process and all that it started, and they started."""
    return {pid}.union(*(family(child) for child in children(pid)))


def living(pids: set[int]) -> set[int]:
    """Those that are still there, if only as zombies."""
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


def commands(pids: set[int]) -> set[str]:
    """The names of what runs."""
    return {Path(f"/proc/{pid}/comm").read_text().strip() for pid in pids}


def near(node: Node) -> set[int]:
    """Every process of a node: its keeper, itself, and whatever either adopted or started."""
    text = Path(f"/proc/{node.pid}/stat").read_text()
    return family(int(text.rpartition(")")[2].split()[1]))
