"""One discharge, read by the clinic's table into what becomes of it: one event, or all that is wrong."""

from __future__ import annotations

from datetime import date

from hub.domain.events import Discharge, DischargeReported, DischargeUnread
from hub.errors import Reason, Reject
from hub.mapping.reading import FactReader


class DischargeReport(FactReader):
    """Reads one report of a discharge."""

    __slots__ = ()
    always = frozenset({"discharged_on", "next_test_due_on"})

    def outcomes(self) -> tuple[DischargeReported | DischargeUnread | Reject, ...]:
        """What becomes of the report: one event, or a Reject for each thing wrong with it. Never raises a Stop."""
        event = self._event()
        return self.refusals() or (event,)

    def _event(self) -> DischargeReported | DischargeUnread:
        """As far as it can be read. It counts only if nothing is wrong: what stands in for a refused date never leaves
        this class."""
        claim = self.claim()
        discharged_on = self._past("discharged_on", claim.date_of_birth, required=True)
        seen_on = self._past("seen_on", claim.date_of_birth)
        due_on = self.needed("next_test_due_on", self.date_of("next_test_due_on"))
        for stop in self.parks.values():
            where = stop.place.text if stop.place else ""
            return DischargeUnread(stop.reason.code, where, stop.hint, claim)
        said = Discharge(self.table.clinic.code, discharged_on or self.today, due_on or self.today, seen_on)
        return DischargeReported(claim, said)

    def _past(self, name: str, born_on: date | None, *, required: bool = False) -> date | None:
        """A day that has been, in her life."""
        if getattr(self.table.facts, name) is None:
            return None
        day = (self.needed if required else self.given)(name, self.date_of(name))
        if day and day > self.today:
            self.wrong[name] = Reject(Reason.INVALID_DATE, self.place(name), "It lies in the future.")
        elif day and born_on and day < born_on:
            self.wrong[name] = Reject(Reason.INVALID_DATE, self.place(name), "It lies before the date of birth.")
        return day
