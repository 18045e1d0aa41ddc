"""Traces: the steps of one message, from whichever process, as spans under its W3C `traceparent`.

OpenTelemetry is imported by `trace_to` alone (see `otlp`): a hub without a collector does not pay for it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol

import structlog
from prometheus_client import Counter

from hub.telemetry.fence import WITHHELD, log, plain
from hub.telemetry.metrics import REGISTRY, label

if TYPE_CHECKING:
    from hub.telemetry.otlp import Tracing

SPAN_KEYS = frozenset(("feed", "event_type", "door", "code", "role", "count"))
"""What a span may say. Fewer than a log line may: traces leave the house."""

_tracing: Tracing | None = None
_collector_is_away = False
_spans_lost = Counter("hub_spans_lost", "Spans the collector did not take.", registry=REGISTRY)


class Span(Protocol):
    """A step under way. `with span(...) as step:`"""

    def __enter__(self) -> Span: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def note(self, **attributes: str | float) -> None:
        """Say what was not known when it began."""


def trace_to(url: str, role: str, version: str) -> None:
    """Send spans to the OTLP collector at `url` (`http://collector:4318`) from now on; empty: to nobody. Once, when a
    process starts."""
    global _tracing
    stop_tracing()
    if not url:
        return
    from hub.telemetry.otlp import Tracing  # here, so that nobody else loads OpenTelemetry

    _tracing = Tracing(url, plain(role), plain(version), _exported)


def stop_tracing() -> None:
    """Send what is left, for three seconds at most. It blocks: call it when the loop has ended."""
    global _tracing
    tracing, _tracing = _tracing, None
    if tracing is not None:
        tracing.stop()


def span(name: str, traceparent: str = "", **attributes: str | float) -> Span:
    """One step of the work, for as long as the block lasts: `intake`, `publish` or `handle`.

    It belongs to the message of `traceparent`; without one to the span around it, or it begins a trace. An exception
    that leaves the block is told by its type. Keys that are not `SPAN_KEYS` are dropped.
    """
    to = _tracing
    return _NOTHING if to is None else to.span(plain(name), traceparent, _tellable, attributes)


class Steps(Protocol):
    """The same step of many messages at once, begun for all of them when it was made."""

    def ended(self, traceparent: str, error: BaseException | None, **attributes: str | float) -> None:
        """It is over for the message of `traceparent`; `error` is what it failed by, told by its type."""


def steps(name: str) -> Steps:
    """A step that many messages take together, as `span` otherwise: a block holds one message's span alone."""
    to = _tracing
    return _NOTHING if to is None else to.steps(plain(name), _tellable)


def new_traceparent() -> str:
    """A fresh `traceparent`, for what enters the hub from outside."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


@contextmanager
def tracing(traceparent: str) -> Iterator[None]:
    """Every line logged within carries the trace id of `traceparent`."""
    parts = traceparent.split("-")
    with structlog.contextvars.bound_contextvars(trace=parts[1] if len(parts) == 4 else ""):
        yield


def _tellable(attributes: dict[str, str | float]) -> dict[str, str | float]:
    """The fence for spans. Numbers are looked at too: a whole number may be somebody's."""
    return {
        key: label(value) if isinstance(value, str) else value if plain(str(value)) != WITHHELD else WITHHELD
        for key, value in attributes.items()
        if key in SPAN_KEYS
    }


def _exported(count: int, taken: bool) -> None:
    """What became of a batch of spans. No warning: nothing depends on traces, and an hour without a collector must not
    fill the log."""
    global _collector_is_away
    if not taken:
        _spans_lost.inc(count)
    if taken is _collector_is_away:
        _collector_is_away = not taken
        log("info", "collector_back" if taken else "collector_away")


class _Nothing:
    """The span of a hub that does not trace. There is one, and it costs two empty calls."""

    __slots__ = ()

    def __enter__(self) -> Span:
        return self

    def __exit__(self, kind: object, error: object, trace: object, /) -> None:
        pass

    def note(self, **attributes: str | float) -> None:
        pass

    def ended(self, traceparent: str, error: BaseException | None, **attributes: str | float) -> None:
        pass


_NOTHING = _Nothing()
