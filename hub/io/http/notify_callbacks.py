"""`POST /notify/callbacks`: what NHS Notify tells of messages. Answered 202 once it is stored, and not before."""

from __future__ import annotations

from aiohttp import web

from hub import telemetry
from hub.domain.communications import UnreadNews
from hub.io.http.answers import Refused
from hub.io.http.bodies import body_of
from hub.io.http.callers import Caller
from hub.io.http.parts import Parts

PATH = "/notify/callbacks"
API_KEY, SIGNATURE = "x-api-key", "x-hmac-sha256-signature"
MOST_BYTES = 1024**2


async def take_callback(request: web.Request, parts: Parts, _caller: Caller) -> web.Response:
    """The key is looked at before the body is read, the signature before the body is understood."""
    callbacks = parts.callbacks
    if callbacks is None or not callbacks.key_is_right(request.headers.get(API_KEY, "")):
        telemetry.callback_refused("key")
        raise Refused(401, f"Nothing proves who calls: {API_KEY} is missing, or it is another.", unread=True)
    raw = await body_of(request, min(MOST_BYTES, parts.settings.max_bytes), parts.settings.patience_seconds)
    if not callbacks.signature_is_right(raw, request.headers.get(SIGNATURE, "")):
        telemetry.callback_refused("signature")
        raise Refused(403, f"{SIGNATURE} is not that of this body, byte for byte. Nothing is taken.")
    news = callbacks.read(raw)
    if isinstance(news, UnreadNews):
        telemetry.callback_refused("unreadable")
        raise Refused(400, f"This is no callback that can be read: {news.place} {news.why}. Nothing is taken.")
    await callbacks.take(news)
    return web.Response(status=202)
