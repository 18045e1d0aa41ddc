"""Reading a cohort file (CSV or NDJSON), row by row: a participant, or the reason why the row is refused."""

from __future__ import annotations

import csv
import difflib
import json
import re
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TextIO

from hub.domain.dates import day_in_england
from hub.domain.nhs_number import is_valid, normalise
from hub.domain.people import EVERYBODY, WORKGROUPS, Participant
from hub.flow.clerks import people_changed
from hub.flow.ports.store import Transaction
from hub.flow.step import Step

REQUIRED = ("nhs_number", "family_name", "given_names", "date_of_birth")
OPTIONAL = (
    "former_family_names",
    "gender",
    "address_lines",
    "postcode",
    "practice_code",
    "next_test_due_on",
    "deceased",
    "died_on",
    "removal",
    "removed_on",
    "workgroup",
)
"""Lists (given names, former names, address lines) are JSON lists in NDJSON and separated by `;` in CSV."""
_HOLDS = ("former_family_names", "gender", "address_lines", "postcode", "practice_code", "next_test_due_on")
SEVERAL = ("given_names", "former_family_names", "address_lines")
KNOWN = ("participant_id", *REQUIRED, *OPTIONAL)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: its line in the file, the field, and what is wrong. Never the value."""

    line: int
    field: str
    sentence: str


NOT_AS_MANY = "The row has not as many fields as the first line names: is a comma not quoted, or the file cut?"
TWICE = "The number stands in this file before: the first row with it was taken, this one was not."
REPLACED = "The number has been replaced by another, under which the person is known."
ANOTHERS = "Somebody with another NHS number has this id: her results would become this person's."
_NO_LETTERS = re.compile(r"[\x00\ud800-\udfff]")
"""What no database takes as text."""


class NotACohort(Exception):
    """The file as a whole cannot be read as a cohort."""


def read_cohort(file: TextIO, form: str) -> Iterator[Participant | RefusedRow]:
    """Every row of the file; `form` is `csv` or `ndjson`."""
    return (row for _, row in read_lines(file, form))


def read_lines(file: TextIO, form: str) -> Iterator[tuple[int, Participant | RefusedRow]]:
    """Every row with its line. Of several rows with one NHS number only the first is taken: which is right, somebody
    must say."""
    seen = Seen()
    for line, row in _rows_of_csv(file) if form == "csv" else _rows_of_ndjson(file):
        person = row if isinstance(row, RefusedRow) else read_person(line, row)
        if isinstance(person, Participant) and seen.again(person.nhs_number):
            person = RefusedRow(line, "nhs_number", TWICE)
        yield line, person


def _rows_of_csv(file: TextIO) -> Iterator[tuple[int, dict[str, Any] | RefusedRow]]:
    rows = csv.DictReader(file)
    missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
    if missing:
        raise NotACohort(f"The first line must name the columns; missing: {', '.join(missing)}.")
    for name in rows.fieldnames or ():
        if name not in KNOWN:
            raise NotACohort(f"There is no column {name!r}.{_nearest(name)} Columns: {', '.join(KNOWN)}.")
    if len(set(rows.fieldnames or ())) < len(rows.fieldnames or ()):
        raise NotACohort("The first line names a column twice.")
    try:
        for row in rows:
            whole = None not in row and None not in row.values()
            yield rows.line_num, row if whole else RefusedRow(rows.line_num, "", NOT_AS_MANY)
    except csv.Error:  # its text may quote the row
        raise NotACohort(f"Line {rows.line_num + 1} cannot be read as CSV.") from None


def _rows_of_ndjson(file: TextIO) -> Iterator[tuple[int, dict[str, Any] | RefusedRow]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except (ValueError, RecursionError):
            row = None
        yield line, row if isinstance(row, dict) else RefusedRow(line, "", "The line is not a JSON object.")


def read_person(line: int, row: Mapping[str, Any]) -> Participant | RefusedRow:
    """One row; the first thing wrong with it refuses it."""
    if wrong := _unfit(line, row):
        return wrong
    for name in REQUIRED:
        if not _list(row.get(name)):
            return RefusedRow(line, name, "The field is required and empty.")
    number = normalise(str(row["nhs_number"]))
    if not is_valid(number):
        return RefusedRow(line, "nhs_number", "This is no NHS number: ten digits, the last a Modulus 11 check.")
    for name, words in (("deceased", ("", "formal", "informal")), ("workgroup", ("", *WORKGROUPS))):
        if str(row.get(name) or "").strip() not in words:
            return RefusedRow(line, name, f"The field holds one of: {', '.join(words[1:])}; or nothing.")
    for name in ("date_of_birth", "next_test_due_on", "died_on", "removed_on"):
        if not _is_date(row.get(name)):
            return RefusedRow(line, name, "Dates are written YYYY-MM-DD.")
    born = _date(row["date_of_birth"])
    assert born is not None, "required above"
    return Participant(
        participant_id=str(row.get("participant_id") or ""),
        nhs_number=number,
        family_name=str(row["family_name"]).strip(),
        given_names=_list(row["given_names"]),
        date_of_birth=born,
        former_family_names=_list(row.get("former_family_names")),
        gender=str(row.get("gender") or "") or None,
        address_lines=_list(row.get("address_lines")),
        postcode=str(row.get("postcode") or "") or None,
        practice_code=str(row.get("practice_code") or "") or None,
        next_test_due_on=_date(row.get("next_test_due_on")),
        deceased=str(row.get("deceased") or "").strip() or ("informal" if _date(row.get("died_on")) else ""),
        died_on=_date(row.get("died_on")),
        removal=str(row.get("removal") or "").strip().upper(),
        removed_on=_date(row.get("removed_on")),
        workgroup=str(row.get("workgroup") or "").strip() or EVERYBODY,
    )


def _unfit(line: int, row: Mapping[str, Any]) -> RefusedRow | None:
    """The first field that there is not, or that holds no text."""
    for name in row:
        if name not in KNOWN:  # said, because a misspelt name would silently lose evidence for matching
            return RefusedRow(line, _NO_LETTERS.sub("?", name), f"There is no such field.{_nearest(name)}")
        if not _is_text(row[name], several=name in SEVERAL):
            return RefusedRow(line, name, "The field holds something that is no text.")
    return None


def take_people(step: Step, people: list[Participant]) -> dict[str, RefusedRow]:
    """Into the cohort: a known NHS number keeps its participant, a new one gets an id that says nothing of her.

    Of several rows with one number the last counts. Returns why which numbers were left alone, at line 0: those that
    were replaced by others, under which their people are known, and those whose id is somebody else's.
    """
    step.tx.hold_everything()
    last = {person.nhs_number: person for person in people}
    before = _known(step.tx, last)
    left = _left_alone(step.tx, last, before)
    today = day_in_england(step.now)
    people_changed(
        step,
        [_told(person, before.get(number), today) for number, person in last.items() if number not in left],
    )
    return left


def left_alone(tx: Transaction, people: list[Participant]) -> dict[str, RefusedRow]:
    """Of people whose rows were looked at before: those that were left alone then, by number."""
    last = {person.nhs_number: person for person in people}
    return _left_alone(tx, last, _known(tx, last))


def _known(tx: Transaction, numbers: Iterable[str]) -> dict[str, Participant]:
    ids = tx.cohort.ids_of(list(numbers))
    return {person.nhs_number: person for person in tx.cohort.of(list(ids.values()))}


def _left_alone(
    tx: Transaction, last: Mapping[str, Participant], before: Mapping[str, Participant]
) -> dict[str, RefusedRow]:
    left = {number: RefusedRow(0, "nhs_number", REPLACED) for number, person in before.items() if person.merged_into}
    new = [person for number, person in last.items() if number not in before and person.participant_id]
    borne = {person.participant_id for person in tx.cohort.of([person.participant_id for person in new])}
    for person in new:
        if person.participant_id in borne:
            left[person.nhs_number] = RefusedRow(0, "participant_id", ANOTHERS)
        borne.add(person.participant_id)
    return left


def _told(row: Participant, before: Participant | None, today: date) -> Participant:
    """What a row says of her, over what was known: where it says nothing, that holds."""
    if before is None:
        return replace(row, participant_id=row.participant_id or str(uuid.uuid4()), joined_on=today)
    silent = {name: getattr(before, name) for name in _HOLDS if not getattr(row, name)}
    told = replace(
        row,
        participant_id=before.participant_id,
        joined_on=before.joined_on,
        restricted=before.restricted,
        pds_version=before.pds_version,
        workgroup=before.workgroup if row.workgroup == EVERYBODY else row.workgroup,
        **silent,
    )
    if not row.deceased:
        told = replace(told, deceased=before.deceased, died_on=before.died_on)
    if not row.removal:
        told = replace(told, removal=before.removal, removed_on=before.removed_on)
    return told


class Seen:
    """The NHS numbers of one file. A bit for each number there can be: 125 million bytes at most, however many people,
    of which the system hands out only the pages that are written to."""

    def __init__(self) -> None:
        self._bits = bytearray(10**9 // 8)

    def again(self, nhs_number: str) -> bool:
        """Whether it was asked of before. The tenth digit follows from the others."""
        byte, bit = divmod(int(nhs_number[:9]), 8)
        before = self._bits[byte] >> bit & 1
        self._bits[byte] |= 1 << bit
        return bool(before)


def _is_text(value: Any, *, several: bool) -> bool:
    """Whether a value is a text or a number, or nothing; a list of texts where `several` may stand."""
    if isinstance(value, list):
        return several and all(isinstance(part, str) and _is_text(part, several=False) for part in value)
    return value is None or (type(value) in (str, int) and not _NO_LETTERS.search(str(value)))


def _is_date(value: Any) -> bool:
    """Whether it is a date of the calendar in the agreed form, or nothing at all."""
    text = str(value or "").strip()
    try:
        return not text or (len(text) == len("YYYY-MM-DD") and date.fromisoformat(text).isoformat() == text)
    except ValueError:
        return False


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, KNOWN, n=1)
    return f" Did you mean {near[0]}?" if near else ""


def _date(value: Any) -> date | None:
    text = str(value or "").strip()
    return date.fromisoformat(text) if text else None


def _list(value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value or "").split(";")
    return tuple(str(part).strip() for part in parts if str(part).strip())
