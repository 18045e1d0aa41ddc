"""The daily run of call and recall on cohorts of 10,000, 100,000 and (HUB_TEST_ALL=1) 1,000,000 people in PostgreSQL.

Everybody has two tests behind her, with their results, matches, facts and letters. A usual day's share is 1 in 400 of
the cohort: as many on each of the four steps. The backlog is that of 40 missed days, a tenth of the cohort.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import perf_counter
from typing import Any

import msgspec
import psycopg

from hub.app import context_of
from hub.config import Settings
from hub.contract import named_identity
from hub.domain.call import Entry
from hub.domain.dates import add_months
from hub.domain.events import TestResult
from hub.domain.facts import CallStep, Fact, ResultFact, StepFact
from hub.domain.record import fold
from hub.flow.ports.recall import RunReport
from hub.flow.recall_run import RecallRun
from hub.io.store import SqlStore
from hub.io.store.engine import connect_store
from hub.io.store.records import record_values
from tests.bench.inside import Took
from tests.bench.report import line, note, progress, title
from tests.servers import PostgresNode

SIZES = (10_000, 100_000, *([1_000_000] if os.environ.get("HUB_TEST_ALL") else ()))
ENGLAND = 16_000_000
ON, MISSED = date(2026, 6, 23), 40
BORN = date(1990, 5, 14)
SHARE = 1600
"""One in so many takes each step on each day."""
FLAT = 1.5
POLICIES = context_of(Settings()).policies
STEPS = (CallStep.NOTIFIED, CallStep.INVITED, CallStep.REMINDED, CallStep.NON_RESPONDER)
PERSON = "abcdef12-1111-4111-8111-111111111111"
"""Stands in every folded text where a person's own id goes."""


@dataclass(frozen=True, slots=True)
class Kind:
    """People who are alike but for their ids: what was folded once is copied for each."""

    facts: tuple[Fact, ...]
    record: dict[str, Any]
    about: date


def main() -> None:
    took: dict[str, list[float]] = {}
    with PostgresNode(durable=True) as postgres:
        for size in SIZES:
            postgres.create_database(f"recall_{size}")
            url = postgres.url(f"recall_{size}")
            connect_store(url).close_now()
            progress(f"{size:,} people")
            fill(url, size)
            for name, figure in measure(url).items():
                took.setdefault(name, []).append(figure)
            postgres.drop_database(f"recall_{size}")
    _show(took)


def measure(url: str) -> dict[str, float]:
    store = connect_store(url)
    try:
        usual_day, usual = _run(store, ON)
        left = _dry(store, ON + timedelta(days=MISSED))
        backlog_day, backlog = _run(store, ON + timedelta(days=MISSED))
        whole = _often(lambda: store.read_now(lambda tx: tx.records.whole_cohort(ON)))
    finally:
        store.close_now()
    steps, more = (sum(report.taken.values()) for report in (usual, backlog))
    return {
        "a usual day, seconds": usual_day.clock,
        "  its steps": steps,
        "  a step, milliseconds": (usual_day.clock - whole) / steps * 1000,
        "the backlog of 40 days, seconds": backlog_day.clock,
        "  its steps ": more,
        "  a step, milliseconds ": (backlog_day.clock - whole) / more * 1000,
        "  of that our own computing": (backlog_day.ours) / more * 1000,
        "count what is due (dry run), milliseconds": left * 1000,
        "where everybody stands, seconds": whole,
    }


def _run(store: SqlStore, on: date) -> tuple[Took, RunReport]:
    took, at = Took(), datetime.combine(on, time(2), UTC)
    with took.more():
        report = RecallRun(store.write_now, POLICIES, lambda: at, on).run()
    return took, report


def _dry(store: SqlStore, on: date) -> float:
    return _often(lambda: store.read_now(lambda tx: tx.records.count_due(on)))


def _often(work: Callable[[], object]) -> float:
    took = []
    for _ in range(3):
        started = perf_counter()
        work()
        took.append(perf_counter() - started)
    return min(took)


