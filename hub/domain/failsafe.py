"""Failsafe: nobody waits silently. Whoever is eligible has a next step, a stated reason for none, or a task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

from hub.domain.call import MOVED_AWAY, REGISTERED_MALE, SUSPENDED, UNKNOWN_REMOVAL
from hub.domain.dates import add_months, day_in_england, months_of_age
from hub.domain.policy import DischargeSettings
from hub.domain.record import DECEASED

MERGED, TASK, CEASED, UNDER_COLPOSCOPY, NEXT_STEP = "merged", "task", "ceased", "suspended", "next-step"
UNSEEN = "unseen"
NO_RECORD, NO_DATE, MISSED, LETTER_HELD = "no-record", "no-date", "missed", "letter-held"
NOT_DISCHARGED = "not-discharged"
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
        UNKNOWN_REMOVAL: "SILENT: not called, for a code of removal that settings.toml does not name",
        NO_DATE: "SILENT: she is called, and has no date",
        MISSED: "SILENT: her next step was due, the daily run passed her by, and no task says why",
        NOT_DISCHARGED: "SILENT: referred to colposcopy so long ago that the clinic must be asked; no discharge came",
        LETTER_HELD: "SILENT: a letter waits for a task, and no task is open",
    }
)
SILENT = frozenset({NO_RECORD, NO_DATE, MISSED, LETTER_HELD, NOT_DISCHARGED, UNKNOWN_REMOVAL})
BAND, LAST_BAND = 3, 8
"""Months since she was referred are told in bands of so many; the last of them has no end."""
RUN_WITHIN = timedelta(days=1)
"""The daily run comes once in so long. Whoever is due and has not been looked at since was missed."""


@dataclass(frozen=True, slots=True)
class Position:
    """What is known of a participant, as columns tell it. `step`: ahead, missed (due on a day that is over, and not
    folded within `RUN_WITHIN`), or empty without one. `task`: one about her is open. `letter_waits`: one of hers is
    held back. `referred_on`: the day of the test for which she is under colposcopy."""

    recorded: bool
    merged: bool = False
    gone: str = ""
    ceased: str = ""
    recall_type: str = ""
    step: str = ""
    task: bool = False
    letter_waits: bool = False
    referred_on: date | None = None


def place_of(position: Position, awaited_since: date = date.min) -> str:
    """The one place where she stands; of several that fit the first. `awaited_since`: whoever was referred to
    colposcopy before that day, and never discharged, waits too long."""
    awaited = position.referred_on is not None and position.referred_on >= awaited_since
    found = (
        (MERGED, position.merged),
        (NO_RECORD, not position.recorded),
        (TASK, position.task),
        (LETTER_HELD, position.letter_waits and not position.gone),
        (position.gone, position.gone),
        (CEASED, position.ceased),
        (UNDER_COLPOSCOPY, position.recall_type == SUSPENDED and awaited),
        (NOT_DISCHARGED, position.recall_type == SUSPENDED),
        (NO_DATE, not position.step),
        (MISSED, position.step == MISSED),
    )
    return next((place for place, fits in found if fits), NEXT_STEP)


@dataclass(frozen=True, slots=True)
class Failsafe:
    """Where everybody stands, `at` a moment. `cohort`: how many people there are. `unseen`: the results and discharges
    that wait for a clerk with no task by which one would see them, and the tasks that ask PDS with no question.
    `referred`: those under colposcopy, by how many months ago, in bands, the test was that referred them."""

    at: datetime
    cohort: int
    places: Mapping[str, int]
    unseen: int
    referred: Mapping[str, int]

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


def awaited_since(at: datetime, settings: DischargeSettings) -> date:
    """Whoever was referred to colposcopy before that day should have been discharged by now."""
    return add_months(day_in_england(at), -settings.awaited_months)


def failsafe(
    at: datetime, cohort: int, positions: Iterable[tuple[Position, int]], unseen: int, settings: DischargeSettings
) -> Failsafe:
    """Count people, of whom so many stand so, into their places."""
    places, referred = dict.fromkeys(PLACES, 0), Counter[int]()
    for position, count in positions:
        place = place_of(position, awaited_since(at, settings))
        places[place] += count
        if place in (UNDER_COLPOSCOPY, NOT_DISCHARGED):
            months = months_of_age(position.referred_on or date.min, day_in_england(at))
            referred[max(0, min(months // BAND, LAST_BAND))] += count
    return Failsafe(at, cohort, places, unseen, {_months(band): referred[band] for band in sorted(referred)})


def _months(band: int) -> str:
    """`6-8`, and `24 or more`."""
    first = band * BAND
    return f"{first} or more" if band == LAST_BAND else f"{first}-{first + BAND - 1}"
