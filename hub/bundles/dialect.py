"""Dialects of Bundles: all of an adapter but what a report in them is.

A Bundle is one message: taken whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from functools import partial
from typing import ClassVar

from hub.bundles.answer import MOST_ISSUES, answer
from hub.bundles.message import BundleReport, Message
from hub.bundles.pieces import rewritten
from hub.bundles.problems import problems_of
from hub.contract import Item, Opened, Outcome, Piece, Reading, Sourced
from hub.errors import Place, Reason, Reject
from hub.formats.fhir import read
from hub.mapping import Feeds, FeedTable
from hub.mapping.check import Finding, Needs
from hub.mapping.feed_table import Fact
from hub.mapping.guard import guarded

_BUNDLE = Place("Bundle", ("Bundle",))
_WHOLE = "1.1"
"""The position of what is wrong with the message as a whole."""


class BundleDialect:
    """The adapter (see `hub.contract.Adapter`) of a language of Bundles."""

    dialect: str
    needs: Needs
    media_type = "application/fhir+json"
    message: ClassVar[type[Message]]
    roots: ClassVar[Sequence[str]]
    """The types of resource in which a fact may stand."""
    several: ClassVar[Sequence[str]]
    """Those of which one report has several, so that a table must say which is meant."""
    counted: ClassVar[str]
    """What a report is called in an answer."""
    names: ClassVar[str]
    """Where the sender is looked for, in the words of a refusal."""

    def open(self, raw: bytes) -> Opened:
        """Who sent what. Never raises."""
        message = self.message(read(raw))
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
        refused = self._refused(message, table)
        if refused or table is None:
            return Reading(table.feed if table else "", tuple(Item(_WHOLE, each) for each in refused))
        facts = _facts(table)
        reports = message.reports(facts)
        items = list(_items(reports, table, today))
        items += [Item(f"1.{len(reports) + 1}", each) for each in message.beside(facts)]
        return Reading(table.feed, tuple(items), tuple(message.notes(facts)))

    def reply(self, opened: Opened, reading: Reading, at: datetime, reply_id: str) -> bytes | None:
        """An OperationOutcome in the form the message came in."""
        return answer(reading, reply_id, self.counted, as_xml=_message(opened).document.is_xml)

    def application_reply(
        self, opened: Opened, reading: Reading, feeds: Feeds, at: datetime, reply_id: str
    ) -> bytes | None:
        """FHIR has no second answer."""
        return None

    def problems(self, table: FeedTable) -> Sequence[Finding]:
        """What in a feed's table this language cannot do."""
        return list(problems_of(table, self.roots, self.several))

    def sources(self, opened: Opened, feeds: Feeds) -> Sequence[Sourced]:
        """The reports that `decode` reads by the table."""
        message = _message(opened)
        table = feeds(opened.application, opened.facility)
        if table is None or self._refused(message, table):
            return []
        reports = message.reports(_facts(table))
        return [Sourced(f"1.{number}", table, report) for number, report in enumerate(reports, start=1)]

    def rewritten(self, opened: Opened, feeds: Feeds, change: Callable[[Piece], str]) -> bytes:
        """The Bundle, with each text as `change` says."""
        return rewritten(_message(opened).document, change)

    def _refused(self, message: Message, table: FeedTable | None) -> list[Reject]:
        """What is known before any report is read."""
        document = message.document
        if document.unreadable:
            return [document.unreadable.reject]
        if table is None:
            return [Reject(Reason.UNKNOWN_SENDER, _BUNDLE, f"{self.names} name it.")]
        if table.status == "deactivated":
            return [Reject(Reason.SENDER_DEACTIVATED, _BUNDLE)]
        if kind := message.refused_kind():
            return [kind]
        return [finding.reject for finding in document.violations()] or list(message.refused_content())


def _message(opened: Opened) -> Message:
    assert isinstance(opened.inner, Message)  # made by `open`
    return opened.inner


def _facts(table: FeedTable) -> list[Fact]:
    return [fact for _, fact in table.facts.declared()]


def _items(reports: Sequence[BundleReport], table: FeedTable, today: date) -> Iterator[Item]:
    """What becomes of each report, until enough is wrong: then nothing of the Bundle is taken anyway."""
    refused = 0
    for number, report in enumerate(reports, start=1):
        for outcome in _outcomes(report, table, today):
            refused += isinstance(outcome, Reject)
            yield Item(f"1.{number}", outcome)
        if refused >= MOST_ISSUES:
            return


def _outcomes(report: BundleReport, table: FeedTable, today: date) -> tuple[Outcome, ...]:
    return guarded(partial(_read, report, table, today), lambda: (report.our_fault(),))


def _read(report: BundleReport, table: FeedTable, today: date) -> tuple[Outcome, ...]:
    return tuple(report.refused(_facts(table))) or tuple(report.outcomes(table, today))
