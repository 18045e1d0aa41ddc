"""Delimited files: CSV, pipe, tab, semicolon. A line is a row, always: see `rows`."""

from __future__ import annotations

from hub.formats.delimited.rows import MOST_LINES, Row, Sheet, cells, read

__all__ = ["MOST_LINES", "Row", "Sheet", "cells", "read"]
