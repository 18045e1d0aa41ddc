"""MLLP framing: a stream of bytes in any pieces → the blocks it carries. Pure and incremental, one pass over the bytes.

A block is `<VT> body <FS><CR>`. What peers really send (anchors.md 6.4) is wider, and nothing of it may be lost:

- bytes between blocks are counted and dropped;
- FS without CR ends a block when the next block follows (white space between them or not), or when the line falls
  silent (`settle`); any other FS is content, because ending there would answer AA for half a message;
- VT inside a block begins a new one when a header (MSH, FHS, BHS) follows: its sender died midway and starts anew.
  The cut piece is a block of its own. Any other VT is content: word processors write it for a soft line break;
- a body over the limit is cut to its first part; memory stays bounded and the next block is found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from hub.errors import Reason

START, END, RETURN = b"\x0b", b"\x1c", b"\r"
DEFAULT_MAX_BYTES = 16 * 1024 * 1024
KEPT_OF_TOO_LARGE = 64 * 1024

_MARK = re.compile(rb"[\x0b\x1c]")
_END_OF_BLOCK = re.compile(rb"\x1c[ \t\n]{0,16}(?:\r|(?=\x0b))")
_PERHAPS_END = re.compile(rb"\x1c[ \t\n]{0,16}\Z")
_BOM = b"\xef\xbb\xbf"
_HEADERS = tuple(bom + name for bom in (b"", _BOM) for name in (b"MSH", b"FHS", b"BHS"))
_LONGEST_HEADER = max(map(len, _HEADERS))


class FrameProblem(Enum):
    """What is wrong with a block as such, whatever its body says."""

    INCOMPLETE = "incomplete"
    """It has no end: a new one began, the connection ended, or the sender fell silent midway."""
    TOO_LARGE = "too-large"
    """It is larger than the door takes: only its first part was kept."""

    @property
    def reason(self) -> Reason:
        """The same in the words the whole hub knows."""
        return Reason.INCOMPLETE if self is FrameProblem.INCOMPLETE else Reason.TOO_LARGE


@dataclass(frozen=True, slots=True)
class Block:
    """One block taken off the wire. `size` counts the bytes its body had; `body` holds fewer only if TOO_LARGE."""

    body: bytes
    size: int
    problem: FrameProblem | None = None


def wrap(body: bytes) -> bytes:
    """The body as a block, ready for the wire."""
    return START + body + END + RETURN


class BlockSplitter:
    """Feed it what arrives; it gives the blocks. The same bytes give the same blocks, however they are cut into pieces.

    `stray_bytes` counts what stood between blocks so far.
    """

    def __init__(self, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._kept = min(max_bytes, KEPT_OF_TOO_LARGE)
        self._bytes = bytearray()  # inside a block: its body so far and what was not looked at yet
        self._scan = 0  # everything before this place was looked at
        self._dropped = 0  # bytes of this body no longer held, because it is over the limit
        self._inside = False
        self._return_may_follow = False
        self.stray_bytes = 0

    @property
    def perhaps_ended(self) -> bool:
        """The block looks ended but for its CR: if nothing more comes soon, `settle`."""
        return self._inside and _PERHAPS_END.match(self._bytes, self._scan) is not None

    def feed(self, piece: bytes) -> list[Block]:
        """The blocks that `piece` completed, in order."""
        self._bytes += piece
        blocks: list[Block] = []
        while self._enter() and (block := self._look_for_end()) is not None:
            if self._was_begun(block):
                blocks.append(block)
        self._bound_memory()
        return blocks

    def settle(self) -> Block | None:
        """The line is silent: an FS at the very end of what came ends the block, though its CR is missing."""
        if not self.perhaps_ended:
            return None
        block = self._finish(self._scan, len(self._bytes))
        self._return_may_follow = True
        return block

    def end(self) -> Block | None:
        """The connection has ended: the block whose FS came without CR, or the piece of one that will never end."""
        if not self._inside:
            return None
        if self.perhaps_ended:
            return self._finish(self._scan, len(self._bytes))
        cut = self._finish(len(self._bytes), len(self._bytes), FrameProblem.INCOMPLETE)
        return cut if self._was_begun(cut) else None

    def _enter(self) -> bool:
        """Go to the start of the next block; False if it has not come yet."""
        if self._inside:
            return True
        if self._return_may_follow and self._bytes:
            self._return_may_follow = False
            if self._bytes.startswith(RETURN):
                del self._bytes[:1]
        start = self._bytes.find(START)
        self._inside = start >= 0
        stray = start if self._inside else len(self._bytes)
        self.stray_bytes += stray
        del self._bytes[: stray + self._inside]
        self._scan = 0
        return self._inside

    def _look_for_end(self) -> Block | None:
        """The block if its end is here; else None, with everything looked at that can be judged by now."""
        while (mark := _MARK.search(self._bytes, self._scan)) is not None:
            self._scan = mark.start()
            if mark.group() == END:
                if (end := _END_OF_BLOCK.match(self._bytes, self._scan)) is not None:
                    return self._finish(self._scan, end.end())
                if _PERHAPS_END.match(self._bytes, self._scan):
                    return None
            else:
                begins = self._header_follows(self._scan + 1)
                if begins is None:
                    return None
                if begins:
                    return self._finish(self._scan, self._scan, FrameProblem.INCOMPLETE)
            self._scan += 1
        self._scan = len(self._bytes)
        return None

    def _header_follows(self, place: int) -> bool | None:
        """Does a message begin at `place`? None while too little has come to say."""
        seen = bytes(self._bytes[place : place + _LONGEST_HEADER]).upper()
        if seen.startswith(_HEADERS):
            return True
        return None if any(header.startswith(seen) for header in _HEADERS) else False

    def _finish(self, body_end: int, block_end: int, problem: FrameProblem | None = None) -> Block:
        size = self._dropped + body_end
        if size > self._max_bytes:
            problem, body_end = FrameProblem.TOO_LARGE, self._kept
        with memoryview(self._bytes) as view:
            body = bytes(view[:body_end])
        del self._bytes[:block_end]
        self._scan = self._dropped = 0
        self._inside = False
        return Block(body, size, problem)

    def _was_begun(self, block: Block) -> bool:
        """False for a VT (and perhaps white space) before the real beginning: nobody sent a message there."""
        if block.problem is FrameProblem.INCOMPLETE and not block.body.strip():
            self.stray_bytes += 1 + block.size
            return False
        return True

    def _bound_memory(self) -> None:
        if self._inside and self._dropped + self._scan > self._max_bytes:
            self._dropped += self._scan - self._kept
            del self._bytes[self._kept : self._scan]
            self._scan = self._kept
