"""Every frame is answered in a way a laboratory can act on: the answers are read by python-hl7, not by our reader."""

from __future__ import annotations

from datetime import UTC, datetime

import hl7
import pytest

from hub.errors import Place
from hub.formats.hl7v2 import ErrorLine, Location, Verdict, acknowledge, application_acknowledgement, read

AT = datetime(2025, 7, 1, 10, 30, tzinfo=UTC)
HEADER = "MSH|^~\\&|LAB^1.2^ISO|RXX01|HUB|CSAS|20250701||ORU^R01^ORU_R01|M1|P|2.4"
WRONG = ErrorLine(Location.parse("OBX[3]-5.1").place(), "invalid-value", "102", "Send A | B, not more.")


def answered(raw: bytes, code: str, *errors: ErrorLine) -> hl7.Message:
    frame = read(raw)
    return hl7.parse(acknowledge(frame, Verdict(code, frame.control_id, errors), AT, "R1").decode(frame.charset))


def texts(segment: hl7.Segment) -> list[str]:
    return [str(field) for field in segment]


def test_original_mode_swaps_the_parties_and_quotes_the_control_id() -> None:
    reply = acknowledge(read(HEADER.encode()), Verdict("AA", "M1"), AT, "R1")
    assert reply == (b"MSH|^~\\&|HUB|CSAS|LAB^1.2^ISO|RXX01|20250701103000+0000||ACK^R01^ACK|R1|P|2.4\rMSA|AA|M1\r")


def test_an_error_names_its_place_code_and_what_to_do() -> None:
    reply = answered(HEADER.encode(), "AE", WRONG, ErrorLine(None, "no-person", "101", "Say whose it is."))
    assert texts(reply.segment("MSA")) == ["MSA", "AE", "M1", "OBX[3]-5.1: Send A \\F\\ B, not more."]
    first, second = (texts(segment) for segment in reply.segments("ERR"))
    assert first == [
        "ERR",
        "",
        "OBX^3^5^1^1",
        "102^Data type error^HL70357",
        "E",
        "invalid-value",
        "",
        "",
        "Send A \\F\\ B, not more.",
    ]
    assert second[2:6] == ["", "101^Required field missing^HL70357", "E", "no-person"]


@pytest.mark.parametrize(("mode", "expected"), [("AL|NE", "C"), ("|AL", "C"), ("NE|", "C"), ("|", "A")])
@pytest.mark.parametrize("outcome", ["A", "E", "R"])
def test_enhanced_mode_where_msh_15_or_16_is_filled(mode: str, expected: str, outcome: str) -> None:
    reply = answered(f"{HEADER}|||{mode}".encode(), f"A{outcome}")
    assert str(reply.segment("MSA")[1]) == f"{expected}{outcome}"


def test_the_application_acknowledgement_is_a_message_of_its_own() -> None:
    frame = read(f"{HEADER}|||AL|AL".encode())
    reply = hl7.parse(application_acknowledgement(frame, Verdict("AE", "M1", (WRONG,)), AT, "R2").decode())
    assert (str(reply.segment("MSA")[1]), str(reply.segment("MSH")[15]), str(reply.segment("MSH")[16])) == (
        "AE",
        "AL",
        "NE",
    )


@pytest.mark.parametrize("raw", [b"", b"hello", b"\xff\xfe\xfd", b"PID|1", bytes(range(256))])
def test_the_worst_frame_gets_a_plain_answer(raw: bytes) -> None:
    reply = answered(raw, "AR", ErrorLine(None, "unreadable", "100", "Send MSH."))
    assert texts(reply.segment("MSH"))[3:13] == [
        "SCREENING-HUB",
        "SCREENING-HUB",
        "",
        "",
        "20250701103000+0000",
        "",
        "ACK",
        "R1",
        "P",
        "2.5.1",
    ]
    assert texts(reply.segment("MSA")) == ["MSA", "AR", "", "Send MSH."]


