"""A table that is written as TOML is the same table when it is read again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hub.mapping import FeedTable, read_table
from hub.mapping.writing import table_text
from tests.golden_cases import FEEDS


def plain(table: FeedTable) -> Any:
    return msgspec.to_builtins(table)


@pytest.mark.parametrize("feed", sorted(FEEDS.by_id))
def test_every_table_survives(feed: str, tmp_path: Path) -> None:
    path = tmp_path / f"{feed}.toml"
    section = "facts.nhs_number"  # every table has it
    path.write_text(table_text(FEEDS.by_id[feed], ["Its head."], {section: "Look.\nAgain."}, ["Its tail."]))
    assert plain(read_table(path, FeedTable)) == plain(FEEDS.by_id[feed])
    text = path.read_text()
    assert "# Its head.\n" in text and f"\n# Look.\n# Again.\n[{section}]\n" in text
    assert text.startswith("#:schema ../feeds.schema.json\n") and text.endswith("\n# Its tail.\n")


def test_marks_within_a_text_survive(tmp_path: Path) -> None:
    table = FEEDS.by_id["northmoor"]
    odd = msgspec.structs.replace(table, name='A "quoted" \\ name, é', codes={"a b": {'"': "\t", "é": "x"}})
    path = tmp_path / "northmoor.toml"
    path.write_text(table_text(odd, [], {}), encoding="utf-8")
    assert plain(read_table(path, FeedTable)) == plain(odd)
