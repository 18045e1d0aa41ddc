"""Another process that writes to a store: `python -m tests.io.journal_writer DATA NAME COUNT`."""

from __future__ import annotations

import hashlib
import sys
from datetime import UTC, datetime
from pathlib import Path

from hub.flow.ports.journal import Arrival, JournalEntry
from hub.flow.ports.store import Transaction
from hub.io.store import open_store

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def append(tx: Transaction, name: str) -> int:
    """A message with this name as its bytes."""
    raw = name.encode()
    entry = JournalEntry(
        feed="northmoor",
        digest=hashlib.sha256(raw).hexdigest(),
        arrival=Arrival("mllp", "127.0.0.1", NOW),
        control_id=name,
        message_type="ORU^R01",
        state="accepted",
        results=0,
        notes=("line-ends=LF",),
        traceparent="",
        raw=raw,
    )
    return tx.journal.append([entry])[0]


def write_on(data: Path, name: str, count: int) -> None:
    """One message after the other, each in a transaction of its own."""
    store = open_store(data)
    for number in range(count):
        store.write_now(lambda tx, n=number: append(tx, f"{name} {n}"))  # type: ignore[misc]  # runs at once
    store.close_now()


if __name__ == "__main__":
    write_on(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
