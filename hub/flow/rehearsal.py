"""The rehearsal of a feed: real traffic with synthetic people, journalled apart, nothing of it on anybody's record.

The door behaves as the live one, but for this: now and then it keeps an answer back, as a broken connection would, to
see whether the sender asks again with the same bytes. What was seen is judged by `hub.flow.go_live`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hub.contract import Adapter, Reading
from hub.domain.dates import day_in_england
from hub.errors import Reason
from hub.flow.admission import rehearsed
from hub.flow.intake import Answered, Intake
from hub.flow.ports.journal import Arrival, JournalEntry, Stretch, Via
from hub.flow.ports.store import Clock, Store, Transaction
from hub.mapping import FeedTable, FeedTables

FIRST_WITHHELD, WITHHELD_EVERY = 3, 20
"""Of the messages a feed has taken: the third, and each twentieth after it."""
PAGE = 100


class Rehearsal:
    """Takes messages as `Intake` does; None where the answer is kept back."""

    def __init__(self, store: Store, intake: Intake, clock: Clock) -> None:
        self._store = store
        self._intake = intake
        self._clock = clock
        self._taken: Counter[str] = Counter()

    async def take(self, raw: bytes, via: Via, problem: Reason | None = None) -> Answered | None:
        answered = await self._intake.take(raw, via, problem)
        if not self._keeps_back(answered):
            return answered
        await self._store.write(lambda tx: tx.withheld.put(answered.reply_seq, self._clock()))
        return None

    def _keeps_back(self, answered: Answered) -> bool:
        if answered.code != "AA" or answered.repeated:
            return False
        self._taken[answered.feed] += 1
        return self._taken[answered.feed] % WITHHELD_EVERY == FIRST_WITHHELD


@dataclass(frozen=True, slots=True)
class Seen:
    """One message of a rehearsal. `raw` is kept of what was answered AE: a mended message is known by what it shares
    with it. `withheld_at` is set where the answer was kept back."""

    entry: JournalEntry
    reading: Reading
    is_ascii: bool
    raw: bytes = field(default=b"", repr=False)
    again: tuple[Arrival, ...] = ()
    withheld_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was seen of a feed's rehearsal. `strays` are messages that name no feed, on one of its connections."""

    table: FeedTable
    seen: list[Seen] = field(default_factory=list)
    strays: list[JournalEntry] = field(default_factory=list)

    @property
    def connections(self) -> dict[str, int]:
        """How many messages came on each connection."""
        peers = [arrival.peer for one in self.seen for arrival in (one.entry.arrival, *one.again)]
        return dict(Counter(peers))


def gathered(tx: Transaction, table: FeedTable, adapters: Mapping[str, Adapter]) -> Rehearsed:
    """Everything that was seen of this feed's rehearsal, read by its table as it is now."""
    name, adapter = rehearsed(table.feed), adapters[table.dialect]
    feeds = FeedTables((table,)).as_live().of(table.feed)
    withheld = tx.withheld.of_feed(name)
    found = Rehearsed(table)
    for entry in _entries(tx, name):
        day = day_in_england(entry.answered_at or entry.arrival.received_at)
        reading = adapter.decode(adapter.open(entry.raw), feeds, day)
        again = tuple(tx.journal.came_again(entry.seq)) if entry.repeats else ()
        raw = entry.raw if entry.answer == "AE" else b""
        bare = replace(entry, raw=b"")
        found.seen.append(Seen(bare, reading, entry.raw.isascii(), raw, again, withheld.get(entry.seq)))
    connections = found.connections
    found.strays.extend(
        replace(entry, raw=b"") for entry in _entries(tx, rehearsed("")) if entry.arrival.peer in connections
    )
    return found


def _entries(tx: Transaction, name: str) -> Iterator[JournalEntry]:
    after = 0
    while page := tx.journal.whole(after, PAGE, Stretch(name)):
        yield from page
        after = page[-1].seq
