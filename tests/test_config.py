"""Settings: every one documented, every wrong one refused by name, no secret ever shown."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import FrozenInstanceError, fields
from datetime import timedelta
from pathlib import Path

import pytest

from hub.config import Settings, env_example, settings_table
from hub.errors import CannotRun
from hub.io.mesh import mesh_settings
from hub.io.mllp import MllpSettings, door_settings

REPOSITORY = Path(__file__).resolve().parent.parent


def test_an_empty_environment_is_the_embedded_hub() -> None:
    settings = Settings.from_environment({"PATH": "/bin", "HOME": "/root"})
    assert settings == Settings()
    assert settings.embedded
    assert (settings.data, settings.mllp_port, settings.http_port) == (Path(".hub"), 2575, 8080)
    assert settings.mllp_max_bytes == 16 * 1024 * 1024
    assert settings.mappings == REPOSITORY / "mappings"
    assert settings.mllp_tls_cert is None
    assert settings.log_json is None


def test_the_environment_is_read() -> None:
    settings = Settings.from_environment(
        {
            "HUB_DATA": "/srv/hub",
            "HUB_DATABASE_URL": "postgresql://hub@db/hub",
            "HUB_AMQP_URL": "amqps://broker/",
            "HUB_MLLP_PORT": "0",
            "HUB_MLLP_MAX_BYTES": "2MiB",
            "HUB_MLLP_IDLE_SECONDS": " 0.5 ",
            "HUB_MLLP_TLS_CERT": "/c.pem",
            "HUB_MLLP_TLS_KEY": "/k.pem",
            "HUB_MLLP_TLS_CLIENT_CA": "/ca.pem",
            "HUB_LOG": "WARNING",
            "HUB_LOG_FORMAT": "json",
            "HUB_HTTP_HOST": "",
        }
    )
    assert (settings.data, settings.mllp_port, settings.mllp_idle_seconds) == (Path("/srv/hub"), 0, 0.5)
    assert (settings.mllp_max_bytes, settings.log, settings.log_json) == (2 * 1024 * 1024, "warning", True)
    assert (settings.mllp_tls_key, settings.http_host) == (Path("/k.pem"), "127.0.0.1")
    assert not settings.embedded


@pytest.mark.parametrize(("text", "size"), [("2048", 2048), ("16 MiB", 1 << 24), ("1gib", 1 << 30), ("4 KiB", 4096)])
def test_sizes(text: str, size: int) -> None:
    assert Settings.from_environment({"HUB_MLLP_MAX_BYTES": text}).mllp_max_bytes == size


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("HUB_MLLP_PORT", "65536"),
        ("HUB_MLLP_PORT", "-1"),
        ("HUB_MLLP_PORT", "²"),
        ("HUB_HTTP_PORT", "eighty"),
        ("HUB_MLLP_MAX_BYTES", "12 parsecs"),
        ("HUB_MLLP_MAX_BYTES", "0"),
        ("HUB_MLLP_MAX_BYTES", "2 GiB"),
        ("HUB_MLLP_MAX_BYTES", "MiB"),
        ("HUB_MLLP_IDLE_SECONDS", "0"),
        ("HUB_MLLP_IDLE_SECONDS", "nan"),
        ("HUB_MLLP_IDLE_SECONDS", "1.2.3"),
        ("HUB_MLLP_IDLE_SECONDS", "."),
        ("HUB_MLLP_CONNECTIONS", "0"),
        ("HUB_MLLP_HOST", "two words"),
        ("HUB_DATABASE_URL", "mysql://x"),
        ("HUB_AMQP_URL", "http://x"),
        ("HUB_MESH_URL", "http://mesh.example"),
        ("HUB_MESH_URL", "https://somebody@mesh.example"),
        ("HUB_MESH_POLL_SECONDS", "0"),
        ("HUB_LOG", "loud"),
        ("HUB_LOG_FORMAT", "xml"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_and_the_form_and_without_the_value(name: str, text: str) -> None:
    with pytest.raises(
        CannotRun, match=f"^{name} has an unfit value: it must be .+remove it for the default"
    ) as caught:
        Settings.from_environment({name: text})
    if len(text) > 3:
        assert text not in str(caught.value)


@pytest.mark.parametrize("name", ["HUB_DATABASE_URL", "HUB_AMQP_URL"])
def test_a_secret_is_never_shown(name: str) -> None:
    with pytest.raises(CannotRun) as caught:
        Settings.from_environment({name: "ftp://hub:s3cret@host"})
    assert "s3cret" not in str(caught.value)
    assert caught.value.__cause__ is None
    good = {"HUB_DATABASE_URL": "postgresql://hub:s3cret@db/hub", "HUB_AMQP_URL": "amqp://hub:s3cret@broker/"}
    assert "s3cret" not in repr(Settings.from_environment({name: good[name]}))


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("HUB_MLPP_PORT", "Did you mean HUB_MLLP_PORT"),
        ("HUB_DB_URL", "Did you mean HUB_DATABASE_URL|lists all settings"),
        ("HUB_QQQQ", "env.example"),
    ],
)
def test_an_unknown_setting_is_refused_and_the_nearest_named(name: str, advice: str) -> None:
    with pytest.raises(CannotRun, match=f"^{name} is not a setting.*({advice})"):
        Settings.from_environment({name: "1"})


@pytest.mark.parametrize(
    "half",
    [{"HUB_MLLP_TLS_CERT": "/c.pem"}, {"HUB_MLLP_TLS_KEY": "/k.pem"}, {"HUB_MLLP_TLS_CLIENT_CA": "/ca.pem"}],
    ids=lambda half: next(iter(half)),
)
def test_half_a_tls_is_none(half: dict[str, str]) -> None:
    with pytest.raises(CannotRun, match="HUB_MLLP_TLS"):
        Settings.from_environment(half)


MESH = {
    "HUB_MESH_URL": "https://mesh.example/",
    "HUB_MESH_MAILBOX": "X26HC005",
    "HUB_MESH_PASSWORD": "s3cret",
    "HUB_MESH_SHARED_KEY": "s3cret too",
}


def test_a_mailbox_is_whole_and_its_secrets_are_not_shown() -> None:
    settings = Settings.from_environment(MESH | {"HUB_MESH_POLL_SECONDS": "600"})
    given = mesh_settings(settings)
    assert given is not None
    assert (given.url, given.mailbox, given.poll_every) == ("https://mesh.example", "X26HC005", timedelta(minutes=10))
    assert "s3cret" not in repr(settings) + repr(given)
    assert mesh_settings(Settings()) is None
    for name in list(MESH)[1:]:
        with pytest.raises(CannotRun, match=name):
            Settings.from_environment({key: text for key, text in MESH.items() if key != name})
    for half in ("HUB_MESH_TLS_CERT", "HUB_MESH_TLS_KEY"):
        with pytest.raises(CannotRun, match="HUB_MESH_TLS"):
            Settings.from_environment(MESH | {half: "/a.pem"})


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8700", "http://localhost", "http://[::1]:1", "https://a.example:1/x"]
)
def test_people_do_not_cross_a_network_in_the_clear(url: str) -> None:
    assert Settings.from_environment(MESH | {"HUB_MESH_URL": url}).mesh_url == url
    with pytest.raises(CannotRun, match="HUB_MESH_URL"):
        Settings.from_environment(MESH | {"HUB_MESH_URL": "http://127.0.0.1.evil.example"})


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().data = Path("/elsewhere")  # type: ignore[misc] - that it fails is the point


def test_every_setting_is_in_the_example_and_nothing_else() -> None:
    assert (REPOSITORY / ".env.example").read_text() == env_example(), "run `hub docs`"
    rows = settings_table()
    assert len({row.name for row in rows}) == len(rows) == len(fields(Settings))
    assert all(row.meaning.endswith(".") and row.name.startswith("HUB_") for row in rows)


def test_the_example_read_back_gives_the_defaults() -> None:
    lines = [line for line in env_example().splitlines() if line and not line.startswith("#")]
    assert Settings.from_environment(dict(line.split("=", 1) for line in lines)) == Settings()


def test_the_door_takes_its_part() -> None:
    door = door_settings(Settings.from_environment({"HUB_MLLP_PORT": "0", "HUB_MLLP_GRACE_SECONDS": "3"}))
    assert (door.port, door.grace_seconds, door.max_frame_bytes) == (0, 3.0, 1 << 24)
    assert door_settings(Settings()) == MllpSettings(port=2575), "the two sets of defaults agree"


def test_reading_settings_imports_no_heavy_module() -> None:
    program = "import sys, hub.config; sys.exit(bool({'asyncio', 'structlog', 'prometheus_client'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", program], timeout=60, check=False).returncode == 0
