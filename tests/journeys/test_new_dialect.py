"""The engineer's road for a new wire language: one command, one function to fill in, golden examples by command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters import ADAPTERS
from hub.domain import nhs_number
from tests.journeys.a_copy import Copy, copy_of_the_project
from tests.journeys.driving import Inside

PROMISES = "tests/promises tests/test_golden.py -k 'pipe or every_dialect or no_bytes or every_message or every_feed'"
PURE = "tests/test_house.py -k 'held_to_be_pure or (links_lead and adapters)'"

FILLED_IN = """header, *lines, end = cut(text, "|")
        if len(header) != 4 or header[0].text != "RESULTS":
            raise Reject(Reason.UNREADABLE)
        if [cell.text for cell in end] != ["END", str(len(lines))]:
            raise Reject(Reason.INCOMPLETE, None, "The last line counts the results.")
        rows = [row(cells, COLUMNS) for cells in lines]
        number = int(header[3].text) if header[3].text.isdecimal() else None
        return Sheet(rows, control_id=header[2].text, facility=header[1].text, sequence=number)
"""


def a_line(slide: str, codes: str = "X|0|A|0", version: str = "final", **cells: str) -> str:
    number = "999" + "000137"
    person = {
        "nhs_number": number + str(nhs_number.check_digit(number)),
        "local_id": "T00001",
        "family_name": "Sampleton",
        "given_names": "Dilys",
        "former_family_names": "",
        "date_of_birth": "1971-02-02",
        "sex": "F",
        "address_lines": "1 Synthetic Street",
        "postcode": "ZZ2 2AB",
    } | cells
    return "|".join(
        [
            *person.values(),
            *(slide, "2026-07-03", codes, "N", "Y", "1", "Z99001", "C70001"),
            *(version, "2026-07-14T10:30:00+01:00"),
        ]
    )


def a_file(*lines: str) -> str:
    return "\n".join(["RESULTS|PIPE-EXAMPLE|P000001|17", *lines, f"END|{len(lines)}", ""])


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return copy_of_the_project(tmp_path)


def fill_in(copy: Copy) -> None:
    """What the engineer does: the body of one function, and its imports."""
    module = copy.path / "adapters" / "pipe.py"
    text = module.read_text()
    text = text.replace("raise NotImplementedError\n", FILLED_IN)
    text = text.replace(
        "from hub.rows import RowDialect, Sheet",
        "from hub.errors import Reason, Reject\nfrom hub.rows import RowDialect, Sheet, cut, row",
    )
    module.write_text(text)


def test_a_dialect_is_added_by_filling_in_one_file(copy: Copy) -> None:
    before = copy.files()
    made = copy.run(".venv/bin/hub new-dialect pipe && .venv/bin/hub check")
    assert made.returncode == 0, made.stdout + made.stderr

    missing = copy.run(f".venv/bin/python -m pytest {PROMISES}")
    assert missing.returncode == 1
    assert "pipe: none of its golden messages becomes a result" in missing.stdout
    assert re.search(r"\n1 failed, \d+ passed", missing.stdout), missing.stdout

    fill_in(copy)
    (copy.path / "several.txt").write_text(
        a_file(a_line("26000101"), a_line("26000102", "2|9|R|12", family_name="Testerley", version="corrected"))
    )
    (copy.path / "mended.txt").write_text(a_file(a_line("26000103", date_of_birth="1971-02-30"), a_line("26000104")))
    road = copy.run(
        f"""
        .venv/bin/hub new pipe_example --sample several.txt --case 'two results, the second corrected' --on 2026-07-20
        .venv/bin/hub new pipe_example --sample mended.txt --case 'one of two is refused' --on 2026-07-20 || test $? = 1
        rm several.txt mended.txt
        .venv/bin/python -m pytest {PROMISES}
        .venv/bin/python -m pytest {PURE}
        .venv/bin/ruff check adapters && .venv/bin/ruff format --check adapters
        .venv/bin/lint-imports
        """
    )
    assert road.returncode == 0, road.stdout + road.stderr
    assert 'row 2, column "date_of_birth": invalid-date' in road.stdout and "There stands: 9999-99-99" in road.stdout
    assert len(re.findall(r"\d+ passed", road.stdout)) == 2

    changed = {path for path, content in copy.files().items() if before.get(path) != content}
    of_the_engineer = {path for path in changed if path.startswith(("adapters/pipe.py", "tests/golden/pipe_example/"))}
    assert changed - of_the_engineer == {
        "adapters/__init__.py", "adapters/README.md", "adapters/pipe.md", "pyproject.toml",
        "mappings/feeds/pipe_example.toml",
    }  # fmt: skip


def test_mypy_takes_the_skeleton(copy: Copy) -> None:
    made = copy.run(".venv/bin/hub new-dialect two_words && .venv/bin/mypy adapters/two_words.py adapters/__init__.py")
    assert made.returncode == 0, made.stdout + made.stderr


def test_an_existing_dialect_is_not_overwritten(inside: Inside) -> None:
    for name in (*ADAPTERS, "Pipe", "1pipe", "pipe-lines"):
        assert inside("new-dialect", name).code == 2


@pytest.mark.parametrize("name", ["pds_fhir", "simulators"])
def test_what_stands_among_the_adapters_already_is_not_hidden(
    name: str, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no dialect of the register, but a module of its name would never be found."""
    monkeypatch.setattr("hub.verbs.new_dialect.write_file", lambda *_: pytest.fail("written"))
    assert "already" in inside("new-dialect", name).complained
