"""What is fuzzed: every reader of bytes from outside. A target takes any bytes; what it raises is a finding."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, partial
from pathlib import Path

from msgspec.structs import replace

from adapters import ADAPTERS
from adapters.nhs_notify import read_callback
from adapters.pds_events import KINDS, read_events
from hub.contract import Adapter, Opened
from hub.domain.nhs_number import is_valid
from hub.errors import Reason, Reject
from hub.formats import xlsx
from hub.io.mesh.messages import KEPT_OF_TOO_LARGE, Collected, TooLarge, Unpacking
from hub.io.mllp import Block, BlockSplitter, wrap
from hub.mapping import Feeds, FeedTable, FeedTables
from hub.mapping.feed_table import Facts, FileForm, FileRecord
from tests.golden_cases import CASES, FEEDS
from tests.promises.parts import packed

NUMBER, KIND = "9990000018", "pds-record-change-2"
AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
FOUND = Path(__file__).with_name("found")
"""What once was found, `found/<target>/<name>`: tried again by every run of the tests."""


@dataclass(frozen=True, slots=True)
class Target:
    """`seeds` are good inputs to begin with; `inputs` is how many the short run makes of them."""

    name: str
    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    inputs: int = 400

    def found(self) -> list[Path]:
        return sorted((FOUND / self.name).glob("*"))


def read_message(dialect: str, raw: bytes) -> None:
    """An adapter answers whatever comes, says the same twice, and none of it is our fault."""
    case = next(case for case in CASES if case.dialect == dialect)
    answered(ADAPTERS[dialect], case.feeds, raw)


def answered(adapter: Adapter, feeds: Feeds, raw: bytes) -> Opened:
    """The message, which was answered as it must be."""
    opened = adapter.open(raw)
    assert opened.raw == raw
    reading = adapter.decode(opened, feeds, date(2026, 7, 20))
    for item in reading.items:
        assert getattr(item.outcome, "reason", None) != Reason.OUR_FAULT.code, item.position
        if isinstance(item.outcome, Reject):
            assert item.outcome.reason.answer in ("AE", "AR")
    reply = adapter.reply(opened, reading, AT, "HUB1")
    assert (reply is None) == opened.is_acknowledgement
    assert reply == adapter.reply(opened, reading, AT, "HUB1")
    return opened


def read_rows(raw: bytes) -> None:
    """A list laid out in any of the ways that tables know (the first byte says which); written again unchanged it is
    the same bytes."""
    flags, rest = raw[:1] or b"\x00", raw[1:]
    table = LAYOUTS[flags[0] % len(LAYOUTS)]
    adapter, feeds = ADAPTERS["colposcopy_discharge"], FeedTables((table,)).of(table.feed)
    opened = answered(adapter, feeds, rest)
    adapter.sources(opened, feeds)
    assert adapter.rewritten(opened, feeds, lambda piece: piece.text) == rest


def _layouts() -> list[FeedTable]:
    """The clinic's table with every kind of file: its columns named or numbered, records around the rows or none."""
    table = FEEDS.by_id["fellgate"]
    names = _list()[0].split(",")
    facts = {
        name: replace(fact, place=[f"#{names.index(place) + 1}" for place in fact.places])
        for name, fact in table.facts.declared()
    }
    numbered = replace(table, facts=Facts(**facts))
    opening, closing = FileRecord("HDR", 3, sequence=2), FileRecord("TRL", 2, count=2)
    return [
        replace(named, file=FileForm(separator=mark, quoting=quoting, header=header, columns=columns, **records))
        for named, header, columns in ((table, True, 0), (numbered, False, len(names)))
        for mark, quoting in ((",", True), ("|", False), (";", True), ("\t", False))
        for records in ({}, {"opening": opening, "closing": closing})
    ]


def _list() -> list[str]:
    """The lines of a clinic's good list."""
    raw = next(case.raw for case in CASES if case.feed == "fellgate" and case.sentence.startswith("three"))
    return raw.decode().splitlines()


LAYOUTS = _layouts()


def read_workbook(raw: bytes) -> None:
    """A workbook with one of its parts replaced: the first byte says which. Of bytes that are no archive at all the
    dialect's own target has enough."""
    flags, rest = raw[:1] or b"\x00", raw[1:]
    parts = _workbook()
    name = sorted(parts)[flags[0] % len(parts)]
    whole = packed({**parts, name: rest})
    for rows in xlsx.read(whole).sheets.values():
        assert 0 < len(rows) <= rows[-1].number <= xlsx.MOST_ROWS
        assert max(len(row.texts) for row in rows) <= xlsx.MOST_COLUMNS
    answered(ADAPTERS["colposcopy_discharge"], FEEDS.of("fellgate"), whole)


@cache
def _workbook() -> dict[str, bytes]:
    raw = next(case.raw for case in CASES if case.path.suffix == ".xlsx" and case.expected["answer"] == "AA")
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def read_hints(raw: bytes) -> None:
    """Events of PDS: the same twice, and no hint but of a known kind about a number that can be one."""
    hints = read_events(raw)
    assert hints == read_events(raw)
    for hint in hints.hints:
        assert hint.event_id and hint.kind in KINDS and is_valid(hint.nhs_number)
        assert hint.nhs_number.isascii() and hint.nhs_number.isdigit()


LIMIT = 4096


def split_blocks(raw: bytes) -> None:
    """However the bytes are cut into pieces (the first two say how), the blocks are the same, and memory is bounded."""
    cuts, stream = raw[:2], raw[2:]
    assert _blocks(stream, len(stream) or 1) == _blocks(stream, 1 + sum(cuts) % 97)


