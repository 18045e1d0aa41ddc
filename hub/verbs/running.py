"""Running roles until a signal: what `hub up` and `hub run` share."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from hub.verbs.speaking import say, settings_of

if TYPE_CHECKING:
    from hub.app import Running
    from hub.config import Settings


def run_roles(options: argparse.Namespace, roles: tuple[str, ...]) -> int:
    """Run until SIGINT or SIGTERM, then finish what was taken and close."""
    from hub import VERSION, telemetry

    settings = settings_of(options)
    telemetry.configure(settings.log_json, settings.log)
    telemetry.guard_process()
    telemetry.trace_to(settings.otlp_url, "+".join(roles), VERSION)
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_told(settings, roles))
    finally:
        telemetry.stop_tracing()
    return 0


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's loop, where it is installed (not on Windows): a seventh to a quarter less time for a message."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _until_told(settings: Settings, roles: tuple[str, ...]) -> None:
    from hub.app import running

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    async with running(settings, roles) as hub:
        _say_where(settings, hub, roles)
        await told.wait()
        say("Stopping: what was taken is being finished.")


def _where_things_are(settings: Settings) -> str:
    """Never the addresses themselves: passwords stand in them."""
    if settings.embedded:
        return f"No server is configured, so it is embedded: {settings.data}/hub.sqlite."
    store = "PostgreSQL (HUB_DATABASE_URL)" if settings.database_url else f"{settings.data}/hub.sqlite"
    conveyor = "RabbitMQ (HUB_AMQP_URL)" if settings.amqp_url else "this process"
    return f"The store is {store}; events travel through {conveyor}."


def _say_where(settings: Settings, hub: Running, roles: tuple[str, ...]) -> None:
    say(f"The hub runs ({', '.join(roles)}). {_where_things_are(settings)}")
    if hub.mllp_port:
        say(f"MLLP   {settings.mllp_host}:{hub.mllp_port}   try: hub send FILE --to 127.0.0.1:{hub.mllp_port}")
    if settings.mesh_url and "intake" in roles:
        say(f"MESH   mailbox {settings.mesh_mailbox}, looked into every {settings.mesh_poll_seconds:g} seconds")
    if hub.http_port:
        say(f"HTTP   http://{settings.http_host}:{hub.http_port}/ready  /health  /metrics")
    at = "" if settings.database_url else f" --data {settings.data}"
    say(f"Look   hub journal list{at} · hub tasks list{at}")
    say("Stop   Ctrl-C")
    sys.stdout.flush()
