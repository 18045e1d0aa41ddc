"""The outermost guard of an adapter: a mistake of ours costs nobody an answer, and the hub no message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hub.domain.events import ReportParked
from hub.errors import Reason

T = TypeVar("T")


def guarded(read: Callable[[], T], ours: Callable[[], T]) -> T:
    """What `read` makes of one report, or `ours` where it fails: the report parks itself as our fault, and the others
    of its message are read. Nothing of the exception is told, for it may quote the message."""
    try:
        return read()
    except Exception:  # whatever it is: what a mistake of ours raises, nobody can name before
        return ours()


def our_fault(place: str) -> ReportParked:
    """A report of a result on which the hub failed, at `place`."""
    return ReportParked(Reason.OUR_FAULT.code, place, "")
