"""The hub's settings for PDS."""

from __future__ import annotations

from hub.config import Settings
from hub.io.nhs_api import ApiSettings


def pds_settings(settings: Settings) -> ApiSettings:
    """The door's part of the hub's settings, where they name a PDS."""
    assert settings.pds_key is not None, "the settings refuse half of PDS"
    return ApiSettings(
        url=settings.pds_url,
        token_url=settings.pds_token_url,
        client=settings.pds_client,
        kid=settings.pds_kid,
        key=settings.pds_key,
        per_second=settings.pds_per_second,
        seconds=settings.pds_seconds,
        request_seconds=min(10.0, settings.pds_seconds / 2),  # or the question would end before it was seen to fail
    )
