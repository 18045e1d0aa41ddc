"""What is said to MESH, to NHS England's own sandbox of it; and what a hostile or broken MESH could do to us."""

from __future__ import annotations

import asyncio
import gzip
import random
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import CannotRun, Reason
from hub.flow.ports.files import NotCarried, OutgoingRow, Tracked
from hub.io.mesh import Collected, MeshAway, MeshClient, MeshGone, MeshSettings, authorization
from hub.io.mesh.authorization import signed
from hub.io.mesh.client import MOST_CHUNKS
from hub.io.mesh.messages import KEPT_OF_TOO_LARGE, TooLarge, Unpacking, unpacked
from tests.io.mesh_gate import Gate
from tests.servers import MeshNode
from tests.servers.mesh import HUB, KEY, LABORATORY, PASSWORD

MIB = 1024 * 1024
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def settings_for(url: str, **more: Any) -> MeshSettings:
    return replace(MeshSettings(url, HUB, PASSWORD, KEY), **more)


def now() -> datetime:
    return datetime.now(UTC)


def message(body: bytes, local_id: str = "a-confirmation", mailbox: str = LABORATORY) -> OutgoingRow:
    return OutgoingRow(local_id, "northmoor", "confirmation", mailbox, "CONFIRM", body, NOW)


@pytest.fixture
async def client(mesh: MeshNode) -> AsyncIterator[MeshClient]:
    client = MeshClient(settings_for(mesh.url, page=10), now)
    yield client
    await client.close()


NewClient = Callable[[str], MeshClient]


@pytest.fixture
async def client_of() -> AsyncIterator[Callable[..., MeshClient]]:
    """Makes clients with other settings; each is closed at the end."""
    made: list[MeshClient] = []

    def make(url: str, **more: Any) -> MeshClient:
        made.append(MeshClient(settings_for(url, **more), now))
        return made[-1]

    yield make
    for each in made:
        await each.close()


# -- the authorization


def test_the_published_header() -> None:
    nonce = "bd0e2bd5-218e-41d0-83a9-73fdec414803"
    at = datetime(2020, 5, 4, 13, 5, 59, tzinfo=UTC)
    assert signed("X26ABC1", "password", "TestKey", nonce=nonce, count=0, at=at) == (
        f"NHSMESH X26ABC1:{nonce}:0:202005041305:1d7da1305d2c4f169b097f4e7fddbc8dfba024de2ea0fdee858b64536f2a90bc"
    )


def test_the_time_is_that_of_greenwich() -> None:
    summer = datetime.fromisoformat("2026-07-01T00:30:00+01:00")
    assert signed("M", "p", "k", nonce="n", count=0, at=summer).split(":")[3] == "202606302330"


def test_no_header_is_made_twice() -> None:
    assert len({authorization("M", "p", "k", NOW) for _ in range(500)}) == 500


async def test_an_attempt_that_aiohttp_makes_by_itself_has_a_header_of_its_own(client_of: NewClient) -> None:
    """It repeats a GET on a kept line that broke; with the same header MESH would refuse it."""

    def answer(request: web.Request) -> web.StreamResponse:
        if len(gate.calls) == 2:  # the line breaks before the second is answered
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"messages": [], "links": {}})

    async with Gate(answer=answer) as gate:
        client = client_of(gate.url)
        await client.inbox()
        await client.inbox()
    assert len(gate.tokens) == 3
    assert len(set(gate.tokens)) == 3


# -- the inbox


async def test_a_handshake(client: MeshClient) -> None:
    await client.handshake()


async def test_a_wrong_password_is_told_without_it(mesh: MeshNode, client_of: Callable[..., MeshClient]) -> None:
    with pytest.raises(MeshAway) as caught:
        await client_of(mesh.url, password="not-the-password").handshake()
    assert (caught.value.hint, caught.value.unsent) == ("HTTP/403", True)
    assert not {"not-the-password", KEY, mesh.url} & set(str(caught.value).split())
    assert "not-the-password" not in repr(settings_for("", password="not-the-password"))


