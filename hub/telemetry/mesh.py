"""MESH: what was collected, and what became of messages to laboratories. No file name, no mailbox, no address."""

from __future__ import annotations

from prometheus_client import Counter

from hub.telemetry.fence import about, log
from hub.telemetry.metrics import REGISTRY, count_one

_failures = Counter("hub_mesh_failures", "Times MESH could not be used.", registry=REGISTRY)
_refused = Counter("hub_mesh_refusals", "Requests that MESH refused.", ["code"], registry=REGISTRY)
_polls = Counter("hub_mesh_polls", "Times the inbox was collected.", registry=REGISTRY)
_left = Counter("hub_mesh_messages_left", "Messages left in the inbox, to be tried again.", registry=REGISTRY)
_reports = Counter("hub_mesh_reports", "Reports that a message of ours was not delivered.", ["code"], registry=REGISTRY)
_outgoing = Counter("hub_outgoing_messages", "Messages to laboratories.", ["what", "state"], registry=REGISTRY)


def mesh_failed(error: BaseException) -> None:
    """What MESH has waits there, what is to go waits in the outbox: a warning, no loss."""
    _failures.inc()
    log("warning", "mesh_failed", reason=getattr(error, "hint", ""), **about(error))


def mesh_refused(status: int, code: str) -> None:
    count_one(_refused, code or str(status))
    log("warning", "mesh_refused", code=f"{status}/{code}")


def mesh_polled(found: int, settled: int) -> None:
    """How many messages waited, and how many of them are stored and acknowledged."""
    _polls.inc()
    _left.inc(found - settled)
    log("info" if found else "debug", "mesh_polled", count=found, outcome=f"settled:{settled}")


def mesh_report(code: str, *, known: bool) -> None:
    """Something we sent was not delivered; `known` says whether we know what."""
    count_one(_reports, code)
    log("warning", "mesh_report", code=code, outcome="known" if known else "unknown")


def outgoing_sent(kind: str) -> None:
    count_one(_outgoing, kind, "sent")
    log("info", "outgoing_sent", what=kind)


def outgoing_refused(kind: str, why: str) -> None:
    count_one(_outgoing, kind, "failed")
    log("error", "outgoing_refused", what=kind, why=why.replace(" ", "_"))


def outgoing_followed(kind: str, state: str) -> None:
    """What became of what was sent: taken, or failed."""
    count_one(_outgoing, kind, state)
    log("info" if state == "taken" else "error", "outgoing_followed", what=kind, outcome=state)
