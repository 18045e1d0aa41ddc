"""A clinic sends its monthly list as a workbook by MESH; the dates are set, and clerks work off the rest: real
processes, and the command line alone."""

from __future__ import annotations

import io
import json
import re
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import openpyxl
import pytest

from hub.domain.people import Claim
from tests.journeys.driving import ROOT, HubUp, hub
from tests.journeys.leaks import leaks
from tests.journeys.test_mesh import settings_of, until
from tests.servers import MeshNode
from tests.servers.mesh import LABORATORY as CLINIC

TODAY = datetime.now(UTC).date()
DISCHARGED_ON = TODAY - timedelta(days=10)
IN_A_YEAR = TODAY + timedelta(days=365)
COLUMNS = [
    "NHS No", "Hospital No", "Surname", "Forenames", "DOB", "Address 1", "Address 2", "Postcode", "Last seen",
    "Date of discharge", "Next test due",
]  # fmt: skip
ADA = ("9990000018", "Synthetic", "Ada", date(1990, 5, 14))
BERYL = ("9990000026", "Invented", "Beryl", date(1985, 3, 2))
CLARA = ("9990000034", "Fictive", "Clara", date(1982, 7, 9))
SIGNED = ("--by", "r.patel", "--why", "clinic confirms")
CASE = ("--case", "CAS-12345-ABCDE")


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    """The tables as they are, but fellgate has a mailbox of the sandbox."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    table = tmp_path / "mappings/feeds/fellgate.toml"
    table.write_text(table.read_text().replace("X26FELLGATE", CLINIC))
    return tmp_path / "mappings"


def listed(*rows: tuple[Any, ...]) -> bytes:
    """A workbook of who was discharged, and until when; dates and numbers are such in their cells."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "Discharges"
    sheet.append(COLUMNS)
    for (number, surname, forename, born_on), due_on in rows:
        person = [int(number), "FG1", surname, forename, born_on, "1 Synthetic Street", "Testham", "ZZ1 1AB"]
        sheet.append([*person, None, DISCHARGED_ON, due_on])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


class Desk:
    """The command line over one store, beside the hub that runs on it."""

    def __init__(self, data: Path, mappings: Path) -> None:
        self.data = data
        self.settings = {"HUB_MAPPINGS": str(mappings), "HUB_LOG": "error"}

    def __call__(self, *words: str, code: int = 0, given: str = "") -> str:
        done = hub(*words, "--data", self.data, settings=self.settings, given=given.encode())
        assert done.code == code, (words, done.said, done.complained)
        return done.said

    def listed(self) -> Any:
        return json.loads(self("discharges", "list", "--json"))


def cohort(directory: Path) -> str:
    heads = "nhs_number,family_name,given_names,date_of_birth,next_test_due_on\n"
    lines = (f"{number},{family},{given},{born},\n" for number, family, given, born in (ADA, BERYL, CLARA))
    (directory / "cohort.csv").write_text(heads + "".join(lines))
    return str(directory / "cohort.csv")


def test_from_the_clinics_list_to_the_last_decision(mesh: MeshNode, mappings: Path, tmp_path: Path) -> None:
    desk = Desk(tmp_path / "hub", mappings)
    desk("cohort", "import", cohort(tmp_path))
    clinic = mesh.mailbox(CLINIC)
    misspelt = (BERYL[0], "Invert", *BERYL[2:])
    too_far = DISCHARGED_ON + timedelta(days=61 * 31)
    file = listed((ADA, IN_A_YEAR), (misspelt, IN_A_YEAR), (CLARA, too_far), (CLARA, "cease"))
    clinic.send(file, file="fellgate-discharges-202603.xlsx")
    with HubUp(desk.data, settings=settings_of(mesh.url, mappings)) as there:
        until(clinic.waiting)
        _, body = clinic.fetch(clinic.waiting()[0])
        until(lambda: desk.listed()["counts"] == {"applied": 1, "waiting": 2})
        clinic.send(listed((ADA, IN_A_YEAR), (misspelt, IN_A_YEAR)), file="fellgate-discharges-202604.xlsx")
        until(lambda: desk.listed()["counts"].get("repeated") == 2)
        with urlopen(f"{there.url}/metrics", timeout=10) as page:
            metrics = page.read().decode()
        assert there.terminate() == 0
    assert {"answer|AE", "taken|3", "refused|1"} <= set(body.decode().splitlines())
    assert '\nrefusal|row 5, column "Next test due"|invalid-date|' in body.decode()
    assert 'hub_discharges_total{state="applied"} 1.0' in metrics
    told = work_off(desk)
    people = [Claim(number, family, (given,), (), born) for number, family, given, born in (ADA, BERYL, CLARA)]
    for text in (there.log.read_text(), metrics, body.decode(), told):
        assert leaks(text, people) == []
    assert "our_fault" not in there.log.read_text()


def work_off(desk: Desk) -> str:
    """What clerks do then; what of it anybody may see."""
    assert f"Repeat advised, next test due: {IN_A_YEAR}." in desk("person", "show", given=ADA[0])
    table = desk("discharges", "list", "--feed", "fellgate")
    assert table.count("5 days left") == 2
    unsure, too_late = sorted(desk.listed()["discharges"], key=lambda one: str(one["reason"]), reverse=True)
    assert (unsure["reason"], too_late["reason"]) == ("unsure", "discharge-date")
    assert re.search(r"family name +Invert +Invented", desk("discharges", "show", unsure["discharge_id"][:8]))
    apply = ("discharges", "apply", unsure["discharge_id"], *CASE, *SIGNED)
    assert desk(*apply, code=1).startswith("Not done: Say who it is")
    assert desk(*apply, "--candidate", "1") == "Done.\n"
    assert f"next test due: {IN_A_YEAR}." in desk("person", "show", given=BERYL[0])
    desk("discharges", "undo", unsure["discharge_id"], *SIGNED)
    assert "Called, next test due" in desk("person", "show", given=BERYL[0])
    desk(*apply, "--candidate", "1", "--due", str(IN_A_YEAR + timedelta(days=7)))
    assert "The date is too late" in desk("discharges", "apply", too_late["discharge_id"], *CASE, *SIGNED, code=1)
    desk("discharges", "reject", too_late["discharge_id"], "--why", "asked for another date")
    told = desk("discharges", "rejected", "--feed", "fellgate")
    assert re.search(r"202603 +4 +refused +discharge-date +asked for another date", told)
    assert "discharged" in desk("trace", unsure["discharge_id"])
    task = json.loads(desk("discharges", "show", unsure["discharge_id"], "--json"))["task_id"]
    assert desk("tasks", "list", "--json") == "[]\n"
    complaint = hub("tasks", "show", task, "--data", desk.data, settings=desk.settings).complained
    assert "hub discharges list" in complaint
    return table + told
