"""Where each result stands with its letter: in exactly one place of CSMS's own (domain.md 4.4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

LETTER, SOURCE_TYPE_7, CANCELLED, AWAITING = "letter", "source-type-7", "cancelled", "awaiting"
OUTSIDE_CUT_OFF, PAUSED, UNMATCHED, OTHER = "outside-cut-off", "paused", "unmatched", "other"
PLACES: Mapping[str, str] = MappingProxyType(
    {
        LETTER: "a letter is wished, on its way, delivered, failed, or sent by others",
        SOURCE_TYPE_7: "taken in colposcopy: the clinic tells her",
        CANCELLED: "a letter was wished, and the record changed",
        AWAITING: "taken, and not worked on yet",
        OUTSIDE_CUT_OFF: "the test was too old when it came",
        PAUSED: "its letter waits for a task about her",
        UNMATCHED: "a clerk has it: whose it is, or a rule",
        OTHER: "none of these; each with its reason",
    }
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of a result. `state`: recorded, waiting, superseded, refused; empty while nobody has worked on it.
    `letter`: the state of its letter on the record it stands on, empty without one; `rule` why there is none."""

    state: str
    letter: str = ""
    rule: str = ""


def place_of(standing: Standing) -> tuple[str, str]:
    """The one place, and a word on why."""
    if not standing.state:
        return AWAITING, ""
    if standing.state == "waiting":
        return UNMATCHED, ""
    if standing.letter in _HAS_A_LETTER:
        return LETTER, standing.letter
    if standing.letter == "waiting":
        return PAUSED, ""
    if standing.letter == "cancelled":
        return CANCELLED, standing.rule
    if standing.letter == "withheld":
        return _WITHHELD.get(standing.rule, OTHER), standing.rule
    return OTHER, "not-on-record" if standing.state == "recorded" else standing.state


_HAS_A_LETTER = ("wished", "sent", "delivered", "failed", "elsewhere")
_WITHHELD = {"source-type": SOURCE_TYPE_7, "too-old": OUTSIDE_CUT_OFF}


@dataclass(frozen=True, slots=True)
class Account:
    """`received`: how many results the messages held, as the journal counted them when they came. `places` has every
    place; `reasons` those of cancelled and other, and how far the letters have come."""

    received: int
    places: Mapping[str, int]
    reasons: Mapping[tuple[str, str], int]

    @property
    def adds_up(self) -> bool:
        return self.received == sum(self.places.values())


def account(received: int, standings: Iterable[tuple[Standing, int]]) -> Account:
    """Count results, of which so many stand so, into their places."""
    places, reasons = dict.fromkeys(PLACES, 0), dict[tuple[str, str], int]()
    for standing, count in standings:
        place, reason = place_of(standing)
        places[place] += count
        if place in (LETTER, CANCELLED, OTHER):
            reasons[place, reason] = reasons.get((place, reason), 0) + count
    return Account(received, places, reasons)
