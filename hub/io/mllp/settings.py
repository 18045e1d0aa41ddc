"""What the door needs to know, and what it hands to whoever answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hub.config import Settings
from hub.io.mllp.framing import DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True)
class MllpSettings:
    """How the door behaves. Port 0 takes any free port; durations are seconds, sizes bytes.

    `max_in_flight_per_connection` frames of one connection, and `max_in_flight` of all, are worked on at a time: beyond
    that the door stops reading, and TCP makes the senders wait. `quiet_seconds` is how long an FS at the end of what
    came waits for its CR. With `tls_client_ca` a peer must show a certificate of that authority.
    """

    host: str = "127.0.0.1"
    port: int = 0
    max_frame_bytes: int = DEFAULT_MAX_BYTES
    idle_seconds: float = 300.0
    write_seconds: float = 30.0
    grace_seconds: float = 10.0
    quiet_seconds: float = 0.1
    max_in_flight_per_connection: int = 64
    max_in_flight: int = 512
    max_connections: int = 1000
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_client_ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end. `certificate_subject` is empty unless the peer showed a certificate we verified
    (`commonName=lab.example, organizationName=Example`)."""

    host: str
    port: int
    certificate_subject: str = ""

    @property
    def common_name(self) -> str:
        parts = (part.partition("=") for part in self.certificate_subject.split(", "))
        return next((value for name, _, value in parts if name == "commonName"), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What to send back. `data` is unframed; None says nothing, for what is itself an acknowledgement.

    `then` is a second, separate message to send after it, unframed too. `token` is whatever the answerer wants to see
    again when the fate of the reply is known.
    """

    data: bytes | None
    token: object = None
    then: bytes | None = None


def door_settings(settings: Settings) -> MllpSettings:
    """The door's part of the hub's settings."""
    return MllpSettings(
        host=settings.mllp_host,
        port=settings.mllp_port,
        max_frame_bytes=settings.mllp_max_bytes,
        idle_seconds=settings.mllp_idle_seconds,
        write_seconds=settings.mllp_write_seconds,
        grace_seconds=settings.mllp_grace_seconds,
        max_in_flight_per_connection=settings.mllp_in_flight_per_connection,
        max_in_flight=settings.mllp_in_flight,
        max_connections=settings.mllp_connections,
        tls_cert=settings.mllp_tls_cert,
        tls_key=settings.mllp_tls_key,
        tls_client_ca=settings.mllp_tls_client_ca,
    )
