"""The servers of the tests are real, keep what they promise to keep, and leave nothing behind."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Iterator

import aio_pika
import psycopg
import pytest

from tests.servers import Databases, FaultProxy, PostgresNode, RabbitNode, VirtualHosts, install
from tests.servers.node import wait_until
from tests.servers.seen import commands, listens, living, near

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def broker() -> Iterator[RabbitNode]:
    install.ensure("rabbitmq")
    with RabbitNode() as node:
        yield node


@pytest.fixture(scope="module")
def cluster() -> Iterator[PostgresNode]:
    install.ensure("postgresql")
    with PostgresNode() as node:
        node.execute("CREATE TABLE kept (word text)")
        yield node


def kept(node: PostgresNode) -> list[str]:
    return [word for (word,) in node.execute("SELECT word FROM kept ORDER BY word")]


class TestPostgres:
    def test_what_was_committed_is_there_after_stop_and_kill(self, cluster: PostgresNode) -> None:
        cluster.execute("DELETE FROM kept")
        cluster.execute("INSERT INTO kept VALUES ('before the stop')")
        cluster.restart()
        before = cluster.pid
        with psycopg.connect(cluster.url()) as open_one:
            open_one.execute("INSERT INTO kept VALUES ('never committed')")
            cluster.execute("INSERT INTO kept VALUES ('before the kill')")
            cluster.kill()
            with pytest.raises(psycopg.OperationalError):
                open_one.execute("SELECT 1")
        assert not cluster.running
        cluster.start()
        assert cluster.pid != before
        assert kept(cluster) == ["before the kill", "before the stop"]
        assert "automatic recovery in progress" in cluster.log.read_text()

    def test_every_way_to_end_ends_every_process(self, cluster: PostgresNode) -> None:
        ends: list[Callable[[], None]] = [cluster.stop, lambda: cluster.stop("immediate"), cluster.kill]
        for end in ends:
            cluster.start()
            processes = near(cluster)
            assert len(processes) > 4
            end()
            assert living(processes) == set()
            assert not listens(cluster.port)
        cluster.start()

    def test_it_starts_again_after_it_ended_by_itself(self, cluster: PostgresNode) -> None:
        os.kill(cluster.pid, signal.SIGTERM)
        wait_until(lambda: not cluster.running, 10)
        cluster.start()
        assert cluster.execute("SELECT 1") == [(1,)]

    def test_a_cut_connection_is_cut(self, cluster: PostgresNode) -> None:
        with psycopg.connect(cluster.url()) as one, psycopg.connect(cluster.url("template1")) as other:
            assert cluster.cut_connections() == 2
            for connection in (one, other):
                with pytest.raises(psycopg.OperationalError):
                    connection.execute("SELECT 1")
        assert cluster.cut_connections() == 0

    def test_databases_are_made_copied_and_dropped(self, cluster: PostgresNode) -> None:
        name = 'A "name", of/a database'
        cluster.create_database(name)
        cluster.execute("CREATE TABLE here (id int)", name)
        cluster.create_database("copy", template=name)
        assert cluster.execute("SELECT count(*) FROM here", "copy") == [(0,)]
        with psycopg.connect(cluster.url("copy")):
            cluster.drop_database("copy")
        cluster.drop_database(name)
        left = {left for (left,) in cluster.execute("SELECT datname FROM pg_database")}
        assert left == {"postgres", "template0", "template1"}

    def test_it_is_durable_unless_told_otherwise(self, cluster: PostgresNode) -> None:
        assert cluster.execute("SHOW fsync") == [("on",)]
        assert cluster.execute("SHOW synchronous_commit") == [("on",)]
        with PostgresNode(durable=False, settings={"work_mem": "7MB"}) as quick:
            assert quick.execute("SHOW fsync") == [("off",)]
            assert quick.execute("SHOW work_mem") == [("7MB",)]
            assert quick.port != cluster.port
            processes, directory = near(quick), quick.directory
        assert living(processes) == set()
        assert not directory.exists()

    def test_a_setting_it_cannot_have_is_said_and_leaves_nothing(self) -> None:
        node = PostgresNode(settings={"max_connections": "many"})
        with pytest.raises(RuntimeError, match='invalid value for parameter "max_connections": "many"'), node:
            pass
        assert not node.directory.exists()
        assert not node.running


async def publish(url: str, *texts: str) -> None:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.declare_queue("kept", durable=True)
        for text in texts:
            message = aio_pika.Message(text.encode(), delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
            await channel.default_exchange.publish(message, "kept")


async def drain(url: str) -> list[str]:
    """Everything in the queue."""
    async with await aio_pika.connect(url) as connection:
        queue = await (await connection.channel()).declare_queue("kept", durable=True)
        found = []
        while message := await queue.get(no_ack=True, fail=False):
            found.append(message.body.decode())
        return found


class TestRabbit:
    """In this order, because a start takes seconds: each test begins with what the one before left."""

    async def test_virtual_hosts_are_empty_and_apart(self, broker: RabbitNode) -> None:
        with broker.fresh_vhost() as one, broker.fresh_vhost() as other:
            await publish(one, "here")
            assert await drain(other) == []
            assert await drain(one) == ["here"]
        with pytest.raises(aio_pika.exceptions.AMQPError):
            await publish(one, "to a virtual host that is gone")

    def test_any_name_will_do_and_what_cannot_be_done_is_said(self, broker: RabbitNode) -> None:
        name = 'A "name", of/a \\virtual host>>'
        broker.make_vhost(name)
        assert broker.evaluate("length(rabbit_vhost:list_names())") == "2"
        broker.delete_vhost(name)
        with pytest.raises(RuntimeError, match="no_such_vhost"):
            broker.delete_vhost(name)

    async def test_what_was_confirmed_is_there_after_stop_and_kill(self, broker: RabbitNode) -> None:
        broker.make_vhost("lasting")
        url = broker.url("lasting")
        await publish(url, "before the stop")
        broker.stop()
        assert not listens(broker.port)
        broker.start()
        await publish(url, "before the kill")
        processes = near(broker)
        assert "epmd" in commands(processes)
        broker.kill()
        assert living(processes) == set()
        broker.start()
        assert await drain(url) == ["before the stop", "before the kill"]
        await publish(url, "before the wipe")

    async def test_a_wiped_broker_comes_up_empty(self, broker: RabbitNode) -> None:
        broker.wipe()
        assert not broker.running
        broker.start()
        assert broker.evaluate("length(rabbit_vhost:list_names())") == "1"
        broker.make_vhost("lasting")
        assert await drain(broker.url("lasting")) == []

    async def test_a_confirmation_may_be_lost_and_the_message_not(self, broker: RabbitNode) -> None:
        async with FaultProxy(broker.port) as network:
            url = broker.url().replace(f":{broker.port}/", f":{network.port}/")
            connection = await aio_pika.connect(url)
            channel = await connection.channel()
            queue = await channel.declare_queue("unsure", auto_delete=False)
            network.lose_replies()
            with pytest.raises(asyncio.TimeoutError):
                await channel.default_exchange.publish(aio_pika.Message(b"arrived"), queue.name, timeout=0.3)
            assert broker.evaluate('[Q] = rabbit_amqqueue:list(<<"/">>), rabbit_amqqueue:info(Q, [messages])') == (
                "[{messages, 1}]"
            )
            await network.flow()
            await connection.close()


class TestShared:
    """What tests get from the fixtures."""

    def test_each_database_is_new_and_dropped_after(self, postgres: Databases) -> None:
        with postgres.fresh_database() as one, postgres.fresh_database() as other:
            assert one != other
            for url in (one, other):
                with psycopg.connect(url) as connection:
                    connection.execute("CREATE TABLE same_name (id int)")
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(one)

    async def test_the_virtual_host_of_a_given_url_is_used_as_it_is(self) -> None:
        with VirtualHosts.shared("amqp://elsewhere/tests").fresh_vhost() as url:
            assert url == "amqp://elsewhere/tests"
