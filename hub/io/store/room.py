"""What the parts of a transaction have in common: what they were given to write is written together, late.

A statement of its own for each row is what a step costs most on a database server. So a part keeps the rows of its hot
tables back until the transaction ends, or until something is read that might have to see them. Reading through
`_connection` writes down everything first; a part reads through `_bare` only where it knows what is kept back itself.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection


class Room:
    """One part of a transaction. `write_everything` writes down what any part has kept back."""

    def __init__(self, connection: Connection, write_everything: Callable[[], None]) -> None:
        self._bare = connection
        self._write_everything = write_everything

    @property
    def _connection(self) -> Connection:
        """For statements that must see all that this transaction has done."""
        self._write_everything()
        return self._bare

    @property
    def keeps_back(self) -> bool:
        """Whether there is anything to be written down."""
        return False

    def write_down(self) -> None:
        """Write what this part has kept back."""

    def forget(self) -> None:
        """Forget what was read ahead and is no longer so, once what was kept back has been written."""
