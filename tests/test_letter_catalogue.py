"""The catalogue of letters holds what the hub can wish, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hub.domain.catalogue import every_code
from hub.domain.codes import COMBINATIONS
from hub.mapping.actions import load_actions
from hub.mapping.letters import load_letters
from hub.mapping.tables import TableProblem

MAPPINGS = Path(__file__).resolve().parent.parent / "mappings"
ACTIONS = load_actions(MAPPINGS / "actions.toml")
TEXT = (MAPPINGS / "letters.toml").read_text(encoding="utf-8")
# domain.md 6.1 and 2.4, written out.
INVITATIONS, CEASING = ("PA1", "PA2", "PA3", "PA4"), ("CXNC", "CUA", "CIC", "CMC", "CXAN")
SELF_SAMPLES = ("K-0A", "K-9R", "K1UH", "K2UH", "K-0C")


def test_every_letter_the_hub_can_wish_is_in_it_and_no_other() -> None:
    letters = load_letters(MAPPINGS / "letters.toml", ACTIONS).letters
    assert letters.keys() == every_code(ACTIONS)
    assert {*INVITATIONS, *CEASING, *SELF_SAMPLES, "PX0C"} <= letters.keys()
    assert sum(letter.family == "result" for letter in letters.values()) == 20


def test_the_class_of_a_letter_is_that_of_its_codes() -> None:
    letters = load_letters(MAPPINGS / "letters.toml", ACTIONS).letters
    for (codes, self_sample), combination in COMBINATIONS.items():
        code = f"P{codes}" if not self_sample else {"X0A": "K-0A", "X9R": "K-9R", "XUH": "K1UH"}[codes]
        assert letters[code].letter_class == ("abnormal" if combination.abnormal else "normal"), code
        assert combination.abnormal == (letters[code].plan == "referral") or code == "K-9R", code


@pytest.mark.parametrize(
    ("was", "becomes", "where", "says"),
    [
        ("[letters.PX0A]", "[letters.PX7A]", "letters", "The hub can wish PX0A"),
        ("[letters.CUA]", "[letters.CUB]", "letters", "The hub can wish CUA"),
        ('plan = "post"', 'plan = "pigeon"', "letters.CXNC.plan", "There is no such plan"),
        ('test_date = "result.test_on"', 'test_date = "result.day"', "placeholders.test_date", "no such source"),
        ('["due_date", "practice"]', '["due", "practice"]', "letters.PA1.placeholders", "`due` is not among"),
        ('practice = "person.practice_code"\n', "", "letters.PA1.placeholders", "`practice` is not among"),
        (
            "[plans.post]",
            '[plans.fax]\nabout = "a fax"\nchannels = ["letter"]\nunread_hours = 0\n\n[plans.post]',
            "plans.fax",
            "No letter uses it",
        ),
        ("unread_hours = 72", "unread_hours = 0", "plans.invitation", "says after how long"),
        ("unread_hours = 0", "unread_hours = 5", "plans.post", "says after how long"),
        ('["nhsapp", "sms", "letter"]', '["nhsapp", "pigeon"]', "plans", "Invalid enum value"),
        ('letter_class = "normal"\n', "", "letters.PX0A", "has a letter_class"),
        ('family = "ceasing"', 'family = "farewell"', "letters", "Invalid enum value"),
    ],
)
def test_a_wrong_table_is_refused_where_it_is_wrong(
    tmp_path: Path, was: str, becomes: str, where: str, says: str
) -> None:
    wrong = tmp_path / "letters.toml"
    assert was in TEXT
    wrong.write_text(TEXT.replace(was, becomes), encoding="utf-8")
    with pytest.raises(TableProblem) as caught:
        load_letters(wrong, ACTIONS)
    assert caught.value.where.startswith(where)
    assert says in caught.value.sentence


def check(mappings: Path, *words: str) -> tuple[int, str]:
    settings = {name: value for name, value in os.environ.items() if not name.startswith("HUB_")}
    done = subprocess.run(
        [sys.executable, "-m", "hub", "check", *words], cwd=MAPPINGS.parent, capture_output=True, text=True,
        check=False, env=settings | {"HUB_MAPPINGS": str(mappings)},
    )  # fmt: skip
    return done.returncode, done.stdout


def test_hub_check_reads_it_with_the_others_and_alone(tmp_path: Path) -> None:
    mappings = tmp_path / "mappings"
    shutil.copytree(MAPPINGS, mappings)
    assert check(mappings) == (0, "Every mapping table is right.\n")
    actions = mappings / "actions.toml"
    actions.write_text(
        actions.read_text(encoding="utf-8").replace('letter = "CIC"', 'letter = "CID"'), encoding="utf-8"
    )
    for words in ((), (str(mappings / "letters.toml"),), (str(actions),)):
        code, said = check(mappings, *words)
        assert code == 1
        assert "The hub can wish CID" in said
        assert "feeds" not in said
