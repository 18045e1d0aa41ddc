"""TLS for both ends of MLLP: contexts from files, with errors that name the file at fault."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path

from hub.errors import CannotRun


def server_context(cert: Path, key: Path, client_ca: Path | None = None) -> ssl.SSLContext:
    """For the door. With `client_ca`, a peer without a certificate of that authority is not let in."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _use("certificate and key", (cert, key), lambda: context.load_cert_chain(cert, key))
    if client_ca is not None:
        _use("client authority", (client_ca,), lambda: context.load_verify_locations(client_ca))
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None = None, cert: Path | None = None, key: Path | None = None) -> ssl.SSLContext:
    """For a sender. `ca` verifies the door (the system's authorities if absent); `cert` and `key` name the sender."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        _use("authority", (ca,), lambda: context.load_verify_locations(ca))
    else:
        context.load_default_certs()
    if cert is not None:
        files = (cert,) if key is None else (cert, key)
        _use("certificate and key", files, lambda: context.load_cert_chain(cert, key))
    return context


def subject_of(peer_certificate: object) -> str:
    """The subject of what `SSLSocket.getpeercert()` gives, as `commonName=lab.example, organizationName=Example`."""
    if not isinstance(peer_certificate, dict):
        return ""
    parts = (part for relative_name in peer_certificate.get("subject", ()) for part in relative_name)
    return ", ".join(f"{name}={value}" for name, value in parts)


def _use(what: str, files: tuple[Path, ...], load: Callable[[], None]) -> None:
    for file in files:
        if not file.is_file():
            raise CannotRun(f"The TLS {what} cannot be used: there is no file {file}.")
    try:
        load()
    except OSError as error:
        names = " and ".join(map(str, files))
        raise CannotRun(f"The TLS {what} cannot be used: {names} must be PEM files that belong together.") from error
