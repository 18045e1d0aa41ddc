"""Telling people by NHS Notify: what hands over and follows (worker), and what takes its callbacks (intake)."""

from __future__ import annotations

from collections.abc import Coroutine
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from hub.app.tables import catalogue_of
from hub.flow.callbacks import Callbacks
from hub.flow.following import Follower
from hub.flow.telling import Dispatcher

if TYPE_CHECKING:
    from hub.app.parts import Parts


def telling(parts: Parts) -> list[Coroutine[Any, Any, None]]:
    """Nothing where no NHS Notify is configured: letters are wished, and wait."""
    if parts.notify is None:
        return []
    catalogue = catalogue_of(parts.settings)
    fill = timedelta(seconds=parts.settings.notify_fill_seconds)
    return [
        Dispatcher(parts.store, parts.notify, catalogue, parts.context, fill).run(),
        Follower(parts.store, parts.notify, catalogue, parts.clock).run(),
    ]


def callbacks_of(parts: Parts) -> Callbacks | None:
    """None where no key of NHS Notify's is configured: then nobody can prove to be Notify."""
    application, key = parts.settings.notify_application_id, parts.settings.notify_api_key
    if not key:
        return None
    from adapters.nhs_notify import api_key_is_right, read_callback, signature_is_right

    return Callbacks(
        store=parts.store,
        clock=parts.clock,
        following=catalogue_of(parts.settings).following,
        key_is_right=lambda given: api_key_is_right(given, key),
        signature_is_right=lambda raw, signature: signature_is_right(raw, signature, application, key),
        read=read_callback,
    )
