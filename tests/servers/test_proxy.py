"""The proxy fails as networks fail, when it is told to and not before."""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import psycopg
import pytest

from tests.servers import FaultProxy, PostgresNode, install


async def echo(reader: StreamReader, writer: StreamWriter) -> None:
    with closing(writer), suppress(ConnectionError):
        while part := await reader.read(1000):
            writer.write(part)


@asynccontextmanager
async def echo_behind_a_proxy() -> AsyncIterator[FaultProxy]:
    """And whatever is done to it, the proxy itself must not stumble: the loop hears of nothing."""
    heard: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, what: heard.append(what))
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    try:
        async with FaultProxy(server.sockets[0].getsockname()[1]) as network:
            yield network
    finally:
        server.close()
    await asyncio.sleep(0)
    assert heard == []


async def said(reader: StreamReader, seconds: float = 5.0) -> bytes:
    return await asyncio.wait_for(reader.read(100), seconds)


async def test_it_passes_and_counts() -> None:
    async with echo_behind_a_proxy() as network:
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        with closing(writer):
            writer.write(b"hello")
            assert await said(reader) == b"hello"
            assert (network.accepted, network.open, network.to_server, network.to_clients) == (1, 1, 5, 5)
            writer.write_eof()
            assert await said(reader) == b""


async def test_cut_is_a_reset() -> None:
    async with echo_behind_a_proxy() as network:
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        writer.write(b"hello")
        await said(reader)
        network.cut()
        with pytest.raises(ConnectionResetError):
            await said(reader)
        again, writer = await asyncio.open_connection("127.0.0.1", network.port)
        with closing(writer):
            writer.write(b"anew")
            assert await said(again) == b"anew"
        assert network.accepted == 2


async def test_a_stalled_byte_waits_and_is_not_lost() -> None:
    async with echo_behind_a_proxy() as network:
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        with closing(writer):
            network.stall()
            writer.write(b"patience")
            with pytest.raises(asyncio.TimeoutError):
                await said(reader, 0.2)
            await network.flow()
            assert await said(reader) == b"patience"
            network.stall()
            network.cut()
            with pytest.raises(ConnectionResetError):
                await said(reader)


async def test_refused_is_refused_until_it_flows() -> None:
    async with echo_behind_a_proxy() as network:
        reader, writer = await asyncio.open_connection("127.0.0.1", network.port)
        with closing(writer):
            writer.write(b"hello")
            assert await said(reader) == b"hello"
            network.refuse()
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", network.port)
            writer.write(b"still here")
            assert await said(reader) == b"still here"
        await network.flow()
        _, writer = await asyncio.open_connection("127.0.0.1", network.port)
        writer.close()


async def test_a_commit_may_get_through_and_its_answer_not() -> None:
    install.ensure("postgresql")
    with PostgresNode(durable=False) as node:
        node.execute("CREATE TABLE kept (word text)")
        async with FaultProxy(node.port) as network:
            url = node.url().replace(f":{node.port}/", f":{network.port}/")
            async with await psycopg.AsyncConnection.connect(url) as connection:
                await connection.execute("INSERT INTO kept VALUES ('nobody was told')")
                network.lose_replies()
                commit = asyncio.create_task(connection.commit())
                await asyncio.sleep(0.2)
                assert not commit.done()
                assert network.lost > 0
                await network.flow()
                with pytest.raises(psycopg.OperationalError):
                    await commit
        assert node.execute("SELECT word FROM kept") == [("nobody was told",)]
