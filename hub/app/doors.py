"""The doors of an intake, each with the way it has what comes answered."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from adapters import ADAPTERS
from adapters.pds_events import read_events
from hub.app.telling import callbacks_of
from hub.errors import CannotRun
from hub.flow.admission import REHEARSAL
from hub.flow.hearing import Hearing
from hub.flow.intake import Intake
from hub.flow.ports.journal import Via
from hub.flow.rehearsal import Rehearsal
from hub.flow.sending import Sender
from hub.io.mesh import MeshClient, MeshDoor, MeshSettings
from hub.io.mllp import Answer, FrameProblem, MllpDoor, Peer, door_settings
from hub.io.mllp.conversation import Answering

if TYPE_CHECKING:
    from hub.app.parts import Parts
    from hub.io.http import PartnersDoor

MLLP_DIALECT = "hl7v2_oru"


def mllp_door(parts: Parts) -> MllpDoor:
    """Frames, one after the other."""
    return MllpDoor(_answering(parts.intake), door_settings(parts.settings), parts.ledger.replied)


def rehearsal_door(parts: Parts) -> MllpDoor | None:
    """The door of feeds in rehearsal, where a port is set for it; else as the MLLP door."""
    port = parts.settings.rehearsal_mllp_port
    if port is None:
        return None
    rehearsal = Rehearsal(parts.store, parts.intake, parts.clock)

    async def answer(body: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        who = (peer.certificate_subject or peer.host)[:128]
        # The port as well: the report tells one connection from the next by it.
        via = Via(REHEARSAL, f"{who} port {peer.port}", MLLP_DIALECT, certificate=peer.common_name, address=peer.host)
        answered = await rehearsal.take(body, via, problem.reason if problem else None)
        return Answer(answered.body, answered.reply_seq, answered.then) if answered else Answer(None)

    return MllpDoor(answer, replace(door_settings(parts.settings), port=port), parts.ledger.replied)


def partners_door(parts: Parts) -> PartnersDoor:
    """Partners over HTTP."""
    from hub.io.http import PartnersDoor, partners_settings  # the verbs need none of what it loads

    return PartnersDoor(
        parts.intake,
        parts.store,
        ADAPTERS,
        parts.feeds,
        parts.clock,
        partners_settings(parts.settings),
        parts.ledger.replied,
        callbacks_of(parts),
    )


def by_mesh(parts: Parts, post: MeshSettings, mailbox: MeshClient) -> list[Coroutine[Any, Any, None]]:
    """The door that collects our mailbox, and the sender of what goes to laboratories."""
    workflow = parts.settings.pds_events_workflow
    heard = {workflow: hearing_of(parts)} if workflow else {}
    door = MeshDoor(mailbox, parts.intake, parts.feeds, parts.store, parts.clock, post.poll_every, heard)
    return [door.run(), Sender(parts.store, mailbox, parts.clock).run()]


def by_sqs(parts: Parts) -> list[Coroutine[Any, Any, None]]:
    """The door that receives the events of PDS, where a queue is named that brings them. Raises CannotRun."""
    if not parts.settings.pds_events_queue:
        return []
    try:
        from hub.io.sqs import SqsDoor, SqsQueue
    except ModuleNotFoundError as missing:
        raise CannotRun(
            f"HUB_PDS_EVENTS_QUEUE needs the extra `sqs`, and there is no {missing.name}. "
            "Install it: pip install --require-hashes -r requirements-sqs.lock"
        ) from None
    return [SqsDoor(SqsQueue(parts.settings.pds_events_queue), hearing_of(parts)).run()]


def hearing_of(parts: Parts) -> Hearing:
    """What takes the events of PDS."""
    return Hearing(read_events, parts.store, parts.clock)


def _answering(intake: Intake) -> Answering:
    """How the MLLP door has a frame answered."""

    async def answer(body: bytes, peer: Peer, problem: FrameProblem | None) -> Answer:
        who = (peer.certificate_subject or peer.host)[:128]
        via = Via("mllp", who, MLLP_DIALECT, certificate=peer.common_name, address=peer.host)
        answered = await intake.take(body, via, problem.reason if problem else None)
        return Answer(answered.body, answered.reply_seq, answered.then)

    return answer
