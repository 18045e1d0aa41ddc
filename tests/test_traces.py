"""Traces: one message, one trace, whatever process it passes; nobody's data in it; no harm if a collector is away."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from hub import telemetry
from hub.config import Settings
from hub.errors import CannotRun
from hub.telemetry import fence, otlp, traces

MESSAGE = f"00-{'ab' * 16}-{'cd' * 8}-01"
TRACE, PARENT = bytes.fromhex("ab" * 16), bytes.fromhex("cd" * 8)
# Invented people. The NHS number begins with 9 and has a valid check digit.
PERSONAL = ["9434765919", "943 476 5919", "Ó Dálaigh", "Mary Smith", "1975-03-09", "19750309"]


class Collector:
    """A real one, as far as spans are concerned: HTTP, and OTLP's protobuf."""

    def __init__(self, port: int = 0) -> None:
        self.bodies: list[bytes] = []
        self.paths: list[str] = []
        collector = self

        class Take(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                collector.paths.append(self.path)
                collector.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Take)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[tuple[dict[str, Any], Span]]:
        """What came, each with what its process said about itself."""
        return [
            (values(group.resource.attributes), span)
            for body in self.bodies
            for group in ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in group.scope_spans
            for span in scope.spans
        ]

    @property
    def by_name(self) -> dict[str, Span]:
        return {span.name: span for _, span in self.spans}


def values(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@pytest.fixture(autouse=True)
def as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")  # a proxy of the machine would stand between
    monkeypatch.setattr(traces, "_collector_is_away", False)
    handlers = logging.root.handlers[:]
    yield
    telemetry.stop_tracing()
    wait_for(lambda: not any(thread.name.startswith("OtelBatch") for thread in threading.enumerate()))
    logging.root.handlers[:] = handlers
    fence.write_lines(pretty=False, level="warning")


@pytest.fixture
def collector() -> Iterator[Collector]:
    one = Collector()
    yield one
    one.close()


@pytest.fixture
def traced(collector: Collector) -> Collector:
    """This process traces. `telemetry.stop_tracing()`, then look what came."""
    telemetry.trace_to(collector.url, "worker", "1.2.3")
    return collector


def run(program: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=os.environ | environment,
    )


def sample(name: str) -> float:
    return telemetry.REGISTRY.get_sample_value(name) or 0.0


def wait_for(what: Any) -> None:
    until = time.monotonic() + 20
    while not what():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.02)


# -- one message, one trace


def test_the_steps_of_one_message_in_three_processes_are_one_trace(collector: Collector) -> None:
    steps = {"intake": "intake", "publish": "relay", "handle": "worker"}
    for name, role in steps.items():
        done = run(
            "from hub import telemetry\n"
            f"telemetry.trace_to({collector.url!r}, {role!r}, '1.2.3')\n"
            f"with telemetry.span({name!r}, {MESSAGE!r}, feed='north', count=2): pass\n"
            "telemetry.stop_tracing()\n",
            OTEL_RESOURCE_ATTRIBUTES="process.owner=msmith",
        )
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [span.name for _, span in collector.spans] == list(steps)
    for about, span in collector.spans:
        assert (span.trace_id, span.parent_span_id) == (TRACE, PARENT)
        assert about == {
            "service.name": "screening-hub",
            "service.version": "1.2.3",
            "hub.role": steps[span.name],
        }, "and nothing of the machine, its users or their environment"
        assert values(span.attributes) == {"feed": "north", "count": 2}
        assert span.end_time_unix_nano > span.start_time_unix_nano
    assert {span.name: span.kind for _, span in collector.spans} == {
        "intake": Span.SPAN_KIND_SERVER,
        "publish": Span.SPAN_KIND_PRODUCER,
        "handle": Span.SPAN_KIND_CONSUMER,
    }
    assert len({span.span_id for _, span in collector.spans} | {PARENT}) == 4


def test_without_a_message_a_span_belongs_to_the_one_around_it_or_to_none(traced: Collector) -> None:
    with telemetry.span("handle", MESSAGE), telemetry.span("inner"):
        pass
    with telemetry.span("alone"):
        pass
    with telemetry.span("broken", "00-xyz-1-01"):
        pass
    telemetry.stop_tracing()
    spans = traced.by_name
    assert (spans["inner"].trace_id, spans["inner"].parent_span_id) == (TRACE, spans["handle"].span_id)
    assert spans["inner"].kind == Span.SPAN_KIND_INTERNAL
    assert spans["alone"].parent_span_id == spans["broken"].parent_span_id == b""
    assert len({spans["alone"].trace_id, spans["broken"].trace_id, TRACE}) == 3


async def test_spans_of_tasks_side_by_side_do_not_mix(traced: Collector) -> None:
    both_begun = asyncio.Barrier(2)

    async def work(name: str, traceparent: str) -> None:
        with telemetry.span(name, traceparent):
            await both_begun.wait()
            with telemetry.span(f"{name}.inner"):
                await both_begun.wait()

    await asyncio.gather(work("one", MESSAGE), work("two", f"00-{'12' * 16}-{'34' * 8}-01"))
    telemetry.stop_tracing()
    spans = traced.by_name
    for name in ("one", "two"):
        assert spans[f"{name}.inner"].parent_span_id == spans[name].span_id
        assert spans[f"{name}.inner"].trace_id == spans[name].trace_id
    assert (spans["one"].trace_id.hex(), spans["two"].trace_id.hex()) == ("ab" * 16, "12" * 16)


