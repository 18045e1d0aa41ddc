"""The OperationOutcome that answers a message: each thing wrong with it, in words its sender can act on."""

from __future__ import annotations

from hub.contract import Reading
from hub.errors import Reject
from hub.formats.fhir import Issue, operation_outcome, refusal

MOST_ISSUES = 50
"""A Bundle of hundreds may fail as a whole: the first fifty say enough."""


def answer(reading: Reading, outcome_id: str, counted: str, *, as_xml: bool) -> bytes:
    """One issue for each thing wrong; where nothing is, one that says how many of what is counted are stored."""
    # Two reports of one person say the same of her: once is enough.
    stops = (item.outcome for item in reading.refused)
    issues = list(dict.fromkeys(refusal(stop) for stop in stops if isinstance(stop, Reject)))[:MOST_ISSUES]
    return operation_outcome(issues or [_stored(len(reading.taken), counted)], outcome_id, as_xml=as_xml)


def _stored(number: int, counted: str) -> Issue:
    return Issue("information", "informational", f"Stored: {number} {counted}{'' if number == 1 else 's'}.")
