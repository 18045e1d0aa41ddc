"""Messages as MESH hands them out: their headers, and their bytes unpacked, never more of them than allowed."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hub.errors import Reason

KEPT_OF_TOO_LARGE = 64 * 1024
_GZIP = zlib.MAX_WBITS | 16


class TooLarge(Exception):
    """More than is taken."""


@dataclass(frozen=True, slots=True)
class Page:
    """What waits in the inbox, by name. `after` asks for the next page, and is empty where there is none."""

    names: tuple[str, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Collected:
    """One message of the inbox. The names of `headers` are in small letters. `problem` is what is wrong with the bytes:
    of a file that is too large only the beginning is kept, what cannot be unpacked is kept as it came."""

    name: str
    headers: Mapping[str, str]
    body: bytes = b""
    problem: Reason | None = None

    @property
    def sender(self) -> str:
        return self._header("mex-from").upper()

    @property
    def file_name(self) -> str:
        return self._header("mex-filename")

    @property
    def workflow(self) -> str:
        return self._header("mex-workflowid")

    @property
    def is_report(self) -> bool:
        """A report of MESH's own: something we sent could not be delivered."""
        return self._header("mex-messagetype").upper() == "REPORT"

    @property
    def local_id(self) -> str:
        return self._header("mex-localid")

    @property
    def about(self) -> str:
        """The name of the message that a report is about."""
        return self._header("mex-linkedmsgid")

    @property
    def status_code(self) -> str:
        return self._header("mex-statuscode")

    def _header(self, name: str) -> str:
        """As text that any database takes: what is no letter or sign of one is a question mark."""
        value = self.headers.get(name, "").strip()
        return "".join(sign if sign.isprintable() else "?" for sign in value)


class Unpacking:
    """Takes a message's chunks one by one and puts its bytes together: at most `limit`, whatever a chunk unfolds to."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()
        self._spoilt = False

    @property
    def room(self) -> int:
        """How many bytes may still come over the wire: what unpacks to something is hardly larger than that."""
        return self._limit - len(self._body) + self._limit // 1000 + 1024

    def add(self, chunk: bytes, *, is_gzip: bool) -> None:
        """One chunk, packed by itself. Raises TooLarge."""
        if not is_gzip or not chunk:
            self._keep(chunk)
            return
        before = len(self._body)
        try:
            for piece in unpacked(chunk, self._limit - len(self._body)):
                self._keep(piece)
        except zlib.error:
            del self._body[before:]
            self._spoilt = True
            self._keep(chunk)

    def _keep(self, piece: bytes) -> None:
        if len(self._body) + len(piece) > self._limit:
            self._body += piece[:KEPT_OF_TOO_LARGE]
            raise TooLarge
        self._body += piece

    def result(self) -> tuple[bytes, Reason | None]:
        return bytes(self._body), Reason.UNREADABLE if self._spoilt else None

    def beginning(self) -> bytes:
        """What is kept of a message that is too large."""
        return bytes(self._body[:KEPT_OF_TOO_LARGE])


def unpacked(chunk: bytes, most: int) -> Iterator[bytes]:
    """The bytes of a gzip file (of one member or several), a piece at a time, one byte more than `most` at the most.
    Raises zlib.error where it is none, or is cut."""
    rest = chunk
    while rest and most >= 0:
        member = zlib.decompressobj(_GZIP)
        while not member.eof and most >= 0:
            piece = member.decompress(rest, most + 1)
            rest = member.unused_data if member.eof else member.unconsumed_tail
            most -= len(piece)
            yield piece
            if not member.eof and not rest and not piece:
                raise zlib.error("cut")


def packed(chunk: bytes) -> bytes:
    """The same bytes give the same file."""
    return gzip.compress(chunk, mtime=0)