def test_steps_that_are_taken_together_belong_each_to_its_own_message(traced: Collector) -> None:
    steps = telemetry.steps("publish")
    time.sleep(0.005)
    for traceparent, feed in ((MESSAGE, "north"), (f"00-{'12' * 16}-{'34' * 8}-01", "south"), ("", "nobody")):
        steps.ended(traceparent, None, feed=feed)
    telemetry.stop_tracing()
    spans = {values(span.attributes)["feed"]: span for _, span in traced.spans}
    assert [spans[feed].trace_id.hex() for feed in ("north", "south")] == ["ab" * 16, "12" * 16]
    assert [spans[feed].parent_span_id.hex() for feed in ("north", "south", "nobody")] == ["cd" * 8, "34" * 8, ""]
    assert len({span.start_time_unix_nano for span in spans.values()}) == 1
    assert all(span.end_time_unix_nano - span.start_time_unix_nano > 4_000_000 for span in spans.values())
    assert {span.kind for span in spans.values()} == {Span.SPAN_KIND_PRODUCER}


def test_a_message_that_is_not_sampled_is_not_sent(traced: Collector) -> None:
    with telemetry.span("handle", MESSAGE.removesuffix("01") + "00"):
        pass
    with telemetry.span("publish", MESSAGE):
        pass
    telemetry.stop_tracing()
    assert list(traced.by_name) == ["publish"]


def test_what_is_known_only_later_can_be_noted(traced: Collector) -> None:
    with telemetry.span("intake", MESSAGE, feed="") as step:
        step.note(code="AA")
    telemetry.stop_tracing()
    assert values(traced.by_name["intake"].attributes) == {"feed": "unknown", "code": "AA"}


# -- nothing personal


def test_only_what_is_on_the_list_is_told(traced: Collector) -> None:
    with telemetry.span("handle", MESSAGE, feed="north", family_name="Smith", nhs_number="9434765919") as step:
        step.note(code="AE", body="MSH")
    telemetry.stop_tracing()
    assert values(traced.by_name["handle"].attributes) == {"feed": "north", "code": "AE"}


@pytest.mark.parametrize("secret", PERSONAL)
def test_nothing_personal_leaves(secret: str, traced: Collector) -> None:
    everywhere: dict[str, Any] = dict.fromkeys(traces.SPAN_KEYS, secret)
    number = int(secret) if secret.isdigit() else 1
    with pytest.raises(RuntimeError), telemetry.span(secret, MESSAGE, **everywhere) as step:
        step.note(**everywhere)
        step.note(count=number)
        try:
            int("no number")
        except ValueError as error:
            raise RuntimeError(secret) from error
    telemetry.stop_tracing()
    ((_, span),) = traced.spans
    assert all(secret.encode() not in body for body in traced.bodies)
    assert secret not in str(span)
    assert span.name == "withheld"
    assert values(span.attributes)["feed"] == "withheld"
    assert values(span.attributes)["count"] == (1 if number == 1 else "withheld")


def test_a_failure_is_told_by_its_type(traced: Collector) -> None:
    with pytest.raises(KeyError), telemetry.span("handle", MESSAGE):
        raise KeyError("Smith")
    telemetry.stop_tracing()
    span = traced.by_name["handle"]
    assert values(span.attributes) == {"error.type": "KeyError"}
    assert (span.status.code, span.status.message) == (Status.STATUS_CODE_ERROR, "")
    assert list(span.events) == []


def test_a_failure_of_one_among_many_is_told_by_its_type(traced: Collector) -> None:
    steps = telemetry.steps("publish")
    steps.ended(MESSAGE, KeyError("Smith"), feed="north", family_name="Smith")
    telemetry.steps("publish").ended(MESSAGE, None, feed="south")
    telemetry.stop_tracing()
    failed, well = sorted((span for _, span in traced.spans), key=lambda span: -span.status.code)
    assert values(failed.attributes) == {"error.type": "KeyError", "feed": "north"}
    assert (failed.status.code, failed.status.message) == (Status.STATUS_CODE_ERROR, "")
    assert (values(well.attributes), well.status.code) == ({"feed": "south"}, Status.STATUS_CODE_UNSET)
    assert all(b"Smith" not in body for body in traced.bodies)


def test_a_role_is_a_plain_token(collector: Collector) -> None:
    telemetry.trace_to(collector.url, "Mary Smith", "1.2.3")
    with telemetry.span("handle", MESSAGE):
        pass
    telemetry.stop_tracing()
    assert collector.spans[0][0]["hub.role"] == "withheld"


# -- a collector that is away


@pytest.fixture
def nobody() -> str:
    """An address at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}"


@pytest.fixture
def mute() -> Iterator[str]:
    """An address at which somebody takes connections, and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("away", ["nobody", "mute"])
