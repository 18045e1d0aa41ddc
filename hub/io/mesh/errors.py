"""How MESH says no.

    CarrierAway (a Retry)
    └── MeshAway        it cannot be reached, does not answer, or does not let us in: later
    MeshRefused         it refuses this one request: asking again changes nothing
    └── MeshGone        there is no such message (any more): somebody else has acknowledged it

None carries a word of a request or an answer: addresses, file names and passwords may stand there.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiohttp import ClientConnectorError, ClientError, ConnectionTimeoutError

from hub.errors import Reason
from hub.flow.ports.files import CarrierAway

_FAILURES = (ClientError, OSError, TimeoutError, asyncio.IncompleteReadError, ValueError, RecursionError)
"""A ValueError or RecursionError: what came is not what MESH says (no JSON, an impossible header)."""
_NEVER_CONNECTED = (ClientConnectorError, ConnectionTimeoutError)
_CODE = re.compile(r"[A-Z0-9-]{1,16}")


class MeshAway(CarrierAway):
    """The hint is `HTTP/503` or the name of the failure."""

    def __init__(self, hint: str, *, unsent: bool = False) -> None:
        super().__init__(Reason.MESH_AWAY, hint=hint)
        self.whole = True
        self.unsent = unsent


class MeshRefused(Exception):
    """`status` is that of HTTP, `code` MESH's own (12: unregistered to address), empty where it gave none."""

    def __init__(self, status: int, code: str = "") -> None:
        self.status = status
        self.code = code
        super().__init__(self.why)

    @property
    def why(self) -> str:
        return f"MESH {self.status}" + (f" code {self.code}" if self.code else "")


class MeshGone(MeshRefused):
    pass


@contextmanager
def saying_away() -> Iterator[None]:
    """What fails in the block because of the network or of MESH is said as `MeshAway`."""
    try:
        yield
    except _FAILURES as error:
        raise MeshAway(type(error).__name__, unsent=isinstance(error, _NEVER_CONNECTED)) from None


def refusal(status: int, body: Any) -> Exception:
    """The exception for an answer that is no success."""
    if status in (401, 403, 429):  # not let in, or not now: whatever was asked for was not done
        return MeshAway(f"HTTP/{status}", unsent=True)
    if status >= 500 or status in (408, 425):
        return MeshAway(f"HTTP/{status}")
    kind = MeshGone if status in (404, 410) else MeshRefused
    return kind(status, _code(body))


def _code(body: Any) -> str:
    """MESH's code, out of an answer of version 2 or 1; empty where it is none."""
    detail = body.get("detail") if isinstance(body, dict) else None
    first = detail[0] if isinstance(detail, list) and detail else detail
    found = [each.get(key) for each, key in ((first, "code"), (body, "errorCode")) if isinstance(each, dict)]
    return next((code for code in found if isinstance(code, str) and _CODE.fullmatch(code)), "")
