"""Reading and deciding on the command line, while `hub up` runs on the same store."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.journeys.desk import WHO, Desk, slide
from tests.journeys.driving import Inside, hubs

# -- reading while the hub runs


def test_send_reports_every_answer(desk: Desk) -> None:
    rows = {Path(row["file"]).stem: row for row in desk.sent["rows"]}
    assert desk.sent["exit"] == 1, "an AE and an AR among them"
    codes = {name: row["code"] for name, row in rows.items()}
    assert codes == dict.fromkeys(rows, "AA") | {"no slide": "AE", "stranger's laboratory": "AR"}
    assert "missing-slide-number" in rows["no slide"]["errors"][0]
    to = f"127.0.0.1:{desk.running.mllp}"
    good, bad = hubs([("send", desk.files / f"{name}.hl7", "--to", to, "--times", 2) for name in ("good", "no slide")])
    assert good.code == 0 and good.said.splitlines()[-1] == "2 AA"
    assert bad.code == 1 and bad.said.splitlines()[-1] == "2 AE"
    assert re.search(r"^      OBR 1 3 .*missing-slide-number.*The slide number is missing", bad.said, re.MULTILINE)


def test_what_stands_in_the_journal(desk: Desk) -> None:
    listed = desk.json("journal", "list", "--all")
    assert [row["control_id"] for row in listed] == [f"CLI{number:04}" for number in range(1, 9)]
    assert {row["answer"] for row in listed} == {"AA", "AE", "AR"}
    assert desk.json("journal", "list", "--state", "refused", "--limit", 2) == listed[-2:]
    shown = desk.json("journal", "show", "CLI0001")
    raw = (desk.files / "good.hl7").read_bytes()
    assert shown["bytes"] == len(raw) and shown["replies"][0]["code"] == "AA"
    calls = [("journal", "export", name) for name in ("CLI0001", shown["digest"][:8], shown["number"])]
    for done in hubs([(*call, "--data", desk.data) for call in calls]):
        assert (done.code, done.out) == (0, raw), done.words
    out = desk.files / "out.hl7"
    assert desk.ask("journal", "export", "CLI0001", "--out", out).out == b"" and out.read_bytes() == raw
    text = desk.ask("journal", "list").said
    assert "CLI0007" in text and "missing-slide-number" in text


def test_tracing_by_control_id_slide_and_person(desk: Desk) -> None:
    by_id, by_slide = desk.json("trace", "CLI0001"), desk.json("trace", "--slide", slide(1))
    assert by_id == by_slide
    assert [moment["what"] for moment in by_id][:2] == ["received", "answered"]
    assert {"matched", "letter wished", "event"} <= {moment["what"] for moment in by_id}
    person = desk.person(0)
    assert [kept["slide_number"] for kept in person["record"]["results"]] == [slide(1)]
    assert [(letter["code"], letter["state"]) for letter in person["letters"]] == [("PX0A", "wished")]
    told = desk.ask("trace", "--person", given=desk.people[0].nhs_number.encode())
    assert told.code == 0 and "recall type" in told.said
    assert desk.people[0].nhs_number not in told.said and desk.people[0].family_name not in told.said


def test_the_worklist_shows_claim_and_candidates(desk: Desk) -> None:
    task = desk.task("unsure")
    shown = desk.json("tasks", "show", task)
    assert shown["reason"] == "unsure" and shown["candidates"][0]["findings"]
    assert (shown["result"]["codes"], shown["result"]["version"]) == ("X0A", "final")
    text = desk.ask("tasks", "show", task[:8])
    assert "X0A" in text.said and shown["result"]["slide"] in text.said
    person = desk.people[1]
    assert text.code == 0 and "the laboratory says" in text.said and person.nhs_number in text.said
    listed = desk.ask("tasks", "list")
    assert listed.code == 0 and "unsure" in listed.said and person.family_name not in listed.said


# -- deciding


def test_a_match_changes_the_record_and_undo_takes_it_back(desk: Desk, inside: Inside) -> None:
    task = desk.task("unsure")
    which = ("tasks", "match", task, "--data", desk.data, *WHO)
    unsaid, too_far = inside(*which), inside(*which, "--candidate", 99)
    assert unsaid.code == 2 and "--candidate" in unsaid.complained
    assert too_far.code == 2 and "no number 99" in too_far.complained
    assert desk.slides(1) == []
    assert desk.json("tasks", "match", task, "--candidate", 1, *WHO)["done"] is True
    assert desk.slides(1) == [slide(2)]
    again = inside(*which, "--candidate", 1)
    assert again.code == 1 and "closed already" in again.said
    assert desk.ask("tasks", "undo", task, *WHO).code == 0
    assert desk.slides(1) == []
    history = desk.json("tasks", "show", task)["decisions"]
    assert [(one["action"], one["by"], one["why"]) for one in history] == [
        ("match", "r.patel", "looked at the request form"),
        ("undo", "r.patel", "looked at the request form"),
    ]


def test_a_result_is_rejected_and_taken_back(desk: Desk) -> None:
    task = desk.task("for reject")
    assert desk.ask("tasks", "reject", task, *WHO).code == 0
    assert desk.json("tasks", "show", task)["outcome"] == "rejected"
    assert desk.json("journal", "show", "CLI0004")["outcomes"][0]["state"] == "refused"
    assert desk.ask("tasks", "undo", task, *WHO).code == 0
    assert desk.json("tasks", "show", task)["state"] == "open"


def test_a_question_to_the_laboratory(desk: Desk) -> None:
    task = desk.task("for query")
    assert desk.ask("tasks", "query", task, *WHO).code == 0
    assert [one["task_id"] for one in desk.json("tasks", "list", "--state", "queried")] == [task]


def test_the_hubs_own_match_is_undone_by_a_person(desk: Desk) -> None:
    assert desk.slides(4) == [slide(6)]
    result = desk.result("for undo")
    assert desk.ask("tasks", "undo", "--result", result, *WHO).code == 0
    person = desk.person(4)
    assert person["record"]["results"] == []
    assert [letter["state"] for letter in person["letters"]] == ["cancelled"]
    assert result in {task["result_id"] for task in desk.json("tasks", "list", "--state", "open")}, "a clerk has it now"


# -- cohort


def test_a_cohort_with_bad_rows_is_taken_but_for_these(desk: Desk, tmp_path: Path) -> None:
    rows = [
        {"nhs_number": "9990000000", "family_name": "A", "given_names": ["B"], "date_of_birth": "1990-01-01"},
        {
            "nhs_number": desk.people[11].nhs_number,
            "family_name": "",
            "given_names": ["B"],
            "date_of_birth": "1990-01-01",
        },
    ]
    path = tmp_path / "more.ndjson"
    path.write_text("\n".join(map(json.dumps, rows)) + "\nnonsense\n")
    done = desk.ask("cohort", "import", path, "--json")
    told = json.loads(done.out)
    assert done.code == 1 and [one["line"] for one in told["refused"]] == [1, 2, 3] and told["taken"] == 0
    assert "9990000000" not in done.said
