"""The answer to a FHIR message: an OperationOutcome, in the form the message came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr

from hub.errors import Reason, Stop

REASONS = "urn:screening-hub:reason"
"""The code system of our own reasons."""
# FHIR's own kinds of issue (http://hl7.org/fhir/issue-type).
_KINDS = {
    Reason.UNREADABLE: "structure",
    Reason.INCOMPLETE: "incomplete",
    Reason.HEADER_INCOMPLETE: "required",
    Reason.UNKNOWN_SENDER: "security",
    Reason.SENDER_NOT_PROVEN: "security",
    Reason.SENDER_DEACTIVATED: "forbidden",
    Reason.TYPE_NOT_TAKEN: "not-supported",
    Reason.TOO_LARGE: "too-long",
    Reason.MISSING_DATA: "required",
    Reason.MISSING_SLIDE_NUMBER: "required",
    Reason.NO_RESULT: "required",
    Reason.NO_PERSON: "required",
    Reason.CONFLICTING_VALUES: "invariant",
    Reason.NOT_FINAL: "business-rule",
    Reason.INVALID_COMBINATION: "business-rule",
    Reason.NOT_HPV_PRIMARY: "business-rule",
    Reason.TEST_IN_FUTURE: "business-rule",
    Reason.TEST_BEFORE_BIRTH: "business-rule",
    Reason.STORE_AWAY: "transient",
    Reason.NOT_NOW: "transient",
}
_OTHERWISE = "value"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say: `code` is FHIR's kind of issue, `reason` our own stable code, `sentence` for a person."""

    severity: str
    code: str
    sentence: str
    reason: str = ""
    expression: str = ""


def refusal(stop: Stop) -> Issue:
    """What stopped a message, as an issue."""
    words = " ".join(filter(None, (stop.reason.sentence, stop.hint)))
    kind = _KINDS.get(stop.reason, _OTHERWISE)
    return Issue("error", kind, words, stop.reason.code, stop.place.text if stop.place else "")


def operation_outcome(issues: Sequence[Issue], outcome_id: str, *, as_xml: bool) -> bytes:
    """The same issues always give the same bytes."""
    outcome = {"id": outcome_id, "issue": [_issue(each) for each in issues]}
    if as_xml:
        return f'<OperationOutcome xmlns="http://hl7.org/fhir">{_tags(outcome)}</OperationOutcome>'.encode()
    return json.dumps({"resourceType": "OperationOutcome", **outcome}, ensure_ascii=False).encode()


def _issue(issue: Issue) -> dict[str, Any]:
    coding = [{"system": REASONS, "code": issue.reason}] if issue.reason else []
    details: dict[str, Any] = {"coding": coding} if coding else {}
    details["text"] = issue.sentence
    found: dict[str, Any] = {"severity": issue.severity, "code": issue.code, "details": details}
    if issue.expression:
        found["expression"] = [issue.expression]
    return found


def _tags(value: dict[str, Any]) -> str:
    return "".join(_tag(name, each) for name, child in value.items() for each in _each(child))


def _tag(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return f"<{name}>{_tags(value)}</{name}>"
    return f"<{name} value={quoteattr(str(value))}/>"


def _each(child: Any) -> list[Any]:
    return child if isinstance(child, list) else [child]
