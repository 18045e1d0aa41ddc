"""What becomes of a batch once Notify has answered; and that its answer, or its news, may come in any order.

Taken or known: its messages are sent. Refused for a message's sake: that one fails, the rest go in another batch.
Refused for ours, or not answered: the same batch is handed over again, and nothing more of its plan until then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hub import telemetry
from hub.domain.catalogue import Catalogue, Following
from hub.domain.communications import Accepted, Fault, Handed, News, Refused
from hub.domain.delivery import DELIVERED, FAILED, NOT_FOLLOWED, Delivery, delivery
from hub.flow.leaving import Handing, batch_of
from hub.flow.letters import keep_back, objection, wish_again
from hub.flow.ports.communications import CLAIMED, SENT, WITHDRAWN, BatchRow, CommunicationRow
from hub.flow.ports.store import Transaction
from hub.flow.recording import folded
from hub.flow.step import Step

FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=5)
LONGEST_REST_AT_FAULT = timedelta(hours=1)
UNSAID = "refused"
MOST_OF_A_CHANNEL = 16
"""So long is its column; a channel that Notify has added may have a longer name."""


def settle(step: Step, catalogue: Catalogue, handing: Handing, answer: Handed) -> None:
    """Notify has answered to a batch."""
    assert handing.batch is not None, "something was handed over"
    faults = {fault.reference: fault for fault in answer.faults} if isinstance(answer, Refused) else {}
    if isinstance(answer, Refused):
        about_messages = handing_faults(handing, faults)
        if answer.ours or not about_messages:
            _at_fault(step, handing.batch, _code(answer.faults))
        else:
            _refused(step, catalogue, handing, about_messages)
        return
    ids = answer.ids if isinstance(answer, Accepted) else {}
    known = not isinstance(answer, Accepted)
    _taken(step, catalogue.following, handing, ids, known_before=known)


def handing_faults(handing: Handing, faults: Mapping[str, Fault]) -> dict[str, Fault]:
    """The faults by the message that each is about. Of a single message everything is about that."""
    references = [message.reference for message in handing.messages]
    if len(references) == 1 and faults:
        return {references[0]: next(iter(faults.values()))}
    return {name: fault for name, fault in faults.items() if name in references}


def not_answered(step: Step, batch: BatchRow, why: str, after_seconds: float | None) -> None:
    """Nobody knows whether it arrived, or it was said: not now. `why` is a code. Whoever says when to come again is not
    asked before."""
    rest = max(_rest(batch, LONGEST_REST), timedelta(seconds=after_seconds or 0))
    if step.tx.communications.put_off(batch, step.now + rest, why, maybe=True):
        step.tell(telemetry.batch_put_off, batch.plan, why)


def known_to_have_arrived(step: Step, following: Following, batch: BatchRow) -> None:
    """News has come of one of its messages: a batch is taken wholly or not at all. Or none of them may be written to
    any more, and one try may have arrived: news says so, or the want of news does."""
    _taken(step, following, Handing(batch), {}, known_before=True)


def never_left(step: Step, handing: Handing) -> None:
    """None of them may be written to any more, and Notify has taken nothing of it."""
    assert handing.batch is not None, "something was claimed"
    if step.tx.communications.end(handing.batch):
        for row in _locked(step.tx, handing.batch):
            _kept(step, handing, row)


# -- taken


def _taken(step: Step, following: Following, handing: Handing, ids: Mapping[str, str], *, known_before: bool) -> None:
    assert handing.batch is not None
    ended = step.tx.communications.end(handing.batch)
    rows = _locked(step.tx, handing.batch)
    if not ended:  # another has settled it, or will: what we know are the ids
        rows = [row for row in rows if row.reference in ids]
    certain = ended and not known_before
    gone = [row for row in rows if certain and row.state == CLAIMED and _kept(step, handing, row)]
    sent = [_sent(row, ids.get(row.reference, ""), following, step.now) for row in rows if row not in gone]
    step.tx.communications.put(sent)
    for code, why in bring_up_to_date(step.tx, sent, following, step.now):
        step.tell(telemetry.communication_failed, code, why)
    step.tell(telemetry.batch_taken, handing.batch.plan, "known" if known_before else "accepted")


def _sent(row: CommunicationRow, message_id: str, following: Following, at: datetime) -> CommunicationRow:
    """Without an id nobody can be asked about it: it is waited for news a while longer."""
    row = replace(row, message_id=row.message_id or message_id)
    if row.state != CLAIMED:  # its news was quicker than we
        return row
    rest = following.ask_after if row.message_id else following.no_news
    return replace(row, state=SENT, sent_at=at, look_at=at + rest)


def _kept(step: Step, handing: Handing, row: CommunicationRow) -> bool:
    """Whether it was none of what Notify has answered to; then it never left."""
    if row.reference in handing.left_out:
        _withdraw(step, row, handing.left_out[row.reference])
    elif row.reference in handing.unwritten:
        _fail(step, row, Fault(handing.unwritten[row.reference]))
    else:
        return False
    return True


def _withdraw(step: Step, row: CommunicationRow, rule: str) -> None:
    """It never left, and is not to leave now."""
    step.tx.communications.put([replace(row, state=WITHDRAWN, why=rule, ended_at=step.now)])
    (letter,) = step.tx.letters.get([row.letter_id])
    step.hold_person(letter.participant_id)
    (letter,) = step.tx.letters.get([row.letter_id])
    if rule := objection(step, letter, folded(step, letter.participant_id)):
        keep_back(step, letter, rule)
    else:  # what spoke against it was settled while it was handed over
        wish_again(step, letter)


def _locked(tx: Transaction, batch: BatchRow) -> list[CommunicationRow]:
    return tx.communications.named([row.reference for row in tx.communications.of_batch(batch.reference)], [])


# -- refused, or not answered


def _refused(step: Step, catalogue: Catalogue, handing: Handing, faults: Mapping[str, Fault]) -> None:
    """These can never go as they are; the others of the batch go in another one, at once."""
    assert handing.batch is not None
    if not step.tx.communications.end(handing.batch):
        return
    rest = []
    for row in _locked(step.tx, handing.batch):
        if row.reference in faults:
            _fail(step, row, faults[row.reference])
        elif not _kept(step, handing, row):
            rest.append(row)
    if rest:
        again = replace(batch_of(step, handing.batch.plan, [row.reference for row in rest]), tries=0, look_at=step.now)
        step.tx.communications.begin(again, [replace(row, batch_reference=again.reference) for row in rest])
    step.tell(telemetry.batch_refused, handing.batch.plan, _code(faults.values()))


def _fail(step: Step, row: CommunicationRow, fault: Fault) -> None:
    failed = replace(row, state=FAILED, why=fault.code, description=fault.place, ended_at=step.now, task_at=step.now)
    step.tx.communications.put([failed])
    step.tx.letters.restate([row.letter_id], FAILED, step.now)
    step.tell(telemetry.communication_failed, row.code, fault.code)


def _at_fault(step: Step, batch: BatchRow, why: str) -> None:
    """An engineer must mend something; nothing of it was taken at this try."""
    look_at = step.now + _rest(batch, LONGEST_REST_AT_FAULT)
    if step.tx.communications.put_off(batch, look_at, why, maybe=batch.maybe):
        step.tell(telemetry.batch_refused, batch.plan, why)


def _rest(batch: BatchRow, longest: timedelta) -> timedelta:
    """Longer with each try."""
    doubled: int = 2 ** min(max(batch.tries - 1, 0), 10)
    return min(longest, FIRST_REST * doubled)


def _code(faults: Iterable[Fault]) -> str:
    return next((fault.code for fault in faults if fault.code), UNSAID)


# -- news


Needing = list[tuple[str, str]]
"""Of messages that need somebody since now: the letter's code, and why."""


