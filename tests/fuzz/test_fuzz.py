"""The short form of `make fuzz`: what was once found, and a few thousand seeded inputs for each target."""

from __future__ import annotations

import random

import pytest

from tests.fuzz.targets import TARGETS, Target

SEED = 20260720
PIECES = (
    b"",
    b"\x00",
    b"^",
    b"|",
    b"~",
    b"\r",
    b"\n",
    b"\\",
    b"\xff",
    b"9",
    b"'",
    b"+",
    b":",
    b",",
    b'"',
    b"{",
    b"]",
    b"<",
)


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_what_was_found_once_is_mended(target: Target) -> None:
    for path in target.found():
        target.run(path.read_bytes())


@pytest.mark.parametrize("target", TARGETS.values(), ids=lambda target: target.name)
def test_no_bytes_upset_a_reader(target: Target) -> None:
    chance = random.Random(SEED)
    for number in range(target.inputs):
        raw = bytearray(chance.choice(target.seeds))
        for _ in range(chance.randint(1, 8)):
            at = chance.randrange(len(raw) + 1)
            raw[at : at + chance.randint(0, 40)] = chance.choice((*PIECES, bytes(raw[:50]), chance.randbytes(5)))
        try:
            target.run(bytes(raw))
        except Exception as error:  # whatever it is: it is found, and with what it is found again
            raise AssertionError(f"input {number} of seed {SEED}") from error
