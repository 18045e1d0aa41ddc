"""Reconciliation: a laboratory's list of the slides it sent on a day against ours, difference by difference.

Every slide of either list is counted once and stands in exactly one place: in both, missing here, or missing there.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from hub.contract import named_identity
from hub.domain.dates import ENGLAND, day_in_england
from hub.flow.ports.feeds import RefusedLater, SlideRow
from hub.flow.ports.files import OutgoingRow
from hub.flow.ports.store import Clock, Store, Transaction
from hub.mapping import FeedTable

CATCH_UP_DAYS = 7
"""A schedule that was away makes up for so many days."""
KIND = "reconciliation"
_READY = timedelta(hours=1)
"""After midnight in England: what came at its last moment is written down by then."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A slide of our list. `outcome`: taken, or refused with `reason` and `place`."""

    slide_number: str
    outcome: str
    reason: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class MissingHere:
    """A slide of theirs that did not come that day. `known` says what we have instead: nothing, another-day, or
    refused (then why)."""

    slide_number: str
    known: str
    reason: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The two lists of a feed and a day. `theirs` counts their distinct slides; None where they gave no list."""

    feed: str
    on: date
    ours: tuple[Ours, ...]
    theirs: int | None
    repeated_in_theirs: int
    in_both: int
    missing_here: tuple[MissingHere, ...]
    missing_there: tuple[str, ...]
    without_number: int
    refused_later: tuple[RefusedLater, ...]

    @property
    def agrees(self) -> bool:
        return not self.missing_here and not self.missing_there

    def as_json(self) -> dict[str, Any]:
        later = [
            {
                "slide_number": one.slide_number,
                "reason": one.reason,
                "refused_at": one.refused_at.isoformat() if one.refused_at else None,
            }
            for one in self.refused_later
        ]
        return {
            "feed": self.feed,
            "on": self.on.isoformat(),
            "taken": sum(one.outcome == "taken" for one in self.ours),
            "refused": sum(one.outcome == "refused" for one in self.ours),
            "without_number": self.without_number,
            "theirs": self.theirs,
            "repeated_in_theirs": self.repeated_in_theirs,
            "in_both": self.in_both,
            "missing_here": [asdict(one) for one in self.missing_here],
            "missing_there": list(self.missing_there),
            "refused_later": later,
            "ours": [asdict(one) for one in self.ours],
        }


def reconcile(tx: Transaction, feed: str, on: date, theirs: Sequence[str] | None = None) -> Reconciliation:
    """Our list of a day in England, and against theirs where they gave one."""
    since, until = the_day(on)
    rows = tx.slides.received(feed, since, until)
    ours = our_list(rows)
    listed = list(dict.fromkeys(theirs or ()))
    taken = {one.slide_number for one in ours if one.outcome == "taken"}
    absent = [number for number in listed if number not in taken]
    return Reconciliation(
        feed=feed,
        on=on,
        ours=tuple(ours),
        theirs=None if theirs is None else len(listed),
        repeated_in_theirs=len(theirs or ()) - len(listed),
        in_both=len(listed) - len(absent),
        missing_here=tuple(_missing_here(tx, feed, ours, absent)),
        missing_there=() if theirs is None else tuple(sorted(taken.difference(listed))),
        without_number=sum(not row.slide_number for row in rows),
        refused_later=tuple(tx.figures.refused_later(feed, since, until)),
    )


def our_list(rows: Iterable[SlideRow]) -> list[Ours]:
    """Each slide once, in the order of numbers: taken, if it was taken once; else refused as at the last time."""
    found: dict[str, Ours] = {}
    for row in rows:
        before = found.get(row.slide_number)
        if row.slide_number and not (before and before.outcome == "taken"):
            outcome = "refused" if row.reason else "taken"
            found[row.slide_number] = Ours(row.slide_number, outcome, row.reason, row.place)
    return [found[number] for number in sorted(found)]


def _missing_here(tx: Transaction, feed: str, ours: Sequence[Ours], absent: Sequence[str]) -> Iterable[MissingHere]:
    """What we know of each slide that was not taken that day."""
    refused = {one.slide_number: one for one in ours if one.outcome == "refused"}
    other_days = tx.slides.newest_of(feed, [number for number in absent if number not in refused])
    for number in sorted(absent):
        that_day, other = refused.get(number), other_days.get(number)
        if that_day:
            yield MissingHere(number, "refused", that_day.reason, that_day.place)
        elif other:
            yield MissingHere(number, "refused" if other.reason else "another-day", other.reason, other.place)
        else:
            yield MissingHere(number, "nothing")


def read_list(text: str) -> list[str]:
    """Slide numbers of a list: the first column of each line; a first line in letters alone is its heading. Raises
    csv.Error where it is none."""
    lines = io.StringIO(text.removeprefix("\N{BYTE ORDER MARK}"), newline=None)  # whatever ends a line
    rows = [row[0].strip() for row in csv.reader(lines) if row]
    numbers = [number for number in rows if number]
    return numbers[1:] if numbers and not any(sign.isdigit() for sign in numbers[0]) else numbers


def list_of(found: Reconciliation) -> bytes:
    """Our list as a file for the laboratory (CSV)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(("slide_number", "outcome", "reason", "place"))
    writer.writerows((one.slide_number, one.outcome, one.reason, one.place) for one in found.ours)
    later = ((one.slide_number, "refused-later", one.reason, "") for one in found.refused_later)
    writer.writerows(later)
    return out.getvalue().encode()


def the_day(on: date) -> tuple[datetime, datetime]:
    """From midnight to midnight in England."""
    first, last = (datetime.combine(day, time(), ENGLAND) for day in (on, on + timedelta(days=1)))
    return first.astimezone(UTC), last.astimezone(UTC)


async def send_reconciliations(store: Store, clock: Clock, tables: Iterable[FeedTable]) -> None:
    """Wish yesterday's list for every feed whose table says where it goes, and those of the days before that are
    lacking. Each goes once, however often this is done."""
    now = clock()
    today = day_in_england(now - _READY)
    for table in tables:
        if table.answer.mailbox and table.status == "live":
            for back in range(CATCH_UP_DAYS, 0, -1):
                await _send(store, table, today - timedelta(days=back), now)


async def _send(store: Store, table: FeedTable, on: date, now: datetime) -> None:
    local_id = named_identity(f"{KIND}|{table.feed}|{on}")
    if await store.read(lambda tx: tx.outgoing.knows(local_id)):
        return
    await store.write(lambda tx: _wish(tx, table, on, local_id, now))


def _wish(tx: Transaction, table: FeedTable, on: date, local_id: str, now: datetime) -> None:
    """A day without a message of theirs needs no list: then there is nothing to reconcile."""
    tx.hold(f"outgoing {local_id}")
    if tx.outgoing.knows(local_id):
        return
    found = reconcile(tx, table.feed, on)
    if found.ours or found.refused_later:
        tx.outgoing.put(
            OutgoingRow(
                local_id=local_id,
                feed=table.feed,
                kind=KIND,
                mailbox=table.answer.mailbox,
                workflow=table.answer.workflow,
                body=list_of(found),
                wished_at=now,
            )
        )