@pytest.mark.parametrize("count", [0, 1, 23])
async def test_everything_that_waits_is_listed_page_by_page(mesh: MeshNode, client: MeshClient, count: int) -> None:
    sent = [mesh.mailbox(LABORATORY).send(b"%d" % number) for number in range(count)]
    page = await client.inbox()
    found = [*page.names]
    while page.after:
        page = await client.inbox(page.after)
        found += page.names
    assert sorted(found) == sorted(sent)


async def test_a_message_and_its_headers(mesh: MeshNode, client: MeshClient) -> None:
    name = mesh.mailbox(LABORATORY).send(b"MSH|...\r", file="one.hl7")
    came = await client.collect(name)
    assert (came.body, came.problem) == (b"MSH|...\r", None)
    assert (came.sender, came.file_name, came.is_report) == (LABORATORY, "one.hl7", False)
    await client.acknowledge(name)
    assert (await client.inbox()).names == ()
    await client.acknowledge(name)  # twice is no harm


@pytest.mark.parametrize("packed", [True, False])
async def test_twelve_mebibytes_in_chunks(mesh: MeshNode, client: MeshClient, packed: bool) -> None:
    body = random.Random(7).randbytes(6 * MIB) + b"A" * 6 * MIB
    chunks = [body[start : start + 5 * MIB] for start in range(0, len(body), 5 * MIB)]
    came = await client.collect(mesh.mailbox(LABORATORY).send(*chunks, packed=packed))
    assert came.body == body
    assert came.problem is None


async def test_a_report(mesh: MeshNode, client: MeshClient) -> None:
    mesh.report(HUB, local_id="ours", about="M17")
    (name,) = (await client.inbox()).names
    came = await client.collect(name)
    assert came.is_report
    assert (came.local_id, came.about, came.status_code, came.body) == ("ours", "M17", "14", b"")


async def test_what_is_not_there_is_gone(client: MeshClient) -> None:
    with pytest.raises(MeshGone):
        await client.collect("0" * 32)


async def test_mesh_away_and_back(mesh: MeshNode, client: MeshClient) -> None:
    name = mesh.mailbox(LABORATORY).send(b"kept")
    mesh.kill()
    with pytest.raises(MeshAway) as caught:
        await client.inbox()
    assert caught.value.unsent
    mesh.start()
    assert (await client.inbox()).names == (name,)


# -- what must not be believed


def chunk(body: bytes, status: int, **headers: str) -> web.Response:
    names = {"Mex-From": LABORATORY} | {name.replace("_", "-"): value for name, value in headers.items()}
    return web.Response(status=status, body=body, headers=names)


async def collected(client_of: Callable[..., MeshClient], answer: Callable[[int], web.Response]) -> Collected:
    """What comes of a message whose chunks are answered so, where 1 MiB is taken."""
    async with Gate(answer=lambda _: answer(len(gate.calls))) as gate:
        return await client_of(gate.url, max_bytes=MIB).collect("M1")


async def test_a_gzip_bomb_is_cut_short(client_of: Callable[..., MeshClient]) -> None:
    bomb = gzip.compress(bytes(200 * MIB))
    assert len(bomb) < MIB
    came = await collected(client_of, lambda _: chunk(bomb, 200, Content_Encoding="gzip"))
    assert (came.problem, came.sender) == (Reason.TOO_LARGE, LABORATORY)
    assert came.body == bytes(KEPT_OF_TOO_LARGE)


async def test_chunks_without_end_are_cut_short(client_of: Callable[..., MeshClient]) -> None:
    came = await collected(client_of, lambda number: chunk(b"%06d" % number * 20_000, 206))
    assert came.problem is Reason.TOO_LARGE
    assert came.body.startswith(b"000001")
    assert len(came.body) == KEPT_OF_TOO_LARGE


async def test_empty_chunks_without_end_are_cut_short(client_of: Callable[..., MeshClient]) -> None:
    asked: list[int] = []

    def answer(number: int) -> web.Response:
        asked.append(number)
        return chunk(b"", 206)

    assert (await collected(client_of, answer)).problem is Reason.TOO_LARGE
    assert len(asked) == MOST_CHUNKS


