"""Bearer tokens: short-lived, and good at every intake process, since they are signed with a key of the store."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta

import jwt

from hub.flow.ports.partners import TokenKey
from hub.flow.ports.store import Clock, Store, Transaction
from hub.io.http.assertions import Assertion

LIFETIME = timedelta(minutes=10)
KEY_LIFETIME = timedelta(days=1)
ISSUER = "screening-hub"
_ALGORITHM = "HS256"


class Tokens:
    """Gives a token for an assertion, and says whose a token is."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._keys: dict[str, TokenKey] = {}

    async def give(self, assertion: Assertion) -> str | None:
        """A token for the feed; None where the assertion was used before, at whichever process."""
        at = self._clock()

        def work(tx: Transaction) -> TokenKey | None:
            if not tx.proofs.use(assertion.feed, assertion.jti, assertion.expires_at, at):
                return None
            return _key(tx, at)

        key = await self._store.write(work, at_door=True)
        if key is None:
            return None
        self._keys[key.key_id] = key
        return _signed(key, assertion.feed, at)

    async def feed_of(self, token: str) -> str:
        """Whose the token is; empty where it is none of ours, or has expired."""
        try:
            key_id = str(jwt.get_unverified_header(token).get("kid", ""))
            if key_id not in self._keys:
                await self._look()
            claims = jwt.decode(
                token,
                self._keys[key_id].secret,
                algorithms=[_ALGORITHM],
                issuer=ISSUER,
                options={"require": ["sub", "exp", "iss"], "verify_exp": False, "verify_iat": False},
            )
            # Time is an argument, so it is judged here and not by the library.
            expires_at = datetime.fromtimestamp(claims["exp"], UTC)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError, OverflowError, RecursionError):
            return ""
        return str(claims["sub"]) if self._clock() < expires_at else ""

    async def _look(self) -> None:
        """Another process may have made a key since."""
        keys = await self._store.read(lambda tx: tx.proofs.keys())
        self._keys = {key.key_id: key for key in keys}


def _key(tx: Transaction, at: datetime) -> TokenKey:
    """Today's key. One that no living token is signed with is forgotten when the next is made."""
    tx.hold("token key")
    newest = next(iter(tx.proofs.keys()), None)
    if newest and at - KEY_LIFETIME < newest.made_at <= at + LIFETIME:
        return newest
    key = TokenKey(str(uuid.uuid4()), secrets.token_bytes(32), at)
    tx.proofs.put_key(key, forget_before=at - KEY_LIFETIME - 2 * LIFETIME)
    return key


def _signed(key: TokenKey, feed: str, at: datetime) -> str:
    claims = {"iss": ISSUER, "sub": feed, "iat": at, "exp": at + LIFETIME, "jti": str(uuid.uuid4())}
    return jwt.encode(claims, key.secret, algorithm=_ALGORITHM, headers={"kid": key.key_id})
