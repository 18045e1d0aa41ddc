"""Which version a report is, and when it was issued, in languages that leave this to the sender's table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from hub.domain.events import Version
from hub.errors import Reason, Reject
from hub.mapping.check import Finding
from hub.mapping.feed_table import Fact, FeedTable
from hub.mapping.report import Source, Text, translate

_VERSIONS = {version.value: version for version in Version}


def stated_issue(source: Source, table: FeedTable) -> tuple[Text, str]:
    """What the fact `authorised_at` says, and its form. Raises Reject where it says nothing, or two things."""
    fact = _declared(table.facts.authorised_at)
    found = _the_one(source, fact)
    return found, fact.form


def stated_version(source: Source, table: FeedTable) -> Version:
    """What the fact `version` says. Raises Reject where it is missing or not final, Park where our table lacks the
    word."""
    fact = _declared(table.facts.version)
    found = _the_one(source, fact)
    word = translate("version", fact, found, table.codes)
    if word not in _VERSIONS:
        raise Reject(Reason.NOT_FINAL, found.place)
    return _VERSIONS[word]


def stated_facts_missing(table: FeedTable) -> Iterator[Finding]:
    """The two facts that a table of such a language must place."""
    for name in ("version", "authorised_at"):
        if getattr(table.facts, name) is None:
            yield ("facts", name), f"This language does not say it by itself. Add [facts.{name}] with its place."


def statuses_of(source: Source, table: FeedTable) -> Iterator[tuple[str, partial[Version]]]:
    """The one thing that says which version it is, as `Source.statuses` gives it."""
    yield "version", partial(stated_version, source, table)


def _declared(fact: Fact | None) -> Fact:
    if fact is None:  # a table of results without it is refused when it is loaded; a discharge has no versions
        raise Reject(Reason.MISSING_DATA)
    return fact


def _the_one(source: Source, fact: Fact) -> Text:
    texts = source.texts(fact)
    if not texts:
        raise Reject(Reason.MISSING_DATA, source.missing(fact))
    for other in texts:
        if other.text != texts[0].text:
            raise Reject(Reason.CONFLICTING_VALUES, other.place)
    return texts[0]