async def test_what_cannot_be_unpacked_is_kept_as_it_came(client_of: Callable[..., MeshClient]) -> None:
    spoilt = gzip.compress(b"a result" * 1000)[:-20]
    came = await collected(client_of, lambda _: chunk(spoilt, 200, Content_Encoding="gzip"))
    assert (came.problem, came.body) == (Reason.UNREADABLE, spoilt)


async def test_headers_in_any_case(client_of: Callable[..., MeshClient]) -> None:
    body = gzip.compress(b"MSH")
    came = await collected(
        client_of, lambda _: chunk(body, 200, **{"CONTENT-ENCODING": "GZIP", "mEX-fILENAME": "a.hl7"})
    )
    assert (came.body, came.file_name) == (b"MSH", "a.hl7")


async def test_a_message_with_chunks_missing_is_not_taken(client_of: Callable[..., MeshClient]) -> None:
    with pytest.raises(Exception, match="CHUNKS-MISSING"):
        await collected(client_of, lambda _: chunk(b"half", 200, Mex_Chunk_Range="1:2"))


@pytest.mark.parametrize(
    "body",
    [
        b"no json",
        b"[]",
        b"{}",
        b'{"messages": {}}',
        b'{"messages": [], "links": [1]}',
        b"[" * 100_000,
        b"{}" + b" " * 2 * MIB,
    ],
)
async def test_an_answer_that_is_none(client_of: NewClient, body: bytes) -> None:
    async with Gate(answer=lambda _: web.Response(body=body)) as gate:
        with pytest.raises(MeshAway):
            await client_of(gate.url).inbox()


async def test_nobody_is_followed_elsewhere(client_of: NewClient) -> None:
    async with Gate() as other:
        async with Gate(answer=lambda _: web.Response(status=307, headers={"Location": other.url})) as gate:
            with pytest.raises(Exception, match="MESH 307"):
                await client_of(gate.url).inbox()
        assert other.calls == []


def test_a_bomb_is_never_unpacked_as_a_whole() -> None:
    pieces = list(unpacked(gzip.compress(bytes(5 * MIB)), 1000))
    assert sum(map(len, pieces)) == 1001


def test_headers_are_text_that_can_be_stored() -> None:
    """A file name in Latin-1, as aiohttp hands it out."""
    came = Collected("M1", {"mex-filename": "Ren\udce9\x00.hl7", "mex-from": " x26abc2 "})
    assert (came.file_name, came.sender) == ("Ren??.hl7", "X26ABC2")


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=6), st.lists(st.booleans(), min_size=6, max_size=6))
def test_chunks_give_the_bytes_that_were_cut(chunks: list[bytes], packed: list[bool]) -> None:
    whole = b"".join(chunks)
    unpacking = Unpacking(len(whole))
    for each, is_gzip in zip(chunks, packed, strict=False):
        unpacking.add(gzip.compress(each) if is_gzip else each, is_gzip=is_gzip)
    assert unpacking.result() == (whole, None)


