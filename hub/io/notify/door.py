"""Messages to NHS Notify. The rest of the door is `hub.io.nhs_api`."""

from __future__ import annotations

from collections.abc import Sequence

from hub.contract import Teller
from hub.domain.communications import Batch, Handed, News, Refused
from hub.errors import Reason
from hub.flow.ports.store import Clock, Store
from hub.io.nhs_api import ApiAway, ApiDoor, ApiSettings, Partner

NOTIFY = Partner("notify", Reason.NOTIFY_AWAY, "application/vnd.api+json", "X-Correlation-ID")


class NotifyDoor(ApiDoor):
    """See `hub.flow.ports.communications.Messenger`.

    Within its time a batch is sent again where nobody knows whether it arrived: its references make that safe."""

    def __init__(self, settings: ApiSettings, language: Teller, store: Store, clock: Clock) -> None:
        super().__init__(NOTIFY, settings, language, store, clock)
        self._telling = language

    async def hand_over(self, batch: Batch) -> Handed:
        """What became of the batch. Raises ApiAway: then the same batch may be handed over again."""
        return await self.converse("Single" if batch.single else "Batch", self._telling.hand_over(batch))

    async def ask(self, message_id: str) -> Sequence[News] | None:
        """How a message stands; None where Notify knows no such message. Raises ApiAway, also where we are refused."""
        news = await self.converse("Message", self._telling.ask(message_id))
        if isinstance(news, Refused):
            raise ApiAway(self.partner, news.faults[0].code, soon=False)
        return news