def hear(tx: Transaction, news: Sequence[News], following: Following, at: datetime) -> tuple[int, Needing]:
    """Write news down, once each, and bring the messages up to it; how much of it was new, and who is needed now. What
    is about no message of ours is kept all the same: it may be about one that we do not know yet."""
    new = tx.communications.hear(news, at)
    references = sorted({each.reference for each in new if each.reference})
    message_ids = sorted({each.message_id for each in new if each.message_id})
    rows = tx.communications.named(references, message_ids) if new else []
    return len(new), bring_up_to_date(tx, rows, following, at)


def bring_up_to_date(tx: Transaction, rows: Sequence[CommunicationRow], following: Following, at: datetime) -> Needing:
    """These messages, which nobody else changes now, by all that was ever told of them; and their letters."""
    about = tx.communications.news_about(rows)
    after = [heard(row, delivery(about[row.reference]), following, at) for row in rows]
    changed = [new for new, old in zip(after, rows, strict=True) if new != old]
    tx.communications.put(changed)
    states: dict[str, str] = {}
    for row in tx.communications.of_letters([row.letter_id for row in changed]):  # of several the newest, or the best
        states[row.letter_id] = DELIVERED if states.get(row.letter_id) == DELIVERED else row.state
    for state in (SENT, FAILED, DELIVERED):
        tx.letters.restate([letter_id for letter_id, its in states.items() if its == state], state, at)
    pairs = zip(after, rows, strict=True)
    return [(new.code, new.why) for new, old in pairs if new.needs_somebody and not old.needs_somebody]


def heard(row: CommunicationRow, stands: Delivery, following: Following, at: datetime) -> CommunicationRow:
    """The message by what was told of it. An end never moves back; what was a trouble may turn out to be none."""
    if not stands.state or row.state == DELIVERED or (row.state == FAILED and not stands.ended):
        return row
    known = replace(
        row,
        message_id=row.message_id or stands.message_id,
        channel=stands.channel[:MOST_OF_A_CHANNEL] or row.channel,
        sent_at=row.sent_at or at,
    )
    if stands.state == DELIVERED:
        return replace(known, state=DELIVERED, why="", description="", look_at=None, ended_at=stands.at, task_at=None)
    if stands.state == FAILED:
        failed = replace(known, state=FAILED, why=stands.reason, description=stands.description)
        return replace(failed, look_at=None, ended_at=stands.at, task_at=row.task_at or at)
    way = replace(known, state=SENT, look_at=at + following.ask_after, ended_at=None)
    is_still_unread = row.why == NOT_FOLLOWED and not (stands.followed or stands.read)
    return way if is_still_unread else replace(way, why="", task_at=None)
