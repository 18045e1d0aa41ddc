"""Delimited files: CSV, pipe, tab, semicolon. A line is a row, always: see `rows`."""

from __future__ import annotations

from hub.formats.delimited.rows import Row, Sheet, cells, read

__all__ = ["Row", "Sheet", "cells", "read"]
