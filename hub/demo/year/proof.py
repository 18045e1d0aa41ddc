"""The proof of a simulated year: what the hub made of it, held against what truly was, complaint by complaint."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import islice

from adapters.simulators.world.lives import Life
from hub.demo.year.hub import Hub
from hub.domain.dates import day_in_england
from hub.domain.failsafe import Failsafe
from hub.domain.letter_account import account
from hub.domain.policy import DischargeSettings
from hub.domain.record import DECEASED, fold
from hub.errors import Reason
from hub.flow.failsafe import failsafe_at, waiting_silently
from hub.flow.ports.records import Span
from hub.flow.ports.store import Transaction
from hub.flow.reconciliation import reconcile
from hub.flow.recording import entry_of

NAMED = 10
"""So many of one kind are named."""
UNDECIDED_DAYS = 30
FOLDED_AGAIN = 1_000


@dataclass(slots=True)
class Books:
    """What truly was, for whoever reads the hub's account. `lists`: by laboratory and day the slides it had taken."""

    lives: dict[str, Life]
    joined: int = 0
    results: int = 0
    discharges: int = 0
    lists: dict[tuple[str, date], list[str]] = field(default_factory=dict)


def complaints(hub: Hub, books: Books, since: date) -> list[str]:
    """Everything that is not as it should be at the end of a stretch of days, in a sentence each; ids only."""
    return hub.read(lambda tx: list(_complaints(tx, hub.policies.discharge, books, since, hub.now)))


def _complaints(tx: Transaction, settings: DischargeSettings, books: Books, since: date, at: datetime) -> Iterator[str]:
    yield from _of_letters(tx, books)
    yield from _of_people(tx, settings, books, at)
    yield from _of_laboratories(tx, books, since)
    yield from _of_tasks(tx, at)
    listed = sum(tx.discharges.counts().values())
    if listed != books.discharges:
        yield f"discharges: {books.discharges} were listed, {listed} have a row"


def _of_letters(tx: Transaction, books: Books) -> Iterator[str]:
    found = account(tx.letter_account.received(Span()), tx.letter_account.standings(Span()))
    if not found.adds_up:
        yield f"letters: {found.received} results were received, and their places hold {sum(found.places.values())}"
    if found.received != books.results:
        yield f"letters: the laboratories had {books.results} results taken, the hub knows of {found.received}"


def _of_people(tx: Transaction, settings: DischargeSettings, books: Books, at: datetime) -> Iterator[str]:
    found = failsafe_at(tx, at, settings)
    if found.cohort != books.joined:
        yield f"cohort: {books.joined} people came, and there are {found.cohort}"
    if not found.adds_up:
        yield f"failsafe: there are {found.cohort} people, and their places hold {sum(found.places.values())}"
    everywhere = sum(tx.records.whole_cohort(day_in_england(at)).values())
    if everywhere != found.cohort:
        yield f"daily run: there are {found.cohort} people, and its places hold {everywhere}"
    if found.silent:
        yield from (
            f"failsafe: {who} waits silently: {place}"
            for who, place in islice(waiting_silently(tx, at, settings), NAMED)
        )
    yield from islice(_not_as_they_are(tx, books, at), NAMED)


def _not_as_they_are(tx: Transaction, books: Books, at: datetime) -> Iterator[str]:
    """Whoever has died or left is so in the hub, and nobody else."""
    for participant_id, stands in tx.failsafe.each(at):
        gone = books.lives[participant_id].gone
        if (gone == "merged") != stands.merged:
            yield f"cohort: {participant_id} is {gone or 'one person'}, and the hub has her otherwise"
        elif not stands.merged and (gone == "dead") != (stands.gone == DECEASED):
            yield f"cohort: {participant_id} is {gone or 'alive'}, and the hub has her as {stands.gone or 'alive'}"


def _of_laboratories(tx: Transaction, books: Books, since: date) -> Iterator[str]:
    for (feed, on), slides in books.lists.items():
        if on >= since and not reconcile(tx, feed, on, slides).agrees:
            yield f"reconciliation: the list of {feed} of {on} and ours differ"


def _of_tasks(tx: Transaction, at: datetime) -> Iterator[str]:
    old = at - timedelta(days=UNDECIDED_DAYS)
    open_tasks = [*tx.tasks.worklist(NAMED * 100), *tx.tasks.about_discharges(NAMED * 100)]
    for task in islice((task for task in open_tasks if task.opened_at < old), NAMED):
        yield f"tasks: {task.task_id} ({task.reason}) is open for more than {UNDECIDED_DAYS} days"
    if faults := tx.counts.parked().get(Reason.OUR_FAULT.code, 0) + tx.dead.count():
        yield f"faults: {faults} events could not be handled"


def not_as_folded(hub: Hub, people: Sequence[str]) -> list[str]:
    """Whether the columns of these people's records are what their facts fold to today."""

    def look(tx: Transaction) -> list[str]:
        found = []
        for participant_id in people:
            person = tx.cohort.get(participant_id)
            if person is None or person.merged_into:
                continue
            outcome = fold(entry_of(person), tx.records.facts(participant_id), hub.policies)
            kept = tx.records.get(participant_id) or {}
            after = outcome.next_step
            expected = {
                "recall_type": outcome.recall_type,
                "next_test_due_on": outcome.next_test_due_on.isoformat() if outcome.next_test_due_on else None,
                "next_step": after.step.value if after else None,
                "next_step_on": after.on.isoformat() if after else None,
                "ceased": outcome.call.ceased,
            }
            if any(kept.get(name) != value for name, value in expected.items()):
                found.append(f"record: {participant_id} is not as her facts fold")
        return found[:NAMED]

    return hub.read(look)


def places_of(found: Failsafe) -> Mapping[str, int]:
    return {place: count for place, count in found.places.items() if count}
