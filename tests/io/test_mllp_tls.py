"""TLS at the door: with and without the sender's certificate; what is wrong with files is said by name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from hub.errors import CannotRun
from hub.io.mllp import Answer, FrameProblem, MllpClient, MllpDoor, MllpError, MllpSettings, Peer, client_context

MESSAGE = b"MSH|^~\\&|LAB|ANY|HUB|NHS|202611210900||ORU^R01|1|P|2.5.1\rOBX|1|ST|x||y\r"


@dataclass(frozen=True)
class Files:
    ca: Path
    other_ca: Path
    door: Path
    door_key: Path
    lab: Path
    lab_key: Path
    stranger: Path


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    at = tmp_path_factory.mktemp("tls")
    found = Files(*(at / f"{name}.pem" for name in Files.__dataclass_fields__))
    ca, other_ca = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(found.ca))
    other_ca.cert_pem.write_to_path(str(found.other_ca))
    door = ca.issue_cert("localhost", "127.0.0.1")
    door.cert_chain_pems[0].write_to_path(str(found.door))
    door.private_key_pem.write_to_path(str(found.door_key))
    lab = ca.issue_cert("lab.example", common_name="lab.example", organization_name="Example Laboratory")
    lab.cert_chain_pems[0].write_to_path(str(found.lab))
    lab.private_key_pem.write_to_path(str(found.lab_key))
    other_ca.issue_cert("stranger.example").private_key_and_cert_chain_pem.write_to_path(str(found.stranger))
    return found


@asynccontextmanager
async def tls_door(files: Files, client_ca: Path | None = None) -> AsyncIterator[tuple[MllpDoor, list[Peer]]]:
    peers: list[Peer] = []

    async def answer(raw: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        peers.append(peer)
        return Answer(b"MSH|^~\\&|\rMSA|AA|1\r")

    settings = MllpSettings(tls_cert=files.door, tls_key=files.door_key, tls_client_ca=client_ca, grace_seconds=3)
    async with MllpDoor(answer, settings) as door:
        yield door, peers


async def test_tls_without_a_client_certificate(files: Files) -> None:
    async with (
        tls_door(files) as (door, peers),
        MllpClient("127.0.0.1", door.port, tls=client_context(files.ca)) as client,
    ):
        assert b"MSA|AA|1" in await client.send(MESSAGE, 5)
        assert len(await client.send_many([MESSAGE] * 20, 5)) == 20
    assert {peer.certificate_subject for peer in peers} == {""}


async def test_the_certificate_names_the_sender(files: Files) -> None:
    tls = client_context(files.ca, files.lab, files.lab_key)
    async with (
        tls_door(files, files.ca) as (door, peers),
        MllpClient("127.0.0.1", door.port, tls=tls, server_name="localhost") as client,
    ):
        assert b"MSA|AA|1" in await client.send(MESSAGE, 5)
    (peer,) = peers
    assert "commonName=lab.example" in peer.certificate_subject
    assert "organizationName=Example Laboratory" in peer.certificate_subject


@pytest.mark.parametrize("certificate", ["none", "of another authority"])
async def test_who_cannot_show_the_right_certificate_is_not_let_in(files: Files, certificate: str) -> None:
    tls = client_context(files.ca, files.stranger if certificate != "none" else None)
    async with tls_door(files, files.ca) as (door, peers):
        with pytest.raises(MllpError):
            async with MllpClient("127.0.0.1", door.port, tls=tls) as client:
                await client.send(MESSAGE, 5)
    assert peers == []


async def test_a_door_of_another_authority_is_not_trusted(files: Files) -> None:
    async with tls_door(files) as (door, peers):
        with pytest.raises(MllpError, match="SSLCertVerificationError"):
            await MllpClient("127.0.0.1", door.port, tls=client_context(files.other_ca)).connect()
    assert peers == []


async def test_plain_bytes_at_a_tls_door_get_nothing(files: Files) -> None:
    async with tls_door(files) as (door, peers):
        async with MllpClient("127.0.0.1", door.port) as client:
            with pytest.raises(MllpError):
                await client.send(MESSAGE, 5)
        async with MllpClient("127.0.0.1", door.port, tls=client_context(files.ca)) as client:
            assert b"MSA|AA|1" in await client.send(MESSAGE, 5), "the door goes on"
    assert len(peers) == 1


async def test_stopping_a_tls_door_with_an_idle_peer_does_not_wait_long(files: Files) -> None:
    async with (
        tls_door(files) as (door, _),
        MllpClient("127.0.0.1", door.port, tls=client_context(files.ca)) as client,
    ):
        await client.send(MESSAGE, 5)
        await door.stop()
        with pytest.raises(MllpError):
            await client.send(MESSAGE, 5)


async def test_what_is_wrong_with_the_files_is_said_by_name(files: Files, tmp_path: Path) -> None:
    async def never(raw: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        raise AssertionError

    absent = tmp_path / "absent.pem"
    cases = {
        "no file .*absent.pem": MllpSettings(tls_cert=absent, tls_key=files.door_key),
        "belong together": MllpSettings(tls_cert=files.door, tls_key=files.lab_key),
        "HUB_MLLP_TLS_KEY": MllpSettings(tls_cert=files.door),
        "client authority": MllpSettings(tls_cert=files.door, tls_key=files.door_key, tls_client_ca=files.door_key),
    }
    for sentence, settings in cases.items():
        with pytest.raises(CannotRun, match=sentence):
            await MllpDoor(never, settings).start()
