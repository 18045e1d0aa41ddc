"""Call and recall from the command line: a cohort, the daily runs, a practice's answers, a clerk's decisions."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.golden_cases import ROOT

COHORT = """nhs_number,family_name,given_names,date_of_birth,practice_code,next_test_due_on
9990000018,Synthetic,Ada,1990-05-14,Y00001,2026-09-01
9990000026,Invented,Beryl,1985-03-02,Y00001,2026-09-03
"""


class Hub:
    """The command line over one store."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __call__(self, *words: str, said: str = "", code: int = 0) -> str:
        settings = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
        done = subprocess.run(
            [sys.executable, "-m", "hub", *words, "--data", str(self._data)],
            input=said, capture_output=True, text=True, cwd=ROOT, env=settings | {"HUB_LOG": "error"}, check=False,
        )  # fmt: skip
        assert done.returncode == code, (words, done.stdout, done.stderr)
        assert "9990000018" not in done.stderr
        return done.stdout


def test_from_the_list_to_the_decision(tmp_path: Path) -> None:
    cohort = tmp_path / "cohort.csv"
    cohort.write_text(COHORT)
    hub = Hub(tmp_path / "data")
    hub("cohort", "import", str(cohort))
    hub("recall", "run", "--on", "2096-06-25", code=2)  # a slip of the year writes to nobody
    assert json.loads(hub("recall", "run", "--on", "2026-06-25", "--dry-run", "--json"))["counts"] == {"notified": 2}
    assert "notified  2" in hub("recall", "run", "--on", "2026-06-25", "--ahead")
    shown = json.loads(hub("recall", "show", "--on", "2026-06-25", "--json"))
    assert (shown["counts"], shown["cohort"]) == ({"notified": 2}, {"notified": 2})
    rows = list(csv.DictReader(io.StringIO(hub("pnl", "list", "--practice", "Y00001", "--csv"))))
    assert [row["family_name"] for row in rows] == ["Synthetic", "Invented"]
    first = rows[0]["notification"]
    words = ("pnl", "answer", first, "--practice", "Y00001", "--why", "known to us")
    assert hub(*words, "--defer", "wish", "--due", "2027-05-01", code=1).startswith("Not done: She wishes")
    hub(*words, "--cease", "no-cervix")
    to_review = csv.DictReader(io.StringIO(hub("pnl", "list", "--practice", "Y00001", "--list", "to-review", "--csv")))
    assert [(row["nhs_number"], row["why"]) for row in to_review] == [("9990000018", "recently-ceased")]
    assert hub("pnl", "list", "--practice", "Y00001", "--json").count('"notification"') == 1
    shown = hub("person", "show", said="999 000 0018\n")
    assert shown.startswith("Ceased (no-cervix), next test due: no date.")
    decided = json.loads(hub("person", "show", "--json", said="9990000018"))["decisions"][0]
    signed = ("--case", "CAS-12345-ABCDE", "--why", "wrong person")
    hub("person", "undo", decided["action_id"], *signed)
    assert hub("person", "show", said="9990000018").startswith("Called, next test due: 2026-09-01.")
    assert hub("person", "eligible", "--on", "2026-05-31", said="9990000018", code=1).startswith("No: On routine")
    assert "no NHS number" in nothing(hub, "9990000019")


WHY = """\
Called, next test due: 2026-09-01. Reminded.
Next: non-responder on 2027-03-05.  [settings.toml [call] non_responder_weeks_after; domain.md 1.2]

Why:
  Without a test she is called, and due on 1 September 2026, as when she came into the cohort.  [the cohort file]
"""
RAN = """\
2026-07-24: steps taken.
what     people
-------  ------
invited  2

Where everybody stood at its end:
place    people
-------  ------
invited  2
all      2
"""
ACCOUNT = """\
Results ever received, and their letters:

place            results
---------------  -------  --------------------------------------------------------------------
letter           0        a letter is wished, on its way, delivered, failed, or sent by others
source-type-7    0        taken in colposcopy: the clinic tells her
cancelled        0        a letter was wished, and the record changed
awaiting         0        taken, and not worked on yet
outside-cut-off  0        the test was too old when it came
paused           0        its letter waits for a task about her
unmatched        0        a clerk has it: whose it is, or a rule
other            0        none of these; each with its reason
all              0

They add up: 0 results were received.
"""


def test_what_is_shown(tmp_path: Path) -> None:
    """Golden texts: why her date is what it is, what a run did, and the account of the letters."""
    cohort = tmp_path / "cohort.csv"
    cohort.write_text(COHORT)
    hub = Hub(tmp_path / "data")
    hub("cohort", "import", str(cohort))
    hub("recall", "run", "--on", "2026-06-25", "--ahead")
    assert hub("recall", "run", "--on", "2026-07-24", "--ahead") == RAN
    hub("recall", "run", "--on", "2026-11-27", "--ahead")
    assert hub("person", "show", said="9990000018") == WHY
    assert WHY.splitlines()[-1] in hub("trace", "--person", said="9990000018")
    assert hub("report", "letters") == ACCOUNT
    assert json.loads(hub("report", "letters", "--on", "2026-06-25", "--json"))["adds_up"]
    assert hub("report", "letters", "--list", "paused") == ""
    hub("report", "letters", "--feed", "nowhere", code=2)
    hub("recall", "run", "--on", "2027-03-12", "--ahead")
    not_responded = json.loads(hub("pnl", "list", "--practice", "Y00001", "--list", "not-responded", "--json"))
    assert [row["listed_on"] for row in not_responded] == ["2027-03-12"] * 2


def nothing(hub: Hub, number: str) -> str:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    done = subprocess.run(
        [sys.executable, "-m", "hub", "person", "show", "--data", str(hub._data)],
        input=number, capture_output=True, text=True, cwd=ROOT, env=settings, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert number not in done.stdout + done.stderr
    return done.stderr
