"""The cohort's files: every row becomes a participant, or is refused by line and field, never quoted."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from hub.domain.people import Participant
from hub.flow.cohort_import import NOT_AS_MANY, NotACohort, RefusedRow, read_cohort, take_people
from tests.flow.scene import Scene

HEAD = "nhs_number,family_name,given_names,date_of_birth,former_family_names,address_lines,postcode,next_test_due_on"
ROW = {
    "nhs_number": "999 000 0018",
    "family_name": "Ashworth",
    "given_names": "Nora;June",
    "date_of_birth": "1988-02-29",
}


def numbered(person: Participant, **more: str) -> dict[str, str]:
    return {**ROW, "nhs_number": person.nhs_number, **more}


def csv_rows(*lines: str, head: str = HEAD) -> list[Participant | RefusedRow]:
    return list(read_cohort(io.StringIO("\n".join([head, *lines]) + "\n"), "csv"))


def ndjson_rows(*rows: Any) -> list[Participant | RefusedRow]:
    text = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows)
    return list(read_cohort(io.StringIO(text), "ndjson"))


def test_a_csv_row_becomes_a_participant(scene: Scene) -> None:
    number = scene.stranger().nhs_number
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    (person,) = csv_rows(
        f'{spaced},O\'Hare,"Nora; June",1988-02-29,Ashworth,"1 Mill Lane;Northmoor",ZZ99 1AA,2027-03-01'
    )
    assert isinstance(person, Participant)
    assert (person.nhs_number, person.family_name, person.given_names) == (number, "O'Hare", ("Nora", "June"))
    assert (person.date_of_birth, person.next_test_due_on) == (date(1988, 2, 29), date(2027, 3, 1))
    assert (person.former_family_names, person.address_lines) == (("Ashworth",), ("1 Mill Lane", "Northmoor"))
    assert person.gender is None


def test_ndjson_takes_lists_and_skips_empty_lines(scene: Scene) -> None:
    row = {**numbered(scene.stranger()), "given_names": ["Nora", "June; Ann"], "address_lines": []}
    (person,) = ndjson_rows("", row)
    assert isinstance(person, Participant)
    assert person.given_names == ("Nora", "June; Ann")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"nhs_number": "9990000011"}, "nhs_number"),
        ({"nhs_number": "999000"}, "nhs_number"),
        ({"nhs_number": ""}, "nhs_number"),
        ({"family_name": "  "}, "family_name"),
        ({"given_names": " ; "}, "given_names"),
        ({"date_of_birth": "1988-02-30"}, "date_of_birth"),
        ({"date_of_birth": "29/02/1988"}, "date_of_birth"),
        ({"next_test_due_on": "soon"}, "next_test_due_on"),
    ],
)
def test_what_is_wrong_is_named_by_line_and_field_and_never_quoted(
    scene: Scene, wrong: dict[str, str], field: str
) -> None:
    good = numbered(scene.stranger())
    taken, refused = ndjson_rows(good, {**good, **wrong})
    assert isinstance(taken, Participant)
    assert isinstance(refused, RefusedRow)
    assert (refused.line, refused.field) == (2, field)
    for value in (*good.values(), *(value for value in wrong.values() if value.strip(" ;"))):
        assert value not in refused.sentence


def test_a_line_that_is_no_object_is_refused_alone(scene: Scene) -> None:
    good = numbered(scene.stranger())
    rows = ndjson_rows("{broken", "[1]", good)
    assert [(row.line, row.field) for row in rows if isinstance(row, RefusedRow)] == [(1, ""), (2, "")]
    assert isinstance(rows[2], Participant)


def test_the_line_of_a_csv_row_counts_the_lines_of_the_file(scene: Scene) -> None:
    number = scene.stranger().nhs_number
    rows = csv_rows(f'{number},Ashworth,"Nora\n;June",1988-02-29,,,,', "1,Ashworth,Nora,1988-02-29,,,,", "")
    assert isinstance(rows[0], Participant)
    assert rows[1:] == [RefusedRow(4, "nhs_number", rows[1].sentence)]  # type: ignore[union-attr]  # refused, as said


def test_a_file_without_its_columns_is_no_cohort() -> None:
    with pytest.raises(NotACohort, match="date_of_birth"):
        csv_rows(head="nhs_number,family_name,given_names")


async def test_a_known_number_keeps_its_participant(scene: Scene) -> None:
    person = scene.person()
    scene.import_people(replace(person, participant_id="", family_name="Quillfeather"))
    kept = scene.read(lambda tx: tx.cohort.by_nhs_number(person.nhs_number))
    assert kept is not None
    assert (kept.participant_id, kept.family_name) == (person.participant_id, "Quillfeather")
    assert scene.read(lambda tx: tx.cohort.count()) == 1


async def test_one_person_twice_in_one_file_is_one_participant_as_the_last_row_says(scene: Scene) -> None:
    stranger = replace(scene.stranger(), participant_id="")
    scene.import_people(stranger, replace(stranger, family_name="Quillfeather"))
    kept = scene.read(lambda tx: tx.cohort.by_nhs_number(stranger.nhs_number))
    assert kept is not None
    assert kept.family_name == "Quillfeather"
    assert scene.read(lambda tx: tx.cohort.count()) == 1


async def test_a_changed_name_is_found_under_its_new_keys_and_no_longer_under_the_old(scene: Scene) -> None:
    person = scene.person()
    scene.import_people(replace(person, family_name="Quillfeather"))
    keys = {f"df:{person.date_of_birth}:{name}" for name in scene.skeletons(person.family_name, "Quillfeather")}
    found = {key: len(scene.read(lambda tx, key=key: tx.cohort.candidates([key]))) for key in keys}
    assert sorted(found.values()) == [0, 1]


async def test_a_corrected_date_of_birth_folds_the_record_anew(scene: Scene) -> None:
    """At 49 she was due in three years before July 2025, at 50 in five."""
    person = scene.person(date_of_birth=date(1976, 3, 1))
    await scene.report(person, scene.result("X0A", date(2025, 2, 20)))
    assert scene.record_of(person)["next_test_due_on"] == "2028-02-20"
    scene.import_people(replace(person, date_of_birth=date(1974, 3, 1)))
    assert scene.record_of(person)["next_test_due_on"] == "2030-02-20"


async def test_a_corrected_date_of_birth_settles_what_waited_for_her_age(scene: Scene) -> None:
    person = scene.person(date_of_birth=date(1976, 3, 1))
    waiting = await scene.report(person, scene.result("X0A", date(2025, 2, 20), repeat_months=60))
    assert scene.ending(waiting) == "repeat-months"
    scene.import_people(replace(person, date_of_birth=date(1974, 3, 1)))
    assert scene.ending(waiting) == "recorded"


def test_a_misspelt_column_refuses_the_file_and_names_the_nearest() -> None:
    with pytest.raises(NotACohort, match="Did you mean gender"):
        csv_rows("9990000018,Ashworth,Nora,1988-02-29,2", head="nhs_number,family_name,given_names,date_of_birth,gendr")


def test_a_misspelt_field_refuses_its_row() -> None:
    (refused,) = ndjson_rows({**ROW, "gendr": "2"})
    assert isinstance(refused, RefusedRow)
    assert (refused.line, refused.field) == (1, "gendr")
    assert "Did you mean gender" in refused.sentence


def left_alone(scene: Scene, rows: list[Participant]) -> dict[str, RefusedRow]:
    left: dict[str, RefusedRow] = {}
    scene.step(lambda step: left.update(take_people(step, rows)))
    return left


async def test_an_id_that_is_somebody_elses_is_refused_and_she_keeps_her_number(scene: Scene) -> None:
    """Else her results would be another's."""
    person, others = scene.person(), (scene.stranger(), scene.stranger())
    rows = [replace(other, participant_id=person.participant_id) for other in others]
    left = left_alone(scene, rows)
    assert {(number, why.field) for number, why in left.items()} == {
        (other.nhs_number, "participant_id") for other in others
    }
    kept = scene.read(lambda tx: tx.cohort.get(person.participant_id))
    assert kept is not None
    assert kept.nhs_number == person.nhs_number


