"""The authorization header of MESH: whoever knows the mailbox's password and the environment's key, once only."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from datetime import UTC, datetime

SCHEME = "NHSMESH"


def authorization(mailbox: str, password: str, shared_key: str, at: datetime) -> str:
    """A new header. Each may be used once: a second use is refused, so every attempt needs one of its own."""
    return signed(mailbox, password, shared_key, nonce=str(uuid.uuid4()), count=0, at=at)


def signed(mailbox: str, password: str, shared_key: str, *, nonce: str, count: int, at: datetime) -> str:
    """The header for this nonce and this time (to the minute, UTC; MESH takes two hours' difference)."""
    minute = f"{at.astimezone(UTC):%Y%m%d%H%M}"
    text = f"{mailbox}:{nonce}:{count}:{password}:{minute}"
    signature = hmac.new(shared_key.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{SCHEME} {mailbox}:{nonce}:{count}:{minute}:{signature}"
