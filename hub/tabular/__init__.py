"""Files of rows, whatever stands in a row and whatever the file's format: laid out and read by the sender's table."""

from __future__ import annotations

from hub.tabular.confirmation import confirmation
from hub.tabular.layout import Layout, Row
from hub.tabular.pieces import rewritten, show_cells
from hub.tabular.reading import charset_notes, file_reading, laid_out, refused, row_problems, sources_of

__all__ = [
    "Layout",
    "Row",
    "charset_notes",
    "confirmation",
    "file_reading",
    "laid_out",
    "refused",
    "rewritten",
    "row_problems",
    "show_cells",
    "sources_of",
]
