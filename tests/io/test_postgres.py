"""PostgreSQL as the store: grouped commits that survive, lines that break, locks that serialise, one schema."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import string
import threading
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event

from hub.contract import Envelope
from hub.domain.people import Participant
from hub.errors import CannotRun, Retry
from hub.flow.ports.journal import Arrival, JournalEntry
from hub.flow.ports.questions import Kind, QuestionRow
from hub.flow.ports.records import MatchRow
from hub.flow.ports.store import Transaction
from hub.io.store import SqlStore, StoreAway, StoreRefused, connect_store
from hub.io.store.copying import COPIED_FROM
from hub.io.store.schema import metadata
from tests.io.journal_writer import NOW, append
from tests.servers import FaultProxy, PostgresNode, install

pytestmark = pytest.mark.servers


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresNode]:
    """One whose lines may be cut, and which may be stopped: nobody else's. `migrated` is a database to be copied."""
    install.ensure("postgresql")
    with PostgresNode(durable=False) as node:
        node.create_database("migrated")
        connect_store(node.url("migrated")).close_now()
        yield node


@pytest.fixture
def database(server: PostgresNode) -> Iterator[str]:
    """The name of a database without rows."""
    server.create_database("here", template="migrated")
    yield "here"
    server.drop_database("here")


@pytest.fixture
def store(server: PostgresNode, database: str) -> Iterator[SqlStore]:
    store = connect_store(server.url(database))
    yield store
    store.close_now()


@asynccontextmanager
async def behind_a_proxy(server: PostgresNode, database: str) -> AsyncIterator[tuple[FaultProxy, SqlStore]]:
    async with FaultProxy(server.port) as network:
        url = server.url(database).replace(f":{server.port}/", f":{network.port}/")
        store = await asyncio.to_thread(connect_store, url)
        try:
            yield network, store
        finally:
            await network.flow()
            await store.close()


def names(store: SqlStore) -> list[str]:
    return [entry.control_id for entry in store.read_now(lambda tx: tx.journal.page(0, 10_000))]


