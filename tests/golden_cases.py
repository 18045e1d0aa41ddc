"""The golden cases on disk: `golden/<feed>/<case as a sentence>.hl7` and `.json`. Adding a case is adding files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hub.mapping import FeedTables, load_feeds

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests" / "golden"
FEEDS: FeedTables = load_feeds(ROOT / "mappings" / "feeds")


@dataclass(frozen=True)
class Case:
    """One case: the bytes, and what must come of them on the day `received_on`."""

    feed: str
    sentence: str
    path: Path

    @property
    def raw(self) -> bytes:
        return self.path.read_bytes()

    @property
    def expected(self) -> dict[str, Any]:
        expected: dict[str, Any] = json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))
        return expected

    @property
    def received_on(self) -> date:
        return date.fromisoformat(self.expected["received_on"])

    @property
    def dialect(self) -> str:
        return FEEDS.by_id[self.feed].dialect

    def __str__(self) -> str:
        return f"{self.feed}: {self.sentence}"


CASES = [Case(path.parent.name, path.stem, path) for path in sorted(GOLDEN.glob("*/*.hl7"))]
