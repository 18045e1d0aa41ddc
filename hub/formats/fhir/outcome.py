"""The answer to a FHIR message: an OperationOutcome, in the form the message came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.sax.saxutils import quoteattr


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing to say: `code` is FHIR's kind of issue, `reason` our own stable code, `sentence` for a person."""

    severity: str
    code: str
    sentence: str
    reason: str = ""
    expression: str = ""


def operation_outcome(issues: Sequence[Issue], outcome_id: str, reasons_system: str, *, as_xml: bool) -> bytes:
    """The same issues always give the same bytes."""
    outcome = {"id": outcome_id, "issue": [_issue(each, reasons_system) for each in issues]}
    if as_xml:
        return f'<OperationOutcome xmlns="http://hl7.org/fhir">{_tags(outcome)}</OperationOutcome>'.encode()
    return json.dumps({"resourceType": "OperationOutcome", **outcome}, ensure_ascii=False).encode()


def _issue(issue: Issue, reasons_system: str) -> dict[str, Any]:
    coding = [{"system": reasons_system, "code": issue.reason}] if issue.reason else []
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
