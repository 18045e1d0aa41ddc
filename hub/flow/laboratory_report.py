"""The weekly report to a laboratory: how quickly it was answered, what was refused and why, and how its peers do.

No person is in it: places, reasons and numbers of messages. Of its peers it says the median, never which they are.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from typing import Any

from hub.contract import Adapter
from hub.domain.dates import ENGLAND, day_in_england
from hub.errors import Reason, Reject
from hub.flow.ports.feeds import AnswerCount
from hub.flow.ports.store import Transaction
from hub.mapping import FeedTable, FeedTables

FAULTS = 10
REUSED = 50
LEAST_PEERS = 2
"""Of a single peer its figures would be known, and whose they are."""
_OCCURRENCE = re.compile(r"\[\d+\]")
_SENTENCES = {reason.code: reason.sentence for reason in Reason}


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures by which laboratories compare. None where there is nothing to count."""

    messages: int
    ack_p50_ms: int | None
    ack_p95_ms: int | None
    refused_share: float | None
    clerk_share: float | None


@dataclass(frozen=True, slots=True)
class Fault:
    """One kind of fault. `hint` is what the hub says of the newest example beside the reason; `control_id` names it."""

    reason: str
    sentence: str
    place: str
    count: int
    hint: str
    control_id: str


@dataclass(frozen=True, slots=True)
class LaboratoryReport:
    """`peers` holds the medians of the other feeds; None where there are too few of them."""

    feed: str
    name: str
    first_on: date
    last_on: date
    own: Figures
    peers: Figures | None
    objective_ms: int
    answers: Mapping[str, int]
    faults: tuple[Fault, ...]
    control_ids_reused: tuple[str, ...]

    @property
    def met(self) -> bool | None:
        """Whether the objective was met; None where no answer's time is known."""
        return None if self.own.ack_p95_ms is None else self.own.ack_p95_ms <= self.objective_ms

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "first_on": f"{self.first_on}", "last_on": f"{self.last_on}", "met": self.met}


def week_of(text: str) -> tuple[date, date]:
    """The Monday and the Sunday of `2026-W10`, or of the week in which a day lies. Raises ValueError."""
    found = re.fullmatch(r"(\d{4})-W(\d{2})", text)
    first = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else date.fromisoformat(text)
    first -= timedelta(days=first.weekday())
    return first, first + timedelta(days=6)


def last_whole_week(now: datetime) -> tuple[date, date]:
    return week_of((day_in_england(now) - timedelta(days=7)).isoformat())


def laboratory_report(
    tx: Transaction, feeds: FeedTables, adapters: Mapping[str, Adapter], feed: str, week: tuple[date, date]
) -> LaboratoryReport:
    """Of one feed and the days of a week, both ends included."""
    table = feeds.by_id[feed]
    days = (week[0], week[1] + timedelta(days=1))
    since, until = (datetime.combine(day, time(), ENGLAND).astimezone(UTC) for day in days)
    answers = tx.figures.answers(since, until)
    waits, clerks = tx.figures.waits(since, until), tx.figures.needing_a_clerk(since, until)
    by_feed: defaultdict[str, list[AnswerCount]] = defaultdict(list)
    for one in answers:
        by_feed[one.feed].append(one)
    figures = {each: _figures(by_feed[each], waits.get(each, {}), clerks.get(each, (0, 0))) for each in feeds.by_id}
    return LaboratoryReport(
        feed=feed,
        name=table.name,
        first_on=week[0],
        last_on=week[1],
        own=figures[feed],
        peers=peers_of([one for each, one in figures.items() if each != feed and one.messages]),
        objective_ms=table.report.ack_p95_ms,
        answers=_by_code(by_feed[feed]),
        faults=tuple(_faults(tx, table, adapters[table.dialect], by_feed[feed])),
        control_ids_reused=tuple(tx.figures.control_ids_reused(feed, since, until, REUSED)),
    )


def _figures(answers: Sequence[AnswerCount], waits: Mapping[int, int], clerks: tuple[int, int]) -> Figures:
    codes = _by_code(answers)
    messages, (results, with_a_clerk) = sum(codes.values()), clerks
    refused = codes.get("AE", 0) + codes.get("AR", 0)
    return Figures(
        messages=messages,
        ack_p50_ms=percentile(waits, 0.5),
        ack_p95_ms=percentile(waits, 0.95),
        refused_share=_share(refused, messages),
        clerk_share=_share(with_a_clerk, results),
    )


def _by_code(answers: Iterable[AnswerCount]) -> dict[str, int]:
    codes: defaultdict[str, int] = defaultdict(int)
    for one in answers:
        if one.code:
            codes[one.code] += one.count
    return dict(sorted(codes.items()))


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def percentile(counts: Mapping[int, int], share: float) -> int | None:
    """The smallest value that at least this share of all does not exceed. `counts`: value → how often."""
    wanted, seen = share * sum(counts.values()), 0
    for value in sorted(counts):
        seen += counts[value]
        if seen >= wanted:
            return value
    return None


def peers_of(others: Sequence[Figures]) -> Figures | None:
    """The medians of the others, where they are enough to hide each other."""
    if len(others) < LEAST_PEERS:
        return None
    return Figures(
        messages=round(median(one.messages for one in others)),
        ack_p50_ms=_middle([one.ack_p50_ms for one in others]),
        ack_p95_ms=_middle([one.ack_p95_ms for one in others]),
        refused_share=_middle_share([one.refused_share for one in others]),
        clerk_share=_middle_share([one.clerk_share for one in others]),
    )


def _middle(values: Iterable[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return round(median(known)) if len(known) >= LEAST_PEERS else None


def _middle_share(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(median(known), 4) if len(known) >= LEAST_PEERS else None


def _faults(tx: Transaction, table: FeedTable, adapter: Adapter, answers: Iterable[AnswerCount]) -> Iterable[Fault]:
    """The commonest first. The same fault in another repetition of a segment is the same fault."""
    kinds: defaultdict[tuple[str, str], list[AnswerCount]] = defaultdict(list)
    for one in answers:
        if one.reason:
            kinds[one.reason, _OCCURRENCE.sub("", one.place)].append(one)
    counted = [(sum(one.count for one in ones), name, max(one.example for one in ones)) for name, ones in kinds.items()]
    for count, (reason, place), example in sorted(counted, key=lambda one: (-one[0], one[1]))[:FAULTS]:
        hint, control_id = _example(tx, table, adapter, reason, example)
        yield Fault(reason, _SENTENCES.get(reason, ""), place, count, hint, control_id)


def _example(tx: Transaction, table: FeedTable, adapter: Adapter, reason: str, seq: int) -> tuple[str, str]:
    """What the hub says of a message today (never a value of it), and its control id."""
    entry = tx.journal.entry(seq)
    assert entry is not None, "the journal never loses a row"
    reading = adapter.decode(adapter.open(entry.raw), lambda *_: table, day_in_england(entry.arrival.received_at))
    stops = (item.outcome for item in reading.refused)
    hints = (stop.hint for stop in stops if isinstance(stop, Reject) and stop.reason.code == reason)
    return next(hints, ""), entry.control_id
