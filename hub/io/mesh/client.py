"""What is said to MESH over HTTP: one method a call of its interface, version 2."""

from __future__ import annotations

import asyncio
import hashlib
import json
import platform
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from aiohttp import ClientHandlerType, ClientRequest, ClientResponse, ClientSession, ClientTimeout, TCPConnector

from hub import VERSION
from hub.errors import Reason
from hub.flow.ports.files import NotCarried, OutgoingRow, Tracked
from hub.flow.ports.store import Clock
from hub.io.mesh.authorization import authorization
from hub.io.mesh.errors import MeshAway, MeshGone, MeshRefused, refusal, saying_away
from hub.io.mesh.messages import Collected, Page, TooLarge, Unpacking, packed
from hub.io.mesh.settings import MeshSettings

MOST_CHUNKS = 1000
"""A message of more is refused as too large, were each of its chunks empty."""
GZIP_FROM = 64 * 1024
"""Smaller messages go as they are: every receiver can read them."""
_CONNECT_SECONDS, _SILENCE_SECONDS, _CALL_SECONDS = 10.0, 60.0, 600.0
_PIECE, _ANSWER_BYTES = 64 * 1024, 1024 * 1024
_STATES = {"accepted": "sent", "acknowledged": "taken", "uploading": "partly"}
"""What tracking says, in our words. Anything else (undeliverable, error) has failed."""


