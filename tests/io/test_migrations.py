"""A store that an older hub has filled is brought to the newest schema with everything in it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path

import pytest

from hub.io.store import migrate, open_store
from hub.io.store.sqlite import sqlite_engine

AT = "2026-03-02T09:00:00.000000+00:00"
JOURNAL = (1, "northmoor", "d" * 64, "mllp", "", AT, "1", "ORU^R01", "accepted", 1, "[]", "", b"MSH|")
RESULT = ("r1", 1, "northmoor", "d" * 64, "1.1", "e1", "ResultReported", "69001", "1", "final", AT, "waiting", b"{}")
DATA = b'{"candidates": [], "place": "", "hint": ""}'
TASK = ("t1", "r1", "unsure", "open", "", "", 2, "2026-03-16", None, "k", DATA, AT, None, "")
DECISION = (1, "t1", "query", "clerk", "why", AT, b"{}")


@contextmanager
def as_of(version: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    """A store as the hub of that version left it."""
    with monkeypatch.context() as older:
        older.setattr(migrate, "HEAD", version)
        engine = sqlite_engine(directory / "hub.sqlite")
        migrate.upgrade(engine)
        engine.dispose()
    with closing(sqlite3.connect(directory / "hub.sqlite")) as connection:
        yield connection
        connection.commit()


def put(connection: sqlite3.Connection, table: str, values: tuple[object, ...]) -> None:
    connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)


def test_foreign_keys_hold_again_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the migration failed."""
    engine = sqlite_engine(tmp_path / "hub.sqlite")

    def fail(_connection: object) -> None:
        raise RuntimeError("broken on purpose")

    for broken in (True, False):
        with monkeypatch.context() as patched:
            if broken:
                patched.setattr(migrate, "_migrate", fail)
            with pytest.raises(RuntimeError) if broken else nullcontext():
                migrate.upgrade(engine)
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_tasks_keep_what_points_to_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with as_of("0008", tmp_path, monkeypatch) as old:
        put(old, "journal", JOURNAL)
        put(old, "results", RESULT)
        put(old, "tasks", TASK)
        put(old, "task_keys", ("nhs|1", "t1"))
        put(old, "decisions", DECISION)
    store = open_store(tmp_path)
    (task,) = store.read_now(lambda tx: tx.tasks.find("t1"))
    assert (task.result_id, task.discharge_id, task.reason) == ("r1", "", "unsure")
    assert len(store.read_now(lambda tx: tx.tasks.decisions("t1"))) == 1
    store.close_now()
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as new:
        assert new.execute("PRAGMA foreign_key_check").fetchall() == []
        assert new.execute("SELECT count(*) FROM task_keys").fetchone() == (1,)
        rest = "result_id, reason, state, outcome, note, priority, due_on, person_key, data, opened_at, closed_by"
        with pytest.raises(sqlite3.IntegrityError, match=r"tasks\.result_id"):  # one open task for a result, still
            new.execute(f"INSERT INTO tasks (task_id, {rest}) SELECT 't2', {rest} FROM tasks")


def test_since_when_somebody_is_under_colposcopy_is_read_off_her_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with as_of("0014", tmp_path, monkeypatch) as old:
        folded = (
            '{"results": [{"combination": "29R", "test_on": "2023-01-01"}, {"combination": "39S", "test_on": '
            '"2024-02-29"}, {"combination": "X0H", "test_on": "2024-05-01"}]}'
        )
        columns = "participant_id, recall_type, policy, data, folded_at"
        old.execute(f"INSERT INTO records ({columns}) VALUES ('p1', 'Suspended', '', ?, ?)", (folded.encode(), AT))
        old.execute(f"INSERT INTO records ({columns}) VALUES ('p2', 'Routine', '', ?, ?)", (folded.encode(), AT))
    open_store(tmp_path).close_now()
    with closing(sqlite3.connect(tmp_path / "hub.sqlite")) as new:
        found = new.execute("SELECT participant_id, referred_on FROM records ORDER BY 1").fetchall()
    assert found == [("p1", "2024-02-29"), ("p2", None)]
