"""The cohort: who may be matched, found by the blocking keys of `hub.domain.matching`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, select

from hub.domain.matching import search_keys
from hub.domain.people import Participant
from hub.io.store.prepared import Prepared
from hub.io.store.room import Room
from hub.io.store.schema import participant_keys, participants
from hub.io.store.statements import Several, insert_all, insert_all_or_replace

_GET = Prepared(select(participants).where(participants.c.participant_id == bindparam("id")))
_BY_NUMBER = Prepared(select(participants).where(participants.c.nhs_number == bindparam("number")))
_IDS = Several(select(participants.c.nhs_number, participants.c.participant_id), participants.c.nhs_number)
_STALE_KEYS = Several(delete(participant_keys), participant_keys.c.participant_id)
_KEYS_AT_ONCE = 24
"""Most claims have fewer: a statement of fixed shape is compiled once."""
_KEYS = select(participant_keys.c.participant_id).where(
    participant_keys.c.key.in_([bindparam(f"key{number}") for number in range(_KEYS_AT_ONCE)])
)
_CANDIDATES = Prepared(select(participants).where(participants.c.participant_id.in_(_KEYS)))


_IDS_OF_KEYS = Several(select(participant_keys.c.key, participant_keys.c.participant_id), participant_keys.c.key)
_ALL = Several(select(participants), participants.c.participant_id)


def _participant(row: Row[Any]) -> Participant:
    return Participant(
        participant_id=row.participant_id,
        nhs_number=row.nhs_number,
        family_name=row.family_name,
        given_names=tuple(json.loads(row.given_names)),
        date_of_birth=row.date_of_birth,
        former_family_names=tuple(json.loads(row.former_family_names)),
        gender=row.gender,
        address_lines=tuple(json.loads(row.address_lines)),
        postcode=row.postcode,
        practice_code=row.practice_code,
        next_test_due_on=row.entry_next_test_due_on,
        joined_on=row.joined_on,
        deceased=row.deceased,
        died_on=row.died_on,
        removal=row.removal,
        removed_on=row.removed_on,
        restricted=bool(row.restricted),
        workgroup=row.workgroup,
        pds_version=row.pds_version,
        merged_into=row.merged_into,
    )


def _values(participant: Participant, at: datetime) -> dict[str, Any]:
    return {
        "participant_id": participant.participant_id,
        "nhs_number": participant.nhs_number,
        "family_name": participant.family_name,
        "given_names": json.dumps(participant.given_names),
        "former_family_names": json.dumps(participant.former_family_names),
        "date_of_birth": participant.date_of_birth,
        "gender": participant.gender,
        "address_lines": json.dumps(participant.address_lines),
        "postcode": participant.postcode,
        "practice_code": participant.practice_code,
        "entry_next_test_due_on": participant.next_test_due_on,
        "joined_on": participant.joined_on,
        "deceased": participant.deceased,
        "died_on": participant.died_on,
        "removal": participant.removal,
        "removed_on": participant.removed_on,
        "restricted": int(participant.restricted),
        "workgroup": participant.workgroup,
        "pds_version": participant.pds_version,
        "merged_into": participant.merged_into,
        "changed_at": at,
    }


class SqlCohort(Room):
    """See `hub.flow.ports.cohort.Cohort`."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        super().__init__(connection, write_everything)
        self._by_key: dict[str, set[str]] = {}
        self._people: dict[str, Participant] = {}

    def read_ahead(self, keys: Iterable[str]) -> None:
        """Read many candidates at once. Nobody may change the cohort meanwhile (`SqlTransaction.hold`)."""
        wanted = list(dict.fromkeys(keys))
        self._by_key.update((key, set()) for key in wanted)
        for row in _IDS_OF_KEYS.rows(self._bare, wanted):
            self._by_key[row.key].add(row.participant_id)
        ids = set().union(*self._by_key.values()) - self._people.keys() if self._by_key else set()
        self._people.update((row.participant_id, _participant(row)) for row in _ALL.rows(self._bare, sorted(ids)))

    def put(self, people: Sequence[Participant], at: datetime) -> None:
        """Add or replace; the blocking keys follow. Whoever puts people is alone (`SqlTransaction.hold_everything`)."""
        if not people:
            return
        self._by_key.clear()
        self._people.clear()
        last = {person.participant_id: person for person in people}
        insert_all_or_replace(self._connection, participants, [_values(person, at) for person in last.values()])
        _STALE_KEYS.change(self._connection, list(last), {})
        keys = [
            {"key": key, "participant_id": person.participant_id}
            for person in last.values()
            if not person.merged_into  # whoever has her history is found instead
            for key in search_keys(person)
        ]
        keys.sort(key=itemgetter("key"))  # in the order of their index, which then changes far fewer pages
        insert_all(self._connection, participant_keys, keys)

    def candidates(self, keys: Iterable[str]) -> list[Participant]:
        wanted = sorted(keys)
        if self._by_key and all(key in self._by_key for key in wanted):
            ids = set().union(*(self._by_key[key] for key in wanted))
            return [self._people[participant_id] for participant_id in sorted(ids)]
        found: dict[str, Participant] = {}
        for first in range(0, len(wanted), _KEYS_AT_ONCE):
            some = wanted[first : first + _KEYS_AT_ONCE]
            padded = [*some, *[some[0]] * (_KEYS_AT_ONCE - len(some))]
            rows = _CANDIDATES.rows(self._bare, {f"key{number}": key for number, key in enumerate(padded)})
            found.update((row.participant_id, _participant(row)) for row in rows)
        return [found[participant_id] for participant_id in sorted(found)]

    def get(self, participant_id: str) -> Participant | None:
        row = _GET.first(self._bare, {"id": participant_id})
        return _participant(row) if row else None

    def of(self, participant_ids: Sequence[str]) -> list[Participant]:
        """Many at once."""
        return [_participant(row) for row in _ALL.rows(self._bare, participant_ids)]

    def by_nhs_number(self, nhs_number: str) -> Participant | None:
        row = _BY_NUMBER.first(self._connection, {"number": nhs_number})
        return _participant(row) if row else None

    def ids_of(self, nhs_numbers: Sequence[str]) -> dict[str, str]:
        """Participant by NHS number, for those that are known."""
        return {row.nhs_number: row.participant_id for row in _IDS.rows(self._connection, nhs_numbers)}

    def count(self) -> int:
        return self._connection.execute(select(func.count()).select_from(participants)).scalar_one()
