"""One discharge as a clerk needs to see it: what the clinic says, what is asked, her record, who may be meant."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hub.domain.events import DischargeReported
from hub.errors import Reason
from hub.verbs.speaking import say
from hub.verbs.task_view import say_people, say_record

if TYPE_CHECKING:
    from hub.domain.people import Participant
    from hub.flow.ports.recall import ActionRow
    from hub.flow.ports.results import DecisionRow, DischargeRow, TaskRow
    from hub.flow.ports.store import Transaction

SHOWN_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class DischargeView:
    """Everything about a discharge. `task` is the newest about it; `record` that of the person where she is certain."""

    row: DischargeRow
    task: TaskRow | None
    people: list[Participant]
    record: dict[str, Any] | None
    action: ActionRow | None
    decisions: list[DecisionRow]

    def fields(self) -> dict[str, Any]:
        """For programs."""
        return {
            **fields_of(self.row, self.task),
            "candidates": list(self.task.candidates) if self.task else [],
            "record": self.record,
            "decisions": [
                {"action": one.action, "by": one.by, "why": one.why, "at": one.decided_at.isoformat()}
                for one in self.decisions
            ],
        }


def view_of(tx: Transaction, row: DischargeRow) -> DischargeView:
    """Read the view in one steady look at the store."""
    tasks = tx.tasks.of_discharge(row.discharge_id)
    task = tasks[-1] if tasks else None
    named = [tx.cohort.get(one["participant_id"]) for one in (task.candidates if task else ())[:SHOWN_CANDIDATES]]
    whose = row.participant_id or (task.participant_id if task else None)
    return DischargeView(
        row,
        task,
        [person for person in named if person],
        tx.records.get(whose) if whose else None,
        tx.actions.get(row.action_id) if row.action_id else None,
        [decision for each in tasks for decision in tx.tasks.decisions(each.task_id)],
    )


def fields_of(row: DischargeRow, task: TaskRow | None) -> dict[str, Any]:
    """A discharge for programs: no demographics."""
    said = row.event.discharge if isinstance(row.event, DischargeReported) else None
    return {
        "discharge_id": row.discharge_id,
        "feed": row.feed,
        "file": row.journal_seq,
        "row": row.position.split(".")[0],
        "state": row.state,
        "received_at": row.received_at.isoformat(),
        "clinic": said.clinic_code if said else None,
        "discharged_on": said.discharged_on.isoformat() if said else None,
        "seen_on": said.seen_on.isoformat() if said and said.seen_on else None,
        "clinics_date": said.next_test_due_on.isoformat() if said else None,
        "due_on": row.due_on.isoformat() if row.due_on else None,
        "participant_id": row.participant_id or (task.participant_id if task else None),
        "task_id": task.task_id if task else None,
        "reason": task.reason if task else None,
        "hint": task.hint if task else None,
        "clock_ends_on": task.due_on.isoformat() if task and task.state != "closed" else None,
    }


def say_discharge(view: DischargeView) -> None:
    """The view for a person at a terminal."""
    from hub.domain.dates import day_in_england

    said, received_on = fields_of(view.row, view.task), day_in_england(view.row.received_at)
    say(f"discharge {said['discharge_id']}   {said['state']}")
    say(f"clinic {said['clinic'] or '?'}, file {said['file']}, row {said['row']}, received {received_on}")
    say(f"discharged {said['discharged_on'] or '?'}, last seen {said['seen_on'] or 'not said'}")
    say(f"the clinic's date for the next test: {said['clinics_date'] or '?'}")
    if view.row.due_on:
        say(f"the date that counts: {view.row.due_on}")
    if view.action:
        say(f"applied by {view.action.by}: {view.action.why}")
    if view.task and view.task.state != "closed":
        _say_task(view.task)
    if view.record:
        say_record(view.record)
    say_people("the clinic says", view.row.event.claim, view.people, view.task.candidates if view.task else ())
    for one in view.decisions:
        say(f"\n{one.decided_at:%Y-%m-%d %H:%M:%S}Z  {one.action} by {one.by}: {one.why}")


def _say_task(task: TaskRow) -> None:
    sentence = next(reason.sentence for reason in Reason if reason.code == task.reason)
    say(f"\n{task.reason}: {sentence}")
    for line in (task.hint, f"place {task.place}" if task.place else ""):
        if line:
            say(line)
    say(f"its clock ends on {task.due_on}")
