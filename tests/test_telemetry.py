"""What the hub says about itself: useful, counted, and never about a person."""

from __future__ import annotations

import inspect
import io
import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from hub import telemetry
from hub.errors import Reason, Retry
from hub.telemetry import fence

# Invented people. The NHS number begins with 9 and has a valid check digit.
PERSONAL = [
    "9434765919",
    "943 476 5919",
    "943-476-5919",
    "Ó Dálaigh",
    "Mary Smith",
    "1975-03-09",
    "19750309",
    "09/03/1975",
]


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    handlers = logging.root.handlers[:]
    yield
    logging.root.handlers[:] = handlers
    for part in ("store", "broker"):
        telemetry.part_away(part, "")
    fence.write_lines(pretty=False, level="warning")


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Iterator[object]:
    """Call it for the lines written to standard error since the last call."""
    telemetry.configure(json=True, level="debug")

    def read() -> list[dict[str, object]]:
        captured = capsys.readouterr()
        assert captured.out == "", "standard output belongs to the verbs"
        return [json.loads(line) for line in captured.err.splitlines()]

    yield read


def sample(name: str, **labels: str) -> float:
    return telemetry.REGISTRY.get_sample_value(name, labels) or 0.0


def test_a_line_says_what_happened_as_json_on_standard_error(lines) -> None:  # type: ignore[no-untyped-def]
    telemetry.message_answered("north", "AE", 0.01234567)
    (line,) = lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "message_answered", "level": "info", "feed": "north", "code": "AE", "seconds": 0.0123}


def test_the_level_is_kept_and_metrics_count_all_the_same(lines) -> None:  # type: ignore[no-untyped-def]
    telemetry.configure(json=True, level="warning")
    before = sample("hub_messages_answered_total", feed="quiet", code="AA")
    telemetry.message_answered("quiet", "AA", 0.01)
    telemetry.control_id_reused("quiet")
    assert [line["event"] for line in lines()] == ["control_id_reused"]
    assert sample("hub_messages_answered_total", feed="quiet", code="AA") == before + 1


def test_pretty_lines_are_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure(json=False, level="info")
    telemetry.task_opened("unsure")
    shown = capsys.readouterr().err
    assert "task_opened" in shown
    assert "unsure" in shown
    assert not shown.startswith("{")


def happenings() -> list[str]:
    """Every function that tells something, by name."""
    return [
        name
        for name, function in vars(telemetry).items()
        if inspect.isfunction(function)
        and function.__module__ in ("hub.telemetry", "hub.telemetry.events", "hub.telemetry.outcomes")
        and not name.startswith("_")
        and name != "configure"
    ]


def test_the_happenings_are_found() -> None:
    assert {"message_received", "our_fault", "letter_wished", "part_away", "event_dead", "backlog"} <= set(happenings())


@pytest.mark.parametrize("name", happenings())
@pytest.mark.parametrize("secret", PERSONAL)
def test_no_function_lets_anything_personal_out(name: str, secret: str, lines) -> None:  # type: ignore[no-untyped-def]
    function = getattr(telemetry, name)
    kinds = {
        "str": secret,
        "int": 0,
        "float": 0.5,
        "BaseException": ValueError(secret),
        "Mapping[str, int]": {secret: 1},
        "Mapping[str, bool]": {secret: True},
        "Mapping[tuple[str, str], int]": {(secret, secret): 1},
    }
    function(*(kinds[parameter.annotation] for parameter in inspect.signature(function).parameters.values()))
    assert secret not in json.dumps(lines(), ensure_ascii=False)
    assert secret not in telemetry.render_metrics().decode()


def test_a_key_that_is_not_on_the_list_is_dropped(lines) -> None:  # type: ignore[no-untyped-def]
    fence.log("error", "slip", feed="north", family_name="Smith", nhs_number="9434765919", code={"name": "Smith"})
    (line,) = lines()
    line.pop("timestamp")
    assert line == {"event": "slip", "level": "error", "feed": "north", "code": "withheld"}


