"""The golden cases on disk: `golden/<feed>/<case as a sentence>.EXT`, the bytes as they come, and the same name with
`.expected.json`. Adding a case is adding files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from hub.mapping import Feeds, FeedTables, load_feeds

ROOT = Path(__file__).resolve().parent.parent
EXPECTED = ".expected.json"
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
        expected: dict[str, Any] = json.loads(expectation_of(self.path).read_text(encoding="utf-8"))
        return expected

    @property
    def received_on(self) -> date:
        return date.fromisoformat(self.expected["received_on"])

    @property
    def dialect(self) -> str:
        return FEEDS.by_id[self.feed].dialect

    @property
    def feeds(self) -> Feeds:
        """How the door finds the feed's table: MLLP by what the message says, the others know whose door it is."""
        return FEEDS.speaking(self.dialect) if self.dialect == "hl7v2_oru" else FEEDS.of(self.feed)

    def __str__(self) -> str:
        return f"{self.feed}: {self.sentence}"


def expectation_of(path: Path) -> Path:
    """The file that says what must come of the bytes in `path`."""
    return path.with_name(path.stem + EXPECTED)


CASES = [
    Case(path.parent.name, path.stem, path) for path in sorted(GOLDEN.glob("*/*")) if not path.name.endswith(EXPECTED)
]
