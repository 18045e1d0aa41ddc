"""The servers that all tests share: started when the first test asks, gone at the end.

HUB_TEST_DATABASE_URL and HUB_TEST_AMQP_URL name other servers to use. On the first, every test gets a database of its
own beside the named one; on the second they share the virtual host that is named.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.servers import Databases, MeshNode, PostgresNode, RabbitNode, ServersMissing, VirtualHosts
from tests.servers.install import ensure


def installed(program: str) -> None:
    """A test that needs a server never passes by being skipped."""
    why = None
    try:
        ensure(program)
    except ServersMissing as missing:
        why = str(missing)
    if why:  # said here, because inside `except` pytest would say it twice
        pytest.fail(why, pytrace=False)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Databases]:
    """`with postgres.fresh_database() as url:` a new empty database, for speed: a crash may lose what is in it."""
    if given := os.environ.get("HUB_TEST_DATABASE_URL"):
        yield Databases(given)
        return
    installed("postgresql")
    with PostgresNode(durable=False) as node:
        yield Databases(node.url())


@pytest.fixture(scope="session")
def rabbit() -> Iterator[VirtualHosts]:
    """`with rabbit.fresh_vhost() as url:` a new empty virtual host, unless HUB_TEST_AMQP_URL names one for all."""
    if given := os.environ.get("HUB_TEST_AMQP_URL"):
        yield VirtualHosts.shared(given)
        return
    installed("rabbitmq")
    with RabbitNode() as node:
        yield VirtualHosts(node.fresh_vhost)


@pytest.fixture(scope="session")
def mesh_node() -> Iterator[MeshNode]:
    """NHS England's MESH sandbox, one for all tests. `make test-embedded` does without."""
    if os.environ.get("HUB_TEST_ROADS") == "embedded":
        pytest.skip("the small run has no MESH sandbox: make test")
    try:
        node = MeshNode()
    except ServersMissing as missing:
        pytest.fail(str(missing), pytrace=False)
    with node:
        yield node


@pytest.fixture
def mesh(mesh_node: MeshNode) -> MeshNode:
    """The sandbox, running, with empty mailboxes."""
    mesh_node.start()
    mesh_node.empty()
    return mesh_node
