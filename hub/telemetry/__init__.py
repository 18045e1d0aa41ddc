"""Everything the hub says about itself: one small function per thing that happens. Nobody else logs, counts or traces.

The functions take ids, codes and counts, never a message or a person; `fence` makes sure of it a second time.
Until `configure` is called only warnings are written, to standard error. `events` tells of events on their way,
`traces` of the steps of one message.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from hub.errors import Retry
from hub.telemetry.communications import (
    batch_put_off,
    batch_refused,
    batch_taken,
    callback_refused,
    communication_asked,
    communication_failed,
    communications_needing,
    letters_waiting,
    news_heard,
)
from hub.telemetry.events import (
    backlog,
    broker_connected,
    broker_failed,
    dead_letters,
    dead_retried,
    event_confirmed,
    event_dead,
    event_handled,
    event_repeated,
    event_returned,
    events_resent,
    queue_depth,
    topology_differs,
)
from hub.telemetry.fence import about, guard_process, log, silence_libraries, write_lines
from hub.telemetry.mesh import (
    mesh_failed,
    mesh_polled,
    mesh_refused,
    mesh_report,
    outgoing_followed,
    outgoing_refused,
    outgoing_sent,
)
from hub.telemetry.metrics import CONTENT_TYPE, REGISTRY, SECONDS, count_one, label, render_metrics
from hub.telemetry.nhs_api import api_asked, api_circuit, api_responded, api_token, api_waited
from hub.telemetry.outcomes import discharges_waiting, letter_held
from hub.telemetry.partners import partner_answered, partner_not_proven
from hub.telemetry.pds import (
    pds_asked_by_hand,
    pds_events_failed,
    pds_events_taken,
    pds_hinted,
    pds_put_off,
    pds_waiting,
)
from hub.telemetry.recall import (
    last_recall_run,
    recall_due,
    recall_run_begun,
    recall_run_ended,
    recall_run_left,
    recall_run_took,
    recall_step_taken,
)
from hub.telemetry.traces import new_traceparent, span, steps, stop_tracing, trace_to, tracing

__all__ = [
    "CONTENT_TYPE",
    "REGISTRY",
    "api_asked",
    "api_circuit",
    "api_responded",
    "api_token",
    "api_waited",
    "backlog",
    "batch_put_off",
    "batch_refused",
    "batch_taken",
    "broker_connected",
    "broker_failed",
    "callback_refused",
    "communication_asked",
    "communication_failed",
    "communications_needing",
    "configure",
    "dead_letters",
    "dead_retried",
    "discharges_waiting",
    "event_confirmed",
    "event_dead",
    "event_handled",
    "event_repeated",
    "event_returned",
    "events_resent",
    "guard_process",
    "last_recall_run",
    "letter_held",
    "letters_waiting",
    "mesh_failed",
    "mesh_polled",
    "mesh_refused",
    "mesh_report",
    "new_traceparent",
    "news_heard",
    "outgoing_followed",
    "outgoing_refused",
    "outgoing_sent",
    "partner_answered",
    "partner_not_proven",
    "pds_asked_by_hand",
    "pds_events_failed",
    "pds_events_taken",
    "pds_hinted",
    "pds_put_off",
    "pds_waiting",
    "queue_depth",
    "recall_due",
    "recall_run_begun",
    "recall_run_ended",
    "recall_run_left",
    "recall_run_took",
    "recall_step_taken",
    "render_metrics",
    "span",
    "steps",
    "stop_tracing",
    "topology_differs",
    "trace_to",
    "tracing",
]

_BYTES = (1_000, 4_000, 16_000, 64_000, 256_000, 1_000_000, 4_000_000, 16_000_000)


def configure(json: bool | None = None, level: str = "info") -> None:
    """Write log lines from `level` (debug, info, warning, error) on to standard error: as JSON, pretty, or (None)
    pretty when that is a terminal. What libraries log goes the same way, without its words."""
    write_lines(pretty=sys.stderr.isatty() if json is None else not json, level=level)
    silence_libraries()


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
    count_one(_connections_ended, why)
    log("debug" if why in ("peer-closed", "stopping") else "info", "connection_closed", peer=peer, why=why)


def connection_refused(why: str) -> None:
    count_one(_connections_ended, why)
    log("warning", "connection_refused", why=why)


def stray_bytes(count: int) -> None:
    _stray_bytes.inc(count)
    log("debug", "stray_bytes", count=count)


def frame_problem(problem: str, size: int) -> None:
    count_one(_frame_problems, problem)
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
_answer_seconds = Histogram("hub_answer_seconds", "From receipt to answer.", registry=REGISTRY, buckets=SECONDS)
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
    count_one(_received, feed)
    _sizes.observe(size)
    log("debug", "message_received", feed=feed, bytes=size)


def message_answered(feed: str, code: str, seconds: float) -> None:
    count_one(_answered, feed, code)
    _answer_seconds.observe(seconds)
    log("info", "message_answered", feed=feed, code=code, seconds=round(seconds, 4))


def message_refused(feed: str, reason: str) -> None:
    count_one(_refused, feed, reason)
    log("info", "message_refused", feed=feed, reason=reason)


def message_repeated(feed: str) -> None:
    count_one(_repeated, feed)
    log("info", "message_repeated", feed=feed)


def control_id_reused(feed: str) -> None:
    count_one(_ids_reused, feed)
    log("warning", "control_id_reused", feed=feed)


def messages_committed(count: int) -> None:
    _commit_size.observe(count)


def store_failed(error: BaseException) -> None:
    _store_failures.inc()
    log("error", "store_failed", **about(error))


# -- the feeds

_feed_silent = Gauge("hub_feed_silent", "1 while a feed is silent against its rhythm.", ["feed"], registry=REGISTRY)
_silent_feeds: set[str] = set()


def feeds_silent(silent: Mapping[str, bool]) -> None:
    """Whether each feed is silent. Told as often as it is looked at, logged when it changes."""
    for feed, is_silent in silent.items():
        _feed_silent.labels(label(feed)).set(is_silent)
        if is_silent != (feed in _silent_feeds):
            log("warning" if is_silent else "info", "feed_silent" if is_silent else "feed_heard", feed=feed)
    _silent_feeds.clear()
    _silent_feeds.update(feed for feed, is_silent in silent.items() if is_silent)


_file_faults = Gauge("hub_file_faults", "Files missing or corrupt, not resolved.", ["feed", "kind"], registry=REGISTRY)
_faults_seen: set[tuple[str, str]] = set()


def file_faults(unresolved: Mapping[tuple[str, str], int]) -> None:
    """How many files of a feed are missing or corrupt. What is not named has none left."""
    counts = {(label(feed), label(kind)): count for (feed, kind), count in unresolved.items()}
    _faults_seen.update(counts)
    for names in _faults_seen:
        _file_faults.labels(*names).set(counts.get(names, 0))


# -- what became of the results

_matched = Counter("hub_results_matched", "Results put on a record.", ["how"], registry=REGISTRY)
_discharges = Counter("hub_discharges", "Discharges settled, by what became of them.", ["state"], registry=REGISTRY)
_tasks_opened = Counter("hub_tasks_opened", "Tasks for the clerks.", ["reason"], registry=REGISTRY)
_tasks_closed = Counter("hub_tasks_closed", "Tasks settled.", ["outcome"], registry=REGISTRY)
_decisions = Counter("hub_decisions_taken", "Clerks' decisions.", ["what"], registry=REGISTRY)
_letters = Counter("hub_letters_wished", "Letters wished.", ["code"], registry=REGISTRY)
_tasks_waiting = Gauge("hub_tasks_waiting", "Tasks that wait for a clerk.", ["reason"], registry=REGISTRY)
_reasons_seen: set[str] = set()


def result_matched(how: str) -> None:
    count_one(_matched, how)
    log("info", "result_matched", how=how)


def discharge_settled(state: str) -> None:
    """What became of a clinic's discharge: applied, waiting, repeated, refused."""
    count_one(_discharges, state)
    log("info", "discharge_settled", outcome=state)


