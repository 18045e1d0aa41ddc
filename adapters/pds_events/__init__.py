"""Events about people on PDS, as the Multicast Notification Service tells them: bytes → hints.

An event is a hint to read again, never the data: nothing of it is believed but that something about this NHS number has
changed. It comes in two forms, alone or as a list, or one a line, or in the envelope of a topic (SNS):

    FHIR          Bundle of type history → Parameters → additional-context: event-type, subject
    CloudEvents   type, id, subject

What is of another type (the service's test signal, say) is passed over, and so is a number that cannot be one; what is
no event at all is said to be none.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from hub.domain import nhs_number
from hub.domain.demographics import Hint, Hints

KINDS = frozenset({"pds-record-change-2", "pds-change-of-gp-2", "pds-death-notification-2", "nhs-number-change-2"})


def read_events(body: bytes) -> Hints:
    """Whatever arrives is answered; nothing raises."""
    hints: list[Hint] = []
    others = unfit = 0
    for one in _documents(body):
        event_id, kind, number = _read(one)
        if kind and kind not in KINDS:
            others += 1
        elif kind and event_id and nhs_number.is_valid(number):
            hints.append(Hint(event_id, kind, number))
        else:
            unfit += 1
    return Hints(tuple(hints), others, unfit)


def _documents(body: bytes) -> Iterator[Any]:
    """A message is one event, a list of them, or one a line; and what a topic (SNS) passed on, one in its envelope."""
    whole = _json(body)
    if _at(whole, "Type") == "Notification":
        whole = _json(_text(_at(whole, "Message")).encode("utf-8", "replace"))
        yield from whole if isinstance(whole, list) else [whole]
    elif isinstance(whole, list):
        yield from whole
    elif whole is not None:
        yield whole
    else:
        yield from (_json(line) for line in body.splitlines() if line.strip())


def _json(text: bytes) -> Any:
    """None where it is none."""
    try:
        return json.loads(text.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return None


def _read(event: Any) -> tuple[str, str, str]:
    """Event id, type and NHS number; empty where they are not there."""
    if _at(event, "resourceType") == "Bundle":
        return _of_bundle(event)
    if _at(event, "specversion") is None:
        return "", "", ""
    return _text(_at(event, "id")), _text(_at(event, "type")), nhs_number.normalise(_text(_at(event, "subject")))


def _of_bundle(bundle: Any) -> tuple[str, str, str]:
    """The status of the subscription is the first resource; a hydrated signal has the person herself behind it, which
    is not read."""
    entries = _at(bundle, "entry")
    parameters = _at(_at(entries[0] if isinstance(entries, list) and entries else None, "resource"), "parameter")
    context = _at(_named(parameters, "additional-context"), "part")
    subject = _at(_at(_at(_named(context, "subject"), "valueReference"), "identifier"), "value")
    kind = _at(_named(context, "event-type"), "valueString")
    return _text(_at(bundle, "id")), _text(kind), nhs_number.normalise(_text(subject))


def _named(parameters: Any, name: str) -> Any:
    """The parameter of that name; None where there is none."""
    found = parameters if isinstance(parameters, list) else []
    return next((each for each in found if _at(each, "name") == name), None)


def _at(tree: Any, name: str) -> Any:
    return tree.get(name) if isinstance(tree, dict) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
