"""FHIR R4 Bundles of DiagnosticReports in UK Core's shapes. What laboratories may rely on: `adapters/fhir_report.md`.

One language for every laboratory; what differs between them stands in their table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial

from adapters.fhir_report.answer import MOST_ISSUES, answer
from adapters.fhir_report.message import Message
from adapters.fhir_report.paths import carries
from adapters.fhir_report.pieces import rewritten
from adapters.fhir_report.problems import problems_of
from adapters.fhir_report.report import DiagnosticReport
from hub.contract import Item, Opened, Piece, Reading, Sourced
from hub.domain.events import ReportParked, ResultReported
from hub.errors import Place, Reason, Reject
from hub.formats.fhir import read
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import OF_RESULTS, Finding
from hub.mapping.feed_table import Fact
from hub.mapping.guard import guarded, our_fault
from hub.mapping.report import Report

_BUNDLE = Place("Bundle", ("Bundle",))
_WHOLE = "1.1"
"""The position of what is wrong with the message as a whole."""


class FhirReport:
    """The adapter (see `hub.contract.Adapter`). A Bundle is one message: taken whole or not at all."""

    dialect = "fhir_report"
    needs = OF_RESULTS

    def open(self, raw: bytes) -> Opened:
        """Who sent what. Never raises."""
        message = Message(read(raw))
        return Opened(
            raw=raw,
            message_type=f"Bundle/{message.kind}" if message.is_bundle else message.resources.bundle.resource_type,
            control_id=message.control_id,
            application=message.application,
            facility=message.facility,
            charset="utf-8",
            sent=message.sent,
            notes=message.document.notes,
            inner=message,
        )

    def decode(self, opened: Opened, feeds: Feeds, today: date) -> Reading:
        """Every report of the Bundle, read by the sender's table. Never raises."""
        message = _message(opened)
        table = feeds(opened.application, opened.facility)
        refused = _refused(message, table)
        if refused or table is None:
            return Reading(table.feed if table else "", tuple(Item(_WHOLE, each) for each in refused))
        ours = [report for report in message.reports if report.is_ours(_facts(table))]
        items = list(_items(ours, table, today))
        items += [Item(f"1.{len(ours) + 1}", each) for each in _beside(message, ours, table)]
        return Reading(table.feed, tuple(items), tuple(_notes(opened, len(message.reports) - len(ours))))

    def reply(self, opened: Opened, reading: Reading, _at: datetime, reply_id: str) -> bytes | None:
        """An OperationOutcome in the form the message came in."""
        return answer(reading, reply_id, as_xml=_message(opened).document.is_xml)

    def application_reply(
        self, _opened: Opened, _reading: Reading, _feeds: Feeds, _at: datetime, _reply_id: str
    ) -> bytes | None:
        """FHIR has no second answer."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        return list(problems_of(table))

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The reports that `decode` reads by the table."""
        message = _message(opened)
        table = feeds(opened.application, opened.facility)
        if table is None or _refused(message, table):
            return []
        ours = [report for report in message.reports if report.is_ours(_facts(table))]
        return [Sourced(f"1.{number}", table, report) for number, report in enumerate(ours, start=1)]

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The Bundle, with each text as `change` says."""
        return rewritten(_message(opened).document, change)


def _message(opened: Opened) -> Message:
    assert isinstance(opened.inner, Message)  # made by `open`
    return opened.inner


def _refused(message: Message, table: FeedTable | None) -> list[Reject]:
    """What is known before any report is read."""
    document = message.document
    if document.unreadable:
        return [document.unreadable.reject]
    if table is None:
        return [Reject(Reason.UNKNOWN_SENDER, _BUNDLE, "MessageHeader.sender, Composition and performer name it.")]
    if table.status == "deactivated":
        return [Reject(Reason.SENDER_DEACTIVATED, _BUNDLE)]
    if kind := message.refused_kind():
        return [kind]
    return [finding.reject for finding in document.violations()] or list(message.refused_content())


def _items(reports: Sequence[DiagnosticReport], table: FeedTable, today: date) -> Iterator[Item]:
    """What becomes of each report, until enough is wrong: then nothing of the Bundle is taken anyway."""
    refused = 0
    for number, report in enumerate(reports, start=1):
        for outcome in _outcomes(report, table, today):
            refused += isinstance(outcome, Reject)
            yield Item(f"1.{number}", outcome)
        if refused >= MOST_ISSUES:
            return


def _outcomes(
    report: DiagnosticReport, table: FeedTable, today: date
) -> tuple[ResultReported | ReportParked | Reject, ...]:
    """What becomes of one report."""
    return guarded(partial(_read, report, table, today), lambda: (our_fault(report.report.place.text),))


def _read(
    report: DiagnosticReport, table: FeedTable, today: date
) -> tuple[ResultReported | ReportParked | Reject, ...]:
    return tuple(report.refused()) or Report(report, table, today).outcomes()


def _beside(message: Message, ours: Sequence[DiagnosticReport], table: FeedTable) -> Iterator[Reject]:
    """A refusal beside the reports: nothing for the feed is among them, or something belongs to none of them."""
    named = {observation.steps for report in message.reports for observation in report.observations}
    for observation in message.resources.of_type("Observation"):
        if observation.steps not in named and carries(_facts(table), observation, message.resources):
            yield Reject(Reason.NO_RESULT, observation.place, "No DiagnosticReport names this Observation as a result.")
    if not message.reports:
        yield Reject(Reason.NO_RESULT, _BUNDLE, "Send one DiagnosticReport with its Observations.")
    elif not ours:
        at = message.reports[0].report.place
        yield Reject(Reason.NO_RESULT, at, "None of its Observations has a code that this feed is known to send.")


def _facts(table: FeedTable) -> list[Fact]:
    return [fact for _, fact in table.facts.declared()]


def _notes(opened: Opened, left_aside: int) -> Iterator[str]:
    if not opened.control_id:
        yield "control-id=empty"
    if left_aside:
        yield f"reports left aside={left_aside}"