@given(st.binary(min_size=1, max_size=5000), st.integers(0, 4999))
def test_never_more_than_the_limit(body: bytes, limit: int) -> None:
    unpacking = Unpacking(limit)
    members = gzip.compress(body[: len(body) // 2]) + gzip.compress(body[len(body) // 2 :])
    if len(body) > limit:
        with pytest.raises(TooLarge):
            unpacking.add(members, is_gzip=True)
    else:
        unpacking.add(members, is_gzip=True)
        assert unpacking.result() == (body, None)


# -- the outbox


@pytest.mark.parametrize("size", [1, 100_000])
async def test_what_is_sent_arrives(mesh: MeshNode, client: MeshClient, size: int) -> None:
    body = random.Random(size).randbytes(size)
    name = await client.send(message(body))
    laboratory = mesh.mailbox(LABORATORY)
    assert laboratory.waiting() == [name]
    headers, came = laboratory.fetch(name)
    assert (gzip.decompress(came) if headers.get("content-encoding") == "gzip" else came) == body
    assert (headers["mex-workflowid"], headers["mex-localid"]) == ("CONFIRM", "a-confirmation")
    assert await client.track("a-confirmation") == Tracked(name, "sent")
    laboratory.take(name)
    assert await client.track("a-confirmation") == Tracked(name, "taken")


async def test_what_nobody_sent_is_not_known(client: MeshClient) -> None:
    assert await client.track("never-sent") is None


async def test_one_that_arrived_twice_has_arrived(client_of: NewClient) -> None:
    async with Gate(answer=lambda _: web.Response(status=300)) as gate:
        assert await client_of(gate.url).track("c1") == Tracked("", "sent")


async def test_a_large_message_goes_in_chunks(mesh: MeshNode, client_of: Callable[..., MeshClient]) -> None:
    body = random.Random(1).randbytes(250_000)
    name = await client_of(mesh.url, chunk_bytes=100_000).send(message(body))
    laboratory = client_of(mesh.url, mailbox=LABORATORY)
    assert (await laboratory.collect(name)).body == body


async def test_a_message_of_which_a_part_arrived_is_completed(
    mesh: MeshNode, client_of: Callable[..., MeshClient]
) -> None:
    body = random.Random(1).randbytes(250_000)
    async with Gate(mesh.port) as gate:
        gate.keeps = lambda method, path: path.endswith("/2")
        with pytest.raises(MeshAway) as caught:
            await _impatiently(gate, client_of(gate.url, chunk_bytes=100_000), message(body))
    assert not caught.value.unsent
    client = client_of(mesh.url, chunk_bytes=100_000)
    tracked = await client.track("a-confirmation")
    assert tracked is not None
    assert tracked.state == "partly"
    assert mesh.mailbox(LABORATORY).waiting() == []
    assert await client.send(message(body), tracked.message_id) == tracked.message_id
    assert (await client_of(mesh.url, mailbox=LABORATORY).collect(tracked.message_id)).body == body


async def _impatiently(gate: Gate, client: MeshClient, row: OutgoingRow) -> None:
    """Send, and have the line break when an answer is kept back."""

    sending = asyncio.create_task(client.send(row))
    await gate.held.wait()
    await gate.__aexit__()
    await sending


async def test_a_message_to_nobody_is_refused_with_the_code(client: MeshClient) -> None:
    with pytest.raises(NotCarried) as caught:
        await client.send(message(b"x", mailbox="X26NOBODY"))
    assert caught.value.why == "MESH 417 code 12"


@pytest.mark.parametrize(("status", "unsent"), [(403, True), (429, True), (500, False), (503, False), (504, False)])
async def test_whether_a_message_may_have_arrived(client_of: NewClient, status: int, unsent: bool) -> None:
    async with Gate(answer=lambda _: web.Response(status=status)) as gate:
        with pytest.raises(MeshAway) as caught:
            await client_of(gate.url).send(message(b"x"))
    assert caught.value.unsent is unsent


# -- TLS


async def test_both_ends_show_a_certificate(tmp_path: Path, client_of: Callable[..., MeshClient]) -> None:
    ca = trustme.CA()
    server, ours = ca.issue_cert("127.0.0.1"), ca.issue_cert(common_name="local.X26.api.mesh-client.nhs.uk")
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    ours.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "ours.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    async with Gate(answer=lambda _: web.Response(), tls=context) as gate:
        assert gate.url.startswith("https:")
        files = {"tls_ca": tmp_path / "ca.pem", "tls_cert": tmp_path / "ours.pem"}
        await client_of(gate.url, **files).handshake()
        for given in ({**files, "tls_cert": None}, {**files, "tls_ca": None}):
            with pytest.raises(MeshAway):
                await client_of(gate.url, **given).handshake()
    with pytest.raises(CannotRun, match="no file"):
        client_of(gate.url, tls_ca=tmp_path / "absent.pem")
