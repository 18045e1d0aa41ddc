"""What the door to PDS needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.config import Settings


@dataclass(frozen=True, slots=True)
class PdsSettings:
    """`url` is the base of the FHIR API, `token_url` the audience of our assertions too. Durations are seconds.

    A question may take `seconds` with all its requests, turns and rests, one request `request_seconds`. After
    `failures` in a row the circuit opens, and every `rest_seconds` one question tries whether PDS is back.
    """

    url: str
    token_url: str
    client: str
    kid: str
    key: Path
    per_second: float = 5.0
    seconds: float = 30.0
    request_seconds: float = 10.0
    failures: int = 5
    rest_seconds: float = 15.0


def pds_settings(settings: Settings) -> PdsSettings:
    """The door's part of the hub's settings, where they name a PDS."""
    assert settings.pds_key is not None, "the settings refuse half of PDS"
    return PdsSettings(
        url=settings.pds_url,
        token_url=settings.pds_token_url,
        client=settings.pds_client,
        kid=settings.pds_kid,
        key=settings.pds_key,
        per_second=settings.pds_per_second,
        seconds=settings.pds_seconds,
        request_seconds=min(10.0, settings.pds_seconds / 2),  # or the question would end before it was seen to fail
    )