def task_opened(reason: str) -> None:
    count_one(_tasks_opened, reason)
    log("info", "task_opened", reason=reason)


def task_closed(outcome: str) -> None:
    count_one(_tasks_closed, outcome)
    log("info", "task_closed", outcome=outcome)


def tasks_waiting(by_reason: Mapping[str, int]) -> None:
    """How many tasks wait, by reason. A reason that is not named has none left."""
    counts = {label(reason): count for reason, count in by_reason.items()}
    _reasons_seen.update(counts)
    for reason in _reasons_seen:
        _tasks_waiting.labels(reason).set(counts.get(reason, 0))


def decision_taken(action: str) -> None:
    count_one(_decisions, action)
    log("info", "decision_taken", what=action)


def letter_wished(code: str) -> None:
    count_one(_letters, code)
    log("info", "letter_wished", code=code)


# -- the hub itself

_faults = Counter("hub_faults", "Faults of the hub itself.", ["where"], registry=REGISTRY)
_part_away = Gauge("hub_part_away", "1 while the store or the broker is away.", ["part"], registry=REGISTRY)
_parts_away: set[str] = set()


def role_started(role: str, version: str) -> None:
    log("info", "role_started", role=role, version=version)


def role_stopped(role: str) -> None:
    log("info", "role_stopped", role=role)


def part_away(part: str, why: str) -> None:
    """How `part` (`store`, `broker`) is: `why` it is away, empty when it is there. Told as often as it is looked at,
    logged when it changes."""
    _part_away.labels(label(part)).set(1 if why else 0)
    if why and part not in _parts_away:
        _parts_away.add(part)
        log("warning", "part_away", part=part, why=why)
    elif not why and part in _parts_away:
        _parts_away.discard(part)
        log("info", "part_back", part=part)


def our_fault(error: BaseException, where: str) -> None:
    """Something failed that should not: `where` names the step (`answer`, `worker`), never a value."""
    count_one(_faults, where)
    log("error", "our_fault", where=where, **about(error))


write_lines(pretty=sys.stderr.isatty(), level="warning")
