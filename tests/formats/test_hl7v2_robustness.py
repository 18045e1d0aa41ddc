"""Nothing raises on any bytes, nothing is lost, and nothing grows faster than its input."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import hl7
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.formats.hl7v2 import ErrorLine, Location, Verdict, acknowledge, application_acknowledgement, read
from tests.samples import sample_messages

AT = datetime(2025, 7, 1, 10, 30, tzinfo=UTC)
GOOD = (
    "FHS|^~\\&|L|F|||2025||n||F1\rBHS|^~\\&|L|F|||2025||n||B1\r"
    "MSH|^~\\&#|LAB|RXX01|HUB|CSAS|20250701||ORU^R01^ORU_R01|M1|P|2.5.1|||AL|NE||8859/1\r"
    "PID|1||9434765919^^^NHS^NH~A1^^^RXX&2.16&ISO^MR||O\\T\\Neill^Zoë\rOBR|1||F1|CYT^Cytology\n"
    "OBX|1|TX|R||line\\.br\\two \\X41\\ \\Z1\\ \\\r\nmore text\rNTE|1||x\rBTS|1\rFTS|1\r"
).encode("cp1252")


def exercise(raw: bytes) -> None:
    """Everything that the hub does with a frame."""
    frame = read(raw)
    assert frame.raw == raw
    assert bool(frame.messages) != bool(frame.problem)
    for message in frame.messages[:20]:
        message.message_type, message.control_id, message.version, message.is_acknowledgement, message.text  # noqa: B018 - only reading
        message.sending_application, message.sending_facility, message.accept_ack, message.application_ack  # noqa: B018 - only reading
        message.get("PID-3[2].4.2"), message.get("OBX[2]-5.1"), message.groups()
        for segment in message.all()[:40]:
            for field in range(min(segment.fields, 30) + 2):
                segment.raw(field), segment.present(field), segment.repetitions(field)
                segment.value(field), segment.value(field, 2, 2, 2), segment.value(field, 0)
    errors = (ErrorLine(Location.parse("PID-3").place(), "no-person", "101", "Fill it | and é send."),)
    for code in ("AA", "AE", "AR"):
        for write in (acknowledge, application_acknowledgement):
            reply = write(frame, Verdict(code, frame.control_id, errors), AT, "R1")
            answer = hl7.parse(reply.decode(frame.charset).removeprefix("\ufeff"))
            assert [str(segment[0]) for segment in answer] == ["MSH", "MSA", "ERR"]


@given(st.binary(max_size=400))
@example(b"\xff\xfe" + "MSH|^~\\&|\ud800".encode("utf-16-le", "surrogatepass"))
@example(b"M\0S\0H\0|")
@example(b"MSH\xa6^~\\&\xa6")
def test_any_bytes(raw: bytes) -> None:
    exercise(raw)


@given(
    st.binary(max_size=120),
    st.sampled_from([b"MSH|^~\\&|", b"MSH", b"BHS|", b"MSH#!@%*#", b"\xef\xbb\xbfMSH|", b"MSH\xc2\xa6"]),
)
def test_any_bytes_behind_the_beginning_of_a_header(rest: bytes, beginning: bytes) -> None:
    exercise(beginning + rest)


@settings(max_examples=150)
@given(st.data())
def test_any_mutation_of_a_good_message(data: st.DataObject) -> None:
    raw = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), start + data.draw(st.integers(0, 12)))
        raw[start:end] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"|", b"\r", b"\\", b"MSH|", b"\rMSH|", b"~^&"])
        )
    exercise(bytes(raw))


def test_a_message_cut_at_every_byte() -> None:
    for length in range(len(GOOD)):
        exercise(GOOD[:length])


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r\n\x00\x0b\x1c\x85\ufeff"), max_size=80))
def test_no_character_of_a_line_is_lost(line: str) -> None:
    """Whatever a line holds, it stands in the message's text: as a segment of its own, or joined to the one before."""
    text = read(f"MSH|^~\\&|L|F\rNTE|1||first\r{line}\rNTE|2||last\r".encode()).messages[0].text
    assert line.strip() in text
    assert len(text.replace("\n", "\r").split("\r")) == (5 if line.strip() else 4)


def test_every_sample_is_read_and_answered() -> None:
    for name, raw in sample_messages():
        frame = read(raw)
        assert frame.raw == raw, name
        reply = acknowledge(frame, Verdict("AR", frame.control_id), AT, "R1")
        answer = hl7.parse(reply.decode(frame.charset).removeprefix("\ufeff"))
        assert str(answer[1][0]) == "MSA", name


_HEADER = b"MSH|^~\\&|LAB|RXX01|HUB|CSAS|20250701||ORU^R01|M1|P|2.5.1\r"
_MEGABYTE = 1 << 20


@pytest.mark.parametrize(
    "raw",
    [
        _HEADER + b"OBX|1|ED|PDF||" + b"A" * (4 * _MEGABYTE),
        _HEADER + b"OBX|1|TX|R||some result||||||F\r" * 100_000,
        _HEADER + b"OBX|1|TX|R||" + b"\\" * (4 * _MEGABYTE),
        _HEADER + b"OBX|1|TX|R||" + b"\\X" * (2 * _MEGABYTE),
        _HEADER + b"OBX|1|TX|R||\\X" + b"41" * (2 * _MEGABYTE),
        _HEADER + b"OBX|1|TX|R||" + b"\\T\\" * _MEGABYTE,
        _HEADER + b"OBX|1|TX|R||" + b"|" * (4 * _MEGABYTE),
        _HEADER + b"OBX|1|TX|R||" + b"^~&" * _MEGABYTE,
        _HEADER + b"a line that is no segment\n" * 150_000,
        _HEADER + b"\r" * (4 * _MEGABYTE),
        _HEADER + b" " * (4 * _MEGABYTE),
        _HEADER + b"OBX|" + b" \n" * (2 * _MEGABYTE),
        b"\n" * (4 * _MEGABYTE),
        b" " * (4 * _MEGABYTE) + b"MSH",
        b"MSH" * _MEGABYTE,
        b"MSH-" * _MEGABYTE,
        _HEADER + b"MSH" * _MEGABYTE,
        _HEADER * 40_000,
        b"BHS|^~\\&|L\r" * 200_000 + b"BTS|1\r" * 200_000,
        b"\x00" * (4 * _MEGABYTE),
        b"\xff" * (4 * _MEGABYTE),
        b"\xef\xbb\xbf" * _MEGABYTE + _HEADER,
    ],
    ids=lambda raw: f"{raw[:8]!r}..{raw[-8:]!r}",
)
def test_megabytes_of_anything_are_read_in_linear_time(raw: bytes) -> None:
    """Four megabytes in well under the minute that anything quadratic would need many times over."""
    began = time.monotonic()
    exercise(raw)
    assert time.monotonic() - began < 60
