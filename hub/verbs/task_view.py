"""One task as a clerk needs to see it: what is asked, the result, her record, the people who may be meant."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from hub.domain.events import ReportParked
from hub.verbs.speaking import say, say_table

if TYPE_CHECKING:
    from hub.domain.people import Claim, Participant
    from hub.flow.ports.results import DecisionRow, ResultRow, TaskRow
    from hub.flow.ports.store import Transaction

GENDERS = {"0": "not known", "1": "M", "2": "F", "9": "not specified"}
"""The codes of the cohort in the words laboratories use (domain.md 2.9)."""
URGENCY = {0: "urgent", 1: "abnormal", 2: "normal"}
MARKS = {"agrees": "=", "similar": "~", "differs": "#", "missing": " "}
SHOWN_CANDIDATES = 5
SIBLINGS_AMONG = 1_000
WITHHELD = "withheld (restricted)"


@dataclass(frozen=True, slots=True)
class TaskView:
    """Everything about a task. `versions` are the other reports of the same slide, `siblings` the other open tasks
    that claim the same person, `record` that of the person where she is certain."""

    task: TaskRow
    row: ResultRow
    versions: list[ResultRow]
    siblings: list[TaskRow]
    people: list[Participant]
    record: dict[str, Any] | None
    decisions: list[DecisionRow]


def view_of(tx: Transaction, task: TaskRow) -> TaskView:
    """Read the view in one steady look at the store."""
    row = tx.results.get(task.result_id)
    assert row is not None, "a task names a result"
    slide = row.event if isinstance(row.event, ReportParked) else row.event.result
    versions = tx.results.of_slide(slide.laboratory_code or "", slide.slide_number) if slide.slide_number else []
    people = [tx.cohort.get(candidate["participant_id"]) for candidate in task.candidates[:SHOWN_CANDIDATES]]
    return TaskView(
        task=task,
        row=row,
        versions=[version for version in versions if version.result_id != row.result_id],
        siblings=[
            other
            for other in tx.tasks.worklist(SIBLINGS_AMONG)
            if other.person_key == task.person_key and other.task_id != task.task_id
        ],
        people=[person for person in people if person],
        record=tx.records.get(task.participant_id) if task.participant_id else None,
        decisions=tx.tasks.decisions(task.task_id),
    )


def spoken_age(since: datetime) -> str:
    """How long something waits, roughly: 40 s, 12 min, 5 h."""
    seconds = max(0, int((datetime.now(UTC) - since).total_seconds()))
    return f"{seconds} s" if seconds < 120 else f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"


def task_fields(task: TaskRow) -> dict[str, Any]:
    """A task for programs: no demographics, only ids, reasons and the findings' sentences."""
    return {
        "task_id": task.task_id,
        "result_id": task.result_id,
        "reason": task.reason,
        "state": task.state,
        "outcome": task.outcome,
        "note": task.note,
        "priority": task.priority,
        "due_on": task.due_on.isoformat(),
        "participant_id": task.participant_id,
        "person_key": task.person_key,
        "place": task.place,
        "hint": task.hint,
        "opened_at": task.opened_at.isoformat(),
        "closed_at": task.closed_at.isoformat() if task.closed_at else None,
        "closed_by": task.closed_by,
        "candidates": list(task.candidates),
    }


def view_fields(view: TaskView) -> dict[str, Any]:
    """The same view for programs."""
    return {
        **task_fields(view.task),
        "result": _facts(view.row),
        "other_versions": [_facts(version) for version in view.versions],
        "same_person": [other.task_id for other in view.siblings],
        "record": view.record,
        "decisions": [
            {"action": one.action, "by": one.by, "why": one.why, "at": one.decided_at.isoformat()}
            for one in view.decisions
        ],
    }


def say_view(view: TaskView) -> None:
    """The view for a person at a terminal."""
    _say_head(view.task)
    _say_results(view)
    if view.record:
        say_record(view.record)
    say_people("the laboratory says", view.row.event.claim, view.people, view.task.candidates)
    for other in view.siblings:
        say(f"\nthe same person: task {other.task_id[:8]}, {other.reason}")
    for one in view.decisions:
        say(f"\n{one.decided_at:%Y-%m-%d %H:%M:%S}Z  {one.action} by {one.by}: {one.why}")


