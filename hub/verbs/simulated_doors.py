"""Where `hub simulate` sends, and what its senders show there: from options and settings."""

from __future__ import annotations

import argparse
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.send import address_of, tls_of

if TYPE_CHECKING:
    from adapters.simulators.doors import Addresses, Opens
    from adapters.simulators.keys import SenderKey
    from hub.config import Settings
    from hub.io.mesh import MeshSettings
    from hub.mapping import FeedTable, FeedTables


def doors_of(options: argparse.Namespace, settings: Settings, tables: FeedTables) -> dict[str, Opens]:
    """How each feed's door is opened."""
    from adapters.simulators.doors import door_of
    from hub.verbs.check import of_feed

    for feed in options.feed:
        of_feed(feed, tables)
    addresses = _addresses(options, settings)
    doors = {
        feed: door_of(tables.by_id[feed], replace(addresses, mailbox=_mailbox(options, settings, tables.by_id[feed])))
        for feed in options.feed
    }
    if options.to and len({door.func for door in doors.values()}) > 1:
        raise CannotRun(
            "--to names one door, and these feeds come through several. Simulate those of each by themselves."
        )
    return doors


def clock() -> datetime:
    """Now. Not the one of `hub.app`, which loads the whole hub."""
    return datetime.now(UTC)


def key_file(feed: str) -> Path:
    """Where the key of a simulated sender is kept: beside the store, and never in the project."""
    return Path(".hub", "simulator", f"{feed}.key.json")


def _addresses(options: argparse.Namespace, settings: Settings) -> Addresses:
    from adapters.simulators.doors import Addresses

    scheme = "https" if options.tls or (settings.partners_tls_cert and not options.to) else "http"
    http = f"{scheme}://{options.to or f'{settings.partners_host}:{settings.partners_port}'}"
    return Addresses(
        mllp=address_of(options),
        http=http,
        audience=f"{settings.partners_url.rstrip('/') or http}/oauth2/token",
        patience_seconds=options.timeout,
        key=lambda feed: _key(options, feed),
        clock=clock,
        tls=tls_of(options),
        shows_certificate=options.cert is not None,
        mesh_to=settings.mesh_mailbox,
        workflow=options.workflow,
    )


def _key(options: argparse.Namespace, feed: str) -> SenderKey | None:
    """The key that was named, else the one that `hub simulate key` made; none where a certificate is shown."""
    from adapters.simulators.keys import SenderKey

    if options.sign_with is None and (options.cert is not None or not key_file(feed).exists()):
        return None
    return SenderKey(options.sign_with or key_file(feed))


def _mailbox(options: argparse.Namespace, settings: Settings, table: FeedTable) -> MeshSettings | None:
    """The sender's own mailbox, in the MESH of these settings."""
    from hub.io.mesh import mesh_settings

    ours, file = mesh_settings(settings), options.mailbox_password
    if ours is None or file is None:
        return None
    try:
        password = file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise CannotRun(f"{file} cannot be read: it must hold the mailbox's password and nothing else.") from None
    return replace(ours, mailbox=table.access.mailbox, password=password)
