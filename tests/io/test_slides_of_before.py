"""What a hub had taken before it kept slides is found by its slide afterwards as well."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from hub.io.store import open_store
from hub.io.store.migrate import VERSIONS
from hub.io.store.sqlite import sqlite_engine

_JOURNAL = """
    INSERT INTO journal (seq, feed, digest, door, peer, received_at, control_id, message_type, state, results, notes,
        traceparent, raw)
    VALUES (7, 'northmoor', 'd', 'mllp', '', '2026-03-02T09:00:00.000000+00:00', 'C7', 'ORU', 'accepted', 1, '[]', '',
        x'00')
"""
_RESULT = """
    INSERT INTO results (result_id, journal_seq, feed, digest, position, event_id, type, laboratory_code, slide_number,
        version, state, data)
    VALUES ('r', 7, 'northmoor', 'd', '1.1', 'e', 'ResultReported', '69001', '26010017', 'F', 'recorded', x'00')
"""


def test_results_of_before_are_found_by_their_slide(tmp_path: Path) -> None:
    engine = sqlite_engine(tmp_path / "hub.sqlite")
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        _upgrade(connection, "0003")
        for statement in (_JOURNAL, _RESULT):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("COMMIT")
    engine.dispose()
    store = open_store(tmp_path)
    try:
        assert store.read_now(lambda tx: tx.slides.messages_of_slide("northmoor", "26010017", 10)) == [7]
    finally:
        store.close_now()


def _upgrade(connection: Connection, to: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(VERSIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, to)
