"""A process that hands letters over until it is killed. Its clock goes fast, so that what a dead one left is soon due.

python -m tests.soak.sender DATABASE NOTIFY TOKENS CLIENT KID KEY BEGAN SPEED
"""

from __future__ import annotations

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from adapters.nhs_notify import NhsNotify
from hub import telemetry
from hub.flow.handlers import Context
from hub.flow.telling import Dispatcher
from hub.io.nhs_api import ApiSettings
from hub.io.notify import NotifyDoor
from hub.io.store import connect_store
from hub.mapping import load_policies
from tests.flow.scene import ROOT
from tests.flow.test_telling import CATALOGUE
from tests.notify.batches import PLANS


async def main(words: list[str]) -> None:
    database, url, tokens, client, kid, key, began, speed = words
    began_at = datetime.fromisoformat(began)

    def fast() -> datetime:
        return began_at + (datetime.now(UTC) - began_at) * float(speed)

    telemetry.configure(True, "error")
    settings = ApiSettings(url, tokens, client, kid, Path(key), per_second=20.0, seconds=4.0, request_seconds=2.0)
    store, context = connect_store(database), Context(load_policies(ROOT / "mappings" / "policy"), fast)
    async with NotifyDoor(settings, NhsNotify(PLANS), store, lambda: datetime.now(UTC)) as door:
        await Dispatcher(store, door, CATALOGUE, context).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
