"""One transaction, seen as the field's things: journal, events, cohort, results, records, tasks, letters."""

from __future__ import annotations

import hashlib
import secrets
from functools import cached_property

from sqlalchemy import ARRAY, BigInteger, Connection, bindparam, func, insert, select

from hub.io.store.actions import SqlActions
from hub.io.store.cohort import SqlCohort
from hub.io.store.cohort_files import SqlCohortFiles
from hub.io.store.communications import SqlCommunications
from hub.io.store.counts import SqlCounts
from hub.io.store.dead import SqlDead
from hub.io.store.discharges import SqlDischarges
from hub.io.store.duties import SqlDuties
from hub.io.store.events import SqlEvents
from hub.io.store.failsafe import SqlFailsafe
from hub.io.store.faults import SqlFileFaults
from hub.io.store.figures import SqlFigures
from hub.io.store.files import SqlFiles
from hub.io.store.hours import SqlHours
from hub.io.store.journal import SqlJournal
from hub.io.store.letter_account import SqlLetterAccount
from hub.io.store.letters import SqlLetters
from hub.io.store.merges import SqlMerges
from hub.io.store.notifications import SqlNotifications, SqlRecallRuns
from hub.io.store.outgoing import SqlOutgoing
from hub.io.store.pace import SqlPace
from hub.io.store.prepared import Prepared
from hub.io.store.proofs import SqlProofs
from hub.io.store.questions import SqlQuestions
from hub.io.store.records import SqlRecords
from hub.io.store.refusals import SqlRefusals
from hub.io.store.requests import SqlRequests
from hub.io.store.results import SqlResults
from hub.io.store.schema import journal, outbox
from hub.io.store.slides import SqlSlides
from hub.io.store.tasks import SqlTasks
from hub.io.store.withheld import SqlWithheld

CHANNEL = outbox.name
"""What the relays LISTEN to on PostgreSQL."""
_IN_ORDER = ("results", "records", "letters", "notifications", "tasks", "events")
EVERYTHING = "everything"
"""The name that every step holds together with the others, and a change of the cohort alone."""
_names = select(func.unnest(bindparam("names", type_=ARRAY(BigInteger))).label("name")).order_by("name").subquery()
_HOLD = Prepared(select(func.pg_advisory_xact_lock(_names.c.name)))
"""In order, so that two who want the same names do not each get one of them."""
_SHARE = Prepared(select(func.pg_advisory_xact_lock_shared(bindparam("name", type_=BigInteger))))


