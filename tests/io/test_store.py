"""The embedded store: grouped commits that survive, writers beside each other, steady reads, one schema."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

from hub.contract import Envelope, named_identity
from hub.domain.people import Participant
from hub.errors import CannotRun
from hub.flow.ports.journal import Arrival, JournalEntry, StoredReply
from hub.flow.ports.records import MatchRow
from hub.flow.ports.store import Transaction, pages
from hub.io.store import SqlStore, StoreAway, open_store
from hub.io.store.schema import metadata
from hub.io.store.sqlite import PRAGMAS, sqlite_engine
from tests.io.journal_writer import NOW, append

ROOT = Path(__file__).resolve().parents[2]


def names(store: SqlStore) -> list[str]:
    return [entry.control_id for entry in store.read_now(lambda tx: tx.journal.page(0, 10_000))]


def kept_in(data: Path) -> int:
    """What another program sees in the file."""
    with closing(sqlite3.connect(data / "hub.sqlite")) as other:
        count: int = other.execute("SELECT count(*) FROM journal").fetchone()[0]
        return count


class Held:
    """Keeps the writer busy, so that what is asked for meanwhile waits together."""

    def __init__(self, store: SqlStore) -> None:
        self._go, self._busy = threading.Event(), threading.Event()
        self._task = asyncio.ensure_future(store.write(self._wait))

    def _wait(self, _tx: Transaction) -> None:
        self._busy.set()
        self._go.wait(10)

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self._busy.wait, 10)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)  # let what was asked for reach the queue
        self._go.set()
        await self._task


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    data = tmp_path_factory.mktemp("migrated")
    open_store(data).close_now()
    return (data / "hub.sqlite").read_bytes()


@pytest.fixture
def store(tmp_path: Path, empty: bytes) -> Iterator[SqlStore]:
    (tmp_path / "hub.sqlite").write_bytes(empty)
    store = open_store(tmp_path)
    yield store
    store.close_now()


# -- groups


async def test_a_write_that_returned_is_in_the_file(store: SqlStore, tmp_path: Path) -> None:
    await store.write(lambda tx: append(tx, "one"))
    assert kept_in(tmp_path) == 1


async def test_work_that_waits_together_shares_one_commit(store: SqlStore, tmp_path: Path) -> None:
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda _: commits.append(1))
    async with Held(store):
        waiting = [
            asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"), at_door=True)) for n in range(50)
        ]
    await asyncio.gather(*waiting)
    assert len(commits) == 2  # the one that held the writer, and all the others
    assert kept_in(tmp_path) == 50


async def test_one_failing_piece_spoils_nobody_elses_work(store: SqlStore, tmp_path: Path) -> None:
    def fail(tx: Transaction) -> None:
        append(tx, "begun and given up")
        raise ValueError("a bug")

    async with Held(store):
        good = [asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"))) for n in range(5)]
        bad = asyncio.ensure_future(store.write(fail))
        twice = asyncio.ensure_future(store.write(lambda tx: append(tx, "3")))
        more = [asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"))) for n in range(5, 9)]
    seqs = await asyncio.gather(*good, *more)
    with pytest.raises(ValueError, match="a bug"):
        await bad
    with pytest.raises(StoreAway, match="SQLITE_CONSTRAINT_UNIQUE"):
        await twice
    assert sorted(names(store)) == [f"{n}" for n in range(9)]
    assert len(set(seqs)) == 9


async def test_whoever_stands_at_a_door_goes_first(store: SqlStore) -> None:
    done: list[str] = []
    async with Held(store):
        room = [asyncio.ensure_future(store.write(lambda _, n=n: done.append(f"room {n}"))) for n in range(40)]
        door = asyncio.ensure_future(store.write(lambda _: done.append("door"), at_door=True))
    await asyncio.gather(*room, door)
    assert done[0] == "door"
    assert len(done) == 41


async def test_work_whose_asker_has_gone_is_done_all_the_same(store: SqlStore) -> None:
    async with Held(store):
        gone = asyncio.ensure_future(store.write(lambda tx: append(tx, "gone")))
        await asyncio.sleep(0)
        gone.cancel()
    await store.write(lambda tx: append(tx, "still here"))
    assert names(store) == ["gone", "still here"]


async def test_closing_finishes_what_was_asked_for(tmp_path: Path, empty: bytes) -> None:
    (tmp_path / "hub.sqlite").write_bytes(empty)
    store = open_store(tmp_path)
    waiting = [asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"))) for n in range(100)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*waiting)
    assert kept_in(tmp_path) == 100


async def test_an_error_of_the_store_quotes_nothing(store: SqlStore) -> None:
    await store.write(lambda tx: append(tx, "Quillfeather"))
    with pytest.raises(StoreAway) as caught:
        await store.write(lambda tx: append(tx, "Quillfeather"))
    assert "Quillfeather" not in f"{caught.value!r} {caught.value} {caught.value.__cause__!r}"


# -- writers beside each other, steady reads


def test_writers_in_two_processes_and_this_one_all_succeed(store: SqlStore, tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, f"writer {number}", 30) for number in range(2)]
    for number in range(30):
        store.write_now(lambda tx, n=number: append(tx, f"here {n}"))
    assert [finish(writer) for writer in writers] == [(0, ""), (0, "")]
    assert len(set(names(store))) == 90


async def test_writers_in_two_threads_on_one_file_both_succeed(store: SqlStore, tmp_path: Path) -> None:
    other = open_store(tmp_path)
    both = [
        one.write(lambda tx, n=n, one=one: append(tx, f"{id(one)} {n}")) for n in range(50) for one in (store, other)
    ]
    await asyncio.gather(*both)
    other.close_now()
    assert kept_in(tmp_path) == 100


def test_a_read_sees_one_steady_moment(store: SqlStore) -> None:
    store.write_now(lambda tx: append(tx, "before"))

    def look_twice(tx: Transaction) -> tuple[int, int]:
        first = len(tx.journal.page(0, 10))
        store.write_now(lambda other: append(other, "meanwhile"))
        return first, len(tx.journal.page(0, 10))

    assert store.read_now(look_twice) == (1, 1)
    assert names(store) == ["before", "meanwhile"]


def start_writer(data: Path, name: str, count: int) -> subprocess.Popen[str]:
    """A process that appends so many messages; it makes the store if there is none."""
    command = [sys.executable, "-m", "tests.io.journal_writer", str(data), name, str(count)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def finish(writer: subprocess.Popen[str]) -> tuple[int, str]:
    _, said = writer.communicate(timeout=60)
    return writer.returncode, said


# -- one schema


def test_the_migrations_build_what_the_schema_says(tmp_path: Path, store: SqlStore) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_build_it_to_the_letter(tmp_path: Path, store: SqlStore) -> None:
    """What the comparison above does not see: partial indexes, WITHOUT ROWID, AUTOINCREMENT, foreign keys."""
    fresh = sqlite_engine(tmp_path / "fresh.sqlite")
    metadata.create_all(fresh)
    fresh.dispose()
    assert built(tmp_path / "hub.sqlite") == built(tmp_path / "fresh.sqlite")


def built(path: Path) -> dict[str, str]:
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: in_order(sql) for name, sql in rows if "alembic" not in name}


def in_order(sql: str) -> str:
    """The statement with its columns and constraints sorted: their order means nothing, and a column that came later
    stands last."""
    head, opened, rest = " ".join(sql.split()).replace('"', "").partition("(")
    inside, closed, tail = rest.rpartition(")")
    parts = re.split(r",\s*(?![^(]*\))", inside)  # no comma within parentheses
    return f"{head.strip()} {opened}{', '.join(sorted(part.strip() for part in parts))}{closed}{tail}"


def test_the_same_schema_can_be_said_to_postgresql() -> None:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's own
    for table in metadata.sorted_tables:
        assert str(CreateTable(table).compile(dialect=dialect))
        for index in table.indexes:
            assert str(CreateIndex(index).compile(dialect=dialect))


def test_processes_that_migrate_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    writers = [start_writer(tmp_path, f"writer {number}", 2) for number in range(3)]
    assert [finish(writer) for writer in writers] == [(0, "")] * 3
    assert kept_in(tmp_path) == 6


def test_connections_that_open_a_new_file_at_once_all_get_one(tmp_path: Path) -> None:
    """SQLite itself refuses all but one of those who change a file's journal mode in the same moment."""
    failed: list[BaseException] = []

    def open_new(start: threading.Barrier, path: Path) -> None:
        engine = sqlite_engine(path)
        start.wait(10)
        try:
            with engine.connect() as connection:
                assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        except BaseException as error:  # told to the test, whatever it is
            failed.append(error)
        engine.dispose()

    for number in range(30):
        start = threading.Barrier(4)
        threads = [threading.Thread(target=open_new, args=(start, tmp_path / f"{number}.sqlite")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert failed == []


def test_threads_that_migrate_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    failed: list[BaseException] = []

    def open_and_close() -> None:
        try:
            open_store(tmp_path).close_now()
        except BaseException as error:  # told to the test, whatever it is
            failed.append(error)

    threads = [threading.Thread(target=open_and_close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert kept_in(tmp_path) == 0


def test_a_store_that_is_not_there_is_not_made_by_looking(tmp_path: Path) -> None:
    with pytest.raises(CannotRun, match="no store"):
        open_store(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_a_directory_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CannotRun, match="cannot be made"):
        open_store(tmp_path / "file" / "data")


# -- what the tables promise


def test_moments_keep_their_moment_in_whatever_zone_they_were_said(store: SqlStore) -> None:
    said = datetime(2026, 7, 1, 10, 30, 0, 1, tzinfo=timezone(timedelta(hours=1)))
    person = a_person()
    store.write_now(lambda tx: tx.cohort.put([person], said))
    seq = store.write_now(lambda tx: append(tx, "one"))
    reply = StoredReply("AA", "", "", b"MSA|AA", said)
    store.write_now(lambda tx: tx.journal.answered([(seq, reply)]))
    kept = store.read_now(lambda tx: tx.journal.reply(seq))
    assert kept.answered_at == said
    assert kept.answered_at.utcoffset() == timedelta(0)


def test_a_participant_comes_back_as_she_went_in(store: SqlStore) -> None:
    person = replace(
        a_person(),
        former_family_names=("O'Hare", "Šimůnková"),
        address_lines=("1 Mill Lane",),
        next_test_due_on=date(2027, 1, 2),
    )
    store.write_now(lambda tx: tx.cohort.put([person], NOW))
    assert store.read_now(lambda tx: tx.cohort.get("p1")) == person
    assert store.read_now(lambda tx: tx.cohort.by_nhs_number(person.nhs_number)) == person


def a_person() -> Participant:
    return Participant("p1", "9990000018", "Ashworth", ("Nora",), date(1988, 2, 29))


def test_a_match_must_name_a_result_and_a_participant_that_are_there(store: SqlStore) -> None:
    match = MatchRow("m1", "no such result", "nobody", "clerk", "r.patel", "why", NOW)
    with pytest.raises(StoreAway, match="SQLITE_CONSTRAINT_FOREIGNKEY"):
        store.write_now(lambda tx: tx.records.match(match))


def test_an_event_put_twice_is_in_the_outbox_once(store: SqlStore) -> None:
    envelope = Envelope("e1", "ResultReported", "r1", NOW, b"{}")
    for _ in range(2):
        store.write_now(lambda tx: tx.events.put(envelope, consumed=True))
    assert store.read_now(lambda tx: tx.events.claim(0, 10)) == [(1, envelope)]


def test_the_journal_is_walked_page_by_page_and_found_by_name(store: SqlStore) -> None:
    for number in range(25):
        store.write_now(lambda tx, n=number: append(tx, f"C{n:03}"))
    walked = store.read_now(lambda tx: list(pages(lambda after: tx.journal.page(after, 10), lambda entry: entry.seq)))
    assert [len(page) for page in walked] == [10, 10, 5]
    newest = store.read_now(lambda tx: tx.journal.newest(2))
    assert [entry.control_id for entry in newest] == ["C023", "C024"]
    digest = newest[0].digest
    for name in ("C023", digest, digest[:8], str(newest[0].seq)):
        found = store.read_now(lambda tx, n=name: tx.journal.lookup(n))
        assert [entry.control_id for entry in found] == ["C023"]
    assert store.read_now(lambda tx: tx.journal.lookup("%")) == []


def test_named_identities_are_uuid5() -> None:
    namespace = uuid.UUID("6c1b0f0e-6b0d-5f0a-9c55-2f7f3a1f6b1d")
    assert named_identity("a|b") == str(uuid.uuid5(namespace, "a|b"))


async def test_a_full_disk_is_said_and_heals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(tmp_path).close_now()
    pages = (tmp_path / "hub.sqlite").stat().st_size // 4096
    monkeypatch.setattr("hub.io.store.sqlite.PRAGMAS", (*PRAGMAS, f"max_page_count={pages + 4}"))
    store = open_store(tmp_path)
    large = JournalEntry(
        "", "0" * 64, Arrival("mllp", "", datetime.now(UTC)), "", "", "refused", 0, (), "", b"x" * 100_000
    )
    with pytest.raises(StoreAway, match="SQLITE_FULL"):
        await store.write(lambda tx: tx.journal.append([large]))
    assert store.read_now(lambda tx: tx.journal.newest(5)) == []
    assert await store.away() == ""  # the small write that asks finds room again
    await store.close()


async def test_a_store_that_cannot_be_written_says_so_until_it_can(tmp_path: Path) -> None:
    store = open_store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "hub.sqlite", isolation_level=None)) as other:
        other.execute("ALTER TABLE alembic_version RENAME TO elsewhere")
        other.execute("ALTER TABLE journal RENAME TO journal_elsewhere")
        with pytest.raises(StoreAway):
            await store.write(lambda tx: tx.journal.restate(1, "accepted", 1))
        assert await store.away() != ""
        other.execute("ALTER TABLE elsewhere RENAME TO alembic_version")
        other.execute("ALTER TABLE journal_elsewhere RENAME TO journal")
        assert await store.away() == ""
    await store.close()
