"""Reading a cohort file (CSV or NDJSON), row by row: a participant, or the reason why the row is refused."""

from __future__ import annotations

import csv
import difflib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TextIO

from hub.domain.dates import day_in_england
from hub.domain.nhs_number import is_valid, normalise
from hub.domain.people import Participant
from hub.flow.clerks import people_changed
from hub.flow.step import Step

REQUIRED = ("nhs_number", "family_name", "given_names", "date_of_birth")
OPTIONAL = (
    "former_family_names",
    "gender",
    "address_lines",
    "postcode",
    "practice_code",
    "next_test_due_on",
    "removal_reason",
)
"""Lists (given names, former names, address lines) are JSON lists in NDJSON and separated by `;` in CSV."""


KNOWN = ("participant_id", *REQUIRED, *OPTIONAL)


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A row that was not taken: its line in the file, the field, and what is wrong. Never the value."""

    line: int
    field: str
    sentence: str


class NotACohort(Exception):
    """The file as a whole cannot be read as a cohort."""


def read_cohort(file: TextIO, form: str) -> Iterator[Participant | RefusedRow]:
    """Every row of the file; `form` is `csv` or `ndjson`."""
    for line, row in _rows_of_csv(file) if form == "csv" else _rows_of_ndjson(file):
        yield row if isinstance(row, RefusedRow) else read_person(line, row)


def _rows_of_csv(file: TextIO) -> Iterator[tuple[int, dict[str, Any]]]:
    rows = csv.DictReader(file)
    missing = [name for name in REQUIRED if name not in (rows.fieldnames or ())]
    if missing:
        raise NotACohort(f"The first line must name the columns; missing: {', '.join(missing)}.")
    for name in rows.fieldnames or ():
        if name not in KNOWN:
            raise NotACohort(f"There is no column {name!r}.{_nearest(name)} Columns: {', '.join(KNOWN)}.")
    for row in rows:
        yield rows.line_num, {name: value for name, value in row.items() if name}


def _rows_of_ndjson(file: TextIO) -> Iterator[tuple[int, dict[str, Any] | RefusedRow]]:
    for line, text in enumerate(file, 1):
        if not text.strip():
            continue
        try:
            row = json.loads(text)
        except ValueError:
            row = None
        yield line, row if isinstance(row, dict) else RefusedRow(line, "", "The line is not a JSON object.")


def read_person(line: int, row: Mapping[str, Any]) -> Participant | RefusedRow:
    """One row; the first thing wrong with it refuses it."""
    for name in row:
        if name not in KNOWN:  # said, because a misspelt name would silently lose evidence for matching
            return RefusedRow(line, name, f"There is no such field.{_nearest(name)}")
    for name in REQUIRED:
        if not _list(row.get(name)):
            return RefusedRow(line, name, "The field is required and empty.")
    number = normalise(str(row["nhs_number"]))
    if not is_valid(number):
        return RefusedRow(line, "nhs_number", "This is no NHS number: ten digits, the last a Modulus 11 check.")
    for name in ("date_of_birth", "next_test_due_on"):
        if not _is_date(row.get(name)):
            return RefusedRow(line, name, "Dates are written YYYY-MM-DD.")
    if not re.fullmatch("([A-Z]{2,4})?", str(row.get("removal_reason") or "")):
        return RefusedRow(line, "removal_reason", "PDS's reasons are written in capitals: DEA, EMB, SCT and so on.")
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
        removal_reason=str(row.get("removal_reason") or "") or None,
    )


def take_people(step: Step, people: list[Participant]) -> None:
    """Into the cohort: a known NHS number keeps its participant, a new one gets an id that says nothing of her.

    Of several rows with one number the last counts.
    """
    step.tx.hold_everything()
    last = {person.nhs_number: person for person in people}
    known = step.tx.cohort.ids_of(list(last))
    joined = {person.nhs_number: person.joined_on for person in step.tx.cohort.of(list(known.values()))}
    today = day_in_england(step.now)
    named = [
        replace(
            person,
            participant_id=known.get(number) or person.participant_id or str(uuid.uuid4()),
            joined_on=joined.get(number, today),
        )
        for number, person in last.items()
    ]
    people_changed(step, named)


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
