"""Workbooks of Excel (XLSX), read for their texts: see `workbook`."""

from __future__ import annotations

from hub.formats.xlsx.workbook import MOST_COLUMNS, MOST_ROWS, Row, Workbook, is_xlsx, read

__all__ = ["MOST_COLUMNS", "MOST_ROWS", "Row", "Workbook", "is_xlsx", "read"]
