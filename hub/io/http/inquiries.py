"""What partners ask with a body: where a result is, and what the hub would answer to a message."""

from __future__ import annotations

import asyncio
import json

from aiohttp import hdrs, web

from hub.domain.dates import day_in_england
from hub.flow.conformance import Conformance, conformance
from hub.flow.whereabouts import whereabouts
from hub.io.http.answers import Refused
from hub.io.http.bodies import body_of, media_type_of
from hub.io.http.callers import Caller
from hub.io.http.messages import FILES
from hub.io.http.parts import Parts
from hub.mapping import FeedTable

JSON, TEXT = "application/json", "text/plain"
_ASKED = ("control_id", "slide_number")
_HOW = 'Ask with {"control_id": "..."} or {"slide_number": "..."}, each of 1 to 256 characters.'
_MAX_BYTES, _LONGEST = 16 * 1024, 256


async def search_results(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """Where is my result? What it is named by stands in the body, so that no address holds it."""
    feed = caller.of_feed(parts.feeds, request.match_info["feed"]).feed
    media_type_of(request, (JSON,))
    asked = _asked(await body_of(request, _MAX_BYTES, parts.settings.patience_seconds))
    found = await parts.store.read(lambda tx: whereabouts(tx, feed, **asked))
    return web.json_response({"results": [one.as_json() for one in found]})


def _asked(body: bytes) -> dict[str, str]:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        raise Refused(400, f"The body is no JSON. {_HOW}") from None
    texts = given.values() if isinstance(given, dict) else ()
    if not texts or not set(given) <= set(_ASKED) or not all(_is_name(text) for text in texts):
        raise Refused(400, _HOW)
    return dict(given)


def _is_name(text: object) -> bool:
    return isinstance(text, str) and 1 <= len(text) <= _LONGEST


def tried(parts: Parts, table: FeedTable, raw: bytes) -> Conformance:
    """What the hub would answer if it came from this feed now."""
    adapter, feeds = parts.adapters[table.dialect], parts.feeds.of(table.feed)
    return conformance(adapter, raw, feeds, day_in_england(parts.clock()))


async def prove_conformance(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """What the hub would answer to this message, where it found each fact, and what is wrong where. Nothing is stored,
    and of the message's values only shapes are told."""
    table = caller.of_feed(parts.feeds, request.match_info["feed"])
    media_type_of(request, FILES)
    raw = await body_of(request, parts.settings.max_bytes, parts.settings.patience_seconds)
    told = await asyncio.to_thread(tried, parts, table, raw)
    if TEXT in request.headers.get(hdrs.ACCEPT, ""):
        return web.Response(text=told.as_text(), headers={"Content-Disposition": 'attachment; filename="report.txt"'})
    return web.json_response(told.as_json())
