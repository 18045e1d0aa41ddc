"""FHIR as JSON: text to a plain tree, strictly. What another reader might read otherwise is refused, not chosen."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from hub.errors import Reason
from hub.formats.fhir.finding import Unreadable

MOST_ELEMENTS = 100_000
"""Elements of a message at most: some two thousand reports."""


def tree_of_json(text: str) -> Any:
    """The tree; numbers keep their digits. Raises Unreadable."""
    if text.count("{") + text.count("[") + text.count(",") > MOST_ELEMENTS:
        raise Unreadable("It has too many elements. Send fewer reports at once.", reason=Reason.TOO_LARGE)
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_number, parse_float=Decimal)
    except json.JSONDecodeError as wrong:
        raise _unreadable(text, wrong) from None
    except RecursionError:
        raise Unreadable("It is nested too deeply.") from None
    except ValueError:
        raise Unreadable("A number in it has too many digits.") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Unreadable("An object in it has the same name twice.")
    return found


def _no_number(_word: str) -> NoReturn:
    raise Unreadable("NaN and Infinity are no JSON.")


def _unreadable(text: str, wrong: json.JSONDecodeError) -> Unreadable:
    if wrong.pos >= len(text.rstrip()) or wrong.msg.startswith("Unterminated string"):
        return Unreadable("The JSON ends too early.", reason=Reason.INCOMPLETE)
    return Unreadable(f"It is no JSON from line {wrong.lineno}, column {wrong.colno} on.")
