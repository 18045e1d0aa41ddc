"""The hub's settings for NHS Notify."""

from __future__ import annotations

from hub.config import Settings
from hub.io.nhs_api import ApiSettings


def notify_settings(settings: Settings) -> ApiSettings:
    """The door's part of the hub's settings, where they name an NHS Notify."""
    assert settings.notify_key is not None, "the settings refuse half of NHS Notify"
    return ApiSettings(
        url=settings.notify_url,
        token_url=settings.notify_token_url,
        client=settings.notify_client,
        kid=settings.notify_kid,
        key=settings.notify_key,
        per_second=settings.notify_per_minute / 60,
        seconds=settings.notify_seconds,
        request_seconds=settings.notify_seconds / 2,  # so that a lost answer is tried again, and told as what it is
    )
