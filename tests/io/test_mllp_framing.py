"""The frame splitter: whatever the pieces, the same blocks; nothing sent is lost, nothing is held without bound."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.errors import Reason
from hub.io.mllp import Block, BlockSplitter, FrameProblem, wrap
from hub.io.mllp.framing import KEPT_OF_TOO_LARGE

GOOD = b"MSH|^~\\&|LAB|ANY|||202611210900||ORU^R01|1|P|2.5.1\rOBX|1|ST|x||text\r"
OTHER = GOOD.replace(b"|1|P", b"|2|P")


def split(*pieces: bytes, max_bytes: int = 1 << 20, ended: bool = False) -> list[Block]:
    splitter = BlockSplitter(max_bytes)
    blocks = [block for piece in pieces for block in splitter.feed(piece)]
    cut = splitter.end() if ended else None
    return blocks if cut is None else [*blocks, cut]


def whole(body: bytes) -> Block:
    return Block(body, len(body))


def cut_off(body: bytes) -> Block:
    return Block(body, len(body), FrameProblem.INCOMPLETE)


@pytest.mark.parametrize(
    ("wire", "blocks"),
    [
        pytest.param(wrap(GOOD), [whole(GOOD)], id="one"),
        pytest.param(wrap(GOOD) + wrap(OTHER), [whole(GOOD), whole(OTHER)], id="two in one piece"),
        pytest.param(b"\x0b\x1c\r", [whole(b"")], id="an empty body is a frame and is answered"),
        pytest.param(
            b"\r\n  junk" + wrap(GOOD) + b"\n\r\n" + wrap(OTHER), [whole(GOOD), whole(OTHER)], id="stray bytes"
        ),
        pytest.param(b"\x0b" + GOOD + b"\x1c" + wrap(OTHER), [whole(GOOD), whole(OTHER)], id="FS without CR"),
        pytest.param(b"\x0b" + GOOD + b"\x1c\n" + wrap(OTHER), [whole(GOOD), whole(OTHER)], id="FS LF"),
        pytest.param(b"\x0b" + GOOD[:30] + wrap(OTHER), [cut_off(GOOD[:30]), whole(OTHER)], id="died midway, anew"),
        pytest.param(b"\x0b\x0b" + GOOD + b"\x1c\r", [whole(GOOD)], id="VT twice"),
        pytest.param(b"\x0b\r\n\x0b" + GOOD + b"\x1c\r", [whole(GOOD)], id="VT, white space, VT"),
        pytest.param(wrap(b"not HL7 at all") + wrap(GOOD), [whole(b"not HL7 at all"), whole(GOOD)], id="bad then good"),
        pytest.param(wrap(GOOD + b"a\x0bb"), [whole(GOOD + b"a\x0bb")], id="VT as a soft line break"),
        pytest.param(wrap(GOOD + b"a\x1cb"), [whole(GOOD + b"a\x1cb")], id="FS inside the text"),
        pytest.param(wrap(GOOD + b"\x0bMS"), [whole(GOOD + b"\x0bMS")], id="VT and almost a header"),
        pytest.param(
            b"\x0b" + GOOD + b"\x0b\xef\xbb\xbfMSH|x\x1c\r",
            [cut_off(GOOD), whole(b"\xef\xbb\xbfMSH|x")],
            id="anew, BOM",
        ),
        pytest.param(
            b"\x0b" + GOOD + b"\x0bfhs|x\x1c\r", [cut_off(GOOD), whole(b"fhs|x")], id="anew, a batch, lower case"
        ),
        pytest.param(wrap(b"caf\xe9"), [whole(b"caf\xe9")], id="a byte that is no UTF-8"),
        pytest.param(wrap(b"x" * (1 << 20)), [whole(b"x" * (1 << 20))], id="exactly at the limit"),
    ],
)
def test_blocks_of_a_stream(wire: bytes, blocks: list[Block]) -> None:
    assert split(wire) == blocks
    assert split(*(wire[i : i + 1] for i in range(min(len(wire), 5000))), wire[5000:]) == blocks


def test_an_end_of_connection_midway_keeps_the_piece() -> None:
    assert split(wrap(GOOD), b"\x0b" + OTHER[:20], ended=True) == [whole(GOOD), cut_off(OTHER[:20])]
    assert split(wrap(GOOD), b"\x0b", ended=True) == [whole(GOOD)]
    assert split(b"\x0b" + GOOD + b"\x1c", ended=True) == [whole(GOOD)]
    assert split(b"\x0b" + GOOD + b"\x1c\x0b", ended=True) == [whole(GOOD)]


def test_an_fs_waits_for_its_cr_until_the_line_is_silent() -> None:
    splitter = BlockSplitter()
    assert splitter.feed(b"\x0b" + GOOD + b"\x1c") == []
    assert splitter.perhaps_ended
    assert splitter.settle() == whole(GOOD)
    assert not splitter.perhaps_ended
    assert splitter.settle() is None
    assert splitter.feed(b"\r" + wrap(OTHER)) == [whole(OTHER)]
    assert splitter.stray_bytes == 0, "the late CR belongs to the end block"


def test_a_silent_line_midway_does_not_end_a_block() -> None:
    splitter = BlockSplitter()
    splitter.feed(b"\x0b" + GOOD)
    assert not splitter.perhaps_ended
    assert splitter.settle() is None
    assert splitter.feed(b"more\x1c\r") == [whole(GOOD + b"more")]


def test_stray_bytes_are_counted() -> None:
    splitter = BlockSplitter()
    splitter.feed(b"abc" + wrap(GOOD) + b"\r\n" + wrap(GOOD) + b"\x0b" + b"\x0b" + GOOD + b"\x1c\rxyz")
    assert splitter.stray_bytes == 3 + 2 + 1 + 3


@pytest.mark.parametrize("piece_bytes", [1000, 65_536, 10_000_000])
def test_a_body_over_the_limit_is_cut_and_the_next_one_is_whole(piece_bytes: int) -> None:
    body = GOOD + bytes(range(32, 127)) * 12_000
    wire = wrap(body) + wrap(OTHER)
    pieces = (wire[i : i + piece_bytes] for i in range(0, len(wire), piece_bytes))
    blocks = split(*pieces, max_bytes=1_000_000)
    assert blocks == [Block(body[:KEPT_OF_TOO_LARGE], len(body), FrameProblem.TOO_LARGE), whole(OTHER)]


def test_too_large_and_never_ended() -> None:
    (block,) = split(b"\x0b" + b"x" * 300, max_bytes=100, ended=True)
    assert block == Block(b"x" * 100, 300, FrameProblem.TOO_LARGE)
    (block, good) = split(b"\x0b" + b"x" * 300 + wrap(GOOD), max_bytes=100)
    assert (block.problem, block.size, good.body) == (FrameProblem.TOO_LARGE, 300, GOOD)


def test_memory_is_bounded_however_much_comes() -> None:
    splitter = BlockSplitter(max_bytes=200_000)
    splitter.feed(b"\x0b")
    for _ in range(200):
        splitter.feed(b"y" * 65_536)
        assert len(splitter._bytes) <= 200_000
    assert splitter.feed(b"\x1c\r")[0].size == 200 * 65_536
    assert len(splitter._bytes) == 0


def test_every_problem_has_a_reason_that_rejects() -> None:
    assert {problem.reason for problem in FrameProblem} == {Reason.INCOMPLETE, Reason.TOO_LARGE}
    assert {problem.reason.answer for problem in FrameProblem} == {"AR"}


parts = st.sampled_from(
    [b"\x0b", b"\x1c", b"\r", b"\n", b" ", b"MSH", b"M", b"SH|", b"fhs", b"\xef\xbb\xbf", b"\xef", b"x", b"longer text"]
)
streams = st.lists(parts, max_size=40).map(b"".join)


@given(streams, st.lists(st.integers(0, 200), max_size=8), st.sampled_from([3, 17, 1000]))
@example(b"\x0bMSH\x1c\x0bMSH\x1c\r", [5, 6], 1000)
def test_any_cutting_gives_the_same_blocks(wire: bytes, places: list[int], max_bytes: int) -> None:
    cuts = [0, *sorted(min(place, len(wire)) for place in places), len(wire)]
    pieces = [wire[a:b] for a, b in pairwise(cuts)]
    assert split(*pieces, max_bytes=max_bytes, ended=True) == split(wire, max_bytes=max_bytes, ended=True)
    bytewise = (wire[i : i + 1] for i in range(len(wire)))
    assert split(*bytewise, max_bytes=max_bytes, ended=True) == split(wire, max_bytes=max_bytes, ended=True)


@given(streams)
def test_no_byte_of_a_stream_goes_unaccounted(wire: bytes) -> None:
    splitter = BlockSplitter()
    blocks = splitter.feed(wire)
    if (cut := splitter.end()) is not None:
        blocks.append(cut)
    marks = sum(wire.count(mark) for mark in (b"\x0b", b"\x1c", b"\r", b"\n", b" "))
    accounted = sum(block.size for block in blocks) + splitter.stray_bytes
    assert len(wire) - marks <= accounted <= len(wire)


text = st.binary(max_size=60).map(lambda raw: b"MSH|" + raw.translate(None, b"\x0b\x1c"))


@given(st.lists(text, max_size=6))
def test_ordinary_blocks_come_out_as_they_went_in(bodies: list[bytes]) -> None:
    assert [block.body for block in split(b"".join(map(wrap, bodies)))] == bodies


def seconds_to_split(wire: bytes, piece_bytes: int) -> float:
    splitter = BlockSplitter(max_bytes=1 << 30)
    started = time.process_time()
    for i in range(0, len(wire), piece_bytes):
        splitter.feed(wire[i : i + piece_bytes])
    return time.process_time() - started


@pytest.mark.parametrize("inside", [b"x", b"\x0b", b"\x1c", b"\x1c  ", b"\x0bMS", b"\x1c\r\x0b"], ids=repr)
def test_the_work_grows_with_the_bytes_and_not_with_their_square(inside: bytes) -> None:
    small = b"\x0b" + inside * (50_000 // len(inside))
    large = b"\x0b" + inside * (400_000 // len(inside))
    ratio = seconds_to_split(large, 1000) / max(seconds_to_split(small, 1000), 0.001)
    assert ratio < 32, "eight times the bytes: linear is 8, quadratic is 64"
