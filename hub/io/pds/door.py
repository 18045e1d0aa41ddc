"""Questions to PDS. The rest of the door is `hub.io.nhs_api`."""

from __future__ import annotations

from hub.contract import Enquirer
from hub.domain.dates import day_in_england
from hub.domain.demographics import Answer, Question
from hub.errors import Reason
from hub.flow.ports.store import Clock, Store
from hub.io.nhs_api import ApiDoor, ApiSettings, Partner

PDS = Partner("pds", Reason.PDS_AWAY, "application/fhir+json", "X-Request-ID")


class PdsDoor(ApiDoor):
    """See `hub.flow.ports.cohort.DemographicsRegister`.

    `async with PdsDoor(...) as pds:` and `await pds.ask(question)`."""

    def __init__(self, settings: ApiSettings, language: Enquirer[Question, Answer], store: Store, clock: Clock) -> None:
        super().__init__(PDS, settings, language, store, clock)
        self._asking = language

    async def ask(self, question: Question) -> Answer:
        """The answer, within the time that a question may take. Raises ApiAway."""
        return await self.converse(type(question).__name__, self._asking.ask(question, day_in_england(self._clock())))