@pytest.mark.parametrize(
    ("raw", "application", "control_id"),
    [
        (b"[SOM]" + HEADER.encode(), "LAB^1.2^ISO", "M1"),
        (b"MSH|^~\\&|LAB|RXX01|HUB", "LAB", ""),
        (b"MSH|^~\\&|LAB|RXX01|HUB|CSAS|2025||ORU^R01|M", "LAB", "M"),
        (b"MSH|^~", "", ""),
        (b"BHS|^~\\&|LAB|RXX01|HUB|CSAS|||||B7\rBTS|0\r", "LAB", "B7"),
    ],
)
def test_what_could_be_read_of_a_header_is_quoted(raw: bytes, application: str, control_id: str) -> None:
    reply = answered(raw, "AR")
    assert (str(reply.segment("MSH")[5]), [*texts(reply.segment("MSA")), ""][2]) == (application, control_id)


def test_the_sender_s_delimiters_are_honoured() -> None:
    reply = acknowledge(
        read(b"MSH#!@%*$#LAB#RXX01###2025##ORU!R01#M1#P#2.8"), Verdict("AE", "M1", (WRONG,)), AT, "R#1"
    ).decode()
    assert reply.startswith(
        "MSH#!@%*$#SCREENING-HUB#SCREENING-HUB#LAB#RXX01#20250701103000+0000##ACK!R01!ACK#R%F%1#P#2.8\r"
    )
    assert "ERR##OBX!3!5!1!1#102!Data type error!HL70357#E#" in reply


def test_a_control_id_with_stray_delimiters_is_quoted_letter_for_letter() -> None:
    raw = HEADER.replace("|M1|", "|A^B\\T\\C|").encode()
    assert read(raw).control_id == "A^B&C"
    assert b"\rMSA|AA|A^B\\T\\C\r" in acknowledge(read(raw), Verdict("AA", "A^B&C"), AT, "R1")
    assert b"\rMSA|AA|X\\S\\Y\r" in acknowledge(read(raw), Verdict("AA", "X^Y"), AT, "R1")


def test_nothing_quoted_can_end_a_segment_or_the_frame() -> None:
    raw = b"MSH|^~\\&|LA\x1cB|RX\x0bX|HUB|CS\nAS|2025||ORU^R\x1c01|M\nx\x1c1|P\x0b|2.4\x1c"
    reply = acknowledge(read(raw), Verdict("AE", read(raw).control_id, (WRONG,)), AT, "R\r1")
    assert [line[:3] for line in reply.split(b"\r")] == [b"MSH", b"MSA", b"ERR", b""]
    assert not set(reply) & {0x0A, 0x0B, 0x1C}


@pytest.mark.parametrize(
    ("declared", "codec", "sentence", "expected", "msh_18"),
    [
        ("", "latin-1", "café Ω", b"caf\xe9 ?", ""),
        ("8859/1", "latin-1", "café Ω", b"caf\xe9 ?", "8859/1"),
        ("UNICODE UTF-8", "utf-8", "café Ω", "café Ω".encode(), "UNICODE UTF-8"),
        ("8859/1", "utf-8", "café", "café".encode(), ""),
    ],
)
def test_the_answer_is_in_the_sender_s_charset(
    declared: str, codec: str, sentence: str, expected: bytes, msh_18: str
) -> None:
    frame = read(f"{HEADER.replace('RXX01', 'Zoë')}||||||{declared}".encode(codec))
    reply = acknowledge(frame, Verdict("AE", "M1", (ErrorLine(Place("x"), "r", "207", sentence),)), AT, "R1")
    assert expected in reply
    assert "Zoë".encode(codec) in reply
    header = reply.split(b"\r")[0].decode(codec).split("|")
    assert [*header, *[""] * 9][17] == msh_18


def test_utf_16_is_answered_in_utf_16() -> None:
    reply = acknowledge(read(HEADER.encode("utf-16")), Verdict("AA", "M1"), AT, "R1")
    assert reply.decode("utf-16").endswith("MSA|AA|M1\r")


def test_a_batch_is_quoted_by_its_own_control_id() -> None:
    raw = f"BHS|^~\\&|LAB|RXX01|HUB|CSAS|||||B11\r{HEADER}\r{HEADER}\rBTS|2\r".encode()
    assert str(answered(raw, "AA").segment("MSA")[2]) == "B11"
