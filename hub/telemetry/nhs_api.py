"""What is told of the APIs at the NHS platform (`pds`, `notify`). Of what was asked only its kind, of an answer only
what kind it was: never an address or a body, which hold somebody's number."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from hub.telemetry.fence import log
from hub.telemetry.metrics import REGISTRY, SECONDS, count_one, label

_asked = Counter("hub_api_asked", "Conversations with an API.", ["partner", "question", "outcome"], registry=REGISTRY)
_ask_seconds = Histogram(
    "hub_api_ask_seconds",
    "Time until a conversation ended or was given up.",
    ["partner"],
    registry=REGISTRY,
    buckets=(*SECONDS, 30.0, 60.0),
)
_responses = Counter("hub_api_responses", "Responses of an API by status.", ["partner", "status"], registry=REGISTRY)
_response_seconds = Histogram(
    "hub_api_response_seconds", "Time of one request to an API.", ["partner"], registry=REGISTRY, buckets=SECONDS
)
_wait_seconds = Histogram(
    "hub_api_wait_seconds", "Time until it was a request's turn.", ["partner"], registry=REGISTRY, buckets=SECONDS
)
_tokens = Counter("hub_api_tokens", "Tokens fetched for an API.", ["partner", "outcome"], registry=REGISTRY)
_circuit_open = Gauge(
    "hub_api_circuit_open", "1 while an API is only tried now and then.", ["partner"], registry=REGISTRY
)


def api_asked(partner: str, question: str, outcome: str, seconds: float) -> None:
    count_one(_asked, partner, question, outcome)
    _ask_seconds.labels(label(partner)).observe(seconds)
    log("debug", "api_asked", part=partner, what=question, outcome=outcome, seconds=round(seconds, 4))


def api_responded(partner: str, status: str, seconds: float) -> None:
    """`none` where nothing came."""
    count_one(_responses, partner, status)
    _response_seconds.labels(label(partner)).observe(seconds)


def api_waited(partner: str, seconds: float) -> None:
    _wait_seconds.labels(label(partner)).observe(seconds)


def api_token(partner: str, outcome: str) -> None:
    """`new`, or why there is none. A refusal is an engineer's business."""
    count_one(_tokens, partner, outcome)
    level = {"new": "debug", "token-refused": "error"}.get(outcome, "warning")
    log(level, "api_token", part=partner, outcome=outcome)


def api_circuit(partner: str, *, is_open: bool) -> None:
    _circuit_open.labels(label(partner)).set(is_open)
    if is_open:
        log("warning", "api_circuit_open", part=partner)
