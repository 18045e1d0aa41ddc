"""The door over real sockets: every frame is answered exactly once, in the order of arrival, whatever surrounds it."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256

import pytest

from hub import telemetry
from hub.errors import CannotRun, Reason, Retry
from hub.io.mllp import Answer, FrameProblem, MllpClient, MllpDoor, MllpSettings, NoAnswerError, Peer, wrap
from hub.io.mllp.client import control_ids
from hub.io.mllp.conversation import Answering

SETTINGS = MllpSettings(idle_seconds=20, grace_seconds=5)


def message(control_id: str, text: str = "any text") -> bytes:
    header = f"MSH|^~\\&|LAB|ANY|HUB|NHS|202611210900||ORU^R01|{control_id}|P|2.5.1\r"
    return header.encode() + f"OBX|1|ST|x||{text}\r".encode()


def echo(raw: bytes, problem: FrameProblem | None) -> bytes:
    """What the answerer below says: enough to see which frame it answers and in what state it came."""
    code = problem.reason.answer if problem else "AA"
    ids = b"".join(control_ids(raw))
    return b"MSH|^~\\&|HUB\rMSA|%s|%s|%s\r" % (code.encode(), ids, sha256(raw).hexdigest().encode())


@dataclass
class Answerer:
    """Stands for the intake: notes what it was given, and answers. `pause` says how long an answer takes."""

    pause: Callable[[bytes], float] = lambda _: 0.0
    given: list[tuple[bytes, Peer, FrameProblem | None]] = field(default_factory=list)
    replied: list[tuple[object, bool]] = field(default_factory=list)
    at_work: int = 0
    most_at_work: int = 0
    fails_on: bytes = b"\x00never"
    failure: Exception = field(default_factory=lambda: Retry(Reason.STORE_AWAY))
    silent_on: bytes = b"\x00never"

    async def answer(self, raw: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        self.given.append((raw, peer, problem))
        token = len(self.given)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        try:
            await asyncio.sleep(self.pause(raw))
        finally:
            self.at_work -= 1
        if self.fails_on in raw:
            raise self.failure
        return Answer(None if self.silent_on in raw else echo(raw, problem), token)

    def note(self, token: object, sent: bool) -> None:
        self.replied.append((token, sent))

    @property
    def bodies(self) -> list[bytes]:
        return [raw for raw, _, _ in self.given]


@asynccontextmanager
async def open_door(answerer: Answerer, settings: MllpSettings = SETTINGS) -> AsyncIterator[MllpDoor]:
    async with MllpDoor(answerer.answer, settings, answerer.note) as door:
        yield door


@asynccontextmanager
async def talking_to(answerer: Answerer, settings: MllpSettings = SETTINGS) -> AsyncIterator[MllpClient]:
    async with open_door(answerer, settings) as door, MllpClient("127.0.0.1", door.port) as client:
        yield client


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - what is waited for happens in sockets, which set no Event
            await asyncio.sleep(0.005)


ONE, TWO = message("1"), message("2")
PROBE = {
    "single": ([wrap(ONE)], [ONE]),
    "two frames in one write": ([wrap(ONE) + wrap(TWO)], [ONE, TWO]),
    "a second message on the same connection": ([wrap(ONE), wrap(TWO)], [ONE, TWO]),
    "small pieces": ([wrap(ONE)[i : i + 7] for i in range(0, len(wrap(ONE)), 7)], [ONE]),
    "FS and CR split": ([wrap(ONE)[:-1], b"\r", wrap(TWO)[:-1], b"\r"], [ONE, TWO]),
    "CRLF before VT": ([b"\r\n" + wrap(ONE), b"\r\n" + wrap(TWO)], [ONE, TWO]),
    "an unreadable body": ([wrap(b"this is not HL7")], [b"this is not HL7"]),
    "an empty MSH-10": ([wrap(message(""))], [message("")]),
    "an unexpected type": ([wrap(ONE.replace(b"ORU^R01", b"ADT^A01"))], [ONE.replace(b"ORU^R01", b"ADT^A01")]),
    "a byte 0xE9 without MSH-18": ([wrap(ONE.replace(b"any", b"\xe9ny"))], [ONE.replace(b"any", b"\xe9ny")]),
    "a field of 1 MB": ([wrap(message("1", "x" * 1_000_000))], [message("1", "x" * 1_000_000)]),
    "an identical resend": ([wrap(ONE), wrap(ONE)], [ONE, ONE]),
    "a bad frame and a good one in one packet": ([wrap(b"\x00\xff bad") + wrap(ONE)], [b"\x00\xff bad", ONE]),
    "an empty frame": ([wrap(b"") + wrap(ONE)], [b"", ONE]),
    "no CR after FS": ([b"\x0b" + ONE + b"\x1c", b"\x0b" + TWO + b"\x1c"], [ONE, TWO]),
}


@pytest.mark.parametrize("case", PROBE)
async def test_every_case_of_the_probe_gets_one_answer_a_frame_in_order(case: str) -> None:
    pieces, bodies = PROBE[case]
    answerer = Answerer()
    async with talking_to(answerer) as client:
        for piece in pieces:
            await client.write(piece)
            await asyncio.sleep(0.001)
        answers = [await client.receive(5) for _ in bodies]
        await client.write_end()
        with pytest.raises(NoAnswerError, match="ended"):
            await client.receive(5)
    assert answers == [echo(body, None) for body in bodies]
    assert answerer.bodies == bodies
    assert answerer.replied == [(token, True) for token in range(1, len(bodies) + 1)]


async def test_fs_without_cr_is_answered_while_the_sender_waits() -> None:
    async with talking_to(Answerer()) as client:
        for body in (ONE, TWO):
            await client.write(b"\x0b" + body + b"\x1c")
            assert await client.receive(5) == echo(body, None)


async def test_a_late_cr_after_a_settled_frame_is_not_a_stray_byte() -> None:
    answerer = Answerer()
    async with talking_to(answerer) as client:
        await client.write(b"\x0b" + ONE + b"\x1c")
        await client.receive(5)
        await client.write(b"\r" + wrap(TWO))
        assert await client.receive(5) == echo(TWO, None)
    assert answerer.bodies == [ONE, TWO]


def metric(name: str, **labels: str) -> float:
    return telemetry.REGISTRY.get_sample_value(name, labels) or 0.0


async def test_stray_bytes_and_cut_frames_are_reported() -> None:
    stray, cut = metric("hub_stray_bytes_total"), metric("hub_frame_problems_total", problem="incomplete")
    async with talking_to(Answerer()) as client:
        await client.write(b"\r\nxyz" + wrap(ONE) + b"\n" + b"\x0bMSH|" + wrap(TWO))
        for _ in range(3):
            await client.receive(5)
        assert metric("hub_connections") == 1
    assert metric("hub_stray_bytes_total") - stray == 6
    assert metric("hub_frame_problems_total", problem="incomplete") - cut == 1
    assert metric("hub_frames_in_work") == 0


async def test_a_sender_that_died_midway_and_starts_anew_is_answered_for_both() -> None:
    answerer = Answerer()
    async with talking_to(answerer) as client:
        await client.write(b"\x0b" + ONE[:70] + wrap(TWO))
        assert await client.receive(5) == echo(ONE[:70], FrameProblem.INCOMPLETE)
        assert await client.receive(5) == echo(TWO, None)


async def test_an_oversize_frame_is_refused_and_the_next_one_is_taken() -> None:
    answerer = Answerer()
    async with talking_to(answerer, replace(SETTINGS, max_frame_bytes=100_000)) as client:
        await client.write(wrap(message("big", "x" * 3_000_000)) + wrap(ONE))
        assert b"MSA|AR|big|" in await client.receive(5)
        assert await client.receive(5) == echo(ONE, None)
    (first, _, problem), _ = answerer.given
    assert problem is FrameProblem.TOO_LARGE
    assert message("big", "x" * 3_000_000).startswith(first)
    assert len(first) <= 100_000


async def test_what_is_itself_an_acknowledgement_gets_nothing() -> None:
    answerer = Answerer(silent_on=b"MSA|")
    async with talking_to(answerer) as client:
        await client.write(wrap(b"MSH|^~\\&|X\rMSA|AA|1\r") + wrap(ONE))
        assert await client.receive(5) == echo(ONE, None)
    assert answerer.replied == [(2, True)]


async def test_answers_keep_the_order_of_arrival_when_later_ones_are_ready_first() -> None:
    delays = {message(str(n)): 0.05 - n * 0.01 for n in range(5)}
    answerer = Answerer(pause=delays.__getitem__)
    async with talking_to(answerer) as client:
        assert await client.send_many(list(delays)) == [echo(body, None) for body in delays]
    assert answerer.most_at_work == 5, "the frames of one connection are worked on side by side"


async def test_one_connection_never_has_more_in_flight_than_agreed() -> None:
    answerer = Answerer(pause=lambda _: 0.002)
    bodies = [message(str(n)) for n in range(60)]
    async with talking_to(answerer, replace(SETTINGS, max_in_flight_per_connection=4)) as client:
        assert await client.send_many(bodies) == [echo(body, None) for body in bodies]
    assert answerer.most_at_work == 4


async def test_all_connections_together_never_have_more_in_flight_than_agreed() -> None:
    answerer = Answerer(pause=lambda _: 0.002)
    bodies = [message(str(n)) for n in range(20)]

    async def sender(port: int) -> None:
        async with MllpClient("127.0.0.1", port) as client:
            assert await client.send_many(bodies) == [echo(body, None) for body in bodies]

    async with open_door(answerer, replace(SETTINGS, max_in_flight=5)) as door:
        await asyncio.gather(*(sender(door.port) for _ in range(6)))
    assert answerer.most_at_work == 5
    assert len(answerer.given) == 120


async def test_two_hundred_connections() -> None:
    answerer = Answerer()

    async def sender(port: int, who: int) -> None:
        async with MllpClient("127.0.0.1", port) as client:
            for n in range(3):
                body = message(f"{who}-{n}")
                assert await client.send(body) == echo(body, None)

    async with open_door(answerer) as door:
        await asyncio.gather(*(sender(door.port, who) for who in range(200)))
        await eventually(lambda: door.connections == 0)
    assert len(set(answerer.bodies)) == len(answerer.given) == 600


async def test_more_connections_than_agreed_are_turned_away() -> None:
    async with open_door(Answerer(), replace(SETTINGS, max_connections=1)) as door:
        async with MllpClient("127.0.0.1", door.port) as first, MllpClient("127.0.0.1", door.port) as second:
            with pytest.raises(NoAnswerError):
                await second.send(ONE, 5)
            assert await first.send(ONE, 5) == echo(ONE, None)
        await eventually(lambda: door.connections == 0)
        async with MllpClient("127.0.0.1", door.port) as third:
            assert await third.send(ONE, 5) == echo(ONE, None)


@pytest.mark.parametrize("failure", [Retry(Reason.STORE_AWAY), RuntimeError("a bug")], ids=["store away", "bug"])
async def test_when_no_answer_can_be_given_there_is_silence_and_the_connection_ends(failure: Exception) -> None:
    answerer = Answerer(fails_on=b"|2|P|", failure=failure)
    bodies = [message(str(n)) for n in range(1, 6)]
    async with open_door(answerer) as door:
        async with MllpClient("127.0.0.1", door.port) as client:
            await client.write(b"".join(map(wrap, bodies)))
            assert await client.receive(5) == echo(bodies[0], None), "what came before is answered"
            with pytest.raises(NoAnswerError, match="ended"):
                await client.receive(5)
        async with MllpClient("127.0.0.1", door.port) as client:
            assert await client.send(ONE, 5) == echo(ONE, None), "the door goes on"
    outcomes = dict(answerer.replied)
    assert outcomes.pop(1) is True
    assert 2 not in outcomes
    assert not any(sent for token, sent in outcomes.items() if token != len(answerer.given))


async def test_an_answer_that_is_cancelled_from_within_is_a_silence_too() -> None:
    async def answer(raw: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        raise asyncio.CancelledError

    async with MllpDoor(answer, SETTINGS) as door, MllpClient("127.0.0.1", door.port) as client:
        with pytest.raises(NoAnswerError, match="ended"):
            await client.send(ONE, 5)


async def test_a_failing_hook_costs_nobody_an_answer() -> None:
    def broken(token: object, sent: bool) -> None:
        raise ValueError("the hook is broken")

    async with MllpDoor(Answerer().answer, SETTINGS, broken) as door, MllpClient("127.0.0.1", door.port) as client:
        assert await client.send_many([ONE, TWO]) == [echo(ONE, None), echo(TWO, None)]


async def test_an_abrupt_close_midway_leaves_the_piece_stored_and_the_reply_undelivered() -> None:
    answerer = Answerer()
    async with open_door(answerer) as door:
        async with MllpClient("127.0.0.1", door.port) as client:
            await client.write(wrap(ONE) + b"\x0b" + TWO[:60])
            await client.receive(5)
            client.drop()
        await eventually(lambda: len(answerer.given) == 2 and door.connections == 0)
    assert answerer.given[1][0] == TWO[:60]
    assert answerer.given[1][2] is FrameProblem.INCOMPLETE


async def test_a_sender_that_says_all_and_closes_its_side_still_hears_every_answer() -> None:
    answerer = Answerer(pause=lambda _: 0.01)
    async with talking_to(answerer) as client:
        await client.write(wrap(ONE) + b"\x0b" + TWO[:60])
        await client.write_end()
        assert await client.receive(5) == echo(ONE, None)
        assert await client.receive(5) == echo(TWO[:60], FrameProblem.INCOMPLETE)


async def test_a_reset_while_the_answer_is_made_is_told_as_undelivered() -> None:
    answerer = Answerer(pause=lambda _: 0.05)
    async with open_door(answerer) as door:
        with socket.create_connection(("127.0.0.1", door.port)) as peer:
            peer.sendall(wrap(ONE))
            await eventually(lambda: bool(answerer.given))
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing is a reset
        await eventually(lambda: bool(answerer.replied))
    assert answerer.replied == [(1, False)]


def large_answers(answerer: Answerer) -> Answering:
    async def answer(raw: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        small = await answerer.answer(raw, peer, problem)
        return Answer((small.data or b"") + b"Z" * 1_000_000, small.token)

    return answer


def slow_socket(port: int) -> socket.socket:
    """A peer that takes in little until it reads: its own buffer is small."""
    peer = socket.socket()
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    peer.connect(("127.0.0.1", port))
    return peer


async def test_a_slow_reader_is_waited_for_and_gets_every_answer() -> None:
    answerer = Answerer()
    settings = replace(SETTINGS, max_in_flight_per_connection=3)
    bodies = [message(str(n)) for n in range(20)]
    async with MllpDoor(large_answers(answerer), settings, answerer.note) as door:
        with slow_socket(door.port) as peer:
            peer.sendall(b"".join(map(wrap, bodies)))
            await asyncio.sleep(0.2)
            assert len(answerer.given) - len(answerer.replied) <= 3, "nothing more is taken while answers are not"
            assert len(answerer.given) < len(bodies)
            received = await asyncio.to_thread(read_blocks, peer, len(bodies))
    assert [block.split(b"Z")[0] for block in received] == [echo(body, None) for body in bodies]


def read_blocks(peer: socket.socket, count: int) -> list[bytes]:
    peer.settimeout(10)
    read, ends = bytearray(), 0
    while ends < count:
        piece = peer.recv(1 << 20)
        ends += piece.count(b"\x1c")
        read += piece
    return [block.removeprefix(b"\x0b") for block in bytes(read).split(b"\x1c\r")[:count]]


async def test_a_peer_that_never_reads_is_cut_off() -> None:
    answerer = Answerer()
    settings = replace(SETTINGS, write_seconds=0.2)
    async with MllpDoor(large_answers(answerer), settings, answerer.note) as door:
        with slow_socket(door.port) as peer:
            peer.sendall(wrap(ONE) * 20)
            await eventually(lambda: door.connections == 0 and len(answerer.given) == len(answerer.replied) > 0)
    assert answerer.replied[-1][1] is False


async def test_a_silent_connection_is_closed_and_a_busy_one_is_not() -> None:
    answerer = Answerer(pause=lambda _: 0.5)
    async with (
        open_door(answerer, replace(SETTINGS, idle_seconds=0.15)) as door,
        MllpClient("127.0.0.1", door.port) as silent,
        MllpClient("127.0.0.1", door.port) as busy,
    ):
        waiting = asyncio.create_task(busy.send(ONE, 5))
        with pytest.raises(NoAnswerError, match="ended"):
            await silent.receive(5)
        assert not waiting.done()
        assert await waiting == echo(ONE, None)
        assert await busy.send(TWO, 5) == echo(TWO, None), "it was not closed behind the answer either"


async def test_a_sender_that_falls_silent_midway_is_told_before_it_is_closed() -> None:
    async with talking_to(Answerer(), replace(SETTINGS, idle_seconds=0.1)) as client:
        await client.write(b"\x0b" + ONE[:70])
        assert await client.receive(5) == echo(ONE[:70], FrameProblem.INCOMPLETE)
        with pytest.raises(NoAnswerError, match="ended"):
            await client.receive(5)


async def test_stopping_under_load_answers_all_that_was_taken() -> None:
    answerer = Answerer(pause=lambda _: 0.02)
    heard: list[bytes] = []

    async def sender(port: int, who: int) -> None:
        async with MllpClient("127.0.0.1", port) as client:
            bodies = [message(f"{who}-{n}") for n in range(500)]
            sending = asyncio.create_task(client.write(b"".join(map(wrap, bodies))))
            try:
                while True:
                    heard.append(await client.receive(5))
            except NoAnswerError:
                await asyncio.gather(sending, return_exceptions=True)

    async with open_door(answerer) as door:
        senders = [asyncio.create_task(sender(door.port, who)) for who in range(20)]
        await eventually(lambda: len(heard) > 300)
        await door.stop()
        taken = len(answerer.given)
        await asyncio.gather(*senders)
    assert 300 < taken < 20 * 500, "stopped in the middle of it"
    assert sorted(heard) == sorted(echo(body, None) for body in answerer.bodies)
    assert len(answerer.given) == taken, "nothing is taken after the stop"
    assert sorted(answerer.replied) == [(token, True) for token in range(1, taken + 1)]


async def test_stopping_midway_in_a_frame_promises_nothing() -> None:
    answerer = Answerer()
    async with open_door(answerer) as door, MllpClient("127.0.0.1", door.port) as client:
        await client.write(wrap(ONE) + b"\x0b" + TWO[:60])
        await client.receive(5)
        stopping = asyncio.create_task(door.stop())
        with pytest.raises(NoAnswerError, match="ended"):
            await client.receive(5)
        await client.close()
        await stopping
    assert answerer.bodies == [ONE], "an AR here would tell the sender that its message was wrong"


async def test_what_still_pours_in_at_the_stop_does_not_reset_the_answers_away() -> None:
    answerer = Answerer(pause=lambda _: 0.1)
    async with open_door(answerer) as door:
        with socket.create_connection(("127.0.0.1", door.port), timeout=5) as peer:
            peer.sendall(wrap(ONE))
            await eventually(lambda: answerer.at_work == 1)
            stopping = asyncio.create_task(door.stop())
            await asyncio.sleep(0)
            await asyncio.to_thread(peer.sendall, wrap(message("late", "x" * 600_000)))
            await asyncio.sleep(0.3)
            heard = await asyncio.to_thread(read_to_the_end, peer)
            peer.close()
            await stopping
    assert heard == wrap(echo(ONE, None))
    assert answerer.bodies == [ONE]


def read_to_the_end(peer: socket.socket) -> bytes:
    return b"".join(iter(lambda: peer.recv(65_536), b""))


async def test_the_stop_is_bounded_by_the_grace_time() -> None:
    answerer = Answerer(pause=lambda _: 60)
    async with (
        open_door(answerer, replace(SETTINGS, grace_seconds=0.2)) as door,
        MllpClient("127.0.0.1", door.port) as client,
    ):
        await client.write(wrap(ONE))
        await eventually(lambda: answerer.at_work == 1)
        async with asyncio.timeout(3):
            await door.stop()
        with pytest.raises(NoAnswerError):
            await client.receive(1)
    assert answerer.at_work == 0


async def test_the_answerer_learns_who_the_peer_is() -> None:
    answerer = Answerer()
    async with talking_to(answerer) as client:
        await client.send(ONE)
    peer = answerer.given[0][1]
    assert (peer.host, peer.certificate_subject) == ("127.0.0.1", "")
    assert peer.port > 0


async def test_a_port_already_taken_is_said_in_one_sentence() -> None:
    async with open_door(Answerer()) as door:
        second = MllpDoor(Answerer().answer, MllpSettings(port=door.port))
        with pytest.raises(CannotRun, match=f"port {door.port}.*HUB_MLLP_PORT"):
            await second.start()
        await second.stop()


async def test_a_door_can_be_opened_again_after_a_stop() -> None:
    door = MllpDoor(Answerer().answer, SETTINGS)
    for _ in range(2):
        async with door, MllpClient("127.0.0.1", door.port) as client:
            assert await client.send(ONE) == echo(ONE, None)
    with pytest.raises(CannotRun, match="not open"):
        _ = door.port
