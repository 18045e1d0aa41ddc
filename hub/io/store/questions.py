"""What PDS is to be asked, and what it was asked by whom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, update

from hub.flow.ports.questions import Backlog, Kind, QuestionRow
from hub.io.store.room import Room
from hub.io.store.schema import questions
from hub.io.store.statements import insert_all_or_leave

_MOST_NUMBERS = 10_000
"""In one statement: both databases limit its variables."""
_WAITING = questions.c.state == "waiting"


def _question(row: Row[Any]) -> QuestionRow:
    return QuestionRow(**{**row._mapping, "kind": Kind(row.kind)})


def _values(question: QuestionRow) -> dict[str, Any]:
    values = {name: getattr(question, name) for name in QuestionRow.__slots__ if name != "seq"}
    return {**values, "kind": question.kind.value}


class SqlQuestions(Room):
    """See `hub.flow.ports.questions.Questions`."""

    def put(self, wanted: Sequence[QuestionRow]) -> None:
        """Of one subject one question of a kind waits: to want to know again changes nothing."""
        insert_all_or_leave(self._connection, questions, [_values(each) for each in wanted])

    def take(self, limit: int, at: datetime, again_at: datetime) -> list[QuestionRow]:
        """Some that are due, for the taker alone until `again_at`: if he dies, they are another's then.

        Claims first, because a result waits for each."""
        found: list[QuestionRow] = []
        for kind in (Kind.CLAIM, Kind.PERSON):
            found += self._due(kind, limit - len(found), at)
        taken = update(questions).where(questions.c.seq.in_([each.seq for each in found]))
        self._connection.execute(taken.values(next_at=again_at, tries=questions.c.tries + 1))
        return [replace(each, next_at=again_at, tries=each.tries + 1) for each in found]

    def ask_again(self, nhs_numbers: Sequence[str], at: datetime) -> None:
        """What is being asked about these people just now may be older than what is known since: it is due again, and
        whoever has it in his hands cannot settle it any more."""
        for start in range(0, len(nhs_numbers), _MOST_NUMBERS):
            some = nhs_numbers[start : start + _MOST_NUMBERS]
            asked = (questions.c.kind == Kind.PERSON.value, questions.c.subject.in_(some), questions.c.tries > 0)
            self._connection.execute(update(questions).where(_WAITING, *asked).values(next_at=at))

    def _due(self, kind: Kind, limit: int, at: datetime) -> list[QuestionRow]:
        due = (
            select(questions)
            .where(_WAITING, questions.c.kind == kind.value, questions.c.next_at <= at)
            .order_by(questions.c.next_at, questions.c.seq)
            .limit(limit)
            .with_for_update(skip_locked=True)  # what another asker is just taking (SQLite knows no such thing)
        )
        return [_question(row) for row in self._connection.execute(due)]

    def put_off(self, seq: int, next_at: datetime, why: str) -> None:
        later = update(questions).where(questions.c.seq == seq, _WAITING)
        self._connection.execute(later.values(next_at=next_at, why=why))

    def settle(self, question: QuestionRow, outcome: str, at: datetime, version: int | None = None) -> bool:
        """Whether it still waited, as it was taken: of several who bring an answer, one counts."""
        as_taken = (questions.c.seq == question.seq, questions.c.next_at == question.next_at)
        done = update(questions).where(_WAITING, *as_taken)
        changed = done.values(state="settled", outcome=outcome, settled_at=at, version=version, why="")
        return self._connection.execute(changed).rowcount == 1

    def about(self, subject: str) -> list[QuestionRow]:
        """The oldest first."""
        query = select(questions).where(questions.c.subject == subject).order_by(questions.c.seq)
        return [_question(row) for row in self._connection.execute(query)]

    def backlog(self) -> dict[str, Backlog]:
        """By the name of the kind; a kind of which none waits is there too."""
        query = select(questions.c.kind, func.count(), func.min(questions.c.opened_at)).where(_WAITING)
        rows = self._connection.execute(query.group_by(questions.c.kind))
        empty = {kind.value: Backlog(0, None) for kind in (Kind.CLAIM, Kind.PERSON)}
        return empty | {kind: Backlog(count, oldest) for kind, count, oldest in rows}
