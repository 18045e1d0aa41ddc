"""What partners have proven themselves with over HTTP, and what the tokens they got for it are signed with."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import delete, insert, select

from hub.flow.ports.partners import TokenKey
from hub.io.store.room import Room
from hub.io.store.schema import assertions, token_keys
from hub.io.store.statements import insert_or_leave


class SqlProofs(Room):
    """See `hub.flow.ports.partners.Proofs`."""

    def use(self, feed: str, jti: str, expires_at: datetime, at: datetime) -> bool:
        """Whether this assertion is used for the first time. It is remembered until it has expired."""
        self._connection.execute(delete(assertions).where(assertions.c.expires_at < at))
        name = hashlib.sha256(jti.encode("utf-8", "replace")).hexdigest()
        return insert_or_leave(self._connection, assertions, {"feed": feed, "jti": name, "expires_at": expires_at})

    def keys(self) -> list[TokenKey]:
        """The newest first."""
        rows = self._connection.execute(select(token_keys).order_by(token_keys.c.made_at.desc(), token_keys.c.key_id))
        return [TokenKey(row.key_id, bytes(row.secret), row.made_at) for row in rows]

    def put_key(self, key: TokenKey, forget_before: datetime) -> None:
        """A new key; those that no living token is signed with are forgotten."""
        self._connection.execute(delete(token_keys).where(token_keys.c.made_at < forget_before))
        values = {"key_id": key.key_id, "secret": key.secret, "made_at": key.made_at}
        self._connection.execute(insert(token_keys), values)
