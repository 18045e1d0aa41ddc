"""Files of rows, whatever stands in a row and whatever the file's format: laid out and read by the sender's table."""

from __future__ import annotations

from hub.tabular.confirmation import confirmation
from hub.tabular.layout import Layout, Row
from hub.tabular.pieces import rewritten, show_cells
from hub.tabular.reading import charset_notes, file_reading, laid_out, read_row, refused, row_problems, sources_of
from hub.tabular.record import Record, cell_place, row_place

__all__ = [
    "Layout",
    "Record",
    "Row",
    "cell_place",
    "charset_notes",
    "confirmation",
    "file_reading",
    "laid_out",
    "read_row",
    "refused",
    "rewritten",
    "row_place",
    "row_problems",
    "show_cells",
    "sources_of",
]