def _show(took: dict[str, list[float]]) -> None:
    title("The daily run of call and recall: " + ", ".join(f"{size:,}" for size in SIZES) + " people")
    for name, values in took.items():
        line(name, " ".join(f"{value:,.2f}".rstrip("0").rstrip(".") for value in values), _growth(name, values))
    usual, backlog = took["  a step, milliseconds"][-1] / 1000, took["  a step, milliseconds "][-1] / 1000
    whole = took["where everybody stands, seconds"][-1] / SIZES[-1] * ENGLAND
    title(f"What {ENGLAND:,} would take, one process, on paper")
    line("a usual day, minutes", f"{(usual * ENGLAND * 4 / SHARE + whole) / 60:.1f}")
    line("a tenth of them at once, minutes", f"{(backlog * ENGLAND / 10 + whole) / 60:.0f}")
    line("  of each: where everybody stands, minutes", f"{whole / 60:.1f}")
    if not os.environ.get("HUB_TEST_ALL"):
        note("HUB_TEST_ALL=1 goes to a million.")


def _growth(name: str, values: list[float]) -> str:
    if not name.startswith("  a step"):
        return ""
    growth = values[-1] / values[0]
    return f"x {growth:.2f} (flat: < {FLAT})" + ("" if growth < FLAT else " NOT")


# -- the cohort


def fill(url: str, size: int) -> None:
    """Copy a cohort into an empty database."""
    kinds = list(_kinds(size))
    with psycopg.connect(url) as database:
        database.execute(
            """INSERT INTO journal (seq, feed, digest, door, peer, received_at, control_id, message_type, state,
            results, notes, traceparent, raw) VALUES (1, 'northmoor', 'd', 'mllp', '', now(), '', '', 'accepted', 0,
            '[]', '', '')"""
        )
        for table, rows in _TABLES.items():
            _copy(database, table, (row for number, kind in enumerate(kinds) for row in rows(number, kind)))
    with psycopg.connect(url, autocommit=True) as database:
        database.execute("VACUUM ANALYZE")
        database.execute("CHECKPOINT")


def _copy(database: psycopg.Connection[Any], table: str, rows: Iterator[dict[str, Any]]) -> None:
    first = next(rows)
    names = ", ".join(f'"{name}"' for name in first)
    with database.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
        copy.write_row(tuple(first.values()))
        for row in rows:
            copy.write_row(tuple(row.values()))


