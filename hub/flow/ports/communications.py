"""Whoever tells people, by whatever channels: NHS Notify."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hub.domain.communications import Batch, Handed, News


class Messenger(Protocol):
    """Raises Retry where nobody knows whether it arrived, or it is said: not now. The same batch, with the same
    references, may then be handed over again: what has arrived is known again (`AcceptedBefore`)."""

    async def hand_over(self, batch: Batch) -> Handed: ...

    async def ask(self, message_id: str) -> Sequence[News] | None:
        """How a message stands now, whatever was told before; None where no such message is known."""
