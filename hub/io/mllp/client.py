"""An MLLP sender: one connection, every reply matched to the message it answers.

A reply that comes late must never be credited to the next message (anchors.md 4, row 3): after a timeout, or a reply
that quotes another control id, the connection is dropped and the error says so. Send again on a new one (`connect`).
"""

from __future__ import annotations

import asyncio
import ssl
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

from hub.io.mllp.framing import DEFAULT_MAX_BYTES, BlockSplitter, wrap

_PIECE_BYTES = 64 * 1024
_HEADERS = {b"MSH": 10, b"FHS": 11, b"BHS": 11}
"""The field in which each header segment carries its control id; field 1 is the separator itself."""


class MllpError(Exception):
    """A message was not sent, or not answered as it should be. The text holds no part of a message."""


class NoAnswerError(MllpError):
    """Nothing came back in time, or the connection ended first: send the message again."""


class WrongAnswerError(MllpError):
    """The reply answers another message, or none: what became of ours is not known. Send it again."""


class MllpClient:
    """`async with MllpClient(host, port) as client: reply = await client.send(raw)`; bodies are unframed."""

    def __init__(
        self,
        host: str,
        port: int,
        *,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        connect_seconds: float = 10.0,
        max_reply_bytes: int = DEFAULT_MAX_BYTES,
    ) -> None:
        self._host, self._port = host, port
        self._tls, self._server_name = tls, server_name
        self._connect_seconds = connect_seconds
        self._max_reply_bytes = max_reply_bytes
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._splitter = BlockSplitter(max_reply_bytes)
        self._replies: deque[bytes] = deque()

    async def __aenter__(self) -> MllpClient:
        await self.connect()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def connected(self) -> bool:
        return self._streams is not None

    async def connect(self) -> None:
        """Open the connection afresh; nothing of an earlier one is kept. Raises MllpError if nobody is there."""
        self.drop()
        self._splitter = BlockSplitter(self._max_reply_bytes)
        self._replies.clear()
        name = self._server_name if self._tls else None
        try:
            async with asyncio.timeout(self._connect_seconds):
                self._streams = await asyncio.open_connection(
                    self._host, self._port, ssl=self._tls, server_hostname=name, limit=_PIECE_BYTES
                )
        except OSError as error:
            raise MllpError(f"No MLLP connection to {self._host} port {self._port}: {type(error).__name__}.") from error

    async def send(self, raw: bytes, timeout: float = 30.0) -> bytes:  # noqa: ASYNC109 - the caller thinks in one limit
        """Send one message and give its reply. Raises NoAnswerError or WrongAnswerError, and drops the connection."""
        (reply,) = await self.send_many([raw], timeout)
        return reply

    async def send_many(self, raws: Sequence[bytes], timeout: float = 30.0) -> list[bytes]:  # noqa: ASYNC109 - as above
        """Send all without waiting, and give the replies in the same order. `timeout` is the longest wait for the next
        reply. After an error nothing is known of the messages not yet answered."""
        sending = asyncio.create_task(self._write_all(raws))
        try:
            return [await self._reply_to(raw, timeout) for raw in raws]
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)

    async def write(self, data: bytes) -> None:
        """Put bytes on the wire exactly as they are, framed by nobody (to try what a door does with them)."""
        _, writer = self._open_streams()
        try:
            writer.write(data)
            await writer.drain()
        except OSError as error:
            self.drop()
            raise NoAnswerError("The connection ended while sending.") from error

    async def write_end(self) -> None:
        """Say that nothing more will be sent, and stay to read."""
        _, writer = self._open_streams()
        with suppress(OSError):
            writer.write_eof()

    async def receive(self, timeout: float = 30.0) -> bytes:  # noqa: ASYNC109 - as above
        """The next reply, whatever it answers. Raises NoAnswerError, and drops the connection."""
        try:
            async with asyncio.timeout(timeout):
                return await self._next_reply()
        except TimeoutError as error:
            self.drop()
            raise NoAnswerError(f"No answer within {timeout:g} seconds; the connection was dropped.") from error

    async def close(self) -> None:
        """Close in good order."""
        if self._streams is None:
            return
        _, writer = self._streams
        self._streams = None
        writer.close()
        with suppress(OSError):
            async with asyncio.timeout(2.0):
                await writer.wait_closed()
        writer.transport.abort()

    def drop(self) -> None:
        """Break the connection at once: what still comes on it is nobody's answer."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None

    async def _write_all(self, raws: Sequence[bytes]) -> None:
        for raw in raws:
            await self.write(wrap(raw))

    async def _reply_to(self, raw: bytes, seconds: float) -> bytes:
        reply = await self.receive(seconds)
        if not answers(reply, raw):
            self.drop()
            raise WrongAnswerError("The answer quotes another control id than was sent; the connection was dropped.")
        return reply

    async def _next_reply(self) -> bytes:
        reader, _ = self._open_streams()
        while not self._replies:
            try:
                piece = await reader.read(_PIECE_BYTES)
            except OSError:
                piece = b""
            if not piece:
                self.drop()
                raise NoAnswerError("The connection ended before the answer came.")
            self._replies.extend(block.body for block in self._splitter.feed(piece))
        return self._replies.popleft()

    def _open_streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is None:
            raise NoAnswerError("There is no connection: it was dropped or never opened.")
        return self._streams


def answers(reply: bytes, raw: bytes) -> bool:
    """Does the reply's MSA-2 quote one of the control ids sent? A message without any can only be answered in turn."""
    sent = control_ids(raw)
    return not sent or quoted_id(reply) in sent


def control_ids(raw: bytes) -> frozenset[bytes]:
    """The control ids a frame carries: MSH-10 of every message in it, FHS-11 and BHS-11 of a batch."""
    found = set()
    for segment in _segments(raw):
        if (number := _HEADERS.get(segment[:3])) is not None:
            fields = segment.split(segment[3:4] or b"|")
            found.add(fields[number - 1].strip() if len(fields) >= number else b"")
    return frozenset(found - {b""})


def quoted_id(reply: bytes) -> bytes:
    """MSA-2 of a reply; empty if there is none."""
    for segment in _segments(reply):
        if segment.startswith(b"MSA"):
            fields = segment.split(segment[3:4] or b"|")
            return fields[2].strip() if len(fields) > 2 else b""
    return b""


def _segments(raw: bytes) -> list[bytes]:
    return raw.removeprefix(b"\xef\xbb\xbf").replace(b"\n", b"\r").split(b"\r")