def _say_head(task: TaskRow) -> None:
    from hub.flow.settling import REASONS

    say(f"task {task.task_id}   {task.state}{' (' + task.outcome + ')' if task.outcome else ''}")
    say(f"{task.reason}: {REASONS[task.reason].sentence}")
    for line in (task.hint, f"place {task.place}" if task.place else "", task.note):
        if line:
            say(line)
    say(f"due {task.due_on} · {URGENCY.get(task.priority, 'normal')}")
    if task.participant_id:
        say(f"the person is certain: participant {task.participant_id}")


def _facts(row: ResultRow) -> dict[str, Any]:
    """What a report says of the sample; of one that could not be read to its end, what could be read."""
    known: dict[str, Any] = {"result_id": row.result_id, "state": row.state, "feed": row.feed}
    if isinstance(row.event, ReportParked):
        return {**known, "laboratory": row.event.laboratory_code, "slide": row.event.slide_number}
    result = row.event.result
    return {
        **known,
        "laboratory": result.laboratory_code,
        "slide": result.slide_number,
        "codes": result.combination or None,
        "months stated": result.repeat_months,
        "self-sample": result.self_sample,
        "test date": result.test_on.isoformat(),
        "version": result.version.value,
        "authorised": result.authorised_at.isoformat(),
        "source type": result.source_type,
        "sender": result.sender_code,
    }


def _say_results(view: TaskView) -> None:
    """The result, and beside it whatever else was reported under its slide."""
    columns = [_facts(view.row), *(_facts(version) for version in view.versions)]
    names = list(dict.fromkeys(name for column in columns for name in column))
    headings = ("", "this report", *("of the same slide" for _ in view.versions))
    say()
    say_table(headings, ((name, *(_shown(column.get(name)) for column in columns)) for name in names))


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


def say_record(record: dict[str, Any]) -> None:
    """Her recall and the results it comes from."""
    say(f"\nher record: recall type {record['recall_type']}, next test due {record['next_test_due_on'] or 'none'}")
    rows = [
        (kept["test_on"], kept["combination"], kept["months"] or "", kept["slide_number"], kept["laboratory_code"])
        for kept in record["results"]
    ]
    if rows:
        say_table(("test date", "codes", "months", "slide", "laboratory"), rows)


def say_people(
    who: str, claim: Claim | None, people: list[Participant], candidates: tuple[dict[str, Any], ...]
) -> None:
    """What the sender says of her beside the people who may be meant; `who` heads the first column."""
    if claim is None:
        say("\nNothing of the person could be read.")
        return
    columns = [_claimed(claim), *(_known(person) for person in people)]
    headings = ("", who, *(f"candidate {number}" for number, _ in enumerate(people, 1)))
    say()
    say_table(headings, ((name, *(column[name] for column in columns)) for name in columns[0]))
    for number, candidate in enumerate(candidates[:SHOWN_CANDIDATES], 1):
        say(f"\ncandidate {number}: {candidate['score']:.2f}   participant {candidate['participant_id']}")
        for finding in candidate["findings"]:
            say(f"  {MARKS.get(finding['verdict'], '?')} {finding['sentence']}")


def _claimed(claim: Claim) -> dict[str, str]:
    return {
        "NHS number": claim.nhs_number or "",
        "family name": claim.family_name or "",
        "former names": ", ".join(claim.former_family_names),
        "given names": " ".join(claim.given_names),
        "date of birth": str(claim.date_of_birth or ""),
        "sex": claim.sex or "",
        "postcode": claim.postcode or "",
        "address": ", ".join(claim.address_lines),
    }


def _known(person: Participant) -> dict[str, str]:
    return {
        "NHS number": person.nhs_number,
        "family name": person.family_name,
        "former names": ", ".join(person.former_family_names),
        "given names": " ".join(person.given_names),
        "date of birth": str(person.date_of_birth),
        "sex": GENDERS.get(person.gender or "", person.gender or ""),
        "postcode": WITHHELD if person.restricted else person.postcode or "",
        "address": WITHHELD if person.restricted else ", ".join(person.address_lines),
    }
