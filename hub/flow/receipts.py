"""What a message said of slides, as it is kept at receipt: by it a laboratory asks later where a result is."""

from __future__ import annotations

from hub.contract import Item, Reading
from hub.domain.events import DischargeReported, DischargeUnread
from hub.errors import Reject
from hub.flow.ports.feeds import SlideRow
from hub.mapping.report import slide_number_of

REFUSED_BESIDE = "refused-beside"
"""The reason of a result that was right, in a message that was refused for another."""


def slide_rows(feed: str, reading: Reading, journal_seq: int) -> list[SlideRow]:
    """One row for each result. A message is taken whole or not at all: what was right in a refused one is refused. A
    discharge names no slide."""
    taken = {item.position for item in reading.taken}
    return [
        _row(feed, journal_seq, item, item.position in taken)
        for item in reading.items
        if not isinstance(item.outcome, DischargeReported | DischargeUnread)
    ]


def _row(feed: str, journal_seq: int, item: Item, taken: bool) -> SlideRow:
    outcome = item.outcome
    assert not isinstance(outcome, DischargeReported | DischargeUnread)
    if not isinstance(outcome, Reject):
        reason = "" if taken else REFUSED_BESIDE
        return SlideRow(journal_seq, item.position, feed, slide_number_of(outcome), reason)
    place = outcome.place.text[:128] if outcome.place else ""
    return SlideRow(journal_seq, item.position, feed, outcome.slide_number, outcome.reason.code, place)
