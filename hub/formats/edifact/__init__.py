"""UN/EDIFACT interchanges: UNA, UNB, messages UNH…UNT, UNZ. Our own small reader, see decision 0020."""

from __future__ import annotations

from hub.formats.edifact.acknowledgement import MessageVerdict, acknowledge
from hub.formats.edifact.interchange import Interchange, Message, read
from hub.formats.edifact.location import Location, Unreadable, located
from hub.formats.edifact.segment import Segment

__all__ = [
    "Interchange",
    "Location",
    "Message",
    "MessageVerdict",
    "Segment",
    "Unreadable",
    "acknowledge",
    "located",
    "read",
]
