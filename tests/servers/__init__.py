"""Real servers for the tests: a PostgreSQL, a RabbitMQ and a MESH of our own, made for one run and gone after it.

    with PostgresNode() as node:
        node.create_database("hub")
        psycopg.connect(node.url("hub"))

They listen on free ports of 127.0.0.1, keep everything in one temporary directory, and end with the tests, however
those end (`keeper`). `FaultProxy` stands before one and fails on command. In pytest ask for the fixtures `postgres`
and `rabbit` (`tests/conftest.py`), which start one of each for all tests. `python -m tests.servers.install` installs
what is missing, on Debian.
"""

from tests.servers.fresh import Databases, VirtualHosts
from tests.servers.mesh import MeshNode
from tests.servers.postgres import PostgresNode
from tests.servers.programs import ServersMissing
from tests.servers.proxy import FaultProxy
from tests.servers.rabbitmq import RabbitNode

__all__ = ["Databases", "FaultProxy", "MeshNode", "PostgresNode", "RabbitNode", "ServersMissing", "VirtualHosts"]
