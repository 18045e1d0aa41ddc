"""A colposcopy clinic of a simulated year: who is referred is seen, discharged, and stands in the month's list.

The list is in the layout of `mappings/feeds/fellgate.toml`, written by hand: it knows nothing of the hub's table.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta

from adapters.simulators.world.lives import Diary, Fate, Life, working_day
from hub.domain.dates import add_months

FEED = "fellgate"
COLUMNS = (
    "NHS No", "Hospital No", "Surname", "Forenames", "DOB", "Address 1", "Address 2", "Postcode", "Last seen",
    "Date of discharge", "Next test due",
)  # fmt: skip
AGAIN, TOO_LATE = 0.05, 0.02
"""Of the rows: in the next month's list once more; with a date farther off than any may be."""
_MONTHS, _WEIGHTS = (6, 12, 36), (55, 25, 20)


@dataclass(frozen=True, slots=True)
class Discharged:
    """Somebody whom the clinic has let go, with the date it gives her."""

    life: Life
    seen_on: date
    discharged_on: date
    next_test_due_on: date


class Clinic:
    """One clinic for everybody."""

    def __init__(self, fate: Fate) -> None:
        self.counts: Counter[str] = Counter()
        self._fate = fate
        self._visits: Diary[tuple[Life, date]] = Diary()
        self._discharges: Diary[Discharged] = Diary()
        self._to_be_listed: list[Discharged] = []

    def refer(self, life: Life, on: date) -> None:
        """She is seen in two to six weeks, unless she is under its care already."""
        if life.referred or life.gone:
            return
        life.referred = True
        self.counts["referred"] += 1
        chance = self._fate.of("referred", life.participant_id, on)
        seen_on = working_day(on + timedelta(days=chance.randrange(14, 42)))
        self._visits.put(seen_on, (life, seen_on))

    def seen(self, on: date) -> list[Life]:
        """Who comes that day, of whom a sample is taken there."""
        sampled = []
        for life, seen_on in self._visits.take(on):
            chance = self._fate.of("seen", life.participant_id, on)
            after = chance.choices((7, 60, 150), (40, 40, 20))[0]
            self._discharges.put(working_day(on + timedelta(days=after)), self._discharged(life, seen_on, on, after))
            if chance.random() < 0.2:
                sampled.append(life)
        return sampled

    def discharges(self, on: date) -> None:
        """Those of the day go onto the month's list."""
        for each in self._discharges.take(on):
            each.life.referred = False
            if each.life.gone != "merged":
                self.counts["discharged"] += 1
                self._to_be_listed.append(each)

    def list_of(self, on: date) -> tuple[bytes, int] | None:
        """The list, on the first working day of a month, and its rows; None on other days, or with nobody on it."""
        if on != working_day(on.replace(day=1)) or not self._to_be_listed:
            return None
        rows, self._to_be_listed = self._to_be_listed, []
        for each in rows:
            chance = self._fate.of("listed", each.life.participant_id, each.discharged_on, on)
            if chance.random() < AGAIN and each.discharged_on > on - timedelta(days=40):
                self._to_be_listed.append(each)
        return _csv(rows), len(rows)

    def _discharged(self, life: Life, seen_on: date, on: date, after: int) -> Discharged:
        chance = self._fate.of("discharged", life.participant_id, on)
        discharged_on = working_day(on + timedelta(days=after))
        months = 72 if chance.random() < TOO_LATE else chance.choices(_MONTHS, _WEIGHTS)[0]
        return Discharged(life, seen_on, discharged_on, add_months(discharged_on, months))


def _csv(rows: list[Discharged]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number, each in enumerate(rows, 1):
        person = each.life.person
        lines = (*person.address_lines, "", "")[:2]
        days = (f"{day:%d/%m/%Y}" for day in (each.seen_on, each.discharged_on, each.next_test_due_on))
        who = (person.nhs_number, f"FG{number:05}", person.family_name, " ".join(person.given_names))
        writer.writerow((*who, f"{person.date_of_birth:%d/%m/%Y}", *lines, person.postcode or "", *days))
    return text.getvalue().encode()
