"""The twelve cases of the MLLP probe (anchors.md 6.4) and poison beside good in one packet, against the real hub.

None of seven listeners tried answers all of them in a way a laboratory can act on. Here every frame gets one answer:
whose it is (MSA-2), what became of it (MSA-1), and where something is wrong, what, where and what to do (ERR).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.simulators.laboratory import laboratory_code, report, slide_number
from adapters.simulators.people import synthetic_cohort
from hub.domain.events import TestResult
from tests.journeys.driving import END, START, Ack, HubUp, Wire, hub

NOW = datetime.now(UTC).replace(microsecond=0)
PERSON = synthetic_cohort(1, 4)[0]
_made = iter(range(1, 1000))


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubUp]:
    with HubUp(tmp_path_factory.mktemp("probe") / "data") as running:
        yield running
        assert running.terminate() == 0
        assert "our_fault" not in running.log.read_text()


def message(control_id: str) -> bytes:
    """A good report of a slide of its own."""
    result = TestResult(
        laboratory_code=laboratory_code("northmoor"),
        slide_number=slide_number("northmoor", NOW.year, next(_made)),
        test_on=(NOW - timedelta(days=8)).date(),
        authorised_at=NOW - timedelta(days=1),
        result_code="X",
        infection_code="0",
        action_code="A",
        source_type="1",
        sender_code="Z99001",
    )
    return report("northmoor", PERSON, result, control_id, NOW)


def framed(body: bytes) -> bytes:
    return START + body + END


def assert_taken(ack: Ack, control_id: str) -> None:
    assert (ack.code, ack.control_id, ack.errors) == ("AA", control_id, ())


def assert_refused(ack: Ack, code: str, control_id: str, reason: str) -> None:
    """Refused with our reason, an HL7 code, severity E, and a sentence that asks for something."""
    assert (ack.code, ack.control_id) == (code, control_id)
    assert ack.reasons == (reason,)
    (error,) = ack.errors
    assert error[2].split("^")[0].isdecimal() and error[3] == "E" and error[7].endswith(".")


async def test_1_single(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        assert_taken(await wire.ask(message("P1")), "P1")
        assert await wire.is_silent()


async def test_2_two_frames_in_one_write(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        await wire.write(framed(message("P2A")) + framed(message("P2B")))
        assert_taken(await wire.ack(), "P2A")
        assert_taken(await wire.ack(), "P2B")


async def test_3_a_second_message_on_the_same_connection(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        assert_taken(await wire.ask(message("P3A")), "P3A")
        assert_taken(await wire.ask(message("P3B")), "P3B")
        assert await wire.is_silent()


async def test_4_small_pieces(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        whole = framed(message("P4"))
        for start in range(0, len(whole), 23):
            await wire.write(whole[start : start + 23])
            await asyncio.sleep(0.001)
        assert_taken(await wire.ack(), "P4")


async def test_5_fs_and_cr_apart(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        await wire.write(START + message("P5") + b"\x1c")
        await asyncio.sleep(0.05)
        await wire.write(b"\r")
        assert_taken(await wire.ack(), "P5")
        assert_taken(await wire.ask(message("P5B")), "P5B")


async def test_6_crlf_before_the_frame(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        await wire.write(b"\r\n" + framed(message("P6A")) + b"\r\n\r\n" + framed(message("P6B")))
        assert_taken(await wire.ack(), "P6A")
        assert_taken(await wire.ack(), "P6B")


async def test_7_an_unreadable_body(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        assert_refused(await wire.ask(b"hello, this is not HL7"), "AR", "", "unreadable")
        quoted = await wire.ask(b"MSH|^~\\&|NMLIMS|NORTHMOOR|H|C|20260115||\xff\xfe|P7|P")
        assert (quoted.code, quoted.control_id) == ("AR", "P7"), "what could be read of the header is quoted"
        assert_taken(await wire.ask(message("P7B")), "P7B")


async def test_8_an_empty_control_id(door: HubUp) -> None:
    """It can be told apart by its order alone: taken, quoted as empty, and noted for the laboratory's page."""
    async with Wire(door.mllp) as wire:
        assert_taken(await wire.ask(message("")), "")
    listed = json.loads((await asyncio.to_thread(hub, "journal", "list", "--json", "--data", door.data)).out)
    assert [row["notes"] for row in listed if not row["control_id"] and row["answer"] == "AA"] == [["control-id=empty"]]


async def test_9_an_unexpected_type(door: HubUp) -> None:
    async with Wire(door.mllp) as wire:
        ack = await wire.ask(message("P9").replace(b"|ORU^R01|", b"|ADT^A08|"))
        assert_refused(ack, "AR", "P9", "type-not-taken")
        assert ack.places == ("MSH^1^9",)


async def test_10_a_single_byte_letter_with_no_charset_declared(door: HubUp) -> None:
    """The byte 0xE9 (é in Latin-1) is no UTF-8: taken, the charset noted, the bytes kept."""
    raw = message("P10").replace(b"|UNICODE UTF-8", b"")
    raw = raw.replace(PERSON.address_lines[0].encode(), b"Caf\xe9 Cottage")
    assert b"\xe9" in raw
    async with Wire(door.mllp) as wire:
        assert_taken(await wire.ask(raw), "P10")
    shown = json.loads((await asyncio.to_thread(hub, "journal", "show", "P10", "--json", "--data", door.data)).out)
    assert "charset=cp1252 undeclared" in shown["notes"]
    assert (await asyncio.to_thread(hub, "journal", "export", "P10", "--data", door.data)).out == raw


async def test_11_a_field_of_a_megabyte(door: HubUp) -> None:
    raw = message("P11") + b"NTE|1||" + b"x" * 1_000_000 + b"\r"
    async with Wire(door.mllp) as wire:
        assert_taken(await wire.ask(raw), "P11")
        assert_taken(await wire.ask(message("P11B")), "P11B")


async def test_12_an_identical_resend(door: HubUp) -> None:
    raw = message("P12")
    async with Wire(door.mllp) as wire:
        first, second = await wire.ask(raw), await wire.ask(raw)
    assert_taken(first, "P12")
    assert second.raw == first.raw, "the stored reply, byte for byte"
    (row,) = await _rows(door.data, "P12")
    assert row["repeats"] == 1


@pytest.mark.parametrize("poison", [b"rubbish", b"", b"MSH", b"MSH|^~\\&|NMLIMS", b"\x00\xff\x0c" * 9])
async def test_bad_and_good_in_one_packet(door: HubUp, poison: bytes) -> None:
    control_id = f"P13{poison[:2].hex()}{len(poison)}"
    async with Wire(door.mllp) as wire:
        await wire.write(framed(poison) + framed(message(control_id)))
        bad = await wire.ack()
        assert bad.code == "AR" and bad.control_id == "" and bad.errors
        assert_taken(await wire.ack(), control_id)
        assert await wire.is_silent(0.05)


async def _rows(data: Path, control_id: str) -> list[dict[str, object]]:
    listed = json.loads((await asyncio.to_thread(hub, "journal", "list", "--all", "--json", "--data", data)).out)
    return [row for row in listed if row["control_id"] == control_id]
