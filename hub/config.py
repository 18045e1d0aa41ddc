"""The environment → one frozen `Settings`. Every setting is declared once, below; documents and `.env.example` follow.

A variable that begins with HUB_ and is none of these is refused: a misspelt setting must not silently do nothing.
An empty variable counts as not set. The value of a secret appears in no error and in no repr.
"""

# ruff: noqa: RUF009 - `_setting` is `dataclasses.field` with the words of the documents beside it.
from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from pathlib import Path
from typing import Any

from hub.errors import CannotRun

PREFIX = "HUB_"
OF_TESTS = "HUB_TEST_"
"""What the tests are told (where a server is, how long to go on) is none of the hub's business."""
_MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"
_UNITS = {"": 1, "b": 1, "kib": 1024, "mib": 1024**2, "gib": 1024**3}


class _Unfit(ValueError):
    """The text is not of the accepted form, which this names."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as documents show it."""

    name: str
    default: str
    meaning: str


def _path(text: str) -> Path:
    return Path(text).expanduser()


def _path_or_none(text: str) -> Path | None:
    return _path(text) if text else None


def _mappings(text: str) -> Path:
    return _path(text) if text else _MAPPINGS


def _text(text: str) -> str:
    return text


def _host(text: str) -> str:
    if not text or any(sign in text for sign in " /"):
        raise _Unfit("a host name or an address, like 127.0.0.1 or 0.0.0.0")
    return text


def _port(text: str) -> int:
    return _whole(text, 0, 65535, "a port from 1 to 65535, or 0 for any free one")


def _count(text: str) -> int:
    return _whole(text, 1, 1_000_000, "a whole number from 1 to 1000000")


def _whole(text: str, least: int, most: int, form: str) -> int:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise _Unfit(form)
    return int(text)


def _bytes(text: str) -> int:
    """`16777216`, `16 MiB`, `16MiB`."""
    digits = text.rstrip("BKMGbkmgi ")
    factor = _UNITS.get(text[len(digits) :].strip().lower())
    form = "a size from 1 KiB to 1 GiB, like 16777216 or 16 MiB"
    if factor is None:
        raise _Unfit(form)
    size = _whole(digits, 1, 1024**3, form) * factor
    if not 1024 <= size <= 1024**3:
        raise _Unfit(form)
    return size


def _seconds(text: str) -> float:
    form = "seconds from 0.1 to 86400, like 30 or 0.5"
    if not text.replace(".", "", 1).isdigit() or not text.isascii() or not 0.1 <= float(text) <= 86400:
        raise _Unfit(form)
    return float(text)


def _time_of_day(text: str) -> time | None:
    if text.lower() == "off":
        return None
    if re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII) is None:
        raise _Unfit("a time of the day like 02:00, or off")
    return time.fromisoformat(text)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise _Unfit("one of " + ", ".join(words))
        return text.lower()

    return read