async def test_of_two_rows_with_one_id_the_first_is_taken(scene: Scene) -> None:
    first, second = (replace(scene.stranger(), participant_id="p-1") for _ in range(2))
    assert list(left_alone(scene, [first, second])) == [second.nhs_number]


async def test_what_a_row_leaves_empty_stays_as_it_was(scene: Scene) -> None:
    person = replace(scene.stranger(), participant_id="p-1", postcode="ZZ99 1AA", next_test_due_on=date(2027, 3, 1))
    scene.import_people(person)
    scene.import_people(replace(person, postcode=None, next_test_due_on=None, family_name="Quillfeather"))
    kept = scene.read(lambda tx: tx.cohort.get("p-1"))
    assert kept is not None
    assert (kept.postcode, kept.next_test_due_on, kept.family_name) == (
        "ZZ99 1AA",
        date(2027, 3, 1),
        "Quillfeather",
    )


@pytest.mark.parametrize("row", ["9990000018,Ashworth,Nora,1988-02-29,,1 Mill Lane, Northmoor,ZZ99 1AA,", "1,"])
def test_a_row_with_more_or_fewer_fields_than_the_first_line_names_is_refused(row: str) -> None:
    """An address with a comma and no quotes would put every field behind it into the wrong column."""
    (refused,) = csv_rows(row)
    assert refused == RefusedRow(2, "", NOT_AS_MANY)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("family_name", ["Ashworth"]),
        ("family_name", True),
        ("given_names", {"first": "Nora"}),
        ("given_names", ["Nora", 1]),
        ("postcode", "ZZ99\x001AA"),
        ("family_name", "Ash\ud800worth"),
    ],
)
def test_what_is_no_text_is_refused(name: str, value: Any) -> None:
    (refused,) = ndjson_rows({**ROW, name: value})
    assert isinstance(refused, RefusedRow)
    assert (refused.line, refused.field) == (1, name)


def test_csv_that_cannot_be_read_is_no_cohort() -> None:
    with pytest.raises(NotACohort, match="Line 2 cannot be read"):
        csv_rows(f"9990000018,{'x' * 200_000},Nora,1988-02-29,,,,")


def test_a_column_named_twice_is_no_cohort() -> None:
    with pytest.raises(NotACohort, match="twice"):
        csv_rows(head=f"{HEAD},postcode")
