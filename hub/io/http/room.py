"""How much is worked on at a time. Who comes when it is full is told to wait, and waits outside, with its body."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from hub.io.http.answers import RETRY_SECONDS, Refused

FULL = "Too much is being worked on. Wait as Retry-After says, then send it again."


class Room:
    """`with room.place(feeds):` for as long as a request is worked on."""

    def __init__(self, most: int, most_per_feed: int) -> None:
        self._most = most
        self._most_per_feed = most_per_feed
        self._taken = 0
        self._by_feed: Counter[str] = Counter()

    @contextmanager
    def place(self, feeds: Collection[str] = ()) -> Iterator[None]:
        """Raises Refused (429) where there is none."""
        if self._taken >= self._most or any(self._by_feed[feed] >= self._most_per_feed for feed in feeds):
            raise Refused(429, FULL, {"Retry-After": RETRY_SECONDS}, unread=True)
        self._taken += 1
        self._by_feed.update(feeds)
        try:
            yield
        finally:
            self._taken -= 1
            self._by_feed.subtract(feeds)
