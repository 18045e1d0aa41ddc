"""Every wish by state and age, and that none waits silently: each has an end, or a next action."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hub.domain.catalogue import Catalogue
from hub.flow.ports.communications import BatchRow, Silent
from hub.flow.ports.store import Transaction

OVERDUE = timedelta(hours=1)
"""A wish so old should be in somebody's hands: no batch is waited for as long."""
MOST = 1000
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Line:
    """So many letters of a plan stand so. `why`: the rule, or the code of a failure."""

    plan: str
    state: str
    why: str
    many: int
    oldest_at: datetime


@dataclass(frozen=True, slots=True)
class CommunicationReport:
    """`held`: batches that wait to be tried again, each with its reason; nothing more of their plans goes meanwhile.
    `silent`: wishes that nobody would ever come back to. `strangers`: news about messages that are none of ours."""

    lines: tuple[Line, ...]
    held: tuple[BatchRow, ...]
    needing: dict[str, int]
    silent: tuple[Silent, ...]
    strangers: int

    def as_json(self) -> dict[str, Any]:
        return {
            "lines": [{**_fields(line), "oldest_at": line.oldest_at.isoformat()} for line in self.lines],
            "held": [
                {"plan": one.plan, "why": one.why, "tries": one.tries, "again_at": one.look_at.isoformat()}
                for one in self.held
            ],
            "needing_somebody": self.needing,
            "silent": [{"letter_id": one.letter_id, "what": one.what} for one in self.silent],
            "strangers": self.strangers,
        }


def _fields(line: Line) -> dict[str, Any]:
    return {name: getattr(line, name) for name in Line.__slots__}


def communication_report(tx: Transaction, catalogue: Catalogue, at: datetime) -> CommunicationReport:
    held = tuple(batch for batch in tx.communications.waiting_batches() if batch.why)
    plans = {batch.plan for batch in held}
    silent = [
        *tx.communications.silent(at, MOST),
        *_wished_and_left(tx, catalogue, plans, at),
        *_waiting_for_nothing(tx),
    ]
    troubles = tx.communications.troubles()
    return CommunicationReport(
        tuple(_lines(tx, catalogue)), held, troubles, tuple(silent[:MOST]), tx.communications.strangers()
    )


def _lines(tx: Transaction, catalogue: Catalogue) -> list[Line]:
    found: dict[tuple[str, str, str], Line] = {}
    for code, state, why, many, oldest_at in tx.communications.tallies():
        plan = catalogue.letters[code].plan if code in catalogue.letters else code
        before = found.get((plan, state, why))
        oldest = min(before.oldest_at, oldest_at) if before else oldest_at
        found[plan, state, why] = Line(plan, state, why, many + (before.many if before else 0), oldest)
    return [found[key] for key in sorted(found)]


def _wished_and_left(tx: Transaction, catalogue: Catalogue, held: set[str], at: datetime) -> Iterator[Silent]:
    """Wishes of a plan that nothing holds up, and that nobody has taken in their time."""
    late = at - OVERDUE
    overdue = [wish.code for wish in tx.communications.wishes() if wish.oldest_at < late]
    plans = {code: catalogue.letters[code].plan for code in overdue if code in catalogue.letters}
    left = [code for code in overdue if plans.get(code) not in held]
    for wish in tx.communications.wished(left, MOST) if left else ():
        yield Silent(wish.letter_id, "wished-and-left")


def _waiting_for_nothing(tx: Transaction) -> Iterator[Silent]:
    """Letters that wait for a task about her, where there is none."""
    waiting = tx.communications.paused()
    for start in range(0, len(waiting), _AT_ONCE):
        some = waiting[start : start + _AT_ONCE]
        tx.tasks.read_ahead([wish.participant_id for wish in some])
        for wish in some:
            if not tx.tasks.open_for(wish.participant_id):
                yield Silent(wish.letter_id, "waits-for-no-task")
