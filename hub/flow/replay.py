"""Reading the journal again under the tables of today: what would change, and making it so.

What a laboratory was told stays true: what was refused is not taken now (it was told so, and sends again), and what was
acknowledged is not refused now. Nothing that a clerk has decided is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from hub.contract import Adapter, Envelope, Reading, event_from_json, result_identity
from hub.domain.dates import day_in_england
from hub.domain.events import Event, ReportParked
from hub.errors import Reason, Reject
from hub.flow.ports.journal import JournalEntry
from hub.flow.ports.results import ResultRow
from hub.flow.ports.store import Transaction
from hub.flow.readings import Newest, clerk_decided, events_of, newest_of, resealed, says_the_same
from hub.mapping import FeedTables

SHOWN = frozenset(
    {"result.result_code", "result.infection_code", "result.action_code", "result.repeat_months", "result.version"}
    | {"result.self_sample", "result.source_type", "result.laboratory_code", "laboratory_code", "reason", "place"}
)
"""Fields whose values may be shown: they say nothing of who she is."""
_NOT_OF_THE_TABLE = frozenset(
    reason.code
    for reason in (
        Reason.SENDER_NOT_PROVEN,
        Reason.SENDER_DEACTIVATED,
        Reason.WRONG_DOOR,
        Reason.INCOMPLETE,
        Reason.TOO_LARGE,
    )
)
"""Refusals that no table mends."""


class Kind(Enum):
    """What becomes of one place of a message; the sentence says what `--apply` does about it."""

    SAME = ("same", "Nothing to do.")
    HEALED = ("healed", "It waited for our table, and becomes a result.")
    CHANGED = ("changed", "It is read otherwise; the new reading takes the place of the old one.")
    PARKED = ("newly parked", "It was a result, and becomes a clerk's task.")
    FOUND = ("newly found", "It was overlooked, and is taken.")
    REFUSED = ("newly refused", "It was acknowledged, so it stays as it stands. Look at the table.")
    RESEND = ("to be sent again", "It was refused, and would be taken now. The laboratory knows, and sends it again.")
    KEPT = ("kept: decided by a clerk", "It is read otherwise, but a clerk has decided: it stays.")

    @property
    def word(self) -> str:
        return self.value[0]

    @property
    def sentence(self) -> str:
        return self.value[1]


APPLIED = frozenset({Kind.HEALED, Kind.CHANGED, Kind.PARKED, Kind.FOUND})
WORSE = frozenset({Kind.PARKED, Kind.REFUSED})


@dataclass(frozen=True, slots=True)
class Field:
    """A field that differs; `before` and `after` are left empty where the value is not for everybody's eyes."""

    name: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a message. `before` is the event that counts today, `after` the one that would."""

    journal_seq: int
    position: str
    kind: Kind
    before: Envelope | None = None
    after: Envelope | None = None
    reason: str = ""
    place: str = ""
    fields: tuple[Field, ...] = ()


class Reader:
    """Reads what is in the journal under the tables of today. `at` is the time of the new events."""

    def __init__(self, adapters: Mapping[str, Adapter], feeds: FeedTables, at: datetime) -> None:
        self._adapters = adapters
        self._feeds = feeds.as_live()
        self._at = at

    def knows(self, entry: JournalEntry) -> bool:
        """Whether there is a table to read it by."""
        return entry.feed in self._feeds.by_id

    def read(self, entry: JournalEntry) -> Reading:
        """As on the day on which it was last answered: dates are judged by that."""
        adapter = self._adapters[self._feeds.by_id[entry.feed].dialect]
        day = day_in_england(entry.answered_at or entry.arrival.received_at)
        return adapter.decode(adapter.open(entry.raw), self._feeds.of(entry.feed), day)

    def compare(self, tx: Transaction, entries: Sequence[JournalEntry]) -> list[Change]:
        """What would change, place by place."""
        return [change for entry in entries for change in self._compare(tx, entry)]

    def apply(self, tx: Transaction, entries: Sequence[JournalEntry]) -> list[Change]:
        """The same, made so in this transaction. A clerk who decides just now is waited for."""
        changes = {entry.seq: self._compare(tx, entry) for entry in entries}
        concerned = [entry for entry in entries if any(one.kind in APPLIED for one in changes[entry.seq])]
        tx.hold(*(f"result|{one.after.subject}" for each in changes.values() for one in each if one.after))
        for entry in concerned:
            changes[entry.seq] = self._compare(tx, entry)
            self._put(tx, entry, changes[entry.seq])
        return [change for each in changes.values() for change in each]

    def _put(self, tx: Transaction, entry: JournalEntry, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.kind in APPLIED and change.after:
                tx.events.put(change.after, consumed=True)
        if found := sum(change.kind is Kind.FOUND for change in changes):
            tx.journal.restate(entry.seq, entry.state, entry.results + found)

    def _compare(self, tx: Transaction, entry: JournalEntry) -> list[Change]:
        if entry.state == "acknowledgement" or entry.reason in _NOT_OF_THE_TABLE:
            return []
        reading = self.read(entry)
        events = {one.position: one for one in events_of(reading, entry.digest, self._at, entry.traceparent)}
        rows = {row.position: row for row in tx.results.of_message(entry.seq)}
        positions = dict.fromkeys([*events, *rows, *(item.position for item in reading.items)])
        ids = {result_identity(entry.feed, entry.digest, position): position for position in positions}
        newest = {ids[result_id]: one for result_id, one in newest_of(tx, list(ids)).items()}
        message = _Message(tx, entry, reading, events, rows, newest)
        return [change for position in positions if (change := message.change(position))]


@dataclass(frozen=True, slots=True)
class _Message:
    """One message: what it says under today's tables (`events`), and what is known of it."""

    tx: Transaction
    entry: JournalEntry
    reading: Reading
    events: Mapping[str, Envelope]
    rows: Mapping[str, ResultRow]
    newest: Mapping[str, Newest]

    def change(self, position: str) -> Change | None:
        before, after = self.newest.get(position), self.events.get(position)
        if before is None:
            return self._new(position, after) if after else None
        if after is None:
            return self._refused(position, before.envelope)
        return self._again(position, before, after)

    def _again(self, position: str, before: Newest, after: Envelope) -> Change:
        """The place was read before, and is now."""
        row = self.rows.get(position)
        # An event that was passed over because a clerk had decided is not what counts.
        passed_over = row is not None and before.finished and row.event_id != before.envelope.event_id
        counts = self.tx.events.find(row.event_id) if row and passed_over else before.envelope
        counts = counts or before.envelope
        if says_the_same(counts, after):
            return Change(self.entry.seq, position, Kind.SAME, counts, counts)
        fields = tuple(_differences(_event(counts), _event(after)))
        kind = Kind.KEPT if row and clerk_decided(self.tx, row) else _kind(counts, after)
        named = resealed(after, before.envelope.event_id)
        return Change(self.entry.seq, position, kind, counts, named, *_stopped(after), fields)

    def _new(self, position: str, after: Envelope) -> Change:
        """The place was not read before: it was refused with its message, or overlooked."""
        message = position.partition(".")[0]
        taken = {place.partition(".")[0] for place in self.newest}
        if self.entry.state == "accepted" or message in taken:
            return Change(self.entry.seq, position, Kind.FOUND, None, after, *_stopped(after))
        return Change(self.entry.seq, position, Kind.RESEND, None, after, *_stopped(after))

    def _refused(self, position: str, before: Envelope) -> Change:
        message = position.partition(".")[0]
        stops = (item.outcome for item in self.reading.refused if item.position.partition(".")[0] == message)
        stop = next((stop for stop in stops if isinstance(stop, Reject)), Reject(Reason.NO_RESULT))
        place = stop.place.text if stop.place else ""
        return Change(self.entry.seq, position, Kind.REFUSED, before, None, stop.reason.code, place)


