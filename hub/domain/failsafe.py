"""Failsafe: nobody waits silently. Whoever is eligible has a next step, a stated reason for none, or a task."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from hub.domain.call import MOVED_AWAY, REGISTERED_MALE, SUSPENDED
from hub.domain.record import DECEASED

MERGED, TASK, CEASED, UNDER_COLPOSCOPY, NEXT_STEP = "merged", "task", "ceased", "suspended", "next-step"
UNSEEN = "unseen"
NO_RECORD, NO_DATE, MISSED, LETTER_HELD = "no-record", "no-date", "missed", "letter-held"
PLACES: Mapping[str, str] = MappingProxyType(
    {
        NEXT_STEP: "call and recall does something next, on a day that is not over",
        TASK: "a task about her is open",
        UNDER_COLPOSCOPY: "under the care of colposcopy, which sets her date when it discharges her",
        CEASED: "called no more, for a reason that stands on her record",
        DECEASED: "has died",
        MOVED_AWAY: "no practice of England has her on its list",
        REGISTERED_MALE: "the register has her as male",
        MERGED: "her number was replaced: her history stands under the other",
        NO_RECORD: "SILENT: she is in the cohort, and nothing was ever folded of her",
        NO_DATE: "SILENT: she is called, and has no date",
        MISSED: "SILENT: her next step was due, the daily run passed her by, and no task says why",
        LETTER_HELD: "SILENT: a letter waits for a task, and no task is open",
    }
)
SILENT = frozenset({NO_RECORD, NO_DATE, MISSED, LETTER_HELD})
RUN_WITHIN = timedelta(days=1)
"""The daily run comes once in so long. Whoever is due and has not been looked at since was missed."""


@dataclass(frozen=True, slots=True)
class Position:
    """What is known of a participant, as columns tell it. `step`: ahead, missed (due on a day that is over, and not
    folded within `RUN_WITHIN`), or empty without one. `task`: one about her is open. `letter_waits`: one of hers is
    held back."""

    recorded: bool
    merged: bool = False
    gone: str = ""
    ceased: str = ""
    recall_type: str = ""
    step: str = ""
    task: bool = False
    letter_waits: bool = False


def place_of(position: Position) -> str:
    """The one place where she stands; of several that fit the first."""
    found = (
        (MERGED, position.merged),
        (NO_RECORD, not position.recorded),
        (TASK, position.task),
        (LETTER_HELD, position.letter_waits and not position.gone),
        (position.gone, position.gone),
        (CEASED, position.ceased),
        (UNDER_COLPOSCOPY, position.recall_type == SUSPENDED),
        (NO_DATE, not position.step),
        (MISSED, position.step == MISSED),
    )
    return next((place for place, fits in found if fits), NEXT_STEP)


@dataclass(frozen=True, slots=True)
class Failsafe:
    """Where everybody stands, `at` a moment. `cohort`: how many people there are. `unseen`: the results and discharges
    that wait for a clerk with no task by which one would see them, and the tasks that ask PDS with no question."""

    at: datetime
    cohort: int
    places: Mapping[str, int]
    unseen: int

    @property
    def silent(self) -> int:
        return sum(self.silences.values())

    @property
    def silences(self) -> dict[str, int]:
        """Who and what waits silently, by place; empty where nobody does."""
        found = {**{place: self.places[place] for place in sorted(SILENT)}, UNSEEN: self.unseen}
        return {place: many for place, many in found.items() if many}

    @property
    def adds_up(self) -> bool:
        return self.cohort == sum(self.places.values())

    @property
    def holds(self) -> bool:
        return self.adds_up and not self.silent


def failsafe(at: datetime, cohort: int, positions: Iterable[tuple[Position, int]], unseen: int) -> Failsafe:
    """Count people, of whom so many stand so, into their places."""
    places = dict.fromkeys(PLACES, 0)
    for position, count in positions:
        places[place_of(position)] += count
    return Failsafe(at, cohort, places, unseen)
