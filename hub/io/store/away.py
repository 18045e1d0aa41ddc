"""What is said when a store cannot do something just now."""

from __future__ import annotations

from hub.errors import Reason, Retry


class StoreAway(Retry):
    """The store could not do it just now (disk full, locked, away). Nothing of the work was kept, unless the line
    broke while it was being committed: then it may have been, which work that can be repeated does not mind.

    `whole` says that it was nobody's fault: whatever else was asked for together with it cannot be done either.
    The hint is a name of the database's (`SQLITE_FULL`, `UniqueViolation`), never its text, which may quote values.
    """

    def __init__(self, hint: str = "", *, whole: bool = False) -> None:
        super().__init__(Reason.STORE_AWAY, hint=hint)
        self.whole = whole


class StoreRefused(Exception):
    """The database will never take this (too long for an index, not of its type): a mistake of ours, and no moment's
    trouble. The text is the name of the refusal, without values."""

    def __init__(self, hint: str) -> None:
        self.hint = hint
        super().__init__(hint)
