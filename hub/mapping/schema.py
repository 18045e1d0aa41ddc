"""The JSON Schema of the feeds' tables, generated from their struct so that editors help and nothing drifts."""

from __future__ import annotations

import inspect
import json
from typing import Any

import msgspec

from hub.mapping.feed_table import FeedTable


def feeds_schema() -> str:
    """The text of `mappings/feeds.schema.json`."""
    return schema_text(FeedTable, "A feed of the screening hub")


def schema_text(kind: type, title: str) -> str:
    """The JSON Schema of a type, as the text of a file; the same whatever Python made it."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps(head | _tidied(msgspec.json.schema(kind)), indent=2, ensure_ascii=False) + "\n"


def _tidied(part: Any) -> Any:
    """Descriptions without the indentation of the docstrings they come from (Python 3.13 takes it off by itself)."""
    if isinstance(part, dict):
        return {
            name: inspect.cleandoc(value) if name == "description" and isinstance(value, str) else _tidied(value)
            for name, value in part.items()
        }
    return [_tidied(value) for value in part] if isinstance(part, list) else part
