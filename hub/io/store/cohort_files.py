"""How far each file of the cohort was taken, so that an import that died goes on."""

from __future__ import annotations

from sqlalchemy import select

from hub.flow.ports.cohort import CohortFileRow
from hub.io.store.room import Room
from hub.io.store.schema import cohort_files
from hub.io.store.statements import insert_or_replace


class SqlCohortFiles(Room):
    """See `hub.flow.ports.cohort.CohortFiles`."""

    def get(self, digest: str) -> CohortFileRow | None:
        row = self._connection.execute(select(cohort_files).where(cohort_files.c.digest == digest)).first()
        return CohortFileRow(**row._mapping) if row else None

    def put(self, row: CohortFileRow) -> None:
        insert_or_replace(
            self._connection, cohort_files, {name: getattr(row, name) for name in CohortFileRow.__slots__}
        )
