"""A new empty database, or a new empty virtual host, for each test that asks: on our own server or on a given one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql


def at(url: str, path: str) -> str:
    """The same server, another database or virtual host."""
    return urlunsplit(urlsplit(url)._replace(path="/" + quote(path, safe="")))


def execute(url: str, statement: sql.Composed | str) -> list[tuple[Any, ...]]:
    """Each statement its own transaction; the rows, if it gives any."""
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def create_database(url: str, name: str, template: str | None = None) -> None:
    """Empty whatever the server's own template holds, unless a template is named; nobody may be connected to that."""
    parts = sql.Identifier(name), sql.Identifier(template or "template0")
    execute(url, sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*parts))


def drop_database(url: str, name: str) -> None:
    """Also if somebody is still connected to it, and also if it is gone."""
    execute(url, sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@dataclass(frozen=True, slots=True)
class Databases:
    """Makes databases on the server of this URL; its user must be allowed to."""

    url: str

    @contextmanager
    def fresh_database(self, template: str | None = None) -> Iterator[str]:
        """The URL of a new database, empty or a copy of the template; dropped after."""
        name = f"hub_test_{secrets.token_hex(6)}"
        create_database(self.url, name, template)
        try:
            yield at(self.url, name)
        finally:
            drop_database(self.url, name)


@dataclass(frozen=True, slots=True)
class VirtualHosts:
    """Gives out virtual hosts of a broker of ours, or again and again the one of a given URL.

    AMQP cannot make a virtual host. On a given broker the tests share one, so their queues must have names of
    their own, and what they leave there stays."""

    fresh_vhost: Callable[[], AbstractContextManager[str]]

    @classmethod
    def shared(cls, url: str) -> VirtualHosts:
        @contextmanager
        def the_same() -> Iterator[str]:
            yield url

        return cls(the_same)