@pytest.mark.parametrize(
    "harmless",
    [
        "north-lab",
        "X0A",
        "ORU^R01",
        "unsure",
        "0.1.0",
        "192.168.100.200",
        "fe80::1ff:fe23:4567:890a",
        "3b241101-e2bb-4255-8caf-4136c566a962",
        "12345678-1234-4255-8caf-413612341962",
        "f" * 10 + "1234567890" * 5,
        "flow/intake.py:88:take",
    ],
)
def test_ids_codes_and_places_pass(harmless: str) -> None:
    assert fence.plain(harmless) == harmless


@pytest.mark.parametrize(
    "address", ["amqp://hub:s3cret@broker/", "postgresql://hub:s3cret@db/hub", "http://hub:s3cret@collector:4318"]
)
def test_an_address_with_a_password_is_withheld(address: str, lines) -> None:  # type: ignore[no-untyped-def]
    telemetry.broker_connected(address)
    telemetry.broker_connected("rabbit@broker-2")
    telemetry.broker_connected()
    assert [line["node"] for line in lines()] == ["withheld", "rabbit@broker-2", "unknown"]


def test_an_exception_is_told_by_type_and_place_only(lines) -> None:  # type: ignore[no-untyped-def]
    def fail() -> None:
        family_name = "Smith"
        try:
            int(family_name)
        except ValueError as error:
            raise RuntimeError("Mary Smith, 9434765919") from error

    try:
        fail()
    except RuntimeError as error:
        telemetry.our_fault(error, "worker")
    (line,) = lines()
    assert (line["error"], line["where"]) == ("RuntimeError<ValueError", "worker")
    assert [frame.split(":")[0] for frame in line["frames"]] == ["tests/test_telemetry.py"] * 2
    assert line["frames"][1].endswith(":fail")
    assert "Smith" not in json.dumps(line)


def test_an_unanswered_frame_is_the_stores_fault_or_ours(lines) -> None:  # type: ignore[no-untyped-def]
    silences, away = sample("hub_silences_total"), sample("hub_store_failures_total")
    telemetry.unanswered(Retry(Reason.STORE_AWAY))
    telemetry.unanswered(KeyError("9434765919"))
    assert [line["event"] for line in lines()] == ["store_failed", "our_fault"]
    assert (sample("hub_silences_total") - silences, sample("hub_store_failures_total") - away) == (2, 1)


def test_what_a_library_logs_loses_its_words(lines) -> None:  # type: ignore[no-untyped-def]
    telemetry.configure(json=True, level="info")
    try:
        raise ValueError("Mary Smith")
    except ValueError:
        logging.getLogger("some.library").exception("Task for %s failed", "Mary Smith")
    logging.getLogger("some.library").info("chatter")
    (line,) = lines()
    assert (line["event"], line["what"], line["error"]) == ("library_line", "some.library", "ValueError")
    assert "Smith" not in json.dumps(line)


