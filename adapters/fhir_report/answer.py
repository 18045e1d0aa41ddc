"""The OperationOutcome that answers a message: each thing wrong with it, in words a laboratory can act on."""

from __future__ import annotations

from hub.contract import Item, Reading
from hub.errors import Reason, Reject
from hub.formats.fhir import Issue, operation_outcome

REASONS = "urn:screening-hub:reason"
MOST_ISSUES = 50
"""A Bundle of hundreds may fail as a whole: the first fifty say enough."""
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
}
_OTHERWISE = "value"


def answer(reading: Reading, outcome_id: str, *, as_xml: bool) -> bytes:
    """One issue for each thing wrong; where nothing is, one that says what is stored."""
    # Two reports of one person say the same of her: once is enough.
    issues = list(dict.fromkeys(_issue(item) for item in reading.refused))[:MOST_ISSUES]
    return operation_outcome(issues or [_stored(reading)], outcome_id, REASONS, as_xml=as_xml)


def _issue(item: Item) -> Issue:
    stop = item.outcome
    assert isinstance(stop, Reject)
    words = " ".join(filter(None, (stop.reason.sentence, stop.hint)))
    kind = _KINDS.get(stop.reason, _OTHERWISE)
    return Issue("error", kind, words, stop.reason.code, stop.place.text if stop.place else "")


def _stored(reading: Reading) -> Issue:
    number = len(reading.taken)
    return Issue("information", "informational", f"Stored: {number} {'result' if number == 1 else 'results'}.")
