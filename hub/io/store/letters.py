"""Letters wished for participants, waiting, withheld or cancelled; sent, delivered or failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from hub.flow.ports.records import LetterRow
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import letters
from hub.io.store.statements import Several, insert_all_or_replace

_MOST_KEYS = 500
_LEFT = ("sent", "failed")  # whoever has it has it
_OF_ALL = Several(select(letters), letters.c.participant_id)
_GET_ALL = Several(select(letters), letters.c.letter_id)
_OF = Prepared(select(letters).where(letters.c.participant_id == bindparam("id")))


class SqlLetters(Room):
    """See `hub.flow.ports.records.Letters`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._unwritten: dict[str, LetterRow] = {}
        self._ahead: dict[str, dict[str, LetterRow]] = {}

    def read_ahead(self, participant_ids: Sequence[str]) -> None:
        """Read many people's letters at once. They must be held."""
        self._ahead.update((each, {}) for each in participant_ids)
        for row in _OF_ALL.rows(self._bare, participant_ids):
            self._ahead[row.participant_id][row.letter_id] = _letter(row)

    def forget(self) -> None:
        self._ahead.clear()

    def of(self, participant_id: str) -> list[LetterRow]:
        written = self._ahead.get(participant_id)
        if written is None:
            written = {row.letter_id: _letter(row) for row in _OF.rows(self._bare, {"id": participant_id})}
        hers = {key: letter for key, letter in self._unwritten.items() if letter.participant_id == participant_id}
        return list({**written, **hers}.values())

    def put(self, letter: LetterRow) -> None:
        self._unwritten[letter.letter_id] = letter

    def get(self, letter_ids: Sequence[str]) -> list[LetterRow]:
        return [_letter(row) for row in _GET_ALL.rows(self._connection, letter_ids)]

    def restate(self, letter_ids: Sequence[str], state: str, at: datetime) -> None:
        """Of letters that have left the house. No fold writes to such a letter: her who is told need not be held."""
        self._ahead.clear()
        some = [letter_ids[start : start + _MOST_KEYS] for start in range(0, len(letter_ids), _MOST_KEYS)]
        for each in some:
            change = update(letters).where(letters.c.letter_id.in_(each), letters.c.state.in_(_LEFT))
            self._connection.execute(change.values(state=state, changed_at=at, why="", rule=""))

    @property
    def keeps_back(self) -> bool:
        return bool(self._unwritten)

    def write_down(self) -> None:
        unwritten, self._unwritten = self._unwritten, {}
        insert_all_or_replace(self._bare, letters, [_values(letter) for letter in unwritten.values()])


def _letter(row: Row[Any]) -> LetterRow:
    return LetterRow(*(getattr(row, name) for name in LetterRow.__slots__))


def _values(letter: LetterRow) -> dict[str, Any]:
    return {name: getattr(letter, name) for name in LetterRow.__slots__}