def test_an_uncaught_exception_keeps_its_text_to_itself() -> None:
    program = (
        "import threading; from hub import telemetry\n"
        "telemetry.configure(json=True); telemetry.guard_process()\n"
        "def fail(): raise ValueError('Mary Smith')\n"
        "thread = threading.Thread(target=fail); thread.start(); thread.join()\n"
        "fail()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert [json.loads(line)["where"] for line in done.stderr.splitlines()] == ["thread", "process"]
    assert "Smith" not in done.stderr + done.stdout


def test_lines_within_a_trace_carry_its_id(lines) -> None:  # type: ignore[no-untyped-def]
    traceparent = telemetry.new_traceparent()
    version, trace, span, flags = traceparent.split("-")
    assert (version, len(trace), len(span), flags) == ("00", 32, 16, "01")
    assert telemetry.new_traceparent() != traceparent
    with telemetry.tracing(traceparent):
        telemetry.task_opened("unsure")
    telemetry.task_opened("unsure")
    within, after = lines()
    assert within["trace"] == trace
    assert "trace" not in after


def test_metrics_are_in_the_prometheus_format() -> None:
    telemetry.message_received("north", 1600)
    telemetry.message_received("", 1600)
    text = telemetry.render_metrics().decode()
    assert "# TYPE hub_messages_received_total counter" in text
    assert 'hub_messages_received_total{feed="north"}' in text
    assert 'hub_messages_received_total{feed="unknown"}' in text
    assert 'hub_message_bytes_bucket{le="4000.0"}' in text
    assert "python_info" not in text, "a registry of our own: nothing in it that we did not put there"


def test_how_far_behind_the_hub_is() -> None:
    telemetry.backlog(12, 30, 1.5, 90.25)
    telemetry.queue_depth("screening.records", 7)
    telemetry.queue_depth("csas.manual-match", 0)
    telemetry.dead_letters(2)
    assert sample("hub_outbox_waiting") == 12
    assert sample("hub_events_unfinished") == 30
    assert sample("hub_relay_lag_seconds") == 1.5
    assert sample("hub_oldest_unprocessed_seconds") == 90.25
    assert sample("hub_queue_depth", queue="screening.records") == 7
    assert telemetry.REGISTRY.get_sample_value("hub_queue_depth", {"queue": "csas.manual-match"}) == 0
    assert sample("hub_dead_letters") == 2
    telemetry.backlog(0, 0, 0.0, 0.0)
    assert sample("hub_outbox_waiting") == 0


def test_a_reason_without_tasks_goes_back_to_none() -> None:
    telemetry.tasks_waiting({"unsure": 3, "our-fault": 1})
    telemetry.tasks_waiting({"unsure": 2, "our-table": 5})
    waiting = {reason: sample("hub_tasks_waiting", reason=reason) for reason in ("unsure", "our-fault", "our-table")}
    assert waiting == {"unsure": 2, "our-fault": 0, "our-table": 5}


def test_a_part_that_is_away_is_told_once_and_when_it_is_back(lines) -> None:  # type: ignore[no-untyped-def]
    seen = []
    for why in ("", "ConnectionRefusedError", "TimeoutError", "", ""):
        telemetry.part_away("broker", why)
        telemetry.part_away("store", "")
        seen.append((sample("hub_part_away", part="broker"), sample("hub_part_away", part="store")))
    assert seen == [(0, 0), (1, 0), (1, 0), (0, 0), (0, 0)]
    told = [(line["level"], line["event"], line["part"], line.get("why")) for line in lines()]
    assert told == [
        ("warning", "part_away", "broker", "ConnectionRefusedError"),
        ("info", "part_back", "broker", None),
    ]


def test_what_befalls_events_at_the_broker(lines) -> None:  # type: ignore[no-untyped-def]
    counters = [
        ("hub_broker_failures_total", {}),
        ("hub_events_returned_total", {"event_type": "ResultParked"}),
        ("hub_events_dead_total", {"event_type": "ResultReported"}),
        ("hub_dead_retried_total", {}),
        ("hub_events_resent_total", {}),
    ]
    before = [sample(name, **labels) for name, labels in counters]
    telemetry.broker_failed(ConnectionRefusedError("amqp://hub:s3cret@broker/"))
    telemetry.event_returned("ResultParked")
    telemetry.event_dead("ResultReported", "delivery_limit")
    telemetry.dead_retried(3)
    telemetry.events_resent(4)
    telemetry.topology_differs("screening.records")
    after = [sample(name, **labels) for name, labels in counters]
    assert [new - old for new, old in zip(after, before, strict=True)] == [1, 1, 1, 3, 4]
    failed, returned, dead, retried, _, differs = lines()
    assert (failed["level"], failed["error"]) == ("warning", "ConnectionRefusedError")
    assert (returned["level"], returned["event_type"]) == ("warning", "ResultParked")
    assert (dead["level"], dead["event_type"], dead["reason"]) == ("error", "ResultReported", "delivery_limit")
    assert (retried["level"], retried["count"]) == ("info", 3)
    assert (differs["level"], differs["queue"]) == ("warning", "screening.records")


def test_lines_of_many_threads_stay_whole(lines) -> None:  # type: ignore[no-untyped-def]
    threads = [threading.Thread(target=lambda: [telemetry.task_opened("unsure") for _ in range(50)]) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(lines()) == 400


class _FullDisk(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(28, "No space left on device")


def test_a_log_that_cannot_be_written_does_not_end_the_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    telemetry.configure(json=True, level="warning")
    monkeypatch.setattr(sys, "stderr", _FullDisk())
    telemetry.store_failed(Retry(Reason.STORE_AWAY))
