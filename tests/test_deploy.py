"""What is deployed is the hub as it is: settings, verbs, roles, metrics and files that the image, the compose file and
`deploy/` name exist. Nothing is started here."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from ruamel.yaml import YAML

from adapters.simulators.laboratory import LABORATORIES
from hub.__main__ import _parser
from hub.config import Settings, settings_table
from hub.telemetry import REGISTRY
from hub.verbs.run import ROLES

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
ROWS = [
    "Is anything wrong?",
    "At the door",
    "On the way",
    "What became of results",
    "Call and recall, letters, discharges",
    "Letters at NHS Notify",
    "PDS and NHS Notify",
    "Partners by HTTP and MESH",
    "The machine",
]
OF_PROMETHEUS = {"up", "ALERTS"}
"""What Prometheus itself knows of everything it asks. `process_*` comes from its client library, of every process."""


def loaded(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))


COMPOSE = loaded(ROOT / "docker-compose.yml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
RABBITS = {name: service for name, service in SERVICES.items() if service["image"].startswith("rabbitmq:")}
DOCKERFILE = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
DASHBOARD = json.loads((DEPLOY / "grafana/dashboard.json").read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
ALERTS = [rule for group in loaded(DEPLOY / "alerts.yml")["groups"] for rule in group["rules"]]


def filled(text: str) -> str:
    """As Compose fills a text in where nothing is set: `${NAME:-default}` → `default`."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def parses(words: list[str]) -> bool:
    """Whether `hub WORDS` can be typed. One or two plain words are a mention: they must exist."""
    mention = len(words) <= 2 and all(re.fullmatch("[a-z]+", word) for word in words)
    try:
        _parser(words)[0].parse_args([*words, "--help"] if mention else words)
    except SystemExit as end:
        return end.code == 0
    return True


def commands(text: str) -> list[list[str]]:
    """Every `hub ...` in backticks."""
    return [shlex.split(words) for words in re.findall(r"`hub ([^`]+)`", text)]


def metrics(expression: str) -> set[str]:
    """The metrics that a PromQL expression reads."""
    bare = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', " ", re.sub(r'"[^"]*"', '""', expression))
    bare = re.sub(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)", " ", bare)
    names = re.findall(r"(?<![\w.])[a-zA-Z_:][\w:]*(?!\w*\s*\()", bare)
    return set(names) - {"and", "or", "unless", "offset", "bool"}


def exported() -> set[str]:
    """Every name under which Prometheus stores something of the hub's."""
    return {name for family in REGISTRY.collect() for name in _sample_names(family.name, family.type)}


def _sample_names(name: str, kind: str) -> set[str]:
    endings = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(kind, ("",))
    return {name + ending for ending in endings}


def expressions() -> Iterator[Any]:
    """Everything Prometheus is asked."""
    for rule in ALERTS:
        yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in GRAPHS:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")


def valid(path: Path) -> bool:
    words = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
    return subprocess.run(words, capture_output=True, timeout=60, check=False).returncode == 0


# -- the compose file


def test_compose_is_what_the_specification_allows(tmp_path: Path) -> None:
    assert valid(ROOT / "docker-compose.yml")
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: { hub: { image: screening-hub, restarts: always } }\n")
    assert not valid(wrong)


@pytest.mark.parametrize("name", OURS)
def test_a_service_sets_only_settings_and_fit_ones(name: str) -> None:
    environment = {key: filled(value) for key, value in OURS[name]["environment"].items()}
    assert set(environment) <= {row.name for row in settings_table()}
    settings = Settings.from_environment(environment)
    assert not settings.embedded
    assert (settings.mllp_host, settings.http_host) == ("0.0.0.0", "0.0.0.0")


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_what_the_hub_can(name: str) -> None:
    assert parses(OURS[name]["command"])


def test_every_role_runs_and_goes_by_its_name() -> None:
    roles = {name: service["command"][1] for name, service in OURS.items() if service["command"][0] == "run"}
    assert set(roles) == {"intake", "relay", "worker", "web", "schedule"}
    assert all(name == role for name, role in roles.items())


def test_no_role_of_the_hub_is_left_out() -> None:
    assert set(ROLES) == {service["command"][1] for service in OURS.values() if service["command"][0] == "run"}


def test_it_starts_with_nothing_set() -> None:
    """Every variable has a default, and the servers and the hub are told the same one."""
    text = (ROOT / "docker-compose.yml").read_text()
    assert set(re.findall(r"\$\{?(\w+)", text)) == set(re.findall(r"\$\{(\w+):-[^}]+\}", text))
    defaults = dict(re.findall(r"\$\{(\w+):-([^}]+)\}", text))
    assert filled(text) == re.sub(r"\$\{(\w+):-[^}]+\}", lambda found: defaults[found[1]], text)
    assert not [name for name in defaults if name.startswith("HUB_")], "the hub would refuse it in its env_file"


