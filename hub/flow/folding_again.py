"""Every record folded anew, in batches: the tables of the policies have changed, and the columns by which people are
called still say what the old tables made of them."""

from __future__ import annotations

from collections.abc import Callable

from hub.contract import named_identity
from hub.domain.policy import Policies
from hub.flow.ports.store import Clock, Transaction, Work
from hub.flow.recording import refold
from hub.flow.step import Step, Told, person_name, tell_all

BATCH = 200


def fold_again(write: Callable[[Work[object]], object], policies: Policies, clock: Clock) -> int:
    """How many were folded. A batch is a transaction; done again it changes nothing a second time."""
    folded, after, cause = 0, "", f"fold again|{clock()}"

    def fold_batch(tx: Transaction) -> None:
        ids[:] = tx.records.page(after, BATCH)
        told[:] = _fold(tx, ids, policies, clock, cause)

    while True:
        ids: list[str] = []
        told: Told = []
        write(fold_batch)
        tell_all(told)
        if not ids:
            return folded
        folded, after = folded + len(ids), ids[-1]


def _fold(tx: Transaction, ids: list[str], policies: Policies, clock: Clock, cause: str) -> Told:
    tx.hold(*(person_name(participant_id) for participant_id in ids))
    for part in (tx.records, tx.tasks, tx.letters):
        part.read_ahead(ids)
    told: Told = []
    for person in tx.cohort.of(ids):
        step = Step(tx, policies, clock(), named_identity(f"{cause}|{person.participant_id}"))
        step.know([person])
        if not person.merged_into:
            refold(step, person.participant_id)
        told += step.told
    return told
