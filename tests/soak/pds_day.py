"""A day of 100,000 change events of PDS, many times faster than life, on real PostgreSQL and with real workers.

Four fifths are about the 20,000 people of the cohort: a change at PDS, whose event comes once, twice or three times,
and late, so that an older one may overtake a newer. The rest are about strangers. The simulated PDS answers with what
it knows at that moment. All of it comes in a few minutes, far faster than questions may go out: so there is a
backlog. The questions keep the agreed pace, shared by two worker processes: five a second in life.

"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time

from adapters.pds_events import KINDS, read_events
from adapters.simulators.pds import PdsSimulator
from adapters.simulators.pds_keys import new_keys
from adapters.simulators.pds_people import Registered
from adapters.simulators.people import synthetic_population
from hub.domain.people import Participant
from hub.flow.asker import AT_ONCE
from hub.flow.cohort_import import KNOWN
from hub.flow.hearing import Hearing
from hub.flow.ports.questions import Backlog
from hub.io.store import SqlStore, connect_store
from tests.bench.report import line, note, progress, title
from tests.bench.roles import environment, role_process, run_program
from tests.servers import PostgresNode

EVENTS = int(os.environ.get("HUB_TEST_EVENTS", "100000"))
SPEED = float(os.environ.get("HUB_TEST_SPEED", "20"))
RATE, WORKERS = 5.0, 2
PEOPLE, STRANGERS = EVENTS // 5, EVENTS // 5
OURS = 0.8
TIMES = (1, 1, 1, 2, 2, 3)
"""How often an event comes, each as likely as the others."""
LATE = 0.2
"""How late at most, as a part of the time in which the changes happen."""
COMES_WITHIN = EVENTS / (RATE * SPEED * 4)
"""Seconds: four times as many events as questions that may be asked meanwhile."""
LOOK_SECONDS, SLICE_SECONDS = 10.0, 0.25
KIND = sorted(KINDS)


@dataclass(frozen=True, slots=True)
class Change:
    """PDS has a new version of somebody."""

    nhs_number: str
    version: int


@dataclass(slots=True)
class Day:
    """What happens when (from 0 to 1): changes at PDS, and events that come to us."""

    changes: list[tuple[float, Change]] = field(default_factory=list)
    events: list[tuple[float, Change]] = field(default_factory=list)

    def newest(self) -> dict[str, int]:
        return {change.nhs_number: change.version for _, change in self.changes}


def a_day(people: list[Participant], strangers: list[Participant], chance: random.Random) -> Day:
    """`EVENTS` events in the order in which they come."""
    day, versions = Day(), dict.fromkeys((person.nhs_number for person in people), 1)
    several = int(EVENTS * OURS * len(TIMES) / sum(TIMES))
    for at in sorted(chance.uniform(0, 1 - LATE) for _ in range(several)):
        number = chance.choice(people).nhs_number
        versions[number] += 1
        day.changes.append((at, Change(number, versions[number])))
    for at, change in day.changes:
        day.events += [(at + chance.uniform(0, LATE), change) for _ in range(chance.choice(TIMES))]
    day.events += [
        (chance.random(), Change(chance.choice(strangers).nhs_number, 2)) for _ in range(EVENTS - len(day.events))
    ]
    day.events.sort(key=lambda each: each[0])
    return day


def main() -> bool:
    population = synthetic_population(PEOPLE + STRANGERS, 1).participants
    people, strangers = population[:PEOPLE], population[PEOPLE:]
    day = a_day(people, strangers, random.Random(1))
    with ExitStack() as stack:
        postgres = stack.enter_context(PostgresNode())
        place = Path(stack.enter_context(TemporaryDirectory()))
        postgres.create_database("day")
        url = postgres.url("day")
        progress(f"{len(people):,} people into the cohort")
        _import(people, place, url)
        return asyncio.run(_lived(day, people, place, url))


def _import(people: list[Participant], place: Path, url: str) -> None:
    file = place / "cohort.ndjson"
    with file.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps({name: getattr(one, name) for name in KNOWN}, default=str) + "\n" for one in people)
    run_program("hub", "cohort", "import", str(file), settings=environment(HUB_DATABASE_URL=url))


async def _lived(day: Day, people: list[Participant], place: Path, url: str) -> bool:
    key, public = new_keys(place)
    known = {one.nhs_number: Registered(one, version=1) for one in people}
    async with PdsSimulator(known, public) as pds:
        settings = environment(
            HUB_DATABASE_URL=url,
            HUB_DATA=str(place),
            HUB_PDS_URL=pds.url,
            HUB_PDS_TOKEN_URL=pds.token_url,
            HUB_PDS_CLIENT=pds.client,
            HUB_PDS_KID=pds.kid,
            HUB_PDS_KEY=str(key),
            HUB_PDS_PER_SECOND=str(RATE * SPEED),
            HUB_LOG="error",
        )
        store = connect_store(url)
        with ExitStack() as workers:
            for _ in range(WORKERS):
                await asyncio.to_thread(workers.enter_context, role_process("worker", settings))
            watch = Watch(store, pds)
            async with asyncio.TaskGroup() as group:
                watching = group.create_task(watch.run())
                await _all_comes(day, known, store, watch)
                await watch.until_nothing_waits()
                watching.cancel()
        try:
            return _shown(day, store, pds, watch)
        finally:
            store.close_now()


async def _all_comes(day: Day, known: dict[str, Registered], store: SqlStore, watch: Watch) -> None:
    """Changes are made and events are heard, each at its time."""
    hearing = Hearing(read_events, store, lambda: datetime.now(UTC))
    changes, began = iter(day.changes), time()
    change = next(changes, None)
    for upto, slice_ in groupby(day.events, key=lambda each: each[0] * COMES_WITHIN // SLICE_SECONDS + 1):
        await asyncio.sleep(max(0.0, began + upto * SLICE_SECONDS - time()))
        while change and change[0] * COMES_WITHIN <= upto * SLICE_SECONDS:
            _made(change[1], known)
            change = next(changes, None)
        events = [change for _, change in slice_]
        await hearing.take(
            b"\n".join(_worded(each, watch.heard + place) for place, each in enumerate(events)), "mesh", "MNS"
        )
        watch.heard += len(events)
    watch.came = time() - began


def _made(change: Change, known: dict[str, Registered]) -> None:
    before = known[change.nhs_number]
    moved = replace(before.person, address_lines=(_lane(change.version),))
    known[change.nhs_number] = replace(before, person=moved, version=change.version)


def _lane(version: int) -> str:
    return f"{version} Mill Lane"


def _worded(change: Change, number: int) -> bytes:
    said = {"specversion": "1.0", "id": f"e{number}", "source": "uk.nhs.personal-demographics-service"}
    return json.dumps({**said, "type": KIND[number % len(KIND)], "subject": change.nhs_number}).encode()


@dataclass(slots=True)
class Watch:
    """Says how far behind the questions are, as the day goes on."""

    store: SqlStore
    pds: PdsSimulator
    began: float = field(default_factory=time)
    heard: int = 0
    came: float = 0.0
    longest: timedelta = timedelta(0)
    most: int = 0

    async def run(self) -> None:
        while True:
            backlog = await self.look()
            progress(
                f"{in_life(time() - self.began)}: heard {self.heard:,}, asked {len(self.pds.seen):,}, waiting "
                f"{backlog.waiting:,}, the oldest for {in_life(self._age(backlog).total_seconds())}"
            )
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> Backlog:
        backlog = await self.store.read(lambda tx: tx.questions.backlog()["person"])
        self.most, self.longest = max(self.most, backlog.waiting), max(self.longest, self._age(backlog))
        return backlog

    async def until_nothing_waits(self) -> None:
        while (await self.look()).waiting:  # noqa: ASYNC110 - the workers are other processes: nothing would wake us
            await asyncio.sleep(1.0)

    def _age(self, backlog: Backlog) -> timedelta:
        return datetime.now(UTC) - backlog.oldest_at if backlog.oldest_at else timedelta(0)


def in_life(seconds: float) -> str:
    """Hours and minutes as they would be at the true pace."""
    minutes = round(seconds * SPEED / 60)
    return f"{minutes // 60}:{minutes % 60:02} h"


def _shown(day: Day, store: SqlStore, pds: PdsSimulator, watch: Watch) -> bool:
    newest, moments = day.newest(), [seen.at for seen in pds.seen]
    took = moments[-1] - moments[0]
    kept = store.read_now(lambda tx: [tx.cohort.by_nhs_number(number) for number in newest])
    right = sum(one is not None and _is(one, newest[one.nhs_number]) for one in kept)
    asked = {seen.path.rpartition("/")[2] for seen in pds.seen}
    minute, over = 60 / SPEED, 0
    allowed = RATE * 60 + WORKERS * AT_ONCE
    busiest = max(_windows(moments, minute))
    over = sum(count > allowed for count in _windows(moments, minute))
    met = [right == len(newest), asked <= newest.keys(), over == 0]
    title(f"A day of {EVENTS:,} change events of PDS, {SPEED:g} times faster than life, {WORKERS} workers")
    line("events, of them about strangers, and repeats", f"{EVENTS:,}", f"{_strangers(day):,}; {_repeats(day):,}")
    line("changes at PDS, of so many people", f"{len(day.changes):,}", f"{len(newest):,}")
    line("all had come after", in_life(watch.came))
    line("requests to PDS", f"{len(moments):,}", f"{len(moments) / EVENTS:.0%} of the events")
    line("  a second, over the whole time", f"{len(moments) / took / SPEED:.2f}", f"{RATE:g}")
    line("  in the busiest minute", f"{busiest}", f"{allowed:.0f} with those under way", met=over == 0)
    line("  minutes over that", f"{over}", "0", met=over == 0)
    line("  about people who are not of the cohort", f"{len(asked - newest.keys())}", "0", met=met[1])
    line("most questions that waited; the longest for", f"{watch.most:,}", in_life(watch.longest.total_seconds()))
    line("everything was known after", in_life(time() - watch.began))
    line("people as PDS has them now, to the newest version", f"{right:,}", f"{len(newest):,}", met=met[0])
    note(
        f"In life {len(moments):,} requests at {RATE:g} a second take {in_life(len(moments) / RATE / SPEED)}; "
        f"a day has room for {RATE * 86_400:,.0f}."
    )
    return all(met)


def _is(person: Participant, version: int) -> bool:
    return (person.pds_version, person.address_lines) == (version, (_lane(version),))


def _windows(moments: list[float], seconds: float) -> Iterator[int]:
    """From each moment on, how many lie within so many seconds."""
    end = 0
    for start, moment in enumerate(moments):
        while end < len(moments) and moments[end] < moment + seconds:
            end += 1
        yield end - start


def _strangers(day: Day) -> int:
    ours = day.newest()
    return sum(change.nhs_number not in ours for _, change in day.events)


def _repeats(day: Day) -> int:
    ours = day.newest()
    told = [change for _, change in day.events if change.nhs_number in ours]
    return len(told) - len(set(told))