def test_a_collector_that_is_away_disturbs_nobody(
    away: str, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.configure(json=True, level="debug")
    lost = sample("hub_spans_lost_total")
    telemetry.trace_to(request.getfixturevalue(away), "worker", "1.2.3")
    slowest = 0.0
    for _ in range(otlp.QUEUE + 1000):  # more than may wait
        began = time.perf_counter()
        with telemetry.span("handle", MESSAGE):
            pass
        slowest = max(slowest, time.perf_counter() - began)
    began = time.monotonic()
    telemetry.stop_tracing()
    stopping = time.monotonic() - began
    assert slowest < otlp.ANSWER_SECONDS / 2, "a step waited for the collector"
    assert stopping < otlp.CLOSE_SECONDS + 1
    wait_for(lambda: sample("hub_spans_lost_total") > lost)
    captured = capsys.readouterr()
    told = [json.loads(line) for line in captured.err.splitlines()]
    assert [(line["event"], line["level"]) for line in told] == [("collector_away", "info")], "once, and no warning"
    assert captured.out == ""
    assert "127.0.0.1" not in captured.err


def test_a_process_without_its_collector_ends_in_peace(nobody: str) -> None:
    done = run(
        "from hub import telemetry\n"
        "telemetry.configure(level='warning')\n"
        f"telemetry.trace_to({nobody!r}, 'worker', '1.2.3')\n"
        f"with telemetry.span('handle', {MESSAGE!r}): pass\n"
        "telemetry.stop_tracing()\n"
        f"with telemetry.span('handle', {MESSAGE!r}): pass\n"
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_collector_that_comes_back_is_told_and_gets_its_spans(
    nobody: str, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.configure(json=True, level="info")
    lost = sample("hub_spans_lost_total")
    telemetry.trace_to(nobody, "worker", "1.2.3")
    with telemetry.span("early", MESSAGE):
        pass
    wait_for(lambda: sample("hub_spans_lost_total") == lost + 1)
    collector = Collector(int(nobody.rpartition(":")[2]))
    with telemetry.span("late", MESSAGE):
        pass
    telemetry.stop_tracing()
    collector.close()
    assert list(collector.by_name) == ["late"]
    told = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert told == ["collector_away", "collector_back"]


@pytest.mark.parametrize("url", ["http://127.0.0.1:port", "http://[", "http://no such host"])
def test_an_address_that_is_none_is_a_collector_that_is_away(url: str) -> None:
    lost = sample("hub_spans_lost_total")
    telemetry.trace_to(url, "worker", "1.2.3")
    with telemetry.span("handle", MESSAGE):
        pass
    telemetry.stop_tracing()
    assert sample("hub_spans_lost_total") == lost + 1


# -- off, and where to


@pytest.mark.parametrize(("url", "loaded"), [("", False), ("http://127.0.0.1:9", True)])
def test_who_does_not_trace_does_not_load_opentelemetry(url: str, loaded: bool) -> None:
    done = run(
        "import sys\n"
        "from contextlib import suppress\n"
        "from hub import telemetry\n"
        "from hub.__main__ import main\n"
        "with suppress(SystemExit): main(['--help'])\n"
        f"telemetry.trace_to({url!r}, 'worker', '1.2.3')\n"
        f"with telemetry.span('handle', {MESSAGE!r}, feed='north') as step: step.note(code='AA')\n"
        "print('loaded', any(name.startswith(('opentelemetry', 'requests')) for name in sys.modules))\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"loaded {loaded}\n")


def test_without_tracing_no_span_is_made() -> None:
    assert telemetry.span("handle", MESSAGE, feed="north") is telemetry.span("intake")
    with pytest.raises(KeyError), telemetry.span("handle"):
        raise KeyError("it goes on its way")


def test_tracing_anew_goes_to_the_new_collector_alone(traced: Collector) -> None:
    other = Collector()
    telemetry.trace_to(other.url, "worker", "1.2.3")
    with telemetry.span("handle", MESSAGE):
        pass
    telemetry.stop_tracing()
    other.close()
    assert (len(traced.spans), len(other.spans)) == (0, 1)


@pytest.mark.parametrize("path", ["", "/", "/v1/traces", "/behind/a/gate"])
def test_the_address_is_the_base_or_the_whole(path: str, collector: Collector) -> None:
    telemetry.trace_to(collector.url + path, "worker", "1.2.3")
    with telemetry.span("handle", MESSAGE):
        pass
    telemetry.stop_tracing()
    assert collector.paths == ["/behind/a/gate/v1/traces" if "gate" in path else "/v1/traces"]


def test_the_setting() -> None:
    assert Settings().otlp_url == ""
    address = "https://hub:s3cret@collector:4318"
    settings = Settings.from_environment({"HUB_OTLP_URL": address})
    assert settings.otlp_url == address
    assert "s3cret" not in repr(settings)
    for wrong in ("collector:4318", "grpc://collector:4317", "http://"):
        with pytest.raises(CannotRun, match=r"^HUB_OTLP_URL .*like http://collector:4318"):
            Settings.from_environment({"HUB_OTLP_URL": wrong})
