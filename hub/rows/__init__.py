"""Files of rows, whatever stands in a row and whatever the file's format: laid out and read by the sender's table."""

from __future__ import annotations

from hub.rows.confirmation import confirmation
from hub.rows.layout import Row
from hub.rows.reading import charset_notes, file_reading, refused, row_problems

__all__ = ["Row", "charset_notes", "confirmation", "file_reading", "refused", "row_problems"]