def _kind(before: Envelope, after: Envelope) -> Kind:
    was_parked, is_parked = (one.type == ReportParked.__name__ for one in (before, after))
    if was_parked and not is_parked:
        return Kind.HEALED
    return Kind.PARKED if is_parked and not was_parked else Kind.CHANGED


def _event(envelope: Envelope) -> Event:
    return event_from_json(envelope.type, envelope.data)


def _stopped(envelope: Envelope) -> tuple[str, str]:
    """Reason and place of what is parked."""
    event = _event(envelope)
    return (event.reason, event.place) if isinstance(event, ReportParked) else ("", "")


def _differences(before: Event, after: Event) -> Iterator[Field]:
    """The fields that differ between two events of one kind, in order. Between two kinds everything does."""
    if type(before) is not type(after):
        return
    one, other = dict(_flat(asdict(before))), dict(_flat(asdict(after)))
    for name in dict.fromkeys([*one, *other]):
        if one.get(name) != other.get(name):
            shown = (_text(one.get(name)), _text(other.get(name))) if name in SHOWN else ()
            yield Field(name, *shown)


def _flat(tree: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{under}{name}.")
        else:
            yield f"{under}{name}", value


def _text(value: Any) -> str:
    return str(value.value if isinstance(value, Enum) else "none" if value is None else value)