def _number(name: str) -> int:
    """The name as the 64 bits that PostgreSQL locks by."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def _a_message() -> dict[str, object]:
    """A journal row that needs new pages, with bytes that no database can make smaller."""
    empty = dict.fromkeys(("feed", "door", "peer", "control_id", "message_type", "state", "notes", "traceparent"), "")
    new = {"digest": secrets.token_hex(32), "raw": secrets.token_bytes(65536)}
    return {**empty, **new, "received_at": func.now(), "results": 0}


class SqlTransaction:
    """See `hub.flow.ports.store.Transaction`; the same over SQLite and PostgreSQL."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._held: set[str] = set()
        self._alone = connection.dialect.name == "sqlite"  # one transaction at a time writes the file

    def probe(self) -> None:
        """Write something that changes nothing: can anything be written at all?"""
        self._connection.exec_driver_sql("UPDATE alembic_version SET version_num = version_num")
        if not self._alone:  # a full server may still have room for that: try what a message takes, and take it back
            nested = self._connection.begin_nested()
            self._connection.execute(insert(journal).values(_a_message()))
            nested.rollback()

    def probe_reading(self) -> None:
        """Read something small of what is always needed: does anybody answer?"""
        for table in (journal, outbox):
            self._connection.execute(select(table.c.seq).limit(1)).first()

    def hold(self, *names: str) -> None:
        """Whoever else holds one of these names waits until this transaction ends, and then sees what it did."""
        if self._alone:
            return
        self._share_everything()
        wanted = [_number(name) for name in names if name not in self._held]
        if wanted:
            _HOLD.rows(self._connection, {"names": wanted})
            self._held.update(names)

    def _share_everything(self) -> None:
        if EVERYTHING not in self._held:
            _SHARE.rows(self._connection, {"name": _number(EVERYTHING)})
            self._held.add(EVERYTHING)

    def hold_everything(self) -> None:
        """Wait until nobody holds anything, and let nobody hold anything until this transaction ends."""
        if not self._alone and EVERYTHING not in self._held:
            self._connection.exec_driver_sql("SET LOCAL lock_timeout = '30s'")  # everybody else must come to an end
            _HOLD.rows(self._connection, {"names": [_number(EVERYTHING)]})
            self._held.add(EVERYTHING)

    def end(self) -> None:
        """What is done last, before the commit: the events are written, of which the relays hear with it."""
        self.write_down()
        if "events" in self.__dict__ and self.events.were_let_go and not self._alone:
            self._connection.exec_driver_sql(f"NOTIFY {CHANNEL}")

    def write_down(self) -> None:
        """Write what the parts have kept back, in the order in which the rows name each other."""
        parts = [self.__dict__[part] for part in _IN_ORDER if part in self.__dict__]
        if not any(part.keeps_back for part in parts):
            return
        for part in parts:
            part.write_down()
        for part in parts:
            part.forget()

    @cached_property
    def journal(self) -> SqlJournal:
        return SqlJournal(self._connection, self.write_down)

    @cached_property
    def events(self) -> SqlEvents:
        return SqlEvents(self._connection, self.write_down)

    @cached_property
    def dead(self) -> SqlDead:
        return SqlDead(self._connection, self.write_down)

    @cached_property
    def duties(self) -> SqlDuties:
        return SqlDuties(self._connection, self.write_down)

    @cached_property
    def pace(self) -> SqlPace:
        return SqlPace(self._connection, self.write_down)

    @cached_property
    def questions(self) -> SqlQuestions:
        return SqlQuestions(self._connection, self.write_down)

    @cached_property
    def files(self) -> SqlFiles:
        return SqlFiles(self._connection, self.write_down)

    @cached_property
    def outgoing(self) -> SqlOutgoing:
        return SqlOutgoing(self._connection, self.write_down)

    @cached_property
    def withheld(self) -> SqlWithheld:
        return SqlWithheld(self._connection, self.write_down)

    @cached_property
    def requests(self) -> SqlRequests:
        return SqlRequests(self._connection, self.write_down)

    @cached_property
    def proofs(self) -> SqlProofs:
        return SqlProofs(self._connection, self.write_down)

    @cached_property
    def refusals(self) -> SqlRefusals:
        return SqlRefusals(self._connection, self.write_down)

    @cached_property
    def slides(self) -> SqlSlides:
        return SqlSlides(self._connection, self.write_down)

    @cached_property
    def hours(self) -> SqlHours:
        return SqlHours(self._connection, self.write_down)

    @cached_property
    def file_faults(self) -> SqlFileFaults:
        return SqlFileFaults(self._connection, self.write_down)

    @cached_property
    def figures(self) -> SqlFigures:
        return SqlFigures(self._connection, self.write_down)

    @cached_property
    def cohort(self) -> SqlCohort:
        return SqlCohort(self._connection, self.write_down)

    @cached_property
    def results(self) -> SqlResults:
        return SqlResults(self._connection, self.write_down)

    @cached_property
    def discharges(self) -> SqlDischarges:
        return SqlDischarges(self._connection, self.write_down)

    @cached_property
    def records(self) -> SqlRecords:
        return SqlRecords(self._connection, self.write_down)

    @cached_property
    def notifications(self) -> SqlNotifications:
        return SqlNotifications(self._connection, self.write_down)

    @cached_property
    def actions(self) -> SqlActions:
        return SqlActions(self._connection, self.write_down)

    @cached_property
    def merges(self) -> SqlMerges:
        return SqlMerges(self._connection, self.write_down)

    @cached_property
    def cohort_files(self) -> SqlCohortFiles:
        return SqlCohortFiles(self._connection, self.write_down)

    @cached_property
    def recall_runs(self) -> SqlRecallRuns:
        return SqlRecallRuns(self._connection, self.write_down)

    @cached_property
    def tasks(self) -> SqlTasks:
        return SqlTasks(self._connection, self.write_down, self.results, self.records)

    @cached_property
    def letters(self) -> SqlLetters:
        return SqlLetters(self._connection, self.write_down)

    @cached_property
    def letter_account(self) -> SqlLetterAccount:
        return SqlLetterAccount(self._connection, self.write_down)

    @cached_property
    def communications(self) -> SqlCommunications:
        return SqlCommunications(self._connection, self.write_down)

    @cached_property
    def failsafe(self) -> SqlFailsafe:
        return SqlFailsafe(self._connection, self.write_down)

    @cached_property
    def counts(self) -> SqlCounts:
        return SqlCounts(self._connection, self.write_down)