def _blocks(stream: bytes, size: int) -> list[Block]:
    splitter = BlockSplitter(LIMIT)
    blocks: list[Block] = []
    for first in range(0, len(stream), size):
        blocks += splitter.feed(stream[first : first + size])
        assert len(splitter._bytes) <= LIMIT + size + 32
    last = splitter.end()
    return [*blocks, *([last] if last else [])]


def unpack(raw: bytes) -> None:
    """Chunks, packed and plain (the first byte says which), never unpack to more than the limit; what is packed by gzip
    comes out as it was put in."""
    flags, rest = raw[:1] or b"\x00", raw[1:]
    unpacking = Unpacking(LIMIT)
    size = 1 + len(rest) // 3
    with suppress(TooLarge):
        for number, first in enumerate(range(0, len(rest), size)):
            unpacking.add(rest[first : first + size], is_gzip=bool(flags[0] >> number & 1))
    assert len(unpacking.result()[0]) <= LIMIT + KEPT_OF_TOO_LARGE
    whole = Unpacking(LIMIT)
    try:
        whole.add(gzip.compress(rest, mtime=0), is_gzip=True)
    except TooLarge:
        assert len(rest) > LIMIT
    else:
        assert whole.result() == (rest, None)
    headers = dict(part.split(":", 1) for part in rest.decode("latin-1").splitlines() if ":" in part)
    message = Collected("M1", {name.lower(): value for name, value in headers.items()}, rest)
    message.sender, message.file_name, message.is_report, message.local_id, message.about, message.status_code  # noqa: B018 - only reading


def read_callback_of_notify(raw: bytes) -> None:
    """News, or the place where there is none; the same twice, and fit to be kept."""
    news = read_callback(raw)
    assert news == read_callback(raw)
    for one in news if isinstance(news, tuple) else ():
        assert one.key and one.reference and one.at.tzinfo is UTC and "\x00" not in one.reason + one.description


def _of_dialect(dialect: str) -> Target:
    seeds = tuple(case.raw for case in CASES if case.dialect == dialect)
    return Target(dialect, partial(read_message, dialect), seeds)


def _mllp() -> Target:
    bodies = [case.raw for case in CASES if case.dialect == "hl7v2_oru"][:20]
    seeds = (*(b"\x05\x00" + wrap(body) for body in bodies), b"\x01\x00" + b"".join(map(wrap, bodies[:3])))
    return Target("mllp", split_blocks, seeds)


def _mesh() -> Target:
    packed = gzip.compress(CASES[0].raw, mtime=0)
    bomb = gzip.compress(bytes(10 * LIMIT), mtime=0)
    headers = b"Mex-MessageType: REPORT\nMex-LinkedMsgID: M0\nMex-LocalID: L0\nMex-StatusCode: 14\n"
    return Target("mesh", unpack, (b"\x07" + packed, b"\x01" + bomb, b"\x02" + packed + packed, b"\x00" + headers))


def _rows() -> Target:
    header, *rows = _list()
    seeds = []
    for at, table in enumerate(LAYOUTS):
        form = table.file
        lines = [header, *rows] if form.header else rows
        framed = ["HDR,7,x", *lines, f"TRL,{len(rows)}"] if form.opening else lines
        seeds.append(bytes([at]) + "".join(f"{line}\r\n" for line in framed).replace(",", form.separator).encode())
    return Target("rows", read_rows, tuple(seeds))


def _parts_of_a_workbook() -> Target:
    seeds = (bytes([at]) + xml for at, (_, xml) in enumerate(sorted(_workbook().items())))
    return Target("workbook", read_workbook, tuple(seeds), inputs=60)


def _pds_events() -> Target:
    subject = {"name": "subject", "valueReference": {"identifier": {"value": NUMBER}}}
    context = {"name": "additional-context", "part": [{"name": "event-type", "valueString": KIND}, subject]}
    resource = {"resourceType": "Parameters", "parameter": [{"name": "status", "valueCode": "active"}, context]}
    bundle = {"resourceType": "Bundle", "id": "b-1", "type": "history", "entry": [{"resource": resource}]}
    cloud = {"specversion": "1.0", "id": "c-1", "source": "s", "type": KIND, "subject": NUMBER}
    one, other = (json.dumps(event).encode() for event in (bundle, cloud))
    return Target("pds_events", read_hints, (one, other, b"[" + one + b"," + other + b"]", one + b"\r\n" + other))


def _notify() -> Target:
    times = '"messageId":"2WL3qFTEFM0qMY8xjRbt1LIKCzM","messageReference":"r","timestamp":"2026-01-06T09:00:00.123Z"'
    message = f'{{"type":"MessageStatus","attributes":{{{times},"messageStatus":"failed"}}}}'
    order = '"cascadeType":"primary","cascadeOrder":1,"channel":"letter","channelStatus":"sending","retryCount":0'
    channel = f'{{"type":"ChannelStatus","attributes":{{{times},{order}}},"meta":{{"idempotencyKey":"k"}}}}'
    seeds = tuple(f'{{"data":[{items}]}}'.encode() for items in (message, channel, f"{message},{channel}"))
    return Target("notify", read_callback_of_notify, seeds)


OTHERS = (_rows(), _parts_of_a_workbook(), _pds_events(), _notify(), _mllp(), _mesh())
TARGETS = {target.name: target for target in (*map(_of_dialect, ADAPTERS), *OTHERS)}
