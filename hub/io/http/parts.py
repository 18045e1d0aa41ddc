"""What the operations of the door work with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from hub.contract import Adapter
from hub.flow.callbacks import Callbacks
from hub.flow.intake import Intake
from hub.flow.ports.store import Clock, Store
from hub.io.http.assertions import Keys
from hub.io.http.callers import Caller, Callers
from hub.io.http.room import Room
from hub.io.http.settings import PartnersSettings
from hub.io.http.tokens import Tokens
from hub.mapping import FeedTable, FeedTables

Replied = Callable[[object, bool], None]
"""Hears what became of a reply, by its token."""


@dataclass(slots=True)
class Parts:
    """`url` is how partners call the door; known once it listens. `callbacks`: None where nothing is sent by NHS
    Notify."""

    intake: Intake
    store: Store
    adapters: Mapping[str, Adapter]
    feeds: FeedTables
    clock: Clock
    settings: PartnersSettings
    keys: Keys
    tokens: Tokens
    callers: Callers
    room: Room
    replied: Replied
    url: str = ""
    callbacks: Callbacks | None = None

    def media_type(self, table: FeedTable) -> str:
        """What the messages and answers of a feed are called."""
        return self.adapters[table.dialect].media_type


PARTS: web.AppKey[Parts] = web.AppKey("parts", Parts)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the door. `name` is its id in the OpenAPI document; `proven`: for who has proven its feed."""

    method: str
    path: str
    name: str
    handler: Callable[[web.Request, Parts, Caller], Awaitable[web.StreamResponse]]
    proven: bool = True