def test_every_file_and_volume_it_names_is_there() -> None:
    sources = [one.split(":")[0] for service in SERVICES.values() for one in service.get("volumes", ())]
    files = [source for source in sources if source.startswith("./")]
    assert set(sources) - set(files) == set(COMPOSE["volumes"])
    files += [config["file"] for config in COMPOSE["configs"].values()]
    assert [path for path in files if not (ROOT / path).exists()] == []
    used = {config["source"] for service in SERVICES.values() for config in service.get("configs", ())}
    assert used == set(COMPOSE["configs"])


def test_what_is_waited_for_exists_and_can_be_healthy() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            healthy = how["condition"] == "service_healthy"
            assert name in OURS or "healthcheck" in SERVICES[name] or not healthy, name


def test_what_is_for_watching_or_showing_starts_only_when_asked_for() -> None:
    asked = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert asked == {"prometheus": ["watch"], "grafana": ["watch"], "laboratory": ["demo"]}


def test_the_laboratory_sends_as_every_laboratory_there_is_to_the_intake() -> None:
    words = SERVICES["laboratory"]["command"]
    options = _parser(words)[0].parse_args(words)
    assert set(options.feed) == set(LABORATORIES)
    port = OURS["intake"]["environment"]["HUB_MLLP_PORT"]
    assert (options.to, options.count) == (f"intake:{port}", None)


def test_the_ports_are_open_to_this_machine_only() -> None:
    ports = [filled(port) for service in SERVICES.values() for port in service.get("ports", ())]
    assert len(ports) > 4
    assert all(port.startswith("127.0.0.1:") for port in ports)


# -- the broker


def test_the_three_nodes_know_each_other_and_the_hub_knows_them() -> None:
    assert len(RABBITS) >= 3
    assert len(RABBITS) % 2
    assert all(service["hostname"] == name for name, service in RABBITS.items())
    listed = re.findall(r"^cluster_formation\S+ = rabbit@(\S+)$", (DEPLOY / "rabbitmq.conf").read_text(), re.MULTILINE)
    assert listed == list(RABBITS)
    urls = [urlsplit(url) for url in filled(OURS["relay"]["environment"]["HUB_AMQP_URL"]).split(",")]
    assert [url.hostname for url in urls] == listed
    for url in urls:
        given = RABBITS[str(url.hostname)]["environment"]
        assert url.path == "/" + given["RABBITMQ_DEFAULT_VHOST"]
        assert url.username == given["RABBITMQ_DEFAULT_USER"]
        assert url.password == filled(given["RABBITMQ_DEFAULT_PASS"])


def test_the_nodes_share_a_cookie_and_nothing_else() -> None:
    assert len({service["environment"]["RABBITMQ_ERLANG_COOKIE"] for service in RABBITS.values()}) == 1
    assert len({service["volumes"][0] for service in RABBITS.values()}) == len(RABBITS)


def test_the_database_is_the_one_that_is_made() -> None:
    given = SERVICES["postgres"]["environment"]
    url = urlsplit(filled(OURS["intake"]["environment"]["HUB_DATABASE_URL"]))
    assert (url.hostname, url.path) == ("postgres", "/" + given["POSTGRES_DB"])
    assert (url.username, url.password) == (given["POSTGRES_USER"], filled(given["POSTGRES_PASSWORD"]))


# -- the image


def instructions(word: str) -> list[str]:
    return re.findall(rf"^{word} +(.+)$", DOCKERFILE, re.MULTILINE)


def test_the_image_does_not_run_as_root() -> None:
    assert instructions("USER")[-1] not in ("root", "0")
    assert re.search(rf"useradd .*\b{instructions('USER')[-1]}\b", DOCKERFILE)


def test_the_image_holds_what_is_locked_and_nothing_is_fetched_for_the_hub_itself() -> None:
    installs = re.findall(r"pip install ([^&\n]+)", DOCKERFILE)
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "-r requirements.lock" in installs[0]
    assert {"--no-deps", "--no-build-isolation", "--no-index"} <= set(installs[1].split())


def test_the_image_starts_the_hub_and_asks_it_for_its_health() -> None:
    assert json.loads(instructions("ENTRYPOINT")[0]) == ["hub"]
    assert parses(json.loads(instructions("CMD")[0]))
    check = json.loads(instructions("HEALTHCHECK")[0].split(" CMD ")[1])
    assert check[:2] == ["python", "-c"]
    assert "/health" in check[2]
    compile(check[2], "HEALTHCHECK", "exec")


def test_the_image_sets_only_settings_and_fit_ones() -> None:
    given = dict(re.findall(r"\b(HUB_\w+)=(\S+)", " ".join(instructions("ENV"))))
    assert Settings.from_environment(given).embedded


def test_only_what_is_named_goes_into_the_image() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    allowed = {line[1:] for line in lines if line.startswith("!")}
    copied = {word for line in instructions("COPY") for word in line.split()[:-1]}
    assert lines[0] == "*"
    assert allowed == copied
    assert all((ROOT / name).exists() for name in copied)


