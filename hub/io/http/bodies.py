"""What a request brings: its names and its body, each bounded in size and in time."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Mapping

from aiohttp import hdrs, web

from hub.io.http.answers import Refused

REQUEST_ID, CORRELATION_ID = "X-Request-ID", "X-Correlation-ID"
_PLAIN = re.compile(r"[\w.:-]{1,128}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_FILE_NAME = re.compile(r'filename="([^"]*)"|filename=([^\s;"]+)', re.IGNORECASE)
_NOT_OF_A_NAME = re.compile(r"[\x00-\x1f\x7f]")


def request_id_of(request: web.Request) -> str:
    """What the partner calls this request; empty where it does not. Refused where that is no UUID."""
    text = request.headers.get(REQUEST_ID, "")
    if text and _UUID.fullmatch(text) is None:
        raise Refused(400, f"{REQUEST_ID} must be a UUID. Give each request one of its own, and a repeat the same.")
    return str(uuid.UUID(text)) if text else ""


def echoed(request: web.Request) -> dict[str, str]:
    """The partner's names of the request, to be said again with the answer."""
    return {
        name: text
        for name, form in ((REQUEST_ID, _UUID), (CORRELATION_ID, _PLAIN))
        if form.fullmatch(text := request.headers.get(name, ""))
    }


def media_type_of(request: web.Request, taken: tuple[str, ...]) -> str:
    """What the request says its body is; Refused where that is not taken here."""
    given = request.headers.get(hdrs.CONTENT_TYPE, "").partition(";")[0].strip().lower()
    if given not in taken:
        raise Refused(415, f"Say in Content-Type what is sent, one of: {', '.join(taken)}.", unread=True)
    return given


async def wait_for_body(_request: web.Request) -> None:
    """`Expect: 100-continue` is answered when the body is wanted, and not before (see `body_of`)."""


async def body_of(request: web.Request, max_bytes: int, seconds: float) -> bytes:
    """The body, as it was sent; refused before it is read where it is too large or compressed."""
    if request.headers.get(hdrs.CONTENT_ENCODING, "identity").lower() != "identity":
        raise Refused(415, "Send it without Content-Encoding: nothing is unpacked here.", unread=True)
    too_large = Refused(413, f"More than {max_bytes} bytes are not taken at once. Split what you send.", unread=True)
    if (request.content_length or 0) > max_bytes:
        raise too_large
    if request.headers.get(hdrs.EXPECT, "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await request.content.readany():
                body += piece
                if len(body) > max_bytes:
                    raise too_large
    except TimeoutError:
        raise Refused(408, "The rest of the request did not come in time. Send it again.", unread=True) from None
    except (web.RequestPayloadError, ConnectionError):
        raise Refused(400, "The request broke off before its end. Send it again.", unread=True) from None
    return bytes(body)


def file_name_of(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """What the partner calls its file: without directories, and nothing that cannot be shown."""
    found = _FILE_NAME.search(headers.get(hdrs.CONTENT_DISPOSITION, ""))
    name = (found[1] or found[2] or "") if found else query.get("name", "")
    return _NOT_OF_A_NAME.sub("", re.split(r"[/\\]", name)[-1])[:256]


def whole_number(text: str, least: int, most: int, name: str, default: int) -> int:
    """A number of the query."""
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 18) or not least <= int(text) <= most:
        raise Refused(400, f"{name} must be a whole number from {least} to {most}.")
    return int(text)
