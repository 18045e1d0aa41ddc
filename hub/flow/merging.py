"""Two participants who were one person: one of them gets the whole history, and the other stays as the trail of it.

Everything of hers moves: facts, matches, tasks, letters, decisions, lists. Which rows those were is kept, so that a
merge can be taken back; what came after it stays with whoever kept the history.
"""

from __future__ import annotations

from dataclasses import replace

from hub.contract import named_identity
from hub.domain.people import Participant
from hub.flow.clerks import Refused, people_changed
from hub.flow.ports.cohort import MergeRow
from hub.flow.ports.store import Transaction
from hub.flow.recording import refold
from hub.flow.settling import follow_up
from hub.flow.step import Step


def merge(step: Step, gone: Participant, kept: Participant, *, by: str, why: str) -> str:
    """All that is known of `gone` belongs to `kept` from now on; returns the merge's id. Raises Refused."""
    if gone.participant_id == kept.participant_id or gone.merged_into or kept.merged_into:
        raise Refused("They are one already, or one of them has become somebody else: look at the merges of each.")
    step.tx.hold_everything()
    moved = step.tx.merges.move(gone.participant_id, kept.participant_id)
    times = len(step.tx.merges.of(gone.participant_id))
    merge_id = named_identity(f"merge|{gone.participant_id}|{kept.participant_id}|{times}")
    step.tx.merges.put(MergeRow(merge_id, gone.participant_id, kept.participant_id, step.now, by, why, moved))
    people = [replace(gone, merged_into=kept.participant_id), _older(kept, gone)]
    step.tx.cohort.put(people, step.now)
    step.forget(people)
    follow_up(step, kept.participant_id)
    return merge_id


def take_apart(step: Step, merge_id: str, *, by: str, why: str) -> None:
    """They were two after all: each has again what she had. Raises Refused."""
    if not by.strip() or not why.strip():
        raise Refused("A decision names who takes it and why.")
    step.tx.hold_everything()
    row = step.tx.merges.get(merge_id)
    if row is None or row.undone_at:
        raise Refused("There is no such merge, or it has been taken back already.")
    step.tx.merges.move_back(row)
    step.tx.merges.put(replace(row, undone_at=step.now, undone_by=by))
    gone, kept = step.tx.cohort.get(row.gone_id), step.tx.cohort.get(row.kept_id)
    assert gone is not None and kept is not None, "participants stay"
    gone = replace(gone, merged_into="")
    step.forget([gone, kept])
    people_changed(step, [gone, kept])
    refold(step, gone.participant_id)  # her record was taken away with the merge


def known_by(tx: Transaction, nhs_number: str) -> Participant | None:
    """Whoever is known by this number, or was before it was replaced."""
    person = tx.cohort.by_nhs_number(nhs_number)
    while person and person.merged_into:
        person = tx.cohort.get(person.merged_into)
    return person


def _older(kept: Participant, gone: Participant) -> Participant:
    """She has been in the cohort since the first of the two came; a date that only one came with is hers."""
    days = [day for day in (kept.joined_on, gone.joined_on) if day]
    return replace(
        kept,
        joined_on=min(days, default=None),
        next_test_due_on=kept.next_test_due_on or gone.next_test_due_on,
    )
