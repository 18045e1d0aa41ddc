"""How often PDS is asked: turns that all processes share, on both databases."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hub.io.store import SqlStore, connect_store, open_store
from tests.flow.conftest import STORES
from tests.servers import Databases

ROOT = Path(__file__).resolve().parents[2]
AT = datetime(2026, 1, 15, 9, 0, tzinfo=UTC)
FIFTH, SECOND, HOUR = timedelta(seconds=0.2), timedelta(seconds=1), timedelta(hours=1)


def take(store: SqlStore, at: datetime, longest: timedelta = 10 * SECOND) -> timedelta | None:
    return store.write_now(lambda tx: tx.pace.take("pds", FIFTH, longest, at))


def test_turns_follow_each_other_and_the_first_is_at_once(store: SqlStore) -> None:
    assert [take(store, AT) for _ in range(4)] == [index * FIFTH for index in range(4)]
    assert take(store, AT + 10 * SECOND) == timedelta(0), "turns that nobody took are not saved up"
    assert take(store, AT + 10 * SECOND) == FIFTH


def test_a_turn_too_far_away_is_left_to_others(store: SqlStore) -> None:
    for _ in range(6):
        take(store, AT)
    assert take(store, AT, SECOND) is None and take(store, AT, SECOND) is None
    assert take(store, AT, 2 * SECOND) == 6 * FIFTH


def test_partners_have_a_pace_each(store: SqlStore) -> None:
    take(store, AT)
    assert store.write_now(lambda tx: tx.pace.take("other", FIFTH, SECOND, AT)) == timedelta(0)


def test_a_partner_is_left_alone_when_it_asks_for_it(store: SqlStore) -> None:
    take(store, AT)
    store.write_now(lambda tx: tx.pace.hold_back("pds", 3 * SECOND, AT))
    assert take(store, AT) == 3 * SECOND
    store.write_now(lambda tx: tx.pace.hold_back("pds", SECOND, AT))
    assert take(store, AT) == 3 * SECOND + FIFTH, "and never less long than was known already"


def test_a_clock_that_was_put_back_makes_nobody_wait(store: SqlStore) -> None:
    take(store, AT)
    assert take(store, AT - 2 * HOUR) == timedelta(0)


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.servers if name == "postgres" else ()) for name in STORES])
def where(request: pytest.FixtureRequest) -> Iterator[str]:
    """A store that several processes open."""
    if request.param == "sqlite":
        yield str(request.getfixturevalue("data"))
        return
    postgres: Databases = request.getfixturevalue("postgres")
    with postgres.fresh_database() as url:
        connect_store(url).close_now()
        yield url


def test_no_turn_is_given_twice_however_many_ask_at_once(where: str) -> None:
    stores = [connect_store(where) if "://" in where else open_store(Path(where)) for _ in range(3)]
    began = time.monotonic()

    def ask(store: SqlStore) -> None:
        for _ in range(60):
            store.write_now(lambda tx: tx.pace.take("pds", SECOND, HOUR / 2, datetime.now(UTC)))

    try:
        with ThreadPoolExecutor(len(stores)) as pool:
            list(pool.map(ask, stores))
        rest = stores[0].write_now(lambda tx: tx.pace.take("pds", SECOND, HOUR / 2, datetime.now(UTC)))
    finally:
        for store in stores:
            store.close_now()
    assert rest is not None
    assert rest.total_seconds() + (time.monotonic() - began) >= 180


def test_two_processes_keep_one_pace_and_both_get_turns(where: str) -> None:
    rate, seconds = 20, 3.0
    until = time.time() + seconds + 15
    words = [sys.executable, "-m", "tests.pds.asker", where, str(rate)]
    # They start together: each says that it is ready, and waits to be told.
    askers = [
        subprocess.Popen([*words, str(until)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    taken: list[list[float]] = []
    try:
        for asker in askers:
            assert asker.stdout and asker.stdout.readline() == "ready\n"
        for asker in askers:
            assert asker.stdin
            asker.stdin.write("\n")
            asker.stdin.flush()
        time.sleep(seconds)
    finally:
        for asker in askers:
            asker.terminate()
            out, _ = asker.communicate(timeout=30)
            taken.append([float(line) for line in out.split()])
    moments = sorted(moment for mine in taken for moment in mine)
    assert len(moments) > rate * seconds * 0.5, "the pace is used, not only kept"
    for begin in moments:
        assert sum(begin <= moment < begin + 1.0 for moment in moments) <= rate + 2
    assert min(map(len, taken)) > len(moments) * 0.3, "nobody is left out"
