"""NHS Notify calls back: whether it is Notify, what it tells, and that it is written down before it is answered."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hub import telemetry
from hub.domain.catalogue import Following
from hub.domain.communications import News, UnreadNews
from hub.flow.handed import hear
from hub.flow.ports.store import Clock, Store


@dataclass(frozen=True, slots=True)
class Callbacks:
    """`key_is_right` and `signature_is_right` (over the bytes as they came) say whether it is Notify; `read` is the
    adapter's."""

    store: Store
    clock: Clock
    following: Following
    key_is_right: Callable[[str], bool]
    signature_is_right: Callable[[bytes, str], bool]
    read: Callable[[bytes], Sequence[News] | UnreadNews]

    async def take(self, news: Sequence[News]) -> None:
        """When this returns, nothing of it is lost any more. Raises Retry."""
        at = self.clock()
        new, needing = await self.store.write(lambda tx: hear(tx, news, self.following, at), at_door=True)
        telemetry.news_heard(new, len(news) - new)
        for code, why in needing:
            telemetry.communication_failed(code, why)
