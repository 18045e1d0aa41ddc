"""The way of the spans to a collector: OpenTelemetry's SDK, and OTLP over HTTP. Imported only where traces are wanted.

A collector that is away costs nothing but its spans: they wait in a bounded queue, a thread of its own tries to send
them, and what the libraries have to say about it is not written.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType

from opentelemetry.context import Context, attach, detach
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_ON, ParentBased
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    StatusCode,
    TraceFlags,
    Tracer,
    set_span_in_context,
)

from hub.telemetry.fence import about

ANSWER_SECONDS = 2.0
"""How long the collector may take for a batch, with all that is tried again."""
CLOSE_SECONDS = 3.0
QUEUE = 4096
"""Spans that wait at most; what comes on top pushes the oldest out."""
BATCH = 512
SEND_EVERY_MILLISECONDS = 1000
KINDS = {"intake": SpanKind.SERVER, "publish": SpanKind.PRODUCER, "handle": SpanKind.CONSUMER}
_PATH = "/v1/traces"
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_TALKERS = ("opentelemetry", "requests", "urllib3")

Attributes = dict[str, str | float]
Fence = Callable[[Attributes], Attributes]


class Tracing:
    """Spans of this process to the collector at `url`. `told` hears of each batch how many it held and whether the
    collector took them, on a thread of its own."""

    def __init__(self, url: str, role: str, version: str, told: Callable[[int, bool], None]) -> None:
        for name in _TALKERS:  # a line for each failed batch, with the address in it
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        about_us = {"service.name": "screening-hub", "service.version": version, "hub.role": role}
        # Not `Resource.create`, which looks around on the machine and in its environment for more to tell.
        self._provider = TracerProvider(ParentBased(ALWAYS_ON), Resource(about_us), shutdown_on_exit=False)
        self._exporter = _Exporter(OTLPSpanExporter(_endpoint(url), timeout=ANSWER_SECONDS), told)
        self._provider.add_span_processor(
            BatchSpanProcessor(
                self._exporter,
                max_queue_size=QUEUE,
                schedule_delay_millis=SEND_EVERY_MILLISECONDS,
                max_export_batch_size=BATCH,
            )
        )
        self._tracer = self._provider.get_tracer("hub", version)

    def span(self, name: str, traceparent: str, fence: Fence, attributes: Attributes) -> Step:
        """See `traces.span`."""
        return Step(self._tracer, name, traceparent, fence, attributes)

    def steps(self, name: str, fence: Fence) -> Steps:
        """See `traces.steps`."""
        return Steps(self._tracer, name, fence)

    def stop(self) -> None:
        """Send what is left, and give up on it after `CLOSE_SECONDS`."""
        closing = threading.Thread(target=self._provider.shutdown, name="traces-closing", daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)
        if closing.is_alive():
            self._exporter.give_up()


class Step:
    """One span, begun where the block begins."""

    __slots__ = ("_attributes", "_fence", "_name", "_span", "_token", "_traceparent", "_tracer")

    def __init__(self, tracer: Tracer, name: str, traceparent: str, fence: Fence, attributes: Attributes) -> None:
        self._tracer = tracer
        self._name = name
        self._traceparent = traceparent
        self._fence = fence
        self._attributes = attributes

    def __enter__(self) -> Step:
        self._span = self._tracer.start_span(
            self._name,
            _parent(self._traceparent),
            KINDS.get(self._name, SpanKind.INTERNAL),
            self._fence(self._attributes),
        )
        self._token = attach(set_span_in_context(self._span))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        detach(self._token)
        _end(self._span, error)

    def note(self, **attributes: str | float) -> None:
        self._span.set_attributes(self._fence(attributes))


class Steps:
    """Spans that begin together, now, and whose ends are told one by one."""

    __slots__ = ("_began", "_fence", "_name", "_tracer")

    def __init__(self, tracer: Tracer, name: str, fence: Fence) -> None:
        self._tracer = tracer
        self._name = name
        self._fence = fence
        self._began = time.time_ns()

    def ended(self, traceparent: str, error: BaseException | None, **attributes: str | float) -> None:
        kind, told = KINDS.get(self._name, SpanKind.INTERNAL), self._fence(attributes)
        span = self._tracer.start_span(self._name, _parent(traceparent), kind, told, start_time=self._began)
        _end(span, error)


def _end(span: Span, error: BaseException | None) -> None:
    if error is not None:  # the SDK itself would write down its text, in which anybody may stand
        span.set_attribute("error.type", str(about(error)["error"]))
        span.set_status(StatusCode.ERROR)
    span.end()


class _Exporter(SpanExporter):
    """Hands on to the real one, tells what became of it, and can be made to stop."""

    def __init__(self, real: SpanExporter, told: Callable[[int, bool], None]) -> None:
        self._real = real
        self._told = told
        self._given_up = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE if self._given_up else self._real.export(spans)
        self._told(len(spans), result is SpanExportResult.SUCCESS)
        return result

    def shutdown(self) -> None:
        self._real.shutdown()

    def give_up(self) -> None:
        """Nothing more is sent; what waits between two tries wakes up."""
        self._given_up = True
        self._real.shutdown()


def _endpoint(url: str) -> str:
    """Where traces go at a collector: the base address of the setting, or the whole."""
    return url.rstrip("/").removesuffix(_PATH) + _PATH


def _parent(traceparent: str) -> Context | None:
    """The message itself as the parent of what is done with it; None is whatever span is around."""
    found = _TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    trace, span, flags = (int(part, 16) for part in found.groups())
    message = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags & TraceFlags.SAMPLED))
    return set_span_in_context(NonRecordingSpan(message), Context())
