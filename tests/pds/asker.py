"""A process that takes turns from the store that all share, for a while, and says when each of them was.

python -m tests.pds.asker STORE PER_SECOND UNTIL
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hub.io.store import connect_store, open_store


def main(where: str, per_second: str, until: str) -> None:
    store = connect_store(where) if "://" in where else open_store(Path(where), create=False)
    every, end = timedelta(seconds=1 / float(per_second)), float(until)
    print("ready", flush=True)
    sys.stdin.readline()
    while (left := end - time.time()) > 0:
        longest, at = timedelta(seconds=left), datetime.now(UTC)
        rest = store.write_now(lambda tx, at=at, longest=longest: tx.pace.take("pds", every, longest, at))  # type: ignore[misc]  # mypy cannot infer a lambda with a default
        if rest is None:
            break
        time.sleep(rest.total_seconds())
        print(time.time(), flush=True)
    store.close_now()


if __name__ == "__main__":
    main(*sys.argv[1:])
