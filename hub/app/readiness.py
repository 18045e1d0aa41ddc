"""Whether a hub is ready, and what it does without for a while."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub import telemetry
from hub.flow.ports.events import Conveyor
from hub.flow.ports.store import Store
from hub.web.site import Ready

if TYPE_CHECKING:
    from hub.io.nhs_api import ApiDoor


def readiness(store: Store, conveyor: Conveyor, roles: tuple[str, ...]) -> Ready:
    """What stands in the way of these roles. An intake alone needs no broker: what it takes waits in the outbox."""
    parts = {"store": store.away, "broker": conveyor.away}
    if roles == ("intake",):
        del parts["broker"]

    async def away() -> dict[str, str]:
        found = {part: await is_away() for part, is_away in parts.items()}
        for part, why in found.items():
            telemetry.part_away(part, why)
        return {part: why for part, why in found.items() if why}

    return away


def without(*doors: ApiDoor | None) -> Ready:
    """What the hub can do without for a while: nobody is unready for it, but everybody may see it."""

    async def missing() -> dict[str, str]:
        found = {door.partner.name: await door.away() for door in doors if door}
        for name, why in found.items():
            telemetry.part_away(name, why)
        return {name: why for name, why in found.items() if why}

    return missing
