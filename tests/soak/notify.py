"""notify: letters handed over by processes that are killed at random moments, while answers get lost on either way.

Each must be accepted exactly once. HUB_TEST_LETTERS: how many (100,000). HUB_TEST_SEED: when they are killed (1).
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from adapters.simulators.api_platform import Fault
from adapters.simulators.notify import NotifySimulator
from adapters.simulators.notify_course import Fate
from adapters.simulators.pds_keys import new_keys
from adapters.simulators.people import synthetic_cohort
from hub.domain.people import Participant
from hub.flow.cohort_import import take_people
from hub.flow.ports.store import Transaction
from hub.flow.recall_run import RecallRun
from hub.flow.step import Step
from hub.io.store import SqlStore, connect_store
from tests.bench.report import line, note, progress, title
from tests.flow.scene import POLICIES
from tests.notify.batches import CHANNELS
from tests.servers import PostgresNode

LETTERS = int(os.environ.get("HUB_TEST_LETTERS", "100000"))
SEED = int(os.environ.get("HUB_TEST_SEED", "1"))
SENDERS, SPEED = 2, 60.0
DUE_ON, NOTIFIED_ON, INVITED_ON = date(2026, 9, 1), date(2026, 6, 23), date(2026, 7, 21)
_AT_ONCE = 1000
_LOST = (Fault(cut=True, happened=True), Fault(cut=True), Fault(503, after="1"), Fault(500, happened=True))


def main() -> bool:
    with PostgresNode() as postgres, TemporaryDirectory() as directory:
        postgres.create_database("soak")
        return asyncio.run(_run(postgres.url("soak"), Path(directory)))


async def _run(database: str, directory: Path) -> bool:
    chance = random.Random(SEED)
    store = connect_store(database)
    try:
        progress(f"{LETTERS:,} people are invited")
        begun = perf_counter()
        _invite(store)
        invited = perf_counter() - begun
        progress("their letters are handed over")
        begun = perf_counter()
        taken, killed = await _hand_over(store, database, directory, chance)
        return _tell(store, taken, killed, invited, perf_counter() - begun)
    finally:
        await store.close()


def _tell(store: SqlStore, taken: dict[str, int], killed: int, invited: float, took: float) -> bool:
    with store.engine.connect() as connection:
        query = "SELECT letter_id, state FROM letters WHERE code LIKE 'PA%%'"
        states = dict(row.tuple() for row in connection.exec_driver_sql(query))
    twice = sum(count > 1 for count in taken.values())
    missing, foreign = len(states.keys() - taken.keys()), len(taken.keys() - states.keys())
    unsent = sum(state != "sent" for state in states.values())
    title(f"{len(states):,} letters, {killed} senders killed (seed {SEED})")
    line("invited, seconds", f"{invited:.0f}")
    line("handed over, seconds", f"{took:.0f}")
    for name, count in (("accepted twice", twice), ("never accepted", missing), ("accepted, and not ours", foreign),
                        ("not counted as sent", unsent)):  # fmt: skip
        line(name, str(count), "none", met=not count)
    if not killed:
        note("No sender was killed: more letters are needed.")
    return bool(killed) and not (twice or missing or foreign or unsent) and len(states) == LETTERS


# -- the letters


def _invite(store: SqlStore) -> None:
    now = datetime(2026, 6, 1, tzinfo=UTC)
    everybody = synthetic_cohort(LETTERS, SEED, now.date())
    for start in range(0, LETTERS, _AT_ONCE):
        store.write_now(partial(_take, [_called(person) for person in everybody[start : start + _AT_ONCE]], now))
    for on in (NOTIFIED_ON, INVITED_ON):
        at = datetime(on.year, on.month, on.day, 2, tzinfo=UTC)
        RecallRun(store.write_now, POLICIES, partial(_at, at), on).run()


def _take(people: list[Participant], at: datetime, tx: Transaction) -> None:
    take_people(Step(tx, POLICIES, at, f"soak {people[0].participant_id}"), people)


def _at(moment: datetime) -> datetime:
    return moment


def _called(person: Participant) -> Participant:
    """Somebody whom call and recall invites."""
    hers = replace(person, gender="2", date_of_birth=date(1990, 1, 15), next_test_due_on=DUE_ON)
    return replace(hers, practice_code="Y00001", deceased="", died_on=None, removal="", removed_on=None)


# -- the senders


async def _hand_over(
    store: SqlStore, database: str, directory: Path, chance: random.Random
) -> tuple[dict[str, int], int]:
    key, public_key = new_keys(directory)
    faults = deque(chance.choice(_LOST) if chance.random() < 0.1 else Fault() for _ in range(100_000))
    killed = 0
    async with NotifySimulator(public_key, CHANNELS, fate=Fate(("",)), faults=faults) as notify:
        words = [database, notify.url, notify.token_url, notify.client, notify.kid, str(key)]
        words += [datetime.now(UTC).isoformat(), str(SPEED)]
        while any(await store.read(lambda tx: (tx.communications.wishes(), tx.communications.waiting_batches()))):
            killed += sum(await asyncio.gather(*(_one_life(words, chance) for _ in range(SENDERS))))
            progress(f"{len(notify.taken):,} accepted, {killed} senders killed")
        return dict(notify.taken), killed


async def _one_life(words: Sequence[str], chance: random.Random) -> int:
    """A sender, killed in the midst of its work."""
    sender = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.soak.sender", *words)
    try:
        await asyncio.wait_for(sender.wait(), chance.uniform(2.0, 9.0))
        raise RuntimeError("a sender ended by itself: what it said stands above")
    except TimeoutError:
        return 1
    finally:
        if sender.returncode is None:
            sender.kill()
            await sender.wait()
