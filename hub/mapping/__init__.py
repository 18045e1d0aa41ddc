"""Mapping tables: what differs from partner to partner, and from policy to policy, as data."""

from __future__ import annotations

from hub.mapping.feeds import Feeds, FeedTable, FeedTables, check_tables, load_feeds
from hub.mapping.policy import load_policies
from hub.mapping.tables import TableProblem, read_table

__all__ = [
    "FeedTable",
    "FeedTables",
    "Feeds",
    "TableProblem",
    "check_tables",
    "load_feeds",
    "load_policies",
    "read_table",
]
