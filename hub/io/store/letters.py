"""Letters wished for participants, waiting or cancelled. Sending them is another's work."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from hub.flow.ports import LetterRow
from hub.io.store.prepared import Prepared
from hub.io.store.schema import letters
from hub.io.store.statements import insert_or_replace

_OF = Prepared(select(letters).where(letters.c.participant_id == bindparam("id")))


class SqlLetters:
    """See `hub.flow.ports.Letters`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, participant_id: str) -> list[LetterRow]:
        rows = _OF.rows(self._connection, {"id": participant_id})
        return [
            LetterRow(row.letter_id, row.participant_id, row.result_id, row.code, row.state, row.why, row.changed_at)
            for row in rows
        ]

    def put(self, letter: LetterRow) -> None:
        values = {
            "letter_id": letter.letter_id,
            "participant_id": letter.participant_id,
            "result_id": letter.result_id,
            "code": letter.code,
            "state": letter.state,
            "why": letter.why,
            "changed_at": letter.changed_at,
        }
        insert_or_replace(self._connection, letters, values)
