"""Every HL7 v2 message of the samples folder, sent through the door of a running hub: real messages of many makers.

Each gets exactly one answer that quotes it, nothing crashes, and every byte is found again in the journal.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from hub.io.store import SqlStore, open_store
from tests.journeys.driving import END, START, Ack, HubUp, Wire, hub, hubs
from tests.samples import sample_messages

LANES = 6
FROM = " from northmoor"
EXPORTED = 4

ACKNOWLEDGEMENTS = {
    "balneario/files/test/fixtures/conformance/ack.hl7",
    "cosyte-mllp/files/test/differential/fixtures/r1-ack-aa.frame.bin",
}
"""The samples that are themselves acknowledgements: stored, and never answered."""

LAST = b"MSH|^~\\&|NOBODY|NOWHERE|HUB|CSMS|20260115120000||ORU^R01|LAST%d|P|2.5\r"
"""Ends each lane: its answer must be the next one after those of the samples, neither earlier nor later."""


@dataclass
class Answers:
    """What came back: sample → its answer."""

    given: dict[str, Ack] = field(default_factory=dict)
    sent: list[bytes] = field(default_factory=list)


def _body(raw: bytes) -> bytes:
    """A file may bring an envelope of its own: the wire has one, and what is stored has none."""
    return raw.removeprefix(START).removesuffix(b"\n").removesuffix(END) if raw.startswith(START) else raw


def _control_id(raw: bytes) -> bytes | None:
    """MSH-10 as it stands in the bytes of an ordinary message; None where that is not so simple."""
    if raw[:3] != b"MSH" or len(re.findall(rb"[\r\n]MSH", raw)) or raw[8:9] != raw[3:4]:
        return None
    fields = re.split(rb"[\r\n]", raw, maxsplit=1)[0].split(raw[3:4])
    return fields[9].strip() if len(fields) > 9 else b""


def _as_from_northmoor(raw: bytes) -> bytes | None:
    """The same message with the sender of a feed that the hub knows: now its content is looked at too."""
    start = re.match(rb"MSH\|\^~\\&\|[^|\r\n]*\|[^|\r\n]*\|", raw)
    return b"MSH|^~\\&|NMLIMS|NORTHMOOR|" + raw[start.end() :] if start else None


def _all_samples() -> list[tuple[str, bytes]]:
    samples = [(name, _body(raw)) for name, raw in sample_messages()]
    renamed = ((name + FROM, _as_from_northmoor(raw)) for name, raw in samples)
    return samples + [(name, raw) for name, raw in renamed if raw is not None]


async def _send_lane(port: int, number: int, samples: list[tuple[str, bytes]], answers: Answers) -> None:
    async with Wire(port) as wire:
        for name, raw in samples:
            await wire.send(raw)
            if name.removesuffix(FROM) not in ACKNOWLEDGEMENTS:
                answers.given[name] = await wire.ack()
        await wire.send(LAST % number)
        last = await wire.ack()
        assert last.control_id == f"LAST{number}", "more or fewer answers than messages"
        assert await wire.is_silent()
    answers.sent += [raw for _, raw in samples] + [LAST % number]


def _check_answer(name: str, raw: bytes, ack: Ack) -> str:
    """What is wrong with the answer; empty when nothing is."""
    wanted = _control_id(raw)
    if ack.code not in ("AA", "AE", "AR", "CA", "CE", "CR"):
        return f"{name}: answered {ack.code!r}"
    if ack.code[1] != "A" and not (ack.reasons and all(ack.reasons) and all(ack.sentences)):
        return f"{name}: refused without a reason"
    if wanted is not None and ack.control_id.encode("latin-1") != wanted:
        return f"{name}: quotes {ack.control_id!r}, not {wanted!r}"
    return ""


def _kept(store: SqlStore) -> dict[str, bytes]:
    """digest → bytes, of every journal row."""
    rows = store.read_now(lambda tx: tx.journal.page(0, 100_000))
    entries = store.read_now(lambda tx: [tx.journal.entry(row.seq) for row in rows])
    return {entry.digest: entry.raw for entry in entries if entry}


@pytest.mark.timeout(180)
async def test_every_sample_is_answered_once_and_kept_byte_for_byte(tmp_path: Path) -> None:
    samples = _all_samples()
    data = tmp_path / "data"
    answers = Answers()
    with HubUp(data) as running:
        async with asyncio.TaskGroup() as lanes:
            for number in range(LANES):
                lanes.create_task(_send_lane(running.mllp, number, samples[number::LANES], answers))
        listed = json.loads((await asyncio.to_thread(hub, "journal", "list", "--all", "--json", "--data", data)).out)
        assert running.terminate() == 0
    assert [
        wrong
        for name, raw in samples
        if name in answers.given
        if (wrong := _check_answer(name, raw, answers.given[name]))
    ] == []
    assert {name for name, _ in samples} - set(answers.given) <= {
        f"{name}{of}" for name in ACKNOWLEDGEMENTS for of in ("", FROM)
    }
    print(
        "\n",
        Counter(ack.code for ack in answers.given.values()),
        Counter(ack.reasons[0] for ack in answers.given.values() if ack.reasons),
    )

    digests = {hashlib.sha256(raw).hexdigest(): raw for raw in answers.sent}
    assert sorted(row["digest"] for row in listed) == sorted(digests), "each stored once, nothing else stored"
    store = open_store(data, create=False)
    try:
        assert _kept(store) == digests
    finally:
        store.close_now()
    _export_some(data, digests)
    log = running.log.read_text()
    assert "our_fault" not in log and "Traceback" not in log


def _export_some(data: Path, digests: dict[str, bytes]) -> None:
    """A few by the command line, the largest among them."""
    chosen = Random(1).sample(sorted(digests), EXPORTED - 1)
    chosen.append(max(digests, key=lambda digest: len(digests[digest])))
    for digest, done in zip(
        chosen, hubs([("journal", "export", each, "--data", data) for each in chosen]), strict=True
    ):
        assert (done.code, done.out) == (0, digests[digest])
