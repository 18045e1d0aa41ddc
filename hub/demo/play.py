"""Plays the story: the cohort goes in, three laboratories send over real MLLP sockets, and every end is looked at."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from adapters.pds_events import read_events
from hub.app import Running, context_of, running, wall_clock
from hub.config import Settings
from hub.contract import result_identity
from hub.demo.case import Case, Sending, complaints, digest_of
from hub.demo.pds import simulated_pds
from hub.demo.story import Story, story
from hub.demo.telling import told_people, with_callbacks
from hub.flow.cohort_import import take_people
from hub.flow.hearing import Hearing
from hub.flow.ports.store import Transaction
from hub.flow.step import Step
from hub.formats.hl7v2 import read
from hub.io.mllp import MllpClient

PATIENCE = 30.0


@dataclass(slots=True)
class Progress:
    """What has happened so far, for whoever shows it."""

    sent: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    ended: dict[int, list[str]] = field(default_factory=dict)
    """Case number → its complaints; a case that is not in here has not ended yet."""
    answered_otherwise: dict[int, list[str]] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Told:
    """The story when it is over. `summary` is what `--json` prints; `cases` the cases with their complaints."""

    summary: dict[str, Any]
    cases: list[tuple[Case, list[str]]]
    data: Path

    @property
    def well(self) -> bool:
        """Nothing lost, every case as it should be, and everybody told: all but the one who cannot be reached."""
        told, wished = self.summary["told"], sum(self.summary["letters"].values())
        everybody = told == {"delivered": wished - 1, "failed": 1}
        return self.summary["lost"] == 0 and everybody and not any(wrong for _, wrong in self.cases)


async def play(settings: Settings, shown: Callable[[Story, Progress], None], ordinary: int, seed: int = 1) -> Told:
    """Play the whole story on a fresh store in `settings.data`."""
    now = wall_clock()
    told = story(now, seed, ordinary)
    progress = Progress()
    async with (
        simulated_pds(told.registered, settings) as settings,
        running(with_callbacks(settings)) as hub,
    ):
        context = context_of(settings)
        people = told.participants
        await hub.store.write(lambda tx: take_people(Step(tx, context.policies, now, str(uuid.uuid4())), people))
        shown(told, progress)
        return await _played(hub, told, progress, shown, settings)


async def _played(
    hub: Running, told: Story, progress: Progress, shown: Callable[[Story, Progress], None], settings: Settings
) -> Told:
    every = [*told.cases, *told.ordinary]
    started = perf_counter()
    async with asyncio.TaskGroup() as laboratories:
        for feed in {case.feed for case in every}:
            mine = [case for case in every if case.feed == feed]
            laboratories.create_task(_laboratory(hub, mine, progress, lambda: shown(told, progress)))
    await _until_nothing_waits(hub)
    progress.seconds = perf_counter() - started
    ends = await hub.store.read(lambda tx: [_ended(tx, case, progress) for case in every])
    progress.ended = dict(enumerate(ends))
    shown(told, progress)
    summary = await hub.store.read(lambda tx: _summary(tx, progress, every))
    cases = list(zip(every, ends, strict=True))
    summary["told"] = await told_people(hub, settings)
    summary["wrong"] = [{"case": case.name, "complaints": wrong} for case, wrong in cases if wrong]
    return Told(summary, cases, settings.data)


async def _laboratory(hub: Running, cases: list[Case], progress: Progress, show: Callable[[], None]) -> None:
    """One laboratory: one connection, its cases one after the other, as laboratories do."""
    async with MllpClient("127.0.0.1", hub.mllp_port) as client:
        for case in cases:
            for sending in case.sendings:
                await _send(hub, client, case, sending, progress)
                show()
            if case.heard:
                await Hearing(read_events, hub.store, wall_clock).take(case.heard, "mesh", "PDS")


async def _send(hub: Running, client: MllpClient, case: Case, sending: Sending, progress: Progress) -> None:
    if not client.connected:
        await client.connect()
    reply = read(await client.send(sending.raw, PATIENCE))
    code = reply.messages[0].get("MSA-1") if reply.messages else ""
    progress.sent += 1
    progress.answers[code] += 1
    if code != sending.answer:
        progress.answered_otherwise.setdefault(id(case), []).append(f"answered {code}, not {sending.answer}")
    elif len(case.sendings) > 1 or case.heard:
        await _settled(hub, case, sending)


async def _settled(hub: Running, case: Case, sending: Sending) -> None:
    """Cases of several messages are told in turn: wait until the hub has made up its mind about this one."""
    digest = digest_of(sending.raw)
    wanted = [result_identity(case.feed, digest, f"1.{number}") for number, _ in enumerate(sending.ends, 1)]

    def unsettled(tx: Transaction) -> bool:
        return any((row := tx.results.get(result_id)) is None or not row.state for result_id in wanted)

    with suppress(TimeoutError):  # what has not settled by then is a complaint at the end
        async with asyncio.timeout(PATIENCE):
            while await hub.store.read(unsettled):  # noqa: ASYNC110 - the worker does not know who waits
                await asyncio.sleep(0.01)


async def _until_nothing_waits(hub: Running) -> None:
    """Neither an event for a worker nor a question for PDS."""

    def waits(tx: Transaction) -> bool:
        asked = sum(backlog.waiting for backlog in tx.questions.backlog().values())
        return any(tx.events.backlog().values()) or asked > 0

    async with asyncio.timeout(2 * PATIENCE):
        while await hub.store.read(waits):  # noqa: ASYNC110 - workers and asker do not know who waits
            await asyncio.sleep(0.02)


def _ended(tx: Transaction, case: Case, progress: Progress) -> list[str]:
    return [*progress.answered_otherwise.get(id(case), ()), *complaints(tx, case)]


def _summary(tx: Transaction, progress: Progress, cases: list[Case]) -> dict[str, Any]:
    journal = tx.counts.journal()
    missing = sum(
        not (tx.journal.find(case.feed, digest_of(sending.raw)) or tx.journal.find("", digest_of(sending.raw)))
        for case in cases
        for sending in case.sendings
        if sending.answer in ("AA", "AE")
    )
    return {
        "sent": progress.sent,
        "answers": dict(sorted(progress.answers.items())),
        "stored": sum(count for state, count in journal.items() if state not in ("repeats", "acknowledgement")),
        "duplicates": journal["repeats"],
        "heard_of_pds": sum(bool(case.heard) for case in cases),
        "rejected": tx.counts.refusals(),
        "matched": tx.counts.results().get("recorded", 0),
        "parked": tx.counts.parked(),
        "letters": tx.counts.letters(),
        "letters_held": tx.counts.letters_held(),
        "lost": missing + tx.counts.without_outcome(),
        "seconds": round(progress.seconds, 2),
    }
