"""The sender: a reply is credited to the message it answers and to no other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from hub.io.mllp import MllpClient, MllpError, NoAnswerError, WrongAnswerError, wrap
from hub.io.mllp.client import answers, control_ids, quoted_id

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def message(control_id: str) -> bytes:
    return f"MSH|^~\\&|LAB|ANY|HUB|NHS|202611210900||ORU^R01|{control_id}|P|2.5.1\rOBX|1|ST|x||y\r".encode()


def ack(control_id: str) -> bytes:
    return f"MSH|^~\\&|HUB|NHS|LAB|ANY|202611210900||ACK|a1|P|2.5.1\rMSA|AA|{control_id}\r".encode()


@asynccontextmanager
async def a_peer(speak: Peer) -> AsyncIterator[MllpClient]:
    """A client connected to a peer that behaves as `speak` says, and then closes."""

    async def welcome(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(welcome, "127.0.0.1", 0)
    try:
        async with MllpClient("127.0.0.1", server.sockets[0].getsockname()[1]) as client:
            yield client
    finally:
        server.close()
        await server.wait_closed()


async def test_a_reply_in_pieces_with_bytes_around_it() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        for byte in b"\r\n" + wrap(ack("7")):
            writer.write(bytes([byte]))
            await writer.drain()
        await reader.read()

    async with a_peer(speak) as client:
        assert await client.send(message("7"), 5) == ack("7")
        assert client.connected


async def test_a_late_reply_is_never_credited_to_the_next_message() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        await asyncio.sleep(0.3)
        writer.write(wrap(ack("1")))
        await reader.read()

    async with a_peer(speak) as client:
        with pytest.raises(NoAnswerError, match=r"0\.1 seconds; the connection was dropped"):
            await client.send(message("1"), 0.1)
        assert not client.connected
        with pytest.raises(NoAnswerError, match="no connection"):
            await client.send(message("2"), 5)


async def test_after_a_drop_it_connects_afresh_with_nothing_left_over() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        writer.write(wrap(ack("other")) + wrap(ack("2")) + b"\x0bMSH|half")
        await reader.read()

    async with a_peer(speak) as client:
        with pytest.raises(WrongAnswerError):
            await client.send(message("1"), 5)
        await client.connect()
        with pytest.raises(WrongAnswerError):
            await client.send(message("2"), 5)


async def test_a_reply_for_another_message_drops_the_connection_and_names_no_value() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        writer.write(wrap(ack("OTHER")))
        await reader.read()

    async with a_peer(speak) as client:
        with pytest.raises(WrongAnswerError, match="another control id") as caught:
            await client.send(message("MINE"), 5)
        assert not client.connected
    assert "OTHER" not in str(caught.value)
    assert "MINE" not in str(caught.value)


async def test_a_peer_that_closes_instead_of_answering() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\x1c\r")
        writer.write(wrap(ack("1"))[:-2])

    async with a_peer(speak) as client:
        with pytest.raises(NoAnswerError, match="ended before the answer"):
            await client.send(message("1"), 5)


async def test_several_without_waiting_get_their_own_replies() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = [await reader.readuntil(b"\x1c\r") for _ in range(50)]
        writer.write(b"".join(wrap(ack(str(n))) for n in range(len(sent))))
        await reader.read()

    async with a_peer(speak) as client:
        raws = [message(str(n)) for n in range(50)]
        assert await client.send_many(raws, 5) == [ack(str(n)) for n in range(50)]


async def test_more_than_the_wire_holds_is_sent_while_replies_are_read() -> None:
    large = [message(str(n)) + b"NTE|1||" + b"x" * 1_000_000 + b"\r" for n in range(12)]

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while sent := await reader.read(1 << 16):
            for _ in range(sent.count(b"\x1c")):
                writer.write(wrap(ack(str(answered.pop(0))) + b"Z" * 1_000_000))
            await writer.drain()

    answered = list(range(12))
    async with a_peer(speak) as client:
        assert len(await client.send_many(large, 5)) == 12


async def test_bytes_go_out_exactly_as_given() -> None:
    got: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read())

    async with a_peer(speak) as client:
        await client.write(b"\x1c\x0b\x00junk")
        await client.write_end()
        with pytest.raises(NoAnswerError):
            await client.receive(5)
    assert got == [b"\x1c\x0b\x00junk"]


async def test_nobody_at_home_is_said() -> None:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    with pytest.raises(MllpError, match=f"port {port}: ConnectionRefusedError"):
        await MllpClient("127.0.0.1", port).connect()


@pytest.mark.parametrize(
    ("raw", "ids"),
    [
        (message("A1"), {b"A1"}),
        (message(""), set()),
        (b"MSH$^~\\&$LAB$ANY$HUB$NHS$$$ORU$77$P\nPID$1", {b"77"}),
        (b"\xef\xbb\xbf" + message("A1"), {b"A1"}),
        (b"FHS|^~\\&|L|A|H|N|20261121||||F9\rBHS|^~\\&|L|A|H|N|20261121||||B8\r" + message("1"), {b"F9", b"B8", b"1"}),
        (b"not HL7", set()),
        (b"MSH", set()),
        (b"", set()),
    ],
)
def test_control_ids_of_what_is_sent(raw: bytes, ids: set[bytes]) -> None:
    assert control_ids(raw) == ids


def test_which_reply_answers_which_message() -> None:
    assert quoted_id(ack("5")) == b"5"
    assert quoted_id(b"MSH|^~\\&|\rMSA|AA\r") == quoted_id(b"") == b""
    assert answers(ack("5"), message("5"))
    assert not answers(ack("5"), message("6"))
    assert not answers(b"MSH|^~\\&|\r", message("6")), "a reply without MSA answers nothing"
    assert answers(ack(""), message("")), "what has no id can only be answered in turn"
