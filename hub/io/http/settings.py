"""What the partners' door needs to know."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.config import Settings


@dataclass(frozen=True, slots=True)
class PartnersSettings:
    """How the door behaves. Port 0 takes any free port; durations are seconds, sizes bytes.

    `in_flight` requests of all partners, and `in_flight_per_feed` of one, are worked on at a time: so many bodies of
    `max_bytes` at most are in memory. `patience_seconds`: how long a partner may take for a request's head, for its
    body, and between two requests. With `tls_client_ca` a certificate of that authority proves who sends; who shows
    none needs a token. `url` is how partners call the door; empty: as it listens. `tables` is the directory of the
    feeds' tables, beside which their public keys lie.
    """

    host: str = "127.0.0.1"
    port: int = 0
    max_bytes: int = 16 * 1024**2
    in_flight: int = 64
    in_flight_per_feed: int = 16
    connections: int = 500
    patience_seconds: float = 30.0
    grace_seconds: float = 10.0
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None
    url: str = ""
    tables: Path = Path("mappings/feeds")


def partners_settings(settings: Settings) -> PartnersSettings:
    """The door's part of the hub's settings."""
    return PartnersSettings(
        host=settings.partners_host,
        port=settings.partners_port,
        max_bytes=settings.partners_max_bytes,
        in_flight=settings.partners_in_flight,
        in_flight_per_feed=settings.partners_in_flight_per_feed,
        patience_seconds=settings.partners_seconds,
        tls_cert=settings.partners_tls_cert,
        tls_key=settings.partners_tls_key,
        tls_client_ca=settings.partners_tls_client_ca,
        url=settings.partners_url.rstrip("/"),
        tables=settings.mappings / "feeds",
    )