# -- what is watched


def test_prometheus_asks_every_role_and_every_node_and_reads_the_alerts() -> None:
    prometheus = loaded(DEPLOY / "prometheus.yml")
    hub, broker = prometheus["scrape_configs"]
    (found,) = hub["dns_sd_configs"]
    assert set(found["names"]) == {name for name, service in OURS.items() if service["command"][0] == "run"}
    assert str(found["port"]) == OURS["web"]["environment"]["HUB_HTTP_PORT"]
    assert [target.split(":")[0] for target in broker["static_configs"][0]["targets"]] == list(RABBITS)
    assert prometheus["rule_files"] == [config["target"] for config in SERVICES["prometheus"]["configs"][1:]]


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_metric_that_is_asked_for_exists(expression: str) -> None:
    asked = {name for name in metrics(expression) if not name.startswith("process_")} - OF_PROMETHEUS
    assert asked - exported() == set()


def test_metrics_are_found_in_an_expression() -> None:
    assert metrics('sum by (le, role) (rate(a_bucket{x="b(c)", y=~"{d}"}[5m])) / on () e_total > 0.5') == {
        "a_bucket",
        "e_total",
    }
    assert metrics("(f unless f offset 15m) or vector(0) and hour() >= 10 < 17") == {"f"}
    assert metrics('deriv(max by (q) (g{q!="h"})[15m:1m]) > 0 or absent(i)') == {"g", "i"}
    assert metrics("histogram_quantile(0.5, j_bucket) * 60") == {"j_bucket"}


def test_the_names_that_prometheus_stores_are_known() -> None:
    assert {
        "hub_silences_total",
        "hub_connections",
        "hub_answer_seconds_bucket",
        "hub_answer_seconds_sum",
    } <= exported()
    assert not {"hub_silences", "hub_answer_seconds", "hub_connections_total"} & exported()


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_says_what_it_means_and_what_to_do_next(rule: dict[str, Any]) -> None:
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert "\n" not in rule["annotations"]["summary"]
    assert re.search(r"^Next: ", rule["annotations"]["description"], re.MULTILINE)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_names_only_commands_that_can_be_typed(rule: dict[str, Any]) -> None:
    assert [words for words in commands(" ".join(rule["annotations"].values())) if not parses(words)] == []


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_an_alert_names_only_alerts_that_exist(rule: dict[str, Any]) -> None:
    named = re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", rule["annotations"]["description"])
    assert set(named) - {"RabbitMQ"} <= {other["alert"] for other in ALERTS}


def test_a_command_that_does_not_exist_would_be_found() -> None:
    assert commands("first `hub journal list --state refused`, then `docker ps`") == [
        ["journal", "list", "--state", "refused"]
    ]
    assert parses(["journal", "list", "--state", "refused"])
    assert parses(["tasks", "list"])
    assert not parses(["journal", "burn"])
    assert not parses(["journal", "list", "--state", "lost"])
    assert not parses(["run", "laundry"])


def test_alerts_have_names_of_their_own() -> None:
    names = [rule["alert"] for rule in ALERTS]
    assert len(names) == len(set(names)) >= 12


# -- the dashboard


def test_the_dashboard_has_its_rows_in_order() -> None:
    assert [panel["title"] for panel in PANELS if panel["type"] == "row"] == ROWS
    assert PANELS[0]["title"] == ROWS[0]


def test_panels_have_ids_and_titles_of_their_own() -> None:
    for key in ("id", "title"):
        values = [panel[key] for panel in PANELS]
        assert len(values) == len(set(values))


def test_no_panel_lies_upon_another() -> None:
    cells = [cell for panel in PANELS for cell in _cells(**panel["gridPos"])]
    assert len(cells) == len(set(cells))
    assert max(column for column, _ in cells) < 24


def _cells(x: int, y: int, w: int, h: int) -> list[tuple[int, int]]:
    return [(column, line) for column in range(x, x + w) for line in range(y, y + h)]


@pytest.mark.parametrize("panel", GRAPHS, ids=lambda panel: panel["title"])
def test_a_panel_explains_itself_and_takes_its_data_where_it_is_told_to(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 40
    (variable,) = (one["name"] for one in DASHBOARD["templating"]["list"] if one["type"] == "datasource")
    asked = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    assert all(source == {"type": "prometheus", "uid": f"${{{variable}}}"} for source in asked)
    assert [words for words in commands(panel["description"]) if not parses(words)] == []


def test_grafana_finds_dashboard_and_source() -> None:
    (provider,) = loaded(DEPLOY / "grafana/provisioning/dashboards/hub.yml")["providers"]
    (source,) = loaded(DEPLOY / "grafana/provisioning/datasources/prometheus.yml")["datasources"]
    grafana = SERVICES["grafana"]
    assert str(Path(grafana["configs"][0]["target"]).parent) == provider["options"]["path"]
    assert grafana["configs"][0]["target"] == grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert urlsplit(source["url"]).hostname in SERVICES
