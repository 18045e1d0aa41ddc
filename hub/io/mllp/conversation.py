"""One connection of the door: frames in, answers out, one for each and in the order of arrival.

Two tasks share the work. `_read` takes blocks off the wire and starts an answer for each; `_write` waits for the oldest
answer, sends it, then the next. What is between them is bounded: `_window` counts the frames of this connection not yet
answered on the wire, `_room` those of all connections being worked on.

When an answer fails there is nothing true to say, so nothing is said, and the connection is closed: silence promises
nothing, and the sender sends again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from hub import telemetry
from hub.io.mllp.framing import Block, BlockSplitter, FrameProblem, wrap
from hub.io.mllp.settings import Answer, MllpSettings, Peer

PIECE_BYTES = 64 * 1024
LINGER_SECONDS = 1.0

Answering = Callable[[bytes, Peer, FrameProblem | None], Awaitable[Answer]]
Replied = Callable[[object, bool], None]


class Conversation:
    """Lives as long as its connection: `hold` it, and `stop_reading` to let it end in good order."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        peer: Peer,
        *,
        answering: Answering,
        replied: Replied,
        settings: MllpSettings,
        room: asyncio.Semaphore,
    ) -> None:
        self._reader, self._writer, self._peer = reader, writer, peer
        self._answering, self._replied, self._settings = answering, replied, settings
        self._room = room
        self._window = asyncio.Semaphore(settings.max_in_flight_per_connection)
        self._splitter = BlockSplitter(settings.max_frame_bytes)
        self._order: asyncio.Queue[asyncio.Task[Answer] | None] = asyncio.Queue()
        self._unanswered: set[asyncio.Task[Answer]] = set()
        self._reading: asyncio.Task[None] | None = None
        self._cannot_send = False
        self._why_ended = "peer-closed"

    async def hold(self) -> str:
        """Talk until one side ends it; gives why it ended. Cancelling it drops the connection at once."""
        self._reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        try:
            await asyncio.wait({self._reading})
            self._note_reading_fault()
            self._order.put_nowait(None)
            await writing
            await self._hang_up()
        finally:
            leftover = [self._reading, writing, *self._unanswered]
            for task in leftover:
                task.cancel()
            await asyncio.gather(*leftover, return_exceptions=True)
            if not self._writer.transport.is_closing():  # a TLS transport that has closed already cannot be aborted
                self._writer.transport.abort()
        return self._why_ended

    def stop_reading(self, why: str) -> None:
        """Take nothing more; what was taken is still answered."""
        if self._reading is not None and not self._reading.done():
            self._why_ended = why
            self._reading.cancel()

    async def _read(self) -> None:
        while piece := await self._next_piece():
            for block in self._feed(piece):
                await self._take(block)
        if (cut := self._splitter.end()) is not None:
            await self._take(cut)

    async def _next_piece(self) -> bytes:
        """What comes next; empty when nothing will: the peer has closed, is lost, or was silent for too long."""
        while True:
            settling = self._splitter.perhaps_ended
            patience = self._settings.quiet_seconds if settling else self._settings.idle_seconds
            try:
                async with asyncio.timeout(patience):
                    return await self._reader.read(PIECE_BYTES)
            except (
                OSError
            ):  # TimeoutError is one; the transport's own timeouts look the same but are kept in the reader
                if self._reader.exception() is not None:
                    self._why_ended = "lost"
                    return b""
            if settling and (block := self._splitter.settle()) is not None:
                await self._take(block)
            elif not self._unanswered:
                self._why_ended = "idle"
                return b""

    def _feed(self, piece: bytes) -> list[Block]:
        before = self._splitter.stray_bytes
        blocks = self._splitter.feed(piece)
        if stray := self._splitter.stray_bytes - before:
            telemetry.stray_bytes(stray)
        return blocks

    async def _take(self, block: Block) -> None:
        """Start the answer to a block as soon as there is room for one more."""
        if block.problem is not None:
            telemetry.frame_problem(block.problem.value, block.size)
        await self._window.acquire()
        await self._room.acquire()
        answer = asyncio.ensure_future(self._answering(block.body, self._peer, block.problem))
        self._unanswered.add(answer)
        answer.add_done_callback(self._answered)
        self._order.put_nowait(answer)
        telemetry.frames_in_work(1)

    def _answered(self, answer: asyncio.Future[Answer]) -> None:
        # A callback and not a `finally`: a task cancelled before its first step would never come to its `finally`.
        self._unanswered.discard(answer)
        self._room.release()
        telemetry.frames_in_work(-1)

    async def _write(self) -> None:
        while (coming := await self._order.get()) is not None:
            answer = await self._result(coming)
            if answer is None:
                self._give_up("no-answer")
            elif answer.data is not None:
                sent = await self._send(answer.data)
                if sent and answer.then is not None:
                    sent = await self._send(answer.then)
                self._tell(answer.token, sent)
            self._window.release()

    async def _result(self, coming: asyncio.Task[Answer]) -> Answer | None:
        try:
            return await coming
        except asyncio.CancelledError:
            if (me := asyncio.current_task()) is not None and me.cancelling():
                raise
        except Exception as error:  # the outermost guard of an answer: whatever failed, the sender must hear nothing
            telemetry.unanswered(error)
        return None

    async def _send(self, data: bytes) -> bool:
        if self._cannot_send or self._writer.transport.is_closing():
            return False
        self._writer.write(wrap(data))
        try:
            async with asyncio.timeout(self._settings.write_seconds):
                await self._writer.drain()
        except OSError:
            self._give_up("not-reading" if self._reader.exception() is None else "lost")
            return False
        return True

    def _give_up(self, why: str) -> None:
        self._cannot_send = True
        self.stop_reading(why)

    def _tell(self, token: object, sent: bool) -> None:
        if not sent:
            telemetry.reply_not_delivered()
        try:
            self._replied(token, sent)
        except Exception as error:  # the hook is not ours: its fault must not cost the sender the next answers
            telemetry.our_fault(error, "mllp.replied")

    def _note_reading_fault(self) -> None:
        reading = self._reading
        if reading is not None and not reading.cancelled() and (error := reading.exception()) is not None:
            self._why_ended = "our-fault"
            telemetry.our_fault(error, "mllp.read")

    async def _hang_up(self) -> None:
        """Say goodbye and wait a moment for the peer's own: closing with unread bytes would reset the connection, and
        the peer might never see the answers already sent."""
        if self._why_ended in ("lost", "not-reading"):
            return
        with suppress(OSError):
            async with asyncio.timeout(LINGER_SECONDS):
                if self._writer.can_write_eof():
                    self._writer.write_eof()
                    while await self._reader.read(PIECE_BYTES):
                        pass
                self._writer.close()
                await self._writer.wait_closed()
