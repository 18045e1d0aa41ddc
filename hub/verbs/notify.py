"""`hub notify`: an engineer proves the connection to NHS Notify, and nobody is told anything."""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.connection import show_connection
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, settings_of

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.flow.ports.store import Store

EXAMPLES = (
    "hub notify status                     token, clock, whether Notify answers us, routing plans, callbacks",
    "hub notify status --json              the same for programs",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    status = actions.add_parser(
        "status",
        help="whether NHS Notify takes our key and answers, and whether plans and callbacks are set",
        description="Fetch a token, compare the clocks, and ask NHS Notify for a message that cannot be there. Nothing "
        "is sent to anybody. The question is one of the requests a minute that all processes share.",
    )
    data_argument(status)
    json_argument(status)


def run(options: argparse.Namespace) -> int:
    from hub import telemetry

    settings = settings_of(options)
    telemetry.configure(settings.log_json, "warning")
    if not settings.notify_url:
        raise CannotRun("No NHS Notify is configured. Set HUB_NOTIFY_URL and the other HUB_NOTIFY_ settings.")
    with opened_store(options) as store:
        return asyncio.run(_status(store, settings, as_json=options.json))


async def _status(store: Store, settings: Settings, *, as_json: bool) -> int:
    from hub.app import notify_of

    door = notify_of(settings, store)
    assert door is not None, "there is an NHS Notify: looked at before"
    callbacks = bool(settings.notify_api_key)
    async with door:
        if not as_json:
            _show_settings(settings, callbacks=callbacks)
        more = {"plans": dict(settings.notify_plans), "callbacks": callbacks, "per_minute": settings.notify_per_minute}
        return await show_connection(door, "NHS Notify", as_json=as_json, **more)


def _show_settings(settings: Settings, *, callbacks: bool) -> None:
    say(f"Routing plans with an id: {', '.join(name for name, _ in settings.notify_plans)}.")
    say(f"At most {settings.notify_per_minute} requests a minute, by all processes together.")
    if not callbacks:
        say(
            "No callbacks are taken: set HUB_NOTIFY_APPLICATION_ID and HUB_NOTIFY_API_KEY, or messages are asked after."
        )
