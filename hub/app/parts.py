"""What the roles of one process share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from adapters import ADAPTERS
from hub.app.tables import context_of, feeds_of, plan_ids_of, wall_clock
from hub.config import Settings
from hub.flow.consumers import CONSUMERS
from hub.flow.file_faults import notice_file_faults
from hub.flow.handlers import Context
from hub.flow.intake import Intake
from hub.flow.listening import count_hours
from hub.flow.ports.events import Conveyor
from hub.flow.ports.store import Clock, Store
from hub.flow.reconciliation import send_reconciliations
from hub.flow.refill import refill_if_lost
from hub.flow.refusals import tell_laboratories
from hub.flow.relay import Relay
from hub.flow.replies import ReplyLedger
from hub.flow.schedule import Duty
from hub.io.conveyor import InProcessConveyor
from hub.io.store import SqlStore, store_of
from hub.mapping import FeedTables

if TYPE_CHECKING:
    from hub.io.notify import NotifyDoor
    from hub.io.pds import PdsDoor

TELL_REFUSALS = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Parts:
    """Opened once, used by every role."""

    settings: Settings
    roles: tuple[str, ...]
    clock: Clock
    feeds: FeedTables
    context: Context
    store: SqlStore
    conveyor: Conveyor
    relay: Relay
    ledger: ReplyLedger
    intake: Intake
    pds: PdsDoor | None
    notify: NotifyDoor | None


def parts_of(settings: Settings, roles: tuple[str, ...], clock: Clock) -> Parts:
    """Load the tables, then open the store and the conveyor. Raises CannotRun."""
    feeds, context = feeds_of(settings), context_of(settings, clock)
    store = store_of(settings)
    conveyor = conveyor_of(settings, roles)
    relay = Relay(store, conveyor, clock)
    intake = Intake(store, ADAPTERS, feeds, clock, relay.wake)
    ledger = ReplyLedger(store, clock)
    asks = bool({"worker", "web"} & set(roles))
    pds = pds_of(settings, store, clock) if asks else None
    notify = notify_of(settings, store, clock) if asks else None
    return Parts(settings, roles, clock, feeds, context, store, conveyor, relay, ledger, intake, pds, notify)


def conveyor_of(settings: Settings, roles: tuple[str, ...] = ()) -> Conveyor:
    """The conveyor the settings name."""
    if not settings.amqp_url:
        return InProcessConveyor(CONSUMERS)
    from hub.io.rabbit.conveyor import RabbitConveyor  # aio-pika is loaded where there is a broker

    return RabbitConveyor(settings.amqp_url, "screening-hub " + "+".join(roles))


def pds_of(settings: Settings, store: Store, clock: Clock = wall_clock) -> PdsDoor | None:
    """The door to PDS; None where the settings name none."""
    if not settings.pds_url:
        return None
    from adapters.pds_fhir import PdsFhir
    from hub.io.pds import PdsDoor, pds_settings  # cryptography is loaded where something is signed

    return PdsDoor(pds_settings(settings), PdsFhir(), store, clock)


def notify_of(settings: Settings, store: Store, clock: Clock = wall_clock) -> NotifyDoor | None:
    """The door to NHS Notify; None where the settings name none. Raises CannotRun."""
    if not settings.notify_url:
        return None
    from adapters.nhs_notify import NhsNotify
    from hub.io.notify import NotifyDoor, notify_settings  # cryptography is loaded where something is signed

    return NotifyDoor(notify_settings(settings), NhsNotify(plan_ids_of(settings)), store, clock)


def duties_of(parts: Parts) -> list[Duty]:
    """What is done by the clock."""
    settings, store, clock = parts.settings, parts.store, parts.clock
    limit = timedelta(seconds=settings.refill_seconds)
    return [
        Duty("refill", limit, partial(refill_if_lost, store, parts.conveyor, clock, limit)),
        Duty("refusals", TELL_REFUSALS, partial(tell_laboratories, store, parts.feeds, clock)),
        Duty("hours", timedelta(minutes=1), partial(count_hours, store, clock)),
        Duty("files", timedelta(minutes=1), partial(notice_file_faults, store, clock)),
        Duty("reconciliation", timedelta(minutes=10), partial(send_reconciliations, store, clock, parts.feeds)),
    ]
