"""What partners ask for: what became of their messages and files, and what a clerk refused."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from hub.flow.ports.files import FileRow
from hub.flow.ports.journal import JournalEntry
from hub.flow.ports.partners import RefusalRow
from hub.flow.ports.store import Transaction
from hub.flow.refusals import as_told
from hub.io.http.answers import Refused
from hub.io.http.bodies import whole_number
from hub.io.http.callers import Caller
from hub.io.http.parts import Parts

MOST, DEFAULT, LARGEST = 200, 50, 10**15


async def list_files(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """The newest files, and the numbers between which none came."""
    feed = caller.of_feed(parts.feeds, request.match_info["feed"]).feed
    limit = _limit(request)
    files, gaps = await parts.store.read(lambda tx: (tx.files.page(feed, limit), tx.files.gaps(feed, limit)))
    missing = [{"first": first, "last": last} for first, last in gaps]
    return web.json_response({"files": [_file(row) for row in files], "possibly_missing": missing})


async def show_message(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """What became of one message or file: where the answer's Location leads."""
    feed = caller.of_feed(parts.feeds, request.match_info["feed"]).feed
    number = _number(request)
    entry = await parts.store.read(lambda tx: tx.journal.entry(number))
    if entry is None or entry.feed != feed:
        raise Refused(404, "This feed has sent no message of that number.")
    return web.json_response(_message(entry))


async def list_refusals(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """What was refused after it had been acknowledged and is not taken yet, or (`taken=true`) is."""
    feed = caller.of_feed(parts.feeds, request.match_info["feed"]).feed
    limit, after = _limit(request), whole_number(request.query.get("after", ""), 0, LARGEST, "after", 0)
    taken = request.query.get("taken", "false")
    if taken not in ("true", "false"):
        raise Refused(400, "taken must be true or false.")
    rows = await parts.store.read(lambda tx: tx.refusals.page(after, limit, feed, taken == "true"))
    following = rows[-1].seq if len(rows) == limit else None
    return web.json_response({"refusals": [as_told(row) for row in rows], "next": following})


async def take_refusal(request: web.Request, parts: Parts, caller: Caller) -> web.Response:
    """The laboratory has it. Saying so again changes nothing."""
    feed = caller.of_feed(parts.feeds, request.match_info["feed"]).feed
    number, at = _number(request), parts.clock()

    def work(tx: Transaction) -> RefusalRow | None:
        row = tx.refusals.get(number)
        if row is None or row.feed != feed:
            return None
        tx.refusals.take(number, at, caller.peer)
        return tx.refusals.get(number)

    row = await parts.store.write(work, at_door=True)
    if row is None:
        raise Refused(404, "This feed has no refusal of that number.")
    return web.json_response(as_told(row))


def _limit(request: web.Request) -> int:
    return whole_number(request.query.get("limit", ""), 1, MOST, "limit", DEFAULT)


def _number(request: web.Request) -> int:
    text = request.match_info["number"]
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(LARGEST))):
        raise Refused(404, "What is asked for has a whole number.")
    return int(text)


def _file(row: FileRow) -> dict[str, Any]:
    return {
        "message": row.journal_seq,
        "name": row.name,
        "sequence": row.sequence,
        "state": row.state,
        "received_at": row.received_at.isoformat(),
    }


def _message(entry: JournalEntry) -> dict[str, Any]:
    return {
        "message": entry.seq,
        "control_id": entry.control_id,
        "message_type": entry.message_type,
        "received_at": entry.arrival.received_at.isoformat(),
        "state": entry.state,
        "results": entry.results,
        "answer": entry.answer,
        "reason": entry.reason,
        "place": entry.place,
        "repeats": entry.repeats,
    }
