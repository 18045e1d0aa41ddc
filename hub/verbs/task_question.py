"""`hub tasks ask`: a clerk asks PDS about the claim of a task. Every question is kept, with who asked."""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from hub.errors import CannotRun
from hub.verbs.speaking import say, say_json, settings_of

if TYPE_CHECKING:
    from hub.domain.people import Claim
    from hub.flow.asking import Asked
    from hub.flow.handlers import Context
    from hub.flow.ports.results import TaskRow
    from hub.flow.step import Step
    from hub.io.store import SqlStore

T = TypeVar("T")


def ask_pds(store: SqlStore, task: TaskRow, options: argparse.Namespace) -> int:
    """Ask, let whoever is found be a candidate, and say what PDS said."""
    from hub.app import context_of
    from hub.flow import asking

    settings = settings_of(options)
    if not settings.pds_url:
        raise CannotRun("No PDS is configured. Set HUB_PDS_URL and the other HUB_PDS_ settings.")
    context = context_of(settings)
    asked = asyncio.run(_ask(store, _claim(store, task), options, context, task))
    said = _step(store, context, lambda step: asking.answered_to_clerk(step, task.task_id, asked, by=options.by))
    now = store.read_now(lambda tx: tx.tasks.get(task.task_id)) or task
    if options.json:
        say_json({"said": said, "state": now.state, "outcome": now.outcome, "candidates": list(now.candidates)})
    else:
        say(said)
        settled = f"The task is closed now: {now.outcome}."
        shown = f"The task has {len(now.candidates)} candidates: `hub tasks show {task.task_id[:8]}`."
        say(settled if now.state == "closed" else shown)
    return 0


def _claim(store: SqlStore, task: TaskRow) -> Claim:
    """Where the person is not in doubt, or the task is closed, there is nothing to ask."""
    from hub.flow.parking import MATCHING

    row = store.read_now(lambda tx: tx.results.get(task.result_id))
    if task.state == "closed" or task.reason not in MATCHING or row is None or row.event.claim is None:
        raise CannotRun(
            "PDS is asked where a waiting task does not know the person, and this is none. `hub tasks show` says why."
        )
    return row.event.claim


async def _ask(
    store: SqlStore, claim: Claim, options: argparse.Namespace, context: Context, task: TaskRow
) -> list[Asked]:
    from hub.app import pds_of
    from hub.flow import asking
    from hub.flow.asker import NotAnswered, ask_about

    door = pds_of(settings_of(options), store)
    assert door is not None, "there is a PDS: looked at before"
    async with door as pds:
        try:
            return await ask_about(pds, claim)
        except NotAnswered as away:
            why = away.why
    _step(
        store, context, lambda step: asking.asked_by_clerk(step, task.task_id, "not-answered", by=options.by, why=why)
    )
    raise CannotRun(f"PDS does not answer just now ({why}). Ask again later; `hub pds check` says more.")


def _step(store: SqlStore, context: Context, work: Callable[[Step], T]) -> T:
    """In a transaction of its own; what happened is told after it."""
    from hub.flow.step import Step, tell_all

    cause, results = str(uuid.uuid4()), []

    def done(tx: Any) -> Step:
        step = Step(tx, context.policies, context.clock(), cause=cause)
        results.append(work(step))
        return step

    tell_all(store.write_now(done).told)
    return results[-1]
