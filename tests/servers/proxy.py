"""A network that fails on command: stands before a server of this machine and passes bytes, until told otherwise."""

from __future__ import annotations

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter, Task
from dataclasses import dataclass
from typing import Any, Self

from tests.servers.node import HeldPort

_AT_ONCE = struct.pack("ii", 1, 0)  # SO_LINGER of no seconds: closing throws away what waits, and says so with RST


@dataclass(eq=False, slots=True)
class _Link:
    """One client's connection, and ours to the server for it."""

    task: Task[Any]
    ends: list[StreamWriter]
    lost: bool = False

    def cut(self) -> None:
        self.reset()
        self.task.cancel()

    def reset(self) -> None:
        for end in self.ends:
            if (connection := end.get_extra_info("socket")) is not None and connection.fileno() >= 0:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
            end.transport.abort()


class FaultProxy:
    """`async with FaultProxy(server.port) as network:` and clients connect to `network.port`.

    Counts `accepted` connections, and the bytes that went `to_server`, `to_clients`, and were `lost`."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.accepted = self.to_server = self.to_clients = self.lost = 0
        self._held = HeldPort()
        self.port = self._held.number
        self._links: set[_Link] = set()
        self._flowing = asyncio.Event()
        self._losing = False
        self._listener: asyncio.Server | None = None

    @property
    def open(self) -> int:
        """How many connections pass through just now."""
        return len(self._links)

    async def flow(self) -> None:
        """Undo every fault. Connections that lost bytes are cut: no client could make sense of what comes next."""
        for link in [link for link in self._links if link.lost]:
            link.cut()
        self._losing = False
        self._flowing.set()
        if self._listener is None:
            self._listener = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    def cut(self) -> None:
        """Close every connection with RST, as a server's machine does that was restarted."""
        for link in list(self._links):
            link.cut()

    def stall(self) -> None:
        """Pass nothing, lose nothing, close nothing: what is sent waits for `flow`."""
        self._flowing.clear()

    def refuse(self) -> None:
        """New connections are refused; those that are open stay."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def lose_replies(self) -> None:
        """What clients say arrives, what the server answers does not: committed or published, and nobody knows."""
        self._losing = True

    async def close(self) -> None:
        self.refuse()
        tasks = [link.task for link in self._links]
        self.cut()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._held.release()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        link = _Link(task, [writer])
        self._links.add(link)
        self.accepted += 1
        try:
            back, server = await asyncio.open_connection("127.0.0.1", self.target_port)
            link.ends.append(server)
            await asyncio.gather(self._pass(link, reader, server), self._pass(link, back, writer))
        except (OSError, asyncio.CancelledError):
            link.reset()
        finally:
            self._links.discard(link)
            for end in link.ends:
                end.close()

    async def _pass(self, link: _Link, reader: StreamReader, writer: StreamWriter) -> None:
        """One direction. If it breaks, so does the other: half a connection would wait for ever."""
        try:
            await self._copy(link, reader, writer)
        except OSError:
            link.cut()

    async def _copy(self, link: _Link, reader: StreamReader, writer: StreamWriter) -> None:
        """Until the sender has said all; what is not read meanwhile holds the sender back."""
        reply = writer is link.ends[0]
        while True:
            part = await reader.read(65536)
            await self._flowing.wait()
            if reply and self._losing:
                link.lost = True
                self.lost += len(part)
            elif part:
                self._count(len(part), reply)
                writer.write(part)
                await writer.drain()
            if not part:
                writer.write_eof()
                return

    def _count(self, size: int, reply: bool) -> None:
        if reply:
            self.to_clients += size
        else:
            self.to_server += size

    async def __aenter__(self) -> Self:
        await self.flow()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
