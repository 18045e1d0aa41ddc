"""Everything the hub says about itself: one small function per thing that happens. Nobody else logs, counts or traces.

The functions take ids, codes and counts, never a message or a person; `fence` makes sure of it a second time.
Until `configure` is called only warnings are written, to standard error.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from hub.errors import Retry
from hub.telemetry.fence import about, guard_process, log, plain, silence_libraries, write_lines

__all__ = ["CONTENT_TYPE", "REGISTRY", "configure", "guard_process", "new_traceparent", "render_metrics", "tracing"]

REGISTRY = CollectorRegistry()
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_BYTES = (1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000, 4_000_000, 16_000_000)


def configure(json: bool | None = None, level: str = "info") -> None:
    """Write log lines from `level` (debug, info, warning, error) on to standard error: as JSON, pretty, or (None)
    pretty when that is a terminal. What libraries log goes the same way, without its words."""
    write_lines(pretty=sys.stderr.isatty() if json is None else not json, level=level)
    silence_libraries()


def render_metrics() -> bytes:
    """All metrics in the Prometheus text format (`CONTENT_TYPE`)."""
    return generate_latest(REGISTRY)


def _count(counter: Counter, *labels: str) -> None:
    """One more. A label is a plain token too, and never empty."""
    counter.labels(*(plain(label) or "unknown" for label in labels)).inc()


# -- traces: W3C trace context (https://www.w3.org/TR/trace-context/)


def new_traceparent() -> str:
    """A fresh `traceparent`, for what enters the hub from outside."""
    return f"00-{os.urandom(16).hex()}-{os.urandom(8).hex()}-01"


@contextmanager
def tracing(traceparent: str) -> Iterator[None]:
    """Every line logged within carries the trace id of `traceparent`."""
    parts = traceparent.split("-")
    with structlog.contextvars.bound_contextvars(trace=parts[1] if len(parts) == 4 else ""):
        yield


# -- the door

_stray_bytes = Counter("hub_stray_bytes", "Bytes between MLLP frames.", registry=REGISTRY)
_frame_problems = Counter("hub_frame_problems", "MLLP frames cut or too large.", ["problem"], registry=REGISTRY)
_connections = Gauge("hub_connections", "MLLP connections open now.", registry=REGISTRY)
_connections_ended = Counter("hub_connections_ended", "MLLP connections ended or refused.", ["why"], registry=REGISTRY)
_frames_in_work = Gauge("hub_frames_in_work", "MLLP frames taken and not answered yet.", registry=REGISTRY)
_silences = Counter("hub_silences", "Frames to which nothing was answered: they are sent again.", registry=REGISTRY)
_lost_replies = Counter("hub_replies_not_delivered", "Answers the peer could not be given.", registry=REGISTRY)


def door_opened(door: str, host: str, port: int) -> None:
    log("info", "door_opened", door=door, host=host, port=port)


def door_closed(door: str) -> None:
    log("info", "door_closed", door=door)


def connection_opened(peer: str) -> None:
    _connections.inc()
    log("debug", "connection_opened", peer=peer)


def connection_closed(peer: str, why: str) -> None:
    _connections.dec()
    _count(_connections_ended, why)
    log("debug" if why in ("peer-closed", "stopping") else "info", "connection_closed", peer=peer, why=why)


def connection_refused(why: str) -> None:
    _count(_connections_ended, why)
    log("warning", "connection_refused", why=why)


def stray_bytes(count: int) -> None:
    _stray_bytes.inc(count)
    log("debug", "stray_bytes", count=count)


def frame_problem(problem: str, size: int) -> None:
    _count(_frame_problems, problem)
    log("warning", "frame_problem", what=problem, bytes=size)


def frames_in_work(change: int) -> None:
    _frames_in_work.inc(change)


def unanswered(error: BaseException) -> None:
    """A frame gets no answer: the store is away (it will be sent again), or the hub failed on it."""
    _silences.inc()
    if isinstance(error, Retry):
        store_failed(error)
    else:
        our_fault(error, "answer")


def reply_not_delivered() -> None:
    _lost_replies.inc()
    log("warning", "reply_not_delivered")


# -- intake

_received = Counter("hub_messages_received", "Messages stored.", ["feed"], registry=REGISTRY)
_sizes = Histogram("hub_message_bytes", "Size of messages.", registry=REGISTRY, buckets=_BYTES)
_answered = Counter("hub_messages_answered", "Answers given.", ["feed", "code"], registry=REGISTRY)
_answer_seconds = Histogram("hub_answer_seconds", "From receipt to answer.", registry=REGISTRY, buckets=_SECONDS)
_refused = Counter("hub_messages_refused", "Messages the sender must mend.", ["feed", "reason"], registry=REGISTRY)
_repeated = Counter("hub_messages_repeated", "Messages that came again, byte for byte.", ["feed"], registry=REGISTRY)
_ids_reused = Counter(
    "hub_control_ids_reused", "Control ids seen before with other bytes.", ["feed"], registry=REGISTRY
)
_commit_size = Histogram(
    "hub_commit_messages", "Messages per commit.", registry=REGISTRY, buckets=(1, 2, 5, 10, 50, 200)
)
_store_failures = Counter("hub_store_failures", "Times the store could not be used.", registry=REGISTRY)


def message_received(feed: str, size: int) -> None:
    _count(_received, feed)
    _sizes.observe(size)
    log("debug", "message_received", feed=feed, bytes=size)


def message_answered(feed: str, code: str, seconds: float) -> None:
    _count(_answered, feed, code)
    _answer_seconds.observe(seconds)
    log("info", "message_answered", feed=feed, code=code, seconds=round(seconds, 4))


def message_refused(feed: str, reason: str) -> None:
    _count(_refused, feed, reason)
    log("info", "message_refused", feed=feed, reason=reason)


def message_repeated(feed: str) -> None:
    _count(_repeated, feed)
    log("info", "message_repeated", feed=feed)


def control_id_reused(feed: str) -> None:
    _count(_ids_reused, feed)
    log("warning", "control_id_reused", feed=feed)


def messages_committed(count: int) -> None:
    _commit_size.observe(count)


def store_failed(error: BaseException) -> None:
    _store_failures.inc()
    log("error", "store_failed", **about(error))


# -- relay and worker

_confirmed = Counter("hub_events_confirmed", "Events the conveyor took.", ["event_type"], registry=REGISTRY)
_relay_lag = Gauge("hub_relay_lag_seconds", "Age of the oldest event not yet on the conveyor.", registry=REGISTRY)
_resent = Counter("hub_events_resent", "Unfinished events sent again.", registry=REGISTRY)
_handled = Counter("hub_events_handled", "Events handled.", ["event_type"], registry=REGISTRY)
_handle_seconds = Histogram("hub_handle_seconds", "Time to handle an event.", registry=REGISTRY, buckets=_SECONDS)
_events_repeated = Counter(
    "hub_events_repeated", "Events that came again, passed over.", ["event_type"], registry=REGISTRY
)


def event_confirmed(event_type: str) -> None:
    _count(_confirmed, event_type)
    log("debug", "event_confirmed", event_type=event_type)


def relay_lag(seconds: float) -> None:
    _relay_lag.set(seconds)


def events_resent(count: int) -> None:
    _resent.inc(count)
    log("warning", "events_resent", count=count)


def event_handled(event_type: str, seconds: float) -> None:
    _count(_handled, event_type)
    _handle_seconds.observe(seconds)
    log("debug", "event_handled", event_type=event_type, seconds=round(seconds, 4))


def event_repeated(event_type: str) -> None:
    _count(_events_repeated, event_type)
    log("debug", "event_repeated", event_type=event_type)


# -- what became of the results

_matched = Counter("hub_results_matched", "Results put on a record.", ["how"], registry=REGISTRY)
_tasks_opened = Counter("hub_tasks_opened", "Tasks for the clerks.", ["reason"], registry=REGISTRY)
_tasks_closed = Counter("hub_tasks_closed", "Tasks settled.", ["outcome"], registry=REGISTRY)
_decisions = Counter("hub_decisions_taken", "Clerks' decisions.", ["what"], registry=REGISTRY)
_letters = Counter("hub_letters_wished", "Letters wished.", ["code"], registry=REGISTRY)


def result_matched(how: str) -> None:
    _count(_matched, how)
    log("info", "result_matched", how=how)


def task_opened(reason: str) -> None:
    _count(_tasks_opened, reason)
    log("info", "task_opened", reason=reason)


def task_closed(outcome: str) -> None:
    _count(_tasks_closed, outcome)
    log("info", "task_closed", outcome=outcome)


def decision_taken(action: str) -> None:
    _count(_decisions, action)
    log("info", "decision_taken", what=action)


def letter_wished(code: str) -> None:
    _count(_letters, code)
    log("info", "letter_wished", code=code)


# -- the hub itself

_faults = Counter("hub_faults", "Faults of the hub itself.", ["where"], registry=REGISTRY)


def role_started(role: str, version: str) -> None:
    log("info", "role_started", role=role, version=version)


def role_stopped(role: str) -> None:
    log("info", "role_stopped", role=role)


def our_fault(error: BaseException, where: str) -> None:
    """Something failed that should not: `where` names the step (`answer`, `worker`), never a value."""
    _count(_faults, where)
    log("error", "our_fault", where=where, **about(error))


write_lines(pretty=sys.stderr.isatty(), level="warning")
