"""How far a letter has come, in the order of time: wished, handed over, and what NHS Notify told of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from hub.flow.letters import ELSEWHERE, LEFT
from hub.flow.ports.communications import WITHDRAWN, CommunicationRow
from hub.flow.ports.records import LetterRow
from hub.flow.ports.store import Transaction


class Stage(NamedTuple):
    """`what` is a state of the letter's; `why` a code, where there is one."""

    letter: LetterRow
    at: datetime
    what: str
    why: str = ""


def stages(tx: Transaction, letters: Sequence[LetterRow]) -> Iterator[Stage]:
    """Of each letter. What has not left the house is in one state, with its time; what has left has every stage."""
    messages = tx.communications.of_letters([letter.letter_id for letter in letters])
    for letter in letters:
        for row in messages:
            if row.letter_id == letter.letter_id:
                yield from _of_message(letter, row)
        if letter.state not in LEFT or letter.state == ELSEWHERE:
            yield Stage(letter, letter.changed_at, letter.state, letter.rule)


def _of_message(letter: LetterRow, row: CommunicationRow) -> Iterator[Stage]:
    yield Stage(letter, row.wished_at, "wished")
    if row.sent_at:
        yield Stage(letter, row.sent_at, "sent", row.plan)
    if row.ended_at and row.state != WITHDRAWN:
        yield Stage(letter, row.ended_at, row.state, row.why or row.channel)
    elif row.task_at:
        yield Stage(letter, row.task_at, "in doubt", row.why)
    if row.settled_at:
        yield Stage(letter, row.settled_at, f"failure settled: {row.settlement}")