class MeshClient:
    """Our mailbox. Also the `Carrier` of messages to laboratories. Close it when done."""

    def __init__(self, settings: MeshSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._tls = settings.context()
        self._session: ClientSession | None = None

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def handshake(self) -> None:
        """Say that we are there and what we are: when we begin, and every day."""
        about = {
            "mex-clientversion": f"screening-hub=={VERSION}",
            "mex-osname": platform.system(),
            "mex-osversion": platform.release(),
        }
        async with self._call("POST", "", about):
            pass

    async def inbox(self, after: str = "") -> Page:
        """What waits, from the beginning or after the page before."""
        asked = {"max_results": str(self._settings.page)} | ({"continue_from": after} if after else {})
        async with self._call("GET", "/inbox", params=asked) as response:
            return _page(await _json(response))

    async def collect(self, name: str) -> Collected:
        """Download a message, chunk by chunk."""
        unpacking = Unpacking(self._settings.max_bytes)
        headers: Mapping[str, str] = {}
        try:
            for number in range(1, MOST_CHUNKS + 1):
                status, came = await self._chunk(name, number, unpacking)
                headers = headers or came
                if status != 206:
                    _refuse_less(headers, number)
                    return Collected(name, headers, *unpacking.result())
        except _TooLargeChunk as cut:
            headers = headers or cut.headers
        return Collected(name, headers, unpacking.beginning(), Reason.TOO_LARGE)

    async def _chunk(self, name: str, number: int, unpacking: Unpacking) -> tuple[int, Mapping[str, str]]:
        path = f"/inbox/{quote(name, safe='')}" + (f"/{number}" if number > 1 else "")
        async with self._call("GET", path, {"Accept-Encoding": "gzip"}) as response:
            headers = {header.lower(): value for header, value in response.headers.items()}
            is_gzip = headers.get("content-encoding", "").strip().lower() == "gzip"
            try:
                chunk = await _at_most(response, unpacking.room)
                # In a thread: unpacking is work, and frames are answered in this one.
                await asyncio.to_thread(unpacking.add, chunk, is_gzip=is_gzip)
            except TooLarge:
                raise _TooLargeChunk(headers) from None
            return response.status, headers

    async def acknowledge(self, name: str) -> None:
        """It is stored: MESH may forget it."""
        async with self._call("PUT", f"/inbox/{quote(name, safe='')}/status/acknowledged"):
            pass

    async def send(self, message: OutgoingRow, begun: str = "") -> str:
        """Hand over; MESH's name for it. With `begun`, the chunks after the first of what it has of it already."""
        chunks = self._chunks(message.body)
        try:
            name = begun or await self._send_first(message, len(chunks), chunks[0])
            for number, chunk in enumerate(chunks[1:], 2):
                await self._send_chunk(name, number, len(chunks), chunk)
        except MeshRefused as refused:
            raise NotCarried(refused.why) from None
        return name

    def _chunks(self, body: bytes) -> list[bytes]:
        size = self._settings.chunk_bytes
        return [body[start : start + size] for start in range(0, len(body), size)] or [b""]

    async def _send_first(self, message: OutgoingRow, total: int, chunk: bytes) -> str:
        said = {
            "mex-to": message.mailbox,
            "mex-workflowid": message.workflow,
            "mex-localid": message.local_id,
            "mex-filename": f"{message.local_id}.dat",
            "mex-content-checksum": f"SHA-256 {hashlib.sha256(message.body).hexdigest()}",
        }
        async with self._upload("/outbox", chunk, 1, total, said) as response:
            name = (await _json(response)).get("message_id")
        if not isinstance(name, str) or not name:
            raise refusal(502, None)  # it may have it: tracking will tell
        return name

    async def _send_chunk(self, name: str, number: int, total: int, chunk: bytes) -> None:
        try:
            async with self._upload(f"/outbox/{quote(name, safe='')}/{number}", chunk, number, total, {}):
                pass
        except MeshRefused as refused:
            if refused.status != 423:  # it is complete already
                raise
        except MeshAway as away:
            raise MeshAway(away.hint) from None  # the first chunk has arrived, whatever became of this one

    @asynccontextmanager
    async def _upload(
        self, path: str, chunk: bytes, number: int, total: int, said: dict[str, str]
    ) -> AsyncIterator[ClientResponse]:
        headers = {**said, "Content-Type": "application/octet-stream"}
        if total > 1:
            headers["mex-chunk-range"] = f"{number}:{total}"
        if total > 1 or len(chunk) >= GZIP_FROM:
            headers["Content-Encoding"] = "gzip"
            chunk = await asyncio.to_thread(packed, chunk)
        async with self._call("POST", path, headers, body=chunk) as response:
            yield response

    async def track(self, local_id: str) -> Tracked | None:
        """What became of what we sent under this id; None where MESH knows of nothing."""
        try:
            async with self._call("GET", f"/outbox/tracking/{quote(local_id, safe='')}") as response:
                found = await _json(response)
        except MeshGone:
            return None
        except MeshRefused as refused:
            if refused.status != 300:
                raise MeshAway(f"HTTP/{refused.status}") from None
            found = {}  # it has several of this name: it certainly has it
        name = str(found.get("message_id") or found.get("messageId") or found.get("dtsId") or "")
        said = str(found.get("status") or "accepted").lower()
        state = _STATES.get(said, "failed")
        return Tracked(name, state, f"MESH {said[:32]}" if state == "failed" else "")

    @asynccontextmanager
    async def _call(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        *,
        body: bytes | None = None,
        params: Mapping[str, str] | None = None,
    ) -> AsyncIterator[ClientResponse]:
        """A successful answer. Raises MeshAway or MeshRefused."""
        url = f"{self._settings.url}/messageexchange/{self._settings.mailbox}{path}"
        with saying_away():
            # No redirects: the header is for MESH and nobody else.
            async with self._open().request(
                method, url, headers=headers, data=body, params=params, allow_redirects=False
            ) as response:
                if not 200 <= response.status < 300:
                    raise refusal(response.status, await _json_or_none(response))
                yield response

    def _open(self) -> ClientSession:
        if self._session is None:
            self._session = ClientSession(
                connector=TCPConnector(ssl=self._tls if self._tls is not None else True),
                timeout=ClientTimeout(_CALL_SECONDS, sock_connect=_CONNECT_SECONDS, sock_read=_SILENCE_SECONDS),
                headers={"Accept": "application/vnd.mesh.v2+json", "Accept-Encoding": "identity"},
                middlewares=(self._authorized,),
                auto_decompress=False,  # what comes is unpacked within bounds, by us
            )
        return self._session

    async def _authorized(self, request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        """A header of its own for every attempt, those too that aiohttp makes by itself on a line that broke."""
        given = self._settings
        request.headers["Authorization"] = authorization(given.mailbox, given.password, given.shared_key, self._clock())
        return await handler(request)


class _TooLargeChunk(Exception):
    def __init__(self, headers: Mapping[str, str]) -> None:
        self.headers = headers


def _page(found: dict[str, Any]) -> Page:
    """ValueError where it is none. Of the link to the next only what it asks for is used, never where it leads to."""
    names, links = found.get("messages"), found.get("links") or {}
    if not isinstance(names, list) or not isinstance(links, dict):
        raise ValueError("no page")
    asks = parse_qs(urlsplit(str(links.get("next") or "")).query)
    return Page(tuple(map(str, names)), asks.get("continue_from", [""])[0])


def _refuse_less(headers: Mapping[str, str], came: int) -> None:
    """A message is taken whole: where MESH says that it has more chunks than it gave, it is collected again."""
    said = headers.get("mex-chunk-range", "").rpartition(":")[2].strip()
    if said.isdigit() and int(said) not in (0, came):
        raise MeshRefused(206, "CHUNKS-MISSING")


async def _at_most(response: ClientResponse, most: int) -> bytes:
    """The whole body as it is on the wire; TooLarge where it is more."""
    body = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > most:
            raise TooLarge
    return bytes(body)


async def _json(response: ClientResponse) -> dict[str, Any]:
    """A short answer. ValueError where it is no JSON object."""
    try:
        found = json.loads(await _at_most(response, _ANSWER_BYTES))
    except TooLarge:
        raise ValueError("too long") from None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


async def _json_or_none(response: ClientResponse) -> dict[str, Any] | None:
    try:
        return await _json(response)
    except ValueError:
        return None
