"""Settings that belong together: with half of them the hub does not begin, for it would fail later and elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hub.errors import CannotRun

if TYPE_CHECKING:
    from hub.config import Settings


def refuse_halves(settings: Settings) -> None:
    """Raises CannotRun with what is lacking."""
    for door in ("mllp", "partners"):
        _refuse_half_tls(settings, door)
    _refuse_half_mesh(settings)
    _refuse_half_pds(settings)
    _refuse_half_notify(settings)


def _refuse_half_tls(settings: Settings, door: str) -> None:
    cert, key, client_ca = (getattr(settings, f"{door}_tls_{part}") for part in ("cert", "key", "client_ca"))
    name = f"HUB_{door.upper()}_TLS"
    if (cert is None) != (key is None):
        raise CannotRun(f"{name}_CERT and {name}_KEY belong together: set both, or neither for no TLS.")
    if client_ca is not None and cert is None:
        raise CannotRun(f"{name}_CLIENT_CA needs TLS: set {name}_CERT and {name}_KEY too.")


def _refuse_half_mesh(settings: Settings) -> None:
    if (settings.mesh_tls_cert is None) != (settings.mesh_tls_key is None):
        raise CannotRun("HUB_MESH_TLS_CERT and HUB_MESH_TLS_KEY belong together: set both, or neither.")
    if settings.mesh_url and not (settings.mesh_mailbox and settings.mesh_password and settings.mesh_shared_key):
        raise CannotRun(
            "HUB_MESH_URL needs a mailbox: set HUB_MESH_MAILBOX, HUB_MESH_PASSWORD and HUB_MESH_SHARED_KEY too."
        )


def _refuse_half_pds(settings: Settings) -> None:
    _refuse_half(
        bool(settings.pds_url),
        "PDS",
        TOKEN_URL=settings.pds_token_url,
        CLIENT=settings.pds_client,
        KID=settings.pds_kid,
        KEY=settings.pds_key,
    )


def _refuse_half_notify(settings: Settings) -> None:
    _refuse_half(
        bool(settings.notify_url),
        "NOTIFY",
        TOKEN_URL=settings.notify_token_url,
        CLIENT=settings.notify_client,
        KID=settings.notify_kid,
        KEY=settings.notify_key,
        PLANS=settings.notify_plans,
    )
    if bool(settings.notify_application_id) != bool(settings.notify_api_key):
        raise CannotRun(
            "HUB_NOTIFY_APPLICATION_ID and HUB_NOTIFY_API_KEY belong together: set both, or neither for no callbacks."
        )


def _refuse_half(has_url: bool, partner: str, **needed: object) -> None:
    missing = [f"HUB_{partner}_{name}" for name, value in needed.items() if not value]
    if has_url and missing:
        url = f"HUB_{partner}_URL"
        raise CannotRun(f"{url} needs {' and '.join(missing)} too. Set them, or leave {url} empty.")
