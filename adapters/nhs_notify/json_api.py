"""JSON:API, as far as Notify speaks it: objects in objects, whatever came."""

from __future__ import annotations

import json
import re
from typing import Any

_MESSAGE_ID = re.compile(r"[0-9A-Za-z]{27}", re.ASCII)


def document(body: bytes) -> dict[str, Any]:
    """The body as an object; an empty one where it is none."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def part(parent: dict[str, Any], name: str) -> dict[str, Any]:
    found = parent.get(name)
    return found if isinstance(found, dict) else {}


def parts(parent: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = parent.get(name)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def is_message_id(text: object) -> bool:
    """Whether this may be what Notify calls a message (a KSUID); only that may stand in an address."""
    return isinstance(text, str) and _MESSAGE_ID.fullmatch(text) is not None