def _address(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and not text.startswith(tuple(f"{scheme}://" for scheme in schemes)):
            raise _Unfit(" or ".join(f"{scheme}://user:password@host/name" for scheme in schemes))
        return text

    return read


def _mesh(text: str) -> str:
    """Plain HTTP goes to this machine alone: people's results must not cross a network in the clear."""
    if text and re.fullmatch(r"https://[^\s/@]+(/\S*)?|http://(127\.0\.0\.1|\[::1\]|localhost)(:\d+)?/?", text) is None:
        raise _Unfit("an address that begins with https://, or http:// for a server on this machine")
    return text


def _collector(text: str) -> str:
    if text and re.fullmatch(r"https?://[^\s/]+(/\S*)?", text) is None:
        raise _Unfit("an address like http://collector:4318")
    return text


def _setting(name: str, read: Callable[[str], Any], default: str, meaning: str, *, secret: bool = False) -> Any:
    about = {"name": name, "read": read, "default": default, "meaning": meaning}
    return field(default=read(default), repr=not secret, metadata=about)


@dataclass(frozen=True, slots=True)
class Settings:
    """How this hub runs. `Settings()` is the embedded hub with every default."""

    data: Path = _setting("HUB_DATA", _path, ".hub", "The directory for everything the hub keeps on this machine.")
    database_url: str = _setting(
        "HUB_DATABASE_URL",
        _address("postgresql"),
        "",
        "The PostgreSQL database. Empty: an SQLite file in HUB_DATA.",
        secret=True,
    )
    amqp_url: str = _setting(
        "HUB_AMQP_URL",
        _address("amqp", "amqps"),
        "",
        "The RabbitMQ broker; nodes of a cluster separated by commas. Empty: events travel inside the process.",
        secret=True,
    )
    mappings: Path = _setting("HUB_MAPPINGS", _mappings, "", "The mapping tables. Empty: those that came with the hub.")
    mllp_host: str = _setting(
        "HUB_MLLP_HOST", _host, "127.0.0.1", "Where the MLLP door listens; 0.0.0.0 is every network of the machine."
    )
    mllp_port: int = _setting("HUB_MLLP_PORT", _port, "2575", "The port of the MLLP door; 0 takes any free one.")
    mllp_max_bytes: int = _setting(
        "HUB_MLLP_MAX_BYTES", _bytes, "16 MiB", "The largest message the door takes; real reports exceed 2 MiB."
    )
    mllp_idle_seconds: float = _setting(
        "HUB_MLLP_IDLE_SECONDS", _seconds, "300", "A connection silent for so long, with nothing to answer, is closed."
    )
    mllp_write_seconds: float = _setting(
        "HUB_MLLP_WRITE_SECONDS", _seconds, "30", "A peer that does not take its answer for so long is cut off."
    )
    mllp_grace_seconds: float = _setting(
        "HUB_MLLP_GRACE_SECONDS", _seconds, "10", "How long the door, when stopped, may finish what it took."
    )
    mllp_in_flight_per_connection: int = _setting(
        "HUB_MLLP_IN_FLIGHT_PER_CONNECTION", _count, "64", "Unanswered frames of one connection before it must wait."
    )
    mllp_in_flight: int = _setting(
        "HUB_MLLP_IN_FLIGHT", _count, "512", "Frames of all connections worked on at a time before all must wait."
    )
    mllp_connections: int = _setting("HUB_MLLP_CONNECTIONS", _count, "1000", "Connections open at a time.")
    mllp_tls_cert: Path | None = _setting(
        "HUB_MLLP_TLS_CERT", _path_or_none, "", "The door's certificate chain (PEM). Empty: no TLS."
    )
    mllp_tls_key: Path | None = _setting("HUB_MLLP_TLS_KEY", _path_or_none, "", "The private key of that certificate.")
    mllp_tls_client_ca: Path | None = _setting(
        "HUB_MLLP_TLS_CLIENT_CA",
        _path_or_none,
        "",
        "The authority (PEM) of the senders' certificates. If given, a sender must show one.",
    )
    mesh_url: str = _setting(
        "HUB_MESH_URL", _mesh, "", "Where MESH is, like https://mesh-sync.spineservices.nhs.uk. Empty: no MESH."
    )
    mesh_mailbox: str = _setting("HUB_MESH_MAILBOX", _text, "", "Our own mailbox in MESH.")
    mesh_password: str = _setting("HUB_MESH_PASSWORD", _text, "", "The password of our mailbox.", secret=True)
    mesh_shared_key: str = _setting(
        "HUB_MESH_SHARED_KEY", _text, "", "The key that MESH gives to everybody in an environment.", secret=True
    )
    mesh_poll_seconds: float = _setting(
        "HUB_MESH_POLL_SECONDS", _seconds, "300", "How often our mailbox is looked into; MESH asks for 300 at least."
    )
    mesh_max_bytes: int = _setting("HUB_MESH_MAX_BYTES", _bytes, "64 MiB", "The largest file taken, unpacked.")
    mesh_tls_cert: Path | None = _setting("HUB_MESH_TLS_CERT", _path_or_none, "", "Our certificate (PEM) for MESH.")
    mesh_tls_key: Path | None = _setting("HUB_MESH_TLS_KEY", _path_or_none, "", "The private key of that certificate.")
    mesh_tls_ca: Path | None = _setting(
        "HUB_MESH_TLS_CA", _path_or_none, "", "The authority (PEM) of MESH's certificate. Empty: those of the system."
    )
    http_host: str = _setting("HUB_HTTP_HOST", _host, "127.0.0.1", "Where the web pages, /health and /metrics listen.")
    http_port: int = _setting("HUB_HTTP_PORT", _port, "8080", "The port of the web pages; 0 takes any free one.")
    refill_seconds: float = _setting(
        "HUB_REFILL_SECONDS", _seconds, "60", "Events on the conveyor but unfinished for so long are sent again."
    )
    recall_at: time | None = _setting(
        "HUB_RECALL_AT", _time_of_day, "02:00", "When the daily run of call and recall begins, in England; or off."
    )
    log: str = _setting(
        "HUB_LOG", _one_of("debug", "info", "warning", "error"), "info", "The least of what is logged: debug to error."
    )
    log_format: str = _setting(
        "HUB_LOG_FORMAT", _one_of("auto", "json", "pretty"), "auto", "json, pretty, or auto: pretty on a terminal."
    )
    otlp_url: str = _setting(
        "HUB_OTLP_URL",
        _collector,
        "",
        "Where OpenTelemetry traces go (OTLP over HTTP, like http://collector:4318). Empty: none.",
        secret=True,
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the HUB_ variables. Raises CannotRun with the variable, the accepted form and what to do."""
        _refuse_unknown(environment)
        given = {
            each.name: _read(each.metadata["name"], each.metadata["read"], text)
            for each in fields(cls)
            if (text := environment.get(each.metadata["name"], "").strip())
        }
        settings = cls(**given)
        _refuse_half_tls(settings)
        _refuse_half_mesh(settings)
        return settings

    @property
    def embedded(self) -> bool:
        """No database server and no broker is configured: everything happens in this process."""
        return not self.database_url and not self.amqp_url

    @property
    def log_json(self) -> bool | None:
        """What `telemetry.configure` wants: None lets the terminal decide."""
        return {"json": True, "pretty": False}.get(self.log_format)


def settings_table() -> tuple[SettingRow, ...]:
    """Every setting in the order of declaration, for documents."""
    about = (each.metadata for each in fields(Settings))
    return tuple(SettingRow(each["name"], each["default"], each["meaning"]) for each in about)


def env_example() -> str:
    """The text of `.env.example`: every setting with its meaning and its default."""
    head = (
        "# Settings of the screening hub with their defaults. Made by `hub docs`; an empty value means the default.\n"
    )
    return head + "".join(f"\n# {row.meaning}\n{row.name}={row.default}\n" for row in settings_table())


def _read(name: str, read: Callable[[str], Any], text: str) -> Any:
    try:
        return read(text)
    except _Unfit as form:
        # Never the text itself: it may be a secret, and what looks like a port today may be a password tomorrow.
        raise CannotRun(
            f"{name} has an unfit value: it must be {form}. Correct it, or remove it for the default."
        ) from None


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = [row.name for row in settings_table()]
    unknown = sorted(
        name for name in environment if name.startswith(PREFIX) and not name.startswith(OF_TESTS) and name not in known
    )
    if not unknown:
        return
    import difflib  # only here, where the hub will not run anyway

    near = difflib.get_close_matches(unknown[0], known, n=1, cutoff=0.6)
    advice = f"Did you mean {near[0]}?" if near else "`.env.example` lists all settings."
    raise CannotRun(f"{unknown[0]} is not a setting of the hub. {advice}")


def _refuse_half_tls(settings: Settings) -> None:
    if (settings.mllp_tls_cert is None) != (settings.mllp_tls_key is None):
        raise CannotRun("HUB_MLLP_TLS_CERT and HUB_MLLP_TLS_KEY belong together: set both, or neither for no TLS.")
    if settings.mllp_tls_client_ca is not None and settings.mllp_tls_cert is None:
        raise CannotRun("HUB_MLLP_TLS_CLIENT_CA needs TLS: set HUB_MLLP_TLS_CERT and HUB_MLLP_TLS_KEY too.")


def _refuse_half_mesh(settings: Settings) -> None:
    if (settings.mesh_tls_cert is None) != (settings.mesh_tls_key is None):
        raise CannotRun("HUB_MESH_TLS_CERT and HUB_MESH_TLS_KEY belong together: set both, or neither.")
    if settings.mesh_url and not (settings.mesh_mailbox and settings.mesh_password and settings.mesh_shared_key):
        raise CannotRun(
            "HUB_MESH_URL needs a mailbox: set HUB_MESH_MAILBOX, HUB_MESH_PASSWORD and HUB_MESH_SHARED_KEY too."
        )
