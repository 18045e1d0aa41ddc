"""Who may see whom: people of the Defence Medical Services and of the Isle of Man are their own workgroups' alone.

Every listing that shows people takes the workgroups of whoever asks, and shows nobody else: not even that she exists.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Any

from hub.domain.people import Participant
from hub.flow.ports.results import TaskRow
from hub.flow.ports.store import Transaction


def visible_people(people: Iterable[Participant], workgroups: Collection[str]) -> list[Participant]:
    """Those whom a member of these workgroups may see."""
    return [person for person in people if person.workgroup in workgroups]


def visible_tasks(tx: Transaction, tasks: Iterable[TaskRow], workgroups: Collection[str]) -> list[TaskRow]:
    """The tasks of a worklist that a member of these workgroups may see, with the candidates that may be seen. Whose
    task it is, the person says that is certain, or the best of the candidates; one that fits nobody is everybody's."""
    tasks = list(tasks)
    named = {each for task in tasks for each in _named(task)}
    seen = {person.participant_id for person in visible_people(tx.cohort.of(sorted(named)), workgroups)}
    return [_without_hidden(task, seen) for task in tasks if _is_seen(task, seen)]


def _is_seen(task: TaskRow, seen: Collection[str]) -> bool:
    return all(whom in seen for whom in _named(task)[:1])


def _named(task: TaskRow) -> list[str]:
    """The people a task names, the likeliest first."""
    certain = [task.participant_id] if task.participant_id else []
    return [*certain, *(_whom(candidate) for candidate in task.candidates)]


def _whom(candidate: dict[str, Any]) -> str:
    return str(candidate["participant_id"])


def _without_hidden(task: TaskRow, seen: Collection[str]) -> TaskRow:
    return replace(task, candidates=tuple(each for each in task.candidates if _whom(each) in seen))
