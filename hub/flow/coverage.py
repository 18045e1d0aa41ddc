"""Coverage: what a feed's messages say that its table never reads, and the codes the table lacks today.

Counts and places; of values only codes, and only those that nobody could be known by (`as_told`). A code that the table
lacks has parked its result already: here it shows on the day, counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from hub.contract import Adapter, Opened, Sourced
from hub.domain.shapes import shape
from hub.errors import Park, Reject
from hub.flow.conformance import pieces, place_key, places_around, table_places, without_counts
from hub.mapping import Feeds, FeedTable
from hub.mapping.report import translate

_CODE = re.compile(r"(?!.*\d{6})[A-Za-z0-9._/+-]{1,16}")


def as_told(code: str, times: int = 2) -> str:
    """A code as it may be told: itself where it is short, one word, no long number, and seen more than once; else its
    shape."""
    return code if times > 1 and _CODE.fullmatch(code) else shape(code)


@dataclass(slots=True)
class Coverage:
    """What was seen in the messages of one feed, so far."""

    feed: str
    messages: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    """Place → how many texts stood there that no fact reads."""
    unread_codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """(place, code) → how often, where facts are told apart by the code at that place, and none has this one."""
    unmapped: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """(fact, place, code) → how often a code stood there that our table does not translate."""

    def look_at(self, adapter: Adapter, raw: bytes, feeds: Feeds) -> None:
        """Count what one more message says."""
        opened = adapter.open(raw)
        sources = adapter.sources(opened, feeds)
        if not sources:
            return
        self.messages += 1
        read = {place for sourced in sources for place in _read(sourced)}
        asked = {without_counts(place) for _, fact in sources[0].table.facts.declared() for place in fact.where}
        for piece in pieces(adapter, opened, feeds):
            if not (piece.is_code or read.intersection(places_around(piece.place)) or table_places(piece) & asked):
                self.unread[without_counts(piece.table_place or piece.place)] += 1
        self.unread_codes.update(codes_beside(adapter, opened, feeds, sources[0].table))
        for sourced in sources:
            self.unmapped.update(_unmapped(sourced))


def codes_beside(adapter: Adapter, opened: Opened, feeds: Feeds, table: FeedTable) -> set[tuple[str, str]]:
    """Where the table tells facts apart by a code (`where`), the codes of the message that mean none of them."""
    wanted: dict[str, set[str]] = {}
    for _, fact in table.facts.declared():
        for place, values in fact.where.items():
            wanted.setdefault(without_counts(place), set()).update([values] if isinstance(values, str) else values)
    return {
        (place, as_told(piece.text))
        for piece in pieces(adapter, opened, feeds)
        for place in table_places(piece) & wanted.keys()
        if piece.is_code and piece.text not in wanted[place]
    }


def _read(sourced: Sourced) -> Iterator[str]:
    """Where the table found something."""
    for _, fact in sourced.table.facts.declared():
        yield from (place_key(text.place.text) for text in (sourced.source.texts(fact) if fact.places else ()))
    try:
        yield place_key(sourced.source.issued(sourced.table)[0].place.text)
    except Reject:
        return


def _unmapped(sourced: Sourced) -> Iterator[tuple[str, str, str]]:
    for name, fact in sourced.table.facts.declared():
        for text in sourced.source.texts(fact) if fact.codes else ():
            try:
                translate(name, fact, text, sourced.table.codes)
            except Park:
                yield name, fact.places[0], text.text
            except Reject:
                continue
