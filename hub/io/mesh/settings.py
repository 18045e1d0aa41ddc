"""What the MESH door and the carrier need to know."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hub.config import Settings
from hub.io.mllp.tls import client_context


@dataclass(frozen=True, slots=True)
class MeshSettings:
    """Our mailbox and how to reach it. `max_bytes` is the largest file taken, unpacked; a message to send of more than
    `chunk_bytes` goes in pieces. `poll_every` is what MESH asks for at least; shorter is for tests."""

    url: str
    mailbox: str
    password: str = field(repr=False)
    shared_key: str = field(repr=False)
    poll_every: timedelta = timedelta(minutes=5)
    max_bytes: int = 64 * 1024 * 1024
    chunk_bytes: int = 20 * 1024 * 1024
    page: int = 500
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None

    def context(self) -> ssl.SSLContext | None:
        """TLS with our certificate; CannotRun where a file is wrong. None for plain HTTP, to this machine alone."""
        if not self.url.startswith("https:"):
            return None
        return client_context(self.tls_ca, self.tls_cert, self.tls_key)


def mesh_settings(settings: Settings) -> MeshSettings | None:
    """MESH's part of the hub's settings; None where there is no mailbox."""
    if not settings.mesh_url:
        return None
    return MeshSettings(
        url=settings.mesh_url.rstrip("/"),
        mailbox=settings.mesh_mailbox,
        password=settings.mesh_password,
        shared_key=settings.mesh_shared_key,
        poll_every=timedelta(seconds=settings.mesh_poll_seconds),
        max_bytes=settings.mesh_max_bytes,
        tls_cert=settings.mesh_tls_cert,
        tls_key=settings.mesh_tls_key,
        tls_ca=settings.mesh_tls_ca,
    )
