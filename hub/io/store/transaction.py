"""One transaction, seen as the field's things: journal, events, cohort, results, records, tasks, letters."""

from __future__ import annotations

from functools import cached_property

from sqlalchemy import Connection

from hub.io.store.cohort import SqlCohort
from hub.io.store.counts import SqlCounts
from hub.io.store.events import SqlEvents
from hub.io.store.journal import SqlJournal
from hub.io.store.letters import SqlLetters
from hub.io.store.records import SqlRecords
from hub.io.store.results import SqlResults
from hub.io.store.tasks import SqlTasks


class SqlTransaction:
    """See `hub.flow.ports.Transaction`; the same over SQLite and PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def probe(self) -> None:
        """Write something that changes nothing: can anything be written at all?"""
        self._connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")

    @cached_property
    def journal(self) -> SqlJournal:
        return SqlJournal(self._connection)

    @cached_property
    def events(self) -> SqlEvents:
        return SqlEvents(self._connection)

    @cached_property
    def cohort(self) -> SqlCohort:
        return SqlCohort(self._connection)

    @cached_property
    def results(self) -> SqlResults:
        return SqlResults(self._connection)

    @cached_property
    def records(self) -> SqlRecords:
        return SqlRecords(self._connection)

    @cached_property
    def tasks(self) -> SqlTasks:
        return SqlTasks(self._connection)

    @cached_property
    def letters(self) -> SqlLetters:
        return SqlLetters(self._connection)

    @cached_property
    def counts(self) -> SqlCounts:
        return SqlCounts(self._connection)
