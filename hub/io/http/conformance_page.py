"""The page on which a laboratory tries a message by itself, before it is live: a form, and the report to keep.

Without a script and without anything from elsewhere. A browser proves whose page it is by its client certificate.
"""

from __future__ import annotations

import asyncio
import base64
import html
import re

from aiohttp import web

from hub.io.http.answers import Refused
from hub.io.http.bodies import body_of, media_type_of
from hub.io.http.callers import Caller
from hub.io.http.inquiries import tried
from hub.io.http.parts import Parts

FORM = "multipart/form-data"
_BOUNDARY = re.compile(r'boundary="?([^";]{1,70})"?')
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_STYLE = "body{font:1rem/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}pre{overflow-x:auto}"


async def show_page(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """The empty form."""
    return _page(caller.of_feed(parts.feeds, request.match_info["feed"]).feed, "")


async def try_on_page(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """The form with the report on what was sent in it."""
    table = caller.of_feed(parts.feeds, request.match_info["feed"])
    media_type_of(request, (FORM,))
    body = await body_of(request, parts.settings.max_bytes, parts.settings.patience_seconds)
    told = await asyncio.to_thread(tried, parts, table, _sent(request, body))
    return _page(table.feed, told.as_text())


def _sent(request: web.Request, body: bytes) -> bytes:
    """The bytes of the form's one file, as they are."""
    boundary = _BOUNDARY.search(request.headers["Content-Type"])
    pieces = body.split(b"--" + boundary[1].encode()) if boundary else []
    for piece in pieces[1:-1]:
        head, _, content = piece.partition(b"\r\n\r\n")
        if b'name="message"' in head and content.endswith(b"\r\n"):
            return content[:-2]
    raise Refused(400, "The form holds no message. Choose a file and send it again.")


def _page(feed: str, report: str) -> web.Response:
    name = html.escape(feed)
    told = _report(name, report) if report else ""
    text = f"""<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>Try a message: {name}</title><style>{_STYLE}</style></head>
<body>
<main>
<h1>Try a message</h1>
<p>Choose a message or file as <strong>{name}</strong> would send it. You see what the hub would answer, where it found
each fact, and what is wrong where. Nothing is stored, and of the values only their shapes are shown.</p>
<form method="post" action="page" enctype="{FORM}">
<p><label for="message">Message or file</label><br><input type="file" id="message" name="message" required></p>
<p><button>Try it</button></p>
</form>
{told}</main>
</body>
</html>
"""
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


def _report(name: str, report: str) -> str:
    kept = base64.b64encode(report.encode()).decode()
    link = f'<a download="report-{name}.txt" href="data:text/plain;charset=utf-8;base64,{kept}">Keep this report</a>'
    return f"<h2>What the hub would say</h2>\n<pre>{html.escape(report)}</pre>\n<p>{link}</p>\n"
