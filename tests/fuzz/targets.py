"""What is fuzzed: every reader of bytes from outside. A target takes any bytes; what it raises is a finding."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from adapters import ADAPTERS
from adapters.nhs_notify import read_callback
from hub.errors import Reason, Reject
from hub.io.mesh.messages import KEPT_OF_TOO_LARGE, Collected, TooLarge, Unpacking
from hub.io.mllp import Block, BlockSplitter, wrap
from tests.golden_cases import CASES

AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
FOUND = Path(__file__).with_name("found")
"""What once was found, `found/<target>/<name>`: tried again by every run of the tests."""


@dataclass(frozen=True, slots=True)
class Target:
    """`seeds` are good inputs to begin with."""

    name: str
    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]

    def found(self) -> list[Path]:
        return sorted((FOUND / self.name).glob("*"))


def read_message(dialect: str, raw: bytes) -> None:
    """An adapter answers whatever comes, says the same twice, and none of it is our fault."""
    adapter, case = ADAPTERS[dialect], next(case for case in CASES if case.dialect == dialect)
    opened = adapter.open(raw)
    assert opened.raw == raw
    reading = adapter.decode(opened, case.feeds, date(2026, 7, 20))
    for item in reading.items:
        assert getattr(item.outcome, "reason", None) != Reason.OUR_FAULT.code, item.position
        if isinstance(item.outcome, Reject):
            assert item.outcome.reason.answer in ("AE", "AR")
    reply = adapter.reply(opened, reading, AT, "HUB1")
    assert (reply is None) == opened.is_acknowledgement
    assert reply == adapter.reply(opened, reading, AT, "HUB1")


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


def _notify() -> Target:
    times = '"messageId":"2WL3qFTEFM0qMY8xjRbt1LIKCzM","messageReference":"r","timestamp":"2026-01-06T09:00:00.123Z"'
    message = f'{{"type":"MessageStatus","attributes":{{{times},"messageStatus":"failed"}}}}'
    order = '"cascadeType":"primary","cascadeOrder":1,"channel":"letter","channelStatus":"sending","retryCount":0'
    channel = f'{{"type":"ChannelStatus","attributes":{{{times},{order}}},"meta":{{"idempotencyKey":"k"}}}}'
    seeds = tuple(f'{{"data":[{items}]}}'.encode() for items in (message, channel, f"{message},{channel}"))
    return Target("notify", read_callback_of_notify, seeds)


TARGETS = {target.name: target for target in (*map(_of_dialect, ADAPTERS), _mllp(), _mesh(), _notify())}
