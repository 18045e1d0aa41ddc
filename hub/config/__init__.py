"""The environment → one frozen `Settings`. Every setting is declared once, below; documents and `.env.example` follow.

A variable that begins with HUB_ and is none of these is refused: a misspelt setting must not silently do nothing.
An empty variable counts as not set. The value of a secret appears in no error and in no repr.
"""

# ruff: noqa: RUF009 - `_setting` is `dataclasses.field` with the words of the documents beside it.
from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import time
from pathlib import Path
from typing import Any

from hub.config.forms import (
    Unfit,
    a_path,
    address,
    count,
    host,
    mappings_directory,
    mesh_address,
    one_of,
    partner_address,
    path_or_none,
    plan_ids,
    port,
    port_or_none,
    rate,
    seconds,
    size,
    text,
    time_of_day,
    web,
)
from hub.config.halves import refuse_halves
from hub.errors import CannotRun

PREFIX = "HUB_"
OF_TESTS = "HUB_TEST_"
"""What the tests are told (where a server is, how long to go on) is none of the hub's business."""


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One setting as documents show it."""

    name: str
    default: str
    meaning: str


def _setting(name: str, read: Callable[[str], Any], default: str, meaning: str, *, secret: bool = False) -> Any:
    about = {"name": name, "read": read, "default": default, "meaning": meaning}
    return field(default=read(default), repr=not secret, metadata=about)


@dataclass(frozen=True, slots=True)
class Settings:
    """How this hub runs. `Settings()` is the embedded hub with every default."""

    data: Path = _setting("HUB_DATA", a_path, ".hub", "The directory for everything the hub keeps on this machine.")
    database_url: str = _setting(
        "HUB_DATABASE_URL",
        address("postgresql"),
        "",
        "The PostgreSQL database. Empty: an SQLite file in HUB_DATA.",
        secret=True,
    )
    amqp_url: str = _setting(
        "HUB_AMQP_URL",
        address("amqp", "amqps"),
        "",
        "The RabbitMQ broker; nodes of a cluster separated by commas. Empty: events travel inside the process.",
        secret=True,
    )
    mappings: Path = _setting(
        "HUB_MAPPINGS", mappings_directory, "", "The mapping tables. Empty: those that came with the hub."
    )
    mllp_host: str = _setting(
        "HUB_MLLP_HOST", host, "127.0.0.1", "Where the MLLP door listens; 0.0.0.0 is every network of the machine."
    )
    mllp_port: int = _setting("HUB_MLLP_PORT", port, "2575", "The port of the MLLP door; 0 takes any free one.")
    rehearsal_mllp_port: int | None = _setting(
        "HUB_REHEARSAL_MLLP_PORT",
        port_or_none,
        "",
        "The port of the MLLP door for feeds in rehearsal; 0 takes any free one. Empty: no such door.",
    )
    mllp_max_bytes: int = _setting(
        "HUB_MLLP_MAX_BYTES", size, "16 MiB", "The largest message the door takes; real reports exceed 2 MiB."
    )
    mllp_idle_seconds: float = _setting(
        "HUB_MLLP_IDLE_SECONDS", seconds, "300", "A connection silent for so long, with nothing to answer, is closed."
    )
    mllp_write_seconds: float = _setting(
        "HUB_MLLP_WRITE_SECONDS", seconds, "30", "A peer that does not take its answer for so long is cut off."
    )
    mllp_grace_seconds: float = _setting(
        "HUB_MLLP_GRACE_SECONDS", seconds, "10", "How long the door, when stopped, may finish what it took."
    )
    mllp_in_flight_per_connection: int = _setting(
        "HUB_MLLP_IN_FLIGHT_PER_CONNECTION", count, "64", "Unanswered frames of one connection before it must wait."
    )
    mllp_in_flight: int = _setting(
        "HUB_MLLP_IN_FLIGHT", count, "512", "Frames of all connections worked on at a time before all must wait."
    )
    mllp_connections: int = _setting("HUB_MLLP_CONNECTIONS", count, "1000", "Connections open at a time.")
    mllp_tls_cert: Path | None = _setting(
        "HUB_MLLP_TLS_CERT", path_or_none, "", "The door's certificate chain (PEM). Empty: no TLS."
    )
    mllp_tls_key: Path | None = _setting("HUB_MLLP_TLS_KEY", path_or_none, "", "The private key of that certificate.")
    mllp_tls_client_ca: Path | None = _setting(
        "HUB_MLLP_TLS_CLIENT_CA",
        path_or_none,
        "",
        "The authority (PEM) of the senders' certificates. If given, a sender must show one.",
    )
    mesh_url: str = _setting(
        "HUB_MESH_URL", mesh_address, "", "Where MESH is, like https://mesh-sync.spineservices.nhs.uk. Empty: no MESH."
    )
    mesh_mailbox: str = _setting("HUB_MESH_MAILBOX", text, "", "Our own mailbox in MESH.")
    mesh_password: str = _setting("HUB_MESH_PASSWORD", text, "", "The password of our mailbox.", secret=True)
    mesh_shared_key: str = _setting(
        "HUB_MESH_SHARED_KEY", text, "", "The key that MESH gives to everybody in an environment.", secret=True
    )
    mesh_poll_seconds: float = _setting(
        "HUB_MESH_POLL_SECONDS", seconds, "300", "How often our mailbox is looked into; MESH asks for 300 at least."
    )
    mesh_max_bytes: int = _setting("HUB_MESH_MAX_BYTES", size, "64 MiB", "The largest file taken, unpacked.")
    mesh_tls_cert: Path | None = _setting("HUB_MESH_TLS_CERT", path_or_none, "", "Our certificate (PEM) for MESH.")
    mesh_tls_key: Path | None = _setting("HUB_MESH_TLS_KEY", path_or_none, "", "The private key of that certificate.")
    mesh_tls_ca: Path | None = _setting(
        "HUB_MESH_TLS_CA", path_or_none, "", "The authority (PEM) of MESH's certificate. Empty: those of the system."
    )
    partners_host: str = _setting(
        "HUB_PARTNERS_HOST",
        host,
        "127.0.0.1",
        "Where the partners' HTTP door listens. Without TLS: behind a proxy only.",
    )
    partners_port: int = _setting("HUB_PARTNERS_PORT", port, "2580", "The port of that door; 0 takes any free one.")
    partners_max_bytes: int = _setting(
        "HUB_PARTNERS_MAX_BYTES", size, "16 MiB", "The largest message or file that door takes."
    )
    partners_in_flight: int = _setting(
        "HUB_PARTNERS_IN_FLIGHT",
        count,
        "64",
        "Requests of all partners worked on at a time; the next is told to wait.",
    )
    partners_in_flight_per_feed: int = _setting("HUB_PARTNERS_IN_FLIGHT_PER_FEED", count, "16", "The same of one feed.")
    partners_seconds: float = _setting(
        "HUB_PARTNERS_SECONDS", seconds, "30", "How long a partner may take for a head, for a body, and between them."
    )
    partners_tls_cert: Path | None = _setting(
        "HUB_PARTNERS_TLS_CERT", path_or_none, "", "That door's certificate chain (PEM). Empty: no TLS."
    )
    partners_tls_key: Path | None = _setting(
        "HUB_PARTNERS_TLS_KEY", path_or_none, "", "The private key of that certificate."
    )
    partners_tls_client_ca: Path | None = _setting(
        "HUB_PARTNERS_TLS_CLIENT_CA",
        path_or_none,
        "",
        "The authority (PEM) of the partners' certificates. Who shows none needs a token.",
    )
    partners_url: str = _setting(
        "HUB_PARTNERS_URL",
        web("https://hub.example"),
        "",
        "How partners call that door (https://hub.example); with /oauth2/token the audience of their assertions. "
        "Empty: as it listens.",
    )
    http_host: str = _setting("HUB_HTTP_HOST", host, "127.0.0.1", "Where the web pages, /health and /metrics listen.")
    http_port: int = _setting("HUB_HTTP_PORT", port, "8080", "The port of the web pages; 0 takes any free one.")
    pds_url: str = _setting(
        "HUB_PDS_URL",
        partner_address,
        "",
        "The FHIR API of PDS (.../personal-demographics/FHIR/R4). Empty: PDS is not asked.",
    )
    pds_token_url: str = _setting(
        "HUB_PDS_TOKEN_URL",
        partner_address,
        "",
        "Where tokens for PDS come from (.../oauth2/token), letter for letter.",
    )
    pds_client: str = _setting(
        "HUB_PDS_CLIENT", text, "", "The API key of our application at the API platform.", secret=True
    )
    pds_kid: str = _setting("HUB_PDS_KID", text, "", "The name (kid) under which our public key is registered there.")
    pds_key: Path | None = _setting("HUB_PDS_KEY", path_or_none, "", "Our private key (PEM, RSA of 4096 bits).")
    pds_per_second: float = _setting(
        "HUB_PDS_PER_SECOND", rate, "5", "How often PDS is asked, by all processes together; agreed with NHS England."
    )
    pds_seconds: float = _setting(
        "HUB_PDS_SECONDS", seconds, "30", "How long one question to PDS may take, with every try."
    )
    pds_patience_seconds: float = _setting(
        "HUB_PDS_PATIENCE_SECONDS",
        seconds,
        "86400",
        "How long a result that fits nobody waits for PDS before it becomes a clerk's task.",
    )
    pds_events_workflow: str = _setting(
        "HUB_PDS_EVENTS_WORKFLOW",
        text,
        "",
        "The MESH workflow that brings events of PDS. Empty: none is taken for one.",
    )
    pds_events_queue: str = _setting(
        "HUB_PDS_EVENTS_QUEUE",
        partner_address,
        "",
        "The URL of the SQS queue that brings events of PDS; needs the extra `sqs`. Empty: there is none.",
    )
    notify_url: str = _setting(
        "HUB_NOTIFY_URL",
        partner_address,
        "",
        "Where NHS Notify is (https://api.service.nhs.uk/comms). Empty: letters are wished, and nobody is told.",
    )
    notify_token_url: str = _setting(
        "HUB_NOTIFY_TOKEN_URL",
        partner_address,
        "",
        "Where tokens for NHS Notify come from (.../oauth2/token), letter for letter.",
    )
    notify_client: str = _setting(
        "HUB_NOTIFY_CLIENT", text, "", "The API key of our application at the API platform, to ask with.", secret=True
    )
    notify_kid: str = _setting(
        "HUB_NOTIFY_KID", text, "", "The name (kid) under which our public key is registered there."
    )
    notify_key: Path | None = _setting(
        "HUB_NOTIFY_KEY", path_or_none, "", "Our private key (PEM, RSA of 4096 bits); it may be the one for PDS."
    )
    notify_plans: tuple[tuple[str, str], ...] = _setting(
        "HUB_NOTIFY_PLANS",
        plan_ids,
        "",
        "The id at NHS Notify of each plan of letters.toml: invitation=ID,result=ID. Each environment has its own.",
    )
    notify_application_id: str = _setting(
        "HUB_NOTIFY_APPLICATION_ID",
        text,
        "",
        "The id of our application, with which NHS Notify signs its callbacks.",
        secret=True,
    )
    notify_api_key: str = _setting(
        "HUB_NOTIFY_API_KEY", text, "", "The API key that NHS Notify gave us, and shows with callbacks.", secret=True
    )
    notify_per_minute: int = _setting(
        "HUB_NOTIFY_PER_MINUTE",
        count,
        "1200",
        "How many requests a minute go to NHS Notify, of all processes together.",
    )
    notify_seconds: float = _setting(
        "HUB_NOTIFY_SECONDS", seconds, "60", "How long handing one batch to NHS Notify may take, with every try."
    )
    notify_fill_seconds: float = _setting(
        "HUB_NOTIFY_FILL_SECONDS",
        seconds,
        "60",
        "How long a letter that need not go at once waits for others of its routing plan to go with.",
    )
    refill_seconds: float = _setting(
        "HUB_REFILL_SECONDS", seconds, "60", "Events on the conveyor but unfinished for so long are sent again."
    )
    recall_at: time | None = _setting(
        "HUB_RECALL_AT", time_of_day, "02:00", "When the daily run of call and recall begins, in England; or off."
    )
    log: str = _setting(
        "HUB_LOG", one_of("debug", "info", "warning", "error"), "info", "The least of what is logged: debug to error."
    )
    log_format: str = _setting(
        "HUB_LOG_FORMAT", one_of("auto", "json", "pretty"), "auto", "json, pretty, or auto: pretty on a terminal."
    )
    otlp_url: str = _setting(
        "HUB_OTLP_URL",
        web("http://collector:4318"),
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
        refuse_halves(settings)
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
    except Unfit as form:
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
    advice = f"Did you mean {near[0]}? " if near else ""
    raise CannotRun(f"{unknown[0]} is not a setting of the hub. {advice}`.env.example` lists all settings.")
