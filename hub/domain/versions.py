"""The versions of one slide: which of them counts, and which contradicts what it says it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hub.domain.events import TestResult, Version
from hub.domain.facts import Fact, ResultFact, UndoneFact

# Versions of one slide issued in the same minute: what takes back counts after what it takes back.
_RANK = {Version.FINAL: 0, Version.CORRECTED: 1, Version.WITHDRAWN: 2}


@dataclass(frozen=True, slots=True)
class Slide:
    """The version of one slide that counts, and when the first of its versions was issued."""

    fact: ResultFact
    first_authorised_at: datetime

    @property
    def result(self) -> TestResult:
        return self.fact.result


def issue(result: TestResult) -> tuple[datetime, int]:
    """Where a version stands in the order in which the versions of its slide were issued."""
    return (result.authorised_at, _RANK[result.version])


def standing(facts: Iterable[Fact], result: TestResult) -> ResultFact | None:
    """The version of this result's slide that counts on the record, withdrawn or not."""
    versions = _versions(facts).get((result.laboratory_code, result.slide_number))
    return max(versions, key=_by_issue) if versions else None


def is_misdated(result: TestResult, stands: ResultFact) -> bool:
    """Whether the date of a version contradicts what it is, beside the version that stands and says something else: a
    correction or withdrawal that would correct nothing, or a first report that would replace its own correction.

    A version that comes late, after what corrected it, is not misdated: it merely changes nothing.
    """
    if _says_the_same(result, stands.result):
        return False
    would_stand = issue(result) > _place(stands)
    if result.version is Version.FINAL:
        return would_stand and stands.result.version is not Version.FINAL
    return not would_stand and not _is_corrected_by(result, stands)


def place_after(result: TestResult, stands: ResultFact | None) -> datetime | None:
    """As when a version must count as authorised so that a clerk's word for it takes effect; None where its own date
    will do, and for a version that comes late, after what corrected it."""
    if stands is None or issue(result) > _place(stands) or _is_corrected_by(result, stands):
        return None
    return _place(stands)[0] + timedelta(microseconds=1)  # after it, and before whatever the laboratory issues next


def _is_corrected_by(result: TestResult, stands: ResultFact) -> bool:
    return stands.result.version is not Version.FINAL and issue(stands.result) > issue(result)


def _says_the_same(one: TestResult, other: TestResult) -> bool:
    withdrawn = [result.version is Version.WITHDRAWN for result in (one, other)]
    return all(withdrawn) or (
        not any(withdrawn) and replace(one, version=other.version, authorised_at=other.authorised_at) == other
    )


def _place(fact: ResultFact) -> tuple[datetime, int]:
    authorised_at, rank = issue(fact.result)
    return (fact.counts_as_authorised_at or authorised_at, rank)


def _versions(facts: Iterable[Fact]) -> dict[tuple[str, str], list[ResultFact]]:
    """Slide → what was put on the record of it. Matches undone never were."""
    known = set(facts)
    undone = {fact.match_id for fact in known if isinstance(fact, UndoneFact)}
    versions: dict[tuple[str, str], list[ResultFact]] = {}
    for fact in known:
        if isinstance(fact, ResultFact) and fact.match_id not in undone:
            slide = (fact.result.laboratory_code, fact.result.slide_number)
            versions.setdefault(slide, []).append(fact)
    return versions


def slides(facts: Iterable[Fact]) -> list[Slide]:
    """One per slide, oldest test first; of its versions the newest counts."""
    return sorted((_slide(of_one) for of_one in _versions(facts).values()), key=_by_test)


def _slide(versions: Sequence[ResultFact]) -> Slide:
    return Slide(
        fact=max(versions, key=_by_issue),
        first_authorised_at=min(fact.result.authorised_at for fact in versions),
    )


def _by_issue(fact: ResultFact) -> tuple[object, ...]:
    result = fact.result
    # repr last: two facts that differ in nothing else still always compare the same way.
    return (
        *_place(fact), fact.digest, fact.result_id, fact.match_id, fact.policy_accepted, repr(result),
        repr(fact.counts_as_authorised_at),
    )  # fmt: skip


def _by_test(slide: Slide) -> tuple[object, ...]:
    result = slide.result
    return (result.test_on, result.authorised_at, slide.fact.digest, result.laboratory_code, result.slide_number)