async def again(work: Callable[[], Any], seconds: float = 15.0) -> Any:
    """As everybody does who writes: what cannot be done just now is tried again."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await work()
            except Retry:
                await asyncio.sleep(0.05)


async def until(look: Callable[[], Awaitable[Any]], wanted: Any) -> None:
    for _ in range(1_000):
        if await look() == wanted:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"it is never {wanted!r}")


class Held:
    """Keeps a writer busy, so that what is asked for meanwhile waits together."""

    def __init__(self, store: SqlStore, *, at_door: bool = False) -> None:
        self._go, self._busy = threading.Event(), threading.Event()
        self._task = asyncio.ensure_future(store.write(self._wait, at_door=at_door))

    def _wait(self, _tx: Transaction) -> None:
        self._busy.set()
        self._go.wait(10)

    async def __aenter__(self) -> None:
        await asyncio.to_thread(self._busy.wait, 10)

    async def __aexit__(self, *_: object) -> None:
        await asyncio.sleep(0)
        self._go.set()
        await self._task


# -- groups


async def test_work_that_waits_together_shares_one_commit(store: SqlStore) -> None:
    commits: list[int] = []
    event.listen(store.engine, "commit", lambda _: commits.append(1))
    async with Held(store, at_door=True):
        waiting = [
            asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"), at_door=True)) for n in range(50)
        ]
    await asyncio.gather(*waiting)
    assert len(commits) == 2
    assert len(names(store)) == 50


async def test_one_failing_piece_spoils_nobody_elses_work(store: SqlStore) -> None:
    def fail(tx: Transaction) -> None:
        append(tx, "begun and given up")
        raise ValueError("a bug")

    async with Held(store):
        good = [asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"))) for n in range(5)]
        bad = asyncio.ensure_future(store.write(fail))
        twice = asyncio.ensure_future(store.write(lambda tx: append(tx, "3")))
        more = [asyncio.ensure_future(store.write(lambda tx, n=n: append(tx, f"{n}"))) for n in range(5, 9)]
    await asyncio.gather(*good, *more)
    with pytest.raises(ValueError, match="a bug"):
        await bad
    with pytest.raises(StoreAway, match="UniqueViolation"):
        await twice
    assert sorted(names(store)) == [f"{n}" for n in range(9)]


async def test_whoever_stands_at_a_door_waits_for_no_room(store: SqlStore) -> None:
    async with Held(store):
        room = asyncio.ensure_future(store.write(lambda tx: append(tx, "room")))
        async with asyncio.timeout(5):
            await store.write(lambda tx: append(tx, "door"), at_door=True)
        assert not room.done()
    await room


async def test_an_error_quotes_no_value(store: SqlStore) -> None:
    await store.write(lambda tx: append(tx, "Quillfeather"))
    match = MatchRow("m1", "no such result of Quillfeather", "nobody", "clerk", "Quillfeather", "why", NOW)
    failures: list[Callable[[Transaction], object]] = [
        lambda tx: append(tx, "Quillfeather"),
        lambda tx: (tx.records.match(match), tx.records.live_match("any")),
        lambda tx: tx.dead._connection.exec_driver_sql("SELECT 'Quillfeather'::int"),  # type: ignore[attr-defined]
    ]
    for fail in failures:
        with pytest.raises((StoreAway, StoreRefused)) as caught:
            await store.write(fail)
        seen = f"{caught.value!r} {caught.value} {caught.value.hint} {caught.value.__cause__!r}"
        assert "Quillfeather" not in seen
        assert caught.value.hint


# -- lines that break


async def test_a_line_that_is_cut_in_the_middle_is_said_and_heals(server: PostgresNode, store: SqlStore) -> None:
    def cut(tx: Transaction) -> None:
        append(tx, "half")
        server.cut_connections()
        append(tx, "the other half")

    with pytest.raises(StoreAway):
        await store.write(cut)
    await again(lambda: store.write(lambda tx: append(tx, "whole")))
    assert names(store) == ["whole"]


async def test_a_server_that_is_restarted_is_noticed_by_every_line(server: PostgresNode, store: SqlStore) -> None:
    await store.write(lambda tx: append(tx, "before"))
    await store.read(lambda tx: tx.counts.journal())
    await asyncio.to_thread(server.stop)
    with pytest.raises(StoreAway) as caught:
        await store.write(lambda tx: append(tx, "meanwhile"))
    assert caught.value.whole
    assert await store.away() != ""
    await asyncio.to_thread(server.start)
    await again(lambda: store.write(lambda tx: append(tx, "after"), at_door=True))
    await until(store.away, "")
    assert names(store) == ["before", "after"]


async def test_a_commit_whose_answer_is_lost_was_done_and_is_done_again_without_harm(
    server: PostgresNode, database: str
) -> None:
    async with behind_a_proxy(server, database) as (network, store):
        envelope = Envelope("e1", "ResultReported", "r1", NOW, b"{}")

        def put(tx: Transaction) -> None:
            tx.events.put(envelope, consumed=True)
            tx.events.claim(0, 1)
            if network.accepted and not lost:
                lost.append(1)
                network.lose_replies()

        lost: list[int] = []
        writing = asyncio.ensure_future(store.write(put))
        await until(lambda: asyncio.sleep(0, network.lost > 0), True)
        await network.flow()
        with pytest.raises(StoreAway):
            await writing
        assert server.execute("SELECT event_id FROM outbox", database) == [("e1",)]
        await again(lambda: store.write(put))
        assert server.execute("SELECT event_id FROM outbox", database) == [("e1",)]


async def test_a_cut_line_gives_back_what_was_claimed(server: PostgresNode, store: SqlStore) -> None:
    await store.write(lambda tx: put_events(tx, 3))
    with pytest.raises(StoreAway):
        async with store.claiming() as run:
            assert len(await run(lambda tx: tx.events.claim(0, 10))) == 3
            await asyncio.to_thread(server.cut_connections)
            await run(lambda tx: tx.events.confirm([1, 2, 3], NOW))
    assert len(await again(lambda: store.write(lambda tx: tx.events.claim(0, 10)))) == 3


def put_events(tx: Transaction, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        tx.events.put(Envelope(f"e{number}", "ResultReported", f"r{number}", NOW, b"{}"), consumed=True)


# -- waking


async def test_whoever_listens_is_woken_at_once_also_after_the_line_was_lost(
    server: PostgresNode, store: SqlStore
) -> None:
    woken = asyncio.Event()
    listening = asyncio.create_task(store.listen(woken.set))
    other = connect_store(server.url("here"))
    try:
        await soon(woken, 5)  # it is told at the start that there may be something
        for number in range(3):
            await other.write(lambda tx, n=number: put_events(tx, 1, n))
            await soon(woken, 0.3)
        await asyncio.to_thread(server.cut_connections)
        await soon(woken, 5)
        await again(lambda: other.write(lambda tx: put_events(tx, 1, 9)))
        await soon(woken, 0.3)
        await other.write(lambda tx: append(tx, "no event"))
        await asyncio.sleep(0.1)
        assert not woken.is_set()
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        await other.close()


async def soon(woken: asyncio.Event, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await woken.wait()
    woken.clear()


# -- beside each other


async def test_what_one_has_claimed_the_others_pass_over(store: SqlStore) -> None:
    await store.write(lambda tx: put_events(tx, 10))
    async with store.claiming() as one, store.claiming() as other:
        first = await one(lambda tx: tx.events.claim(0, 6))
        second = await other(lambda tx: tx.events.claim(0, 6))
        await one(lambda tx: tx.events.confirm([seq for seq, _ in first], NOW))
    assert [len(first), len(second)] == [6, 4]
    assert {seq for seq, _ in first}.isdisjoint(seq for seq, _ in second)
    assert len(await store.write(lambda tx: tx.events.claim(0, 20))) == 4


async def test_a_relay_that_is_stopped_in_the_middle_of_a_claim_keeps_nothing(
    store: SqlStore, server: PostgresNode
) -> None:
    await store.write(lambda tx: put_events(tx, 10))
    begun = threading.Event()

    def claim_slowly(tx: Any) -> None:
        line = tx._connection.connection.driver_connection  # as a statement is run: found, then used
        begun.set()
        threading.Event().wait(0.1)
        line.execute("SELECT seq FROM outbox FOR UPDATE SKIP LOCKED")

    async def claim() -> None:
        async with store.claiming() as run:
            await run(claim_slowly)

    claiming = asyncio.create_task(claim())
    await asyncio.to_thread(begun.wait, 5)
    claiming.cancel()
    await asyncio.gather(claiming, return_exceptions=True)
    await asyncio.sleep(0.3)
    kept = idle_in_transaction(server)
    server.cut_connections()  # or whoever comes next would wait for it
    assert kept == 0


def idle_in_transaction(server: PostgresNode) -> int:
    (count,) = server.execute("SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'")[0]
    return int(count)


def test_whoever_holds_a_name_makes_the_others_wait_and_then_see(server: PostgresNode, store: SqlStore) -> None:
    held, seen = threading.Event(), []

    def first(tx: Transaction) -> None:
        tx.hold("slide|1", "person|1")
        held.set()
        threading.Event().wait(0.2)
        append(tx, "first")

    def second(tx: Transaction) -> None:
        tx.hold("person|1")
        seen.extend(entry.control_id for entry in tx.journal.page(0, 10))

    thread = threading.Thread(target=lambda: store.write_now(first))
    thread.start()
    held.wait(5)
    store.write_now(lambda tx: tx.hold("person|2"))
    store.write_now(second)
    thread.join()
    assert seen == ["first"]


def test_whoever_waits_too_long_lets_go_and_tries_again(store: SqlStore) -> None:
    held, free = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        tx.hold("person|1")
        held.set()
        free.wait(10)

    thread = threading.Thread(target=lambda: store.write_now(hold))
    thread.start()
    held.wait(5)
    began = monotonic()
    with pytest.raises(Retry) as caught:
        store.write_now(lambda tx: tx.hold("person|1"))
    assert 0.3 < monotonic() - began < 3
    assert isinstance(caught.value, StoreAway)
    assert not caught.value.whole, "it says nothing about others' work"
    free.set()
    thread.join()
    store.write_now(lambda tx: tx.hold("person|1"))


def test_a_change_of_the_cohort_waits_for_every_step_and_every_step_for_it(store: SqlStore) -> None:
    order: list[str] = []
    held = threading.Event()

    def step(tx: Transaction) -> None:
        tx.hold("person|1")
        held.set()
        threading.Event().wait(0.7)  # longer than others wait for a name
        order.append("step")

    def change(tx: Transaction) -> None:
        tx.hold_everything()
        order.append("change")

    thread = threading.Thread(target=lambda: store.write_now(step))
    thread.start()
    held.wait(5)
    store.write_now(change)
    thread.join()
    assert order == ["step", "change"]


def test_a_read_sees_one_steady_moment_and_holds_up_nobody(store: SqlStore) -> None:
    store.write_now(lambda tx: append(tx, "before"))

    def look_twice(tx: Transaction) -> tuple[int, int]:
        first = len(tx.journal.page(0, 10))
        store.write_now(lambda other: append(other, "meanwhile"))
        return first, len(tx.journal.page(0, 10))

    assert store.read_now(look_twice) == (1, 1)
    assert names(store) == ["before", "meanwhile"]


def test_a_read_cannot_write(store: SqlStore) -> None:
    with pytest.raises(StoreAway):
        store.read_now(lambda tx: append(tx, "written"))
    assert names(store) == []


async def test_a_duty_is_taken_once_by_many(store: SqlStore) -> None:
    async def take(at: datetime) -> int:
        turns = [store.write(lambda tx: tx.duties.take_turn("duty", timedelta(seconds=60), at)) for _ in range(8)]
        return sum(await asyncio.gather(*turns))

    assert [await take(NOW + timedelta(seconds=seconds)) for seconds in (0, 59, 60, -3600, -3599)] == [1, 0, 1, 1, 0]


# -- values


@pytest.mark.parametrize("text", ["nul\0 in it", "half a pair \ud83d", "Šimůnková ☂ 𝔸", "'; --", r"\x00 %s :a $1"])
async def test_any_text_is_stored_and_found(store: SqlStore, text: str) -> None:
    seq = await store.write(lambda tx: tx.journal.append([entry_with(text)])[0])
    found = await store.read(lambda tx: tx.journal.lookup(text))
    assert [entry.seq for entry in found] == [seq]
    kept = await store.read(lambda tx: tx.journal.entry(seq))
    assert kept is not None
    assert kept.raw == b"\0\xff" + text.encode("utf-8", "surrogatepass")


@pytest.mark.parametrize("text", ["nul\0 in it", "half a pair \ud83d"])
async def test_a_control_id_of_any_text_is_known_again(store: SqlStore, text: str) -> None:
    await store.write(lambda tx: tx.journal.append([entry_with(text)]))
    assert await store.read(lambda tx: tx.journal.control_ids_used([("northmoor", text)])) == {("northmoor", text)}


def entry_with(control_id: str) -> JournalEntry:
    raw = b"\0\xff" + control_id.encode("utf-8", "surrogatepass")
    at = Arrival("mllp", "127.0.0.1", NOW)
    return JournalEntry("northmoor", f"{hash(control_id):x}", at, control_id, "", "accepted", 0, (), "", raw)


async def test_values_as_long_as_anybody_writes_are_stored_and_found(store: SqlStore) -> None:
    """Longer than an entry of an index may be, where no index is; of letters that cannot be made smaller."""
    noise = random.Random(1)
    word = "".join(noise.choices(string.ascii_uppercase + string.digits, k=9_000))
    person = Participant(
        "p1", "9990000018", "Ashworth", ("Nora",), date(1988, 2, 29), address_lines=(word,), practice_code=word
    )
    await store.write(lambda tx: tx.cohort.put([person], NOW))
    assert await store.read(lambda tx: tx.cohort.get("p1")) == person
    large = replace(entry_with("large"), raw=noise.randbytes(20_000_000))
    seq = await store.write(lambda tx: tx.journal.append([large])[0])
    kept = await store.read(lambda tx: tx.journal.entry(seq))
    assert kept is not None
    assert kept.raw == large.raw


async def test_rows_that_are_copied_in_are_replaced_left_or_refused_like_any_others(store: SqlStore) -> None:
    def numbered(first: int, name: str) -> list[Participant]:
        return [
            Participant(f"p{number}", f"{number:010}", name, ("Nora",), date(1988, 2, 29))
            for number in range(first, first + 2 * COPIED_FROM)
        ]

    def both(tx: Transaction) -> None:
        tx.cohort.put(numbered(0, "Ashworth\0"), NOW)
        tx.cohort.put(numbered(COPIED_FROM, "Quill\\feather\t"), NOW)
        asked = [QuestionRow(Kind.PERSON, person.nhs_number, "e", NOW, NOW) for person in numbered(0, "")]
        tx.questions.put(asked[COPIED_FROM:])
        tx.questions.put(asked)

    await store.write(both)
    people = await store.read(lambda tx: tx.cohort.of([f"p{number}" for number in range(1000)]))
    names = Counter(person.family_name for person in people)
    assert names == {"Ashworth\N{SYMBOL FOR NULL}": COPIED_FROM, "Quill\\feather\t": 2 * COPIED_FROM}
    assert (await store.read(lambda tx: tx.questions.backlog()))["person"].waiting == 2 * COPIED_FROM
    once = [replace(person, participant_id=f"other {person.nhs_number}") for person in numbered(0, "Ashworth")]
    with pytest.raises(StoreAway, match="UniqueViolation") as refused:
        await store.write(lambda tx: tx.cohort.put(once, NOW))
    assert "0000000000" not in str(refused.value)


# -- beginning


def test_the_migrations_build_what_the_schema_says(store: SqlStore) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_build_it_to_the_letter(server: PostgresNode, database: str, store: SqlStore) -> None:
    """What the comparison above does not see: partial indexes, defaults, foreign keys."""
    server.create_database("afresh")
    fresh = connect_to(server, "afresh")
    metadata.create_all(fresh.engine)
    fresh.close_now()
    try:
        assert built(server, database) == built(server, "afresh")
    finally:
        server.drop_database("afresh")


def connect_to(server: PostgresNode, database: str) -> SqlStore:
    """A store over a database that is not migrated."""
    from hub.io.store.postgres import PostgresDatabase

    return SqlStore(PostgresDatabase(server.url(database)))


def built(server: PostgresNode, database: str) -> list[tuple[Any, ...]]:
    queries = (
        "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE connamespace = 'public'::regnamespace",
        "SELECT table_name, column_name, data_type || is_nullable || coalesce(character_maximum_length, 0) || "
        "coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = 'public'",
    )
    rows = [row for query in queries for row in server.execute(query, database)]
    return sorted(row for row in rows if "alembic" not in str(row))


def test_processes_that_migrate_at_once_do_not_disturb_each_other(server: PostgresNode) -> None:
    server.create_database("contested")
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        pool.map(open_and_close, [server.url("contested")] * 6, chunksize=1)
        pool.close()
        pool.join()
    try:
        assert server.execute("SELECT count(*) FROM alembic_version", "contested") == [(1,)]
    finally:
        server.drop_database("contested")


def open_and_close(url: str) -> None:
    connect_store(url).close_now()


def test_what_cannot_be_begun_is_said_in_a_sentence_without_the_password(server: PostgresNode) -> None:
    server.execute("CREATE ROLE stranger LOGIN PASSWORD 'right'")
    hba = server.directory / "data" / "pg_hba.conf"
    trusting = hba.read_text()
    try:
        hba.write_text("host all stranger 127.0.0.1/32 scram-sha-256\n" + trusting)
        server.execute("SELECT pg_reload_conf()")
        base = f"127.0.0.1:{server.port}"
        sentences = {
            f"postgresql://stranger:Quillfeather@{base}/postgres": "refuses this user or password",
            f"postgresql://stranger:right@{base}/migrated2": "no such database",
            f"postgresql://stranger:right@{base}/postgres": "must be allowed to make tables",
            "postgresql://hub:Quillfeather@127.0.0.1:1/hub": "cannot be reached",
            "postgresql://hub:Quillfeather@127.0.0.1:port/hub": "cannot be",
        }
        for url, sentence in sentences.items():
            with pytest.raises(CannotRun, match=sentence) as caught:
                connect_store(url)
            said = f"{caught.value} {caught.value.__cause__!r}"
            assert "Quillfeather" not in said and "right" not in said.replace("right on", "")
    finally:
        hba.write_text(trusting)
        server.execute("SELECT pg_reload_conf()")
        server.execute("DROP ROLE stranger")


# -- plans


@pytest.fixture(scope="module")
def crowded(server: PostgresNode) -> Iterator[PostgresNode]:
    """A database `crowded` of some thousand rows in the shape they have after years."""
    server.create_database("crowded", template="migrated")
    for statement in _CROWD:
        server.execute(statement, "crowded")
    yield server
    server.drop_database("crowded")


_ROWS = 20_000
_CROWD = (
    "INSERT INTO journal (feed, digest, door, peer, received_at, control_id, message_type, state, results, notes, "
    "traceparent, raw) SELECT 'northmoor', md5(n::text), 'mllp', '', now(), 'C' || n, 'ORU', 'accepted', 1, '[]', '', "
    f"'' FROM generate_series(1, {_ROWS}) n",
    "INSERT INTO outbox (event_id, type, subject, feed, digest, position, supersedes, traceparent, occurred_at, data, "
    "confirmed_at, finished_at) SELECT 'e' || n, 'ResultReported', 's' || n, 'northmoor', md5(n::text), '1.1', '', '', "
    "now(), '', CASE WHEN n % 1000 > 2 THEN now() END, CASE WHEN n % 1000 > 5 THEN now() END "
    f"FROM generate_series(1, {_ROWS}) n",
    "INSERT INTO results (result_id, journal_seq, feed, digest, position, event_id, type, laboratory_code, "
    "slide_number, version, state, data) SELECT 'r' || seq, seq, feed, digest, '1.1', 'e' || seq, 'ResultReported', "
    "'69001', 'S' || seq, 'F', 'recorded', '' FROM journal",
    "INSERT INTO participants (participant_id, nhs_number, family_name, given_names, former_family_names, "
    "date_of_birth, address_lines, changed_at) SELECT 'p' || n, n, 'N' || n, '[]', '[]', '1990-01-01', '[]', now() "
    f"FROM generate_series(1, {_ROWS}) n",
    f"INSERT INTO participant_keys (key, participant_id) SELECT 'k' || n, 'p' || n FROM generate_series(1, {_ROWS}) n",
    "VACUUM ANALYZE",
)
HOT = {
    "SELECT * FROM outbox WHERE confirmed_at IS NULL AND seq > 0 ORDER BY seq LIMIT 500 FOR UPDATE SKIP LOCKED": (
        "ix_outbox_unconfirmed"
    ),
    "SELECT seq FROM outbox WHERE finished_at IS NULL AND confirmed_at IS NOT NULL AND confirmed_at <= now() "
    "AND seq > 0 ORDER BY seq LIMIT 500": "ix_outbox_unfinished",
    "SELECT count(*) FROM outbox WHERE finished_at IS NULL AND confirmed_at <= now()": "ix_outbox_unfinished",
    "SELECT * FROM outbox WHERE event_id = 'e77'": "uq_outbox_event_id",
    "SELECT * FROM journal WHERE feed = ANY('{northmoor}') AND digest = ANY('{a,b,c}')": "uq_journal_digest_feed",
    "SELECT * FROM journal WHERE control_id = ANY('{C1,C2}')": "ix_journal_control_id",
    "SELECT * FROM results WHERE laboratory_code = '69001' AND slide_number = 'S77'": (
        "ix_results_slide_number_laboratory_code"
    ),
    "SELECT participant_id FROM participant_keys WHERE key = ANY('{k1,k2,k3}')": "pk_participant_keys",
    "SELECT * FROM participants WHERE participant_id = ANY('{p1,p2}')": "pk_participants",
}


@pytest.mark.parametrize("query", HOT)
def test_what_is_asked_all_the_time_is_found_by_an_index(crowded: PostgresNode, query: str) -> None:
    plan = "\n".join(line for (line,) in crowded.execute(f"EXPLAIN {query}", "crowded"))
    assert HOT[query] in plan, plan
    assert "Seq Scan" not in plan


def test_what_the_store_itself_asks_is_found_by_an_index(crowded: PostgresNode) -> None:
    """The statements as they are sent, prepared and all: no table of some thousand rows is read through."""
    store = connect_store(crowded.url("crowded"))
    try:
        for _ in range(8):  # from the sixth on PostgreSQL may plan without looking at the values
            store.write_now(ask_everything)
        before = read_through(crowded)
        for _ in range(5):
            store.write_now(ask_everything)
        threading.Event().wait(0.1)
        assert read_through(crowded) == before
    finally:
        store.close_now()


def ask_everything(tx: Transaction) -> None:
    assert len(tx.events.claim(0, 500)) == 60
    assert tx.events.unfinished(datetime(2100, 1, 1, tzinfo=UTC)) == 60
    assert tx.events.find("e77") is not None
    assert len(tx.journal.known([("northmoor", f"{n}") for n in range(20)])) == 0
    assert tx.journal.control_ids_used([("northmoor", "C7")]) == {("northmoor", "C7")}
    assert tx.results.of_slide("69001", "no such slide") == []
    assert tx.cohort.candidates(["no such key"]) == []


def read_through(server: PostgresNode) -> list[tuple[Any, ...]]:
    """How often each of the large tables was read from end to end."""
    server.execute("SELECT pg_stat_force_next_flush()", "crowded")
    return server.execute(
        "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname IN "
        "('journal', 'outbox', 'results', 'participants', 'participant_keys') ORDER BY relname",
        "crowded",
    )
