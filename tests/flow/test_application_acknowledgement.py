"""The application acknowledgement: a second message, only where the feed's table grants what MSH-16 asks for."""

from __future__ import annotations

import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from hub.app import running
from hub.config import Settings
from hub.formats.hl7v2 import read
from hub.io.mllp import MllpClient, NoAnswerError
from tests.bench.a_hub import cohort, reports

ASKING = {"AL": 2, "SU": 2, "ER": 1, "NE": 1}


def _settings(place: Path, *, granted: bool) -> Settings:
    """A hub whose northmoor feed grants the application acknowledgement, or does not."""
    mappings = place / "mappings"
    shutil.copytree(Settings().mappings, mappings)
    if granted:
        table = mappings / "feeds" / "northmoor.toml"
        text = table.read_text(encoding="utf-8")
        table.write_text(text + "\n[answer]\napplication_acknowledgement = true\n", encoding="utf-8")
    return replace(Settings(), data=place / "data", mappings=mappings, mllp_port=0, partners_port=0, http_port=0)


def _asking(word: str) -> bytes:
    message = next(raw for raw in reports(cohort(3), 3) if b"|NORTHMOOR|" in raw)
    header, rest = message.split(b"\r", 1)
    fields = header.split(b"|")
    fields += [b""] * (16 - len(fields))
    fields[14], fields[15] = b"AL", word.encode()
    return b"|".join(fields) + b"\r" + rest


async def _answers(settings: Settings, raw: bytes) -> list[str]:
    async with running(settings, ("intake",)) as hub, MllpClient("127.0.0.1", hub.mllp_port) as client:
        codes = [read(await client.send(raw)).messages[0].get("MSA-1")]
        with suppress(NoAnswerError):  # nothing more came
            while True:
                codes.append(read(await client.receive(0.3)).messages[0].get("MSA-1"))
        return codes


@pytest.mark.parametrize("word", ASKING)
async def test_where_granted_the_second_message_follows_as_asked(tmp_path: Path, word: str) -> None:
    codes = await _answers(_settings(tmp_path, granted=True), _asking(word))
    assert codes == ["CA", "AA"][: ASKING[word]]


async def test_by_default_there_is_one_answer_whatever_is_asked(tmp_path: Path) -> None:
    assert await _answers(_settings(tmp_path, granted=False), _asking("AL")) == ["CA"]


async def test_the_same_bytes_again_get_both_again(tmp_path: Path) -> None:
    settings, raw = _settings(tmp_path, granted=True), _asking("AL")
    async with running(settings, ("intake",)) as hub, MllpClient("127.0.0.1", hub.mllp_port) as client:
        first = [await client.send(raw), await client.receive(5)]
        second = [await client.send(raw), await client.receive(5)]
    assert first == second
