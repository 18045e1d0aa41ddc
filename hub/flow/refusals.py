"""Refusals after AA: what a clerk refused comes before the laboratory that sent it, until it says that it has it.

A clerk writes why in words of her own, which may name the person. They stay here; the laboratory hears what was in
question, in a sentence of the hub's.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from hub.errors import Reason
from hub.flow.ports.files import OutgoingRow
from hub.flow.ports.partners import RefusalRow
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.ports.store import Clock, Store, Transaction
from hub.flow.step import Step, slide_of
from hub.mapping import FeedTable, FeedTables

REFUSED = "A clerk of call and recall has refused this result. "
WITHDRAWN = "The refusal has been taken back: the result is being looked at again. Nothing is to be done."
IN_A_MESSAGE = 500
"""Refusals told in one message at most."""
_IN_QUESTION = {
    Reason.UNSURE.code: "Whose it is could not be made certain: check NHS number, name and date of birth, and send it "
    "corrected.",
    Reason.UNKNOWN.code: "Nobody of the cohort fits the person named: check NHS number, name and date of birth, and "
    "send it corrected.",
    Reason.OUR_TABLE.code: "It carries a code that the hub does not know: ask call and recall which to send.",
    Reason.DUPLICATE_SLIDE.code: "Another result was sent for this slide number before: check the slide number.",
    Reason.OUR_FAULT.code: "The hub could not handle it: ask call and recall before you send it again.",
}
_AGAINST_THE_HISTORY = "It does not follow from her history ({code}): check the codes, and send it corrected."


def refuse(step: Step, row: ResultRow, task: TaskRow) -> None:
    """Write the refusal down for the laboratory, with the clerk's decision."""
    slide, entry = slide_of(row.event), step.tx.journal.entry(row.journal_seq)
    step.tx.refusals.put(
        RefusalRow(
            feed=row.feed,
            result_id=row.result_id,
            journal_seq=row.journal_seq,
            position=row.position,
            control_id=entry.control_id if entry else "",
            slide_number=(slide.slide_number if slide else "") or "",
            reason=task.reason,
            refused_at=step.now,
        )
    )


def withdraw(step: Step, row: ResultRow) -> None:
    """The decision was taken back. A laboratory that has taken the refusal takes its end, too."""
    step.tx.refusals.withdraw(row.result_id, step.now)


def sentence_of(refusal: RefusalRow) -> str:
    """What the laboratory reads."""
    if refusal.withdrawn_at:
        return WITHDRAWN
    return REFUSED + _IN_QUESTION.get(refusal.reason, _AGAINST_THE_HISTORY.format(code=refusal.reason))


def as_told(refusal: RefusalRow) -> dict[str, Any]:
    """One refusal as a laboratory gets it, over HTTP and in a message."""
    return {
        "refusal": refusal.seq,
        "message": refusal.journal_seq,
        "position": refusal.position,
        "control_id": refusal.control_id,
        "slide_number": refusal.slide_number,
        "standing": "withdrawn" if refusal.withdrawn_at else "refused",
        "reason": refusal.reason,
        "sentence": sentence_of(refusal),
        "refused_at": refusal.refused_at.isoformat(),
        "withdrawn_at": refusal.withdrawn_at.isoformat() if refusal.withdrawn_at else None,
        "taken_at": refusal.taken_at.isoformat() if refusal.taken_at else None,
    }


async def tell_laboratories(store: Store, feeds: FeedTables, clock: Clock) -> None:
    """Wish a message about the refusals not told yet, for each feed whose table gives an address. A duty."""
    for table in feeds:
        if table.answer.mailbox:
            await store.write(partial(_wish, table, clock()))


def _wish(table: FeedTable, at: datetime, tx: Transaction) -> None:
    tx.hold(f"refusals|{table.feed}")
    refusals = tx.refusals.not_told(table.feed, IN_A_MESSAGE)
    if not refusals:
        return
    tx.outgoing.put(
        OutgoingRow(
            local_id=uuid.uuid4().hex[:20].upper(),
            feed=table.feed,
            kind="refusals",
            mailbox=table.answer.mailbox,
            workflow=table.answer.workflow,
            body=document(table.feed, refusals),
            wished_at=at,
        )
    )
    tx.refusals.told([refusal.seq for refusal in refusals], at)


def document(feed: str, refusals: Sequence[RefusalRow]) -> bytes:
    """The message: JSON, whatever language the feed speaks."""
    told = {"feed": feed, "refusals": [as_told(refusal) for refusal in refusals]}
    return json.dumps(told, ensure_ascii=False, indent=1).encode()
