"""The JSON Schema of the feeds' tables, generated from their struct so that editors help and nothing drifts."""

from __future__ import annotations

import json

import msgspec

from hub.mapping.feed_table import FeedTable


def feeds_schema() -> str:
    """The text of `mappings/feeds.schema.json`."""
    schema = msgspec.json.schema(FeedTable)
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A feed of the screening hub"}
    return json.dumps(head | schema, indent=2, ensure_ascii=False) + "\n"