def _kinds(size: int) -> Iterator[Kind]:
    """One for each person: whoever is due on the days of the backlog first, then those who are not for long."""
    due = [_kind(step, ON + timedelta(days=day)) for day in range(MISSED + 1) for step in STEPS]
    resting = [_kind(CallStep.NOTIFIED, ON + timedelta(days=MISSED + 1 + 7 * week)) for week in range(150)]
    for number in range(size):
        share = max(1, size // SHARE)
        yield due[number // share] if number < share * len(due) else resting[number % len(resting)]


def _kind(step: CallStep, step_on: date) -> Kind:
    """Somebody whose next step is this one, on this day."""
    due_on = (
        step_on
        + {
            CallStep.NOTIFIED: timedelta(weeks=10),
            CallStep.INVITED: timedelta(weeks=6),
            CallStep.REMINDED: -timedelta(weeks=12),
            CallStep.NON_RESPONDER: -timedelta(weeks=26),
        }[step]
    )
    newest = add_months(due_on, -36)
    due_on = add_months(newest, 36)
    taken = [
        (CallStep.NOTIFIED, due_on - timedelta(weeks=10)),
        (CallStep.INVITED, due_on - timedelta(weeks=6)),
        (CallStep.REMINDED, due_on + timedelta(weeks=12)),
    ]
    facts: list[Fact] = [
        ResultFact(_result_id(PERSON, which), f"{which}{PERSON[1:]}", _test(which, on), "d")
        for which, on in ((2, add_months(newest, -36)), (3, newest))
    ]
    facts += [StepFact(each, on, due_on) for each, on in taken[: STEPS.index(step)]]
    record = fold(Entry(BORN, None), facts, POLICIES)
    assert record.next_step and record.next_step.step is step and record.next_test_due_on == due_on
    return Kind(tuple(facts), record_values(PERSON, record, datetime.combine(ON, time(), UTC)), due_on)


def _test(which: int, on: date) -> TestResult:
    at = datetime.combine(on + timedelta(days=6), time(12), UTC)
    return TestResult("69001", f"{which}{PERSON[1:]}", on, at, "X", "0", "A", repeat_months=36, source_type="1")


def _id(number: int) -> str:
    return f"{number:08x}-1111-4111-8111-111111111111"


def _result_id(person: str, which: int) -> str:
    return person[:9] + f"{which}222" + person[13:]


def _theirs(text: bytes, number: int) -> bytes:
    """Put her own id where the folded text has everybody's."""
    return text.replace(PERSON[:8].encode(), f"{number:08x}".encode())


def _participants(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    yield {
        "participant_id": _id(number), "nhs_number": f"BENCH{number}", "family_name": "Bench", "given_names": "[]",
        "former_family_names": "[]", "date_of_birth": BORN, "address_lines": "[]",
        "practice_code": f"Y{number % 6500:05}", "changed_at": ON,
    }  # fmt: skip


def _records(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    yield {**kind.record, "participant_id": _id(number), "data": _theirs(kind.record["data"], number)}


def _facts(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    for place, fact in enumerate(kind.facts):
        yield {
            "fact_id": f"{place}{_id(number)[1:8]}-{number:04x}"[:13] + _id(number)[13:-4] + f"{place:04}",
            "participant_id": _id(number), "kind": type(fact).__name__,
            "data": _theirs(msgspec.json.encode(fact), number), "recorded_at": ON,
        }  # fmt: skip


def _results(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    for which in (2, 3):
        yield {
            "result_id": _result_id(_id(number), which), "journal_seq": 1, "feed": "northmoor", "digest": "d",
            "position": f"{number}.{which}", "event_id": _result_id(_id(number), which), "type": "ResultReported",
            "laboratory_code": "69001", "slide_number": f"{which}.{number}", "version": "final", "state": "recorded",
            "data": b"{}",
        }  # fmt: skip


def _matches(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    for which in (2, 3):
        yield {
            "match_id": _result_id(_id(number), which), "result_id": _result_id(_id(number), which),
            "participant_id": _id(number), "how": "automatic", "by": "hub", "why": "", "matched_at": ON,
            "undone_by": "",
        }  # fmt: skip


def _letters(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    for which in (2, 3):
        result_id = _result_id(_id(number), which)
        yield _letter(number, "PX0A", result_id, result_id)
    taken = [fact.step for fact in kind.facts if isinstance(fact, StepFact)]
    for step, code in ((CallStep.INVITED, "PA1"), (CallStep.REMINDED, "PA2")):
        if step in taken:
            yield _letter(number, code, kind.about, None)


def _letter(number: int, code: str, about: object, result_id: str | None) -> dict[str, Any]:
    return {
        "letter_id": named_identity(f"letter|{_id(number)}|{about}|{code}" if result_id
                                    else f"letter|{_id(number)}|{code}|{about}"),
        "participant_id": _id(number), "result_id": result_id, "code": code, "state": "wished", "why": "",
        "changed_at": ON,
    }  # fmt: skip


def _notifications(number: int, kind: Kind) -> Iterator[dict[str, Any]]:
    taken = [fact.step for fact in kind.facts if isinstance(fact, StepFact)]
    if taken == [CallStep.NOTIFIED]:
        yield {
            "notification_id": _id(number), "participant_id": _id(number), "practice_code": f"Y{number % 6500:05}",
            "list": "due", "about_due_on": kind.about, "listed_on": ON, "state": "open", "answer": "",
            "answered_by": "",
        }  # fmt: skip


_TABLES: dict[str, Callable[[int, Kind], Iterator[dict[str, Any]]]] = {
    "participants": _participants,
    "records": _records,
    "facts": _facts,
    "results": _results,
    "matches": _matches,
    "letters": _letters,
    "notifications": _notifications,
}
