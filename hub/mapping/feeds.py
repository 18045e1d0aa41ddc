"""Loading, finding and checking the feeds' tables (`mappings/feeds/*.toml`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hub.mapping.check import Dialect, problems_among, problems_of
from hub.mapping.feed_table import FeedTable
from hub.mapping.tables import TableProblem, read_table

__all__ = ["FeedTable", "FeedTables", "Feeds", "TableProblem", "check_tables", "load_feeds"]


Feeds = Callable[[str, str], FeedTable | None]
"""Finds the table of a sender: (sending application, sending facility) → its feed, or None if it is unknown."""


class FeedTables:
    """Every feed the hub knows."""

    def __init__(self, tables: tuple[FeedTable, ...] = ()) -> None:
        self.by_id = {table.feed: table for table in tables}
        self._by_mailbox = {table.access.mailbox: table for table in tables if table.access.mailbox}
        self._by_sender = {(table.sender.application, table.sender.facility): table for table in tables}

    def find(self, application: str, facility: str) -> FeedTable | None:
        """The feed of a sender; a feed that names the application goes before one that takes any."""
        return self._by_sender.get((application, facility)) or self._by_sender.get(("", facility))

    def of_mailbox(self, mailbox: str) -> FeedTable | None:
        """The feed that sends from this MESH mailbox."""
        return self._by_mailbox.get(mailbox.upper())

    def of(self, feed: str) -> Feeds:
        """How a door that knows the feed finds its table: whoever the message names as its sender must be that feed, or
        nobody (a file may name none)."""
        table = self.by_id.get(feed)
        return lambda application, facility: (
            table if not (application or facility) or self.find(application, facility) is table else None
        )

    def __iter__(self) -> Iterator[FeedTable]:
        return iter(self.by_id.values())

    def __len__(self) -> int:
        return len(self.by_id)


def load_feeds(directory: Path, dialects: Mapping[str, Dialect] | None = None) -> FeedTables:
    """Every `*.toml` in `directory`. Raises the first TableProblem: the hub does not start on a wrong table."""
    tables, problems = _read_all(directory, dialects)
    for problem in problems:
        raise problem
    return FeedTables(tuple(tables.values()))


def check_tables(directory: Path, dialects: Mapping[str, Dialect] | None = None) -> list[TableProblem]:
    """Everything that is wrong with the tables of `directory`. `dialects` are the adapters by name; without them, what
    only an adapter knows (whether a place can be read) is not checked."""
    return _read_all(directory, dialects)[1]


def _read_all(
    directory: Path, dialects: Mapping[str, Dialect] | None
) -> tuple[dict[Path, FeedTable], list[TableProblem]]:
    if not directory.is_dir():
        return {}, [TableProblem(directory, "", "There is no such directory of feeds.")]
    tables: dict[Path, FeedTable] = {}
    problems: list[TableProblem] = []
    for path in sorted(directory.glob("*.toml")):
        try:
            tables[path] = read_table(path, FeedTable)
        except TableProblem as problem:
            problems.append(problem)
        else:
            problems += problems_of(path, tables[path], dialects)
    return tables, problems + problems_among(tables)
