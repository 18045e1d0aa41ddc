"""The OperationOutcome that answers a message: each thing wrong with it, in words a laboratory can act on."""

from __future__ import annotations

from hub.contract import Reading
from hub.errors import Reject
from hub.formats.fhir import Issue, operation_outcome, refusal

MOST_ISSUES = 50
"""A Bundle of hundreds may fail as a whole: the first fifty say enough."""


def answer(reading: Reading, outcome_id: str, *, as_xml: bool) -> bytes:
    """One issue for each thing wrong; where nothing is, one that says what is stored."""
    # Two reports of one person say the same of her: once is enough.
    stops = (item.outcome for item in reading.refused)
    issues = list(dict.fromkeys(refusal(stop) for stop in stops if isinstance(stop, Reject)))[:MOST_ISSUES]
    return operation_outcome(issues or [_stored(reading)], outcome_id, as_xml=as_xml)


def _stored(reading: Reading) -> Issue:
    number = len(reading.taken)
    return Issue("information", "informational", f"Stored: {number} {'result' if number == 1 else 'results'}.")
