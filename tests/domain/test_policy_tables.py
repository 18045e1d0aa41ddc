"""The shipped policies load; a table that is wrong is refused with its place."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from hub.domain.policy import Pivot
from hub.mapping.policy import load_policies
from hub.mapping.tables import TableProblem
from tests.domain.histories import POLICIES, POLICY_DIRECTORY

NEW = "2025-07-01.toml"


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    return Path(shutil.copytree(POLICY_DIRECTORY, tmp_path / "policy"))


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_the_shipped_policies() -> None:
    assert [(each.name, each.from_on) for each in POLICIES.policies] == [
        ("before-2025-07-01", None),
        ("2025-07-01", date(2025, 7, 1)),
    ]
    assert POLICIES.pivot is Pivot.TEST_DATE


@pytest.mark.parametrize(
    ("file", "old", "new", "place", "word"),
    [
        (NEW, "inadequate = 2", "inadequat = 2", "counts.inadequat", "inadequate"),
        (NEW, "hpv_positive = 3", 'hpv_positive = "three"', "counts.hpv_positive", "int"),
        (NEW, 'sample = "self"', 'sample = "she"', "recall[", "she"),
        (NEW, 'codes = "29R"', 'codes = "X9R"', "recall[", "not a valid combination"),
        (NEW, 'codes = "09R"\nmonths = 12', 'codes = "29R"\nmonths = 24', "recall", "2 lines"),
        (NEW, "from_age = 24.5", "from_age = 24.3", "recall[", "whole months"),
        (NEW, 'codes = "09R"', 'codes = "09R"\nfrom_age = 30', "recall", "no line from age 0"),
        (NEW, 'name = "2025-07-01"', 'name = "July"', "name", "July.toml"),
        (NEW, "from_on = 2025-07-01", "", "from_on", "Exactly one"),
        (NEW, "months = 3", "months = 300", "recall[", "120"),
        ("settings.toml", 'pivot = "test-date"', 'pivot = "birthday"', "pivot", "birthday"),
        ("settings.toml", "age_limit_months = 3", "age_limit = 3", "letters.age_limit", "age_limit_months"),
    ],
)
def test_a_wrong_table_is_refused_with_its_place(
    tables: Path, file: str, old: str, new: str, place: str, word: str
) -> None:
    change(tables / file, old, new)
    with pytest.raises(TableProblem) as refused:
        load_policies(tables)
    assert refused.value.where.startswith(place)
    assert word in refused.value.sentence


def test_two_policies_of_one_day_are_refused(tables: Path) -> None:
    shutil.copy(tables / NEW, tables / "other.toml")
    change(tables / "other.toml", 'name = "2025-07-01"', 'name = "other"')
    with pytest.raises(TableProblem, match="2 policies begin on 2025-07-01"):
        load_policies(tables)


def test_settings_are_needed(tables: Path) -> None:
    (tables / "settings.toml").unlink()
    with pytest.raises(TableProblem, match="no such file"):
        load_policies(tables)


def test_a_directory_is_needed(tmp_path: Path) -> None:
    with pytest.raises(TableProblem, match="no such directory"):
        load_policies(tmp_path / "nowhere")
