"""A person's record: a pure fold over facts. Any order of arrival and any repetition gives the same record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from hub.domain.codes import ACTION_CODES, REPEAT, ROUTINE, SUSPEND, combination, is_inadequate
from hub.domain.dates import add_months, spoken
from hub.domain.events import TestResult, Version
from hub.domain.policy import Policies, RecallPolicy
from hub.domain.recall import Interval, interval
from hub.domain.rules import objections
from hub.errors import Reason

# Versions of one slide issued in the same minute: what takes back counts after what it takes back.
_RANK = {Version.FINAL: 0, Version.CORRECTED: 1, Version.WITHDRAWN: 2}


@dataclass(frozen=True, slots=True)
class ResultFact:
    """A result (or a version of one) was put on this record. `digest` is that of the message it came in.

    `policy_accepted`: a clerk took it although a rule of the programme speaks against it.
    `counts_as_authorised_at`: a clerk took it although its date puts it before a version it is to replace; among the
    versions of its slide it counts as authorised then.
    """

    result_id: str
    match_id: str
    result: TestResult
    digest: str
    policy_accepted: bool = False
    counts_as_authorised_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class UndoneFact:
    """That match was taken back, whenever it is or was made."""

    match_id: str


Fact = ResultFact | UndoneFact


@dataclass(frozen=True, slots=True)
class Entry:
    """What was known when she came into the cohort. `last_test_on`: her newest test then, if the cohort says so; the
    date she came with holds until a test at least as new as that is on the record."""

    date_of_birth: date
    next_test_due_on: date | None
    last_test_on: date | None = None


@dataclass(frozen=True, slots=True)
class OnRecord:
    """A result on the record. `months` from its test until the next is due; None where it sets no date."""

    result_id: str
    match_id: str
    result: TestResult
    months: int | None


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule of the programme speaks against a result on the record, and no clerk has accepted it."""

    result_id: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Record:
    """`results`: oldest test first, one per slide. `recall_type`: a name of domain.md 1.4. `policy`: name of the
    policy under which the deciding test falls, empty without one. `because`: how it came out, sentence by sentence."""

    results: tuple[OnRecord, ...]
    recall_type: str
    next_test_due_on: date | None
    policy: str
    alerts: tuple[Alert, ...]
    because: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Slide:
    """The version of one slide that counts, and when the first of its versions was issued."""

    fact: ResultFact
    first_authorised_at: datetime

    @property
    def result(self) -> TestResult:
        return self.fact.result


@dataclass(frozen=True, slots=True)
class _Judged:
    """A result in the light of what came before it."""

    slide: _Slide
    policy: RecallPolicy
    interval: Interval
    reasons: tuple[Reason, ...]


def fold(entry: Entry, facts: Iterable[Fact], policies: Policies) -> Record:
    """The record that these facts make. Facts may come in any order and more than once."""
    slides = _slides(facts)
    standing = [slide for slide in slides if slide.result.version is not Version.WITHDRAWN]
    judged = _judge(standing, entry, policies)
    deciding = next((one for one in reversed(judged) if _decides(one, entry)), None)
    recall_type, next_test_due_on = _recall(deciding, entry)
    return Record(
        results=tuple(_on_record(one) for one in judged),
        recall_type=recall_type,
        next_test_due_on=next_test_due_on,
        policy=deciding.policy.name if deciding else "",
        alerts=tuple(Alert(one.slide.fact.result_id, reason) for one in judged for reason in one.reasons),
        because=tuple(_because(slides, judged, deciding, entry)),
    )


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


def _slides(facts: Iterable[Fact]) -> list[_Slide]:
    """One per slide, oldest test first; of its versions the newest counts."""
    return sorted((_slide(of_one) for of_one in _versions(facts).values()), key=_by_test)


def _slide(versions: Sequence[ResultFact]) -> _Slide:
    return _Slide(
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


def _by_test(slide: _Slide) -> tuple[object, ...]:
    result = slide.result
    return (result.test_on, result.authorised_at, slide.fact.digest, result.laboratory_code, result.slide_number)


def _judge(slides: Sequence[_Slide], entry: Entry, policies: Policies) -> list[_Judged]:
    results = [slide.result for slide in slides]
    judged = []
    for index, slide in enumerate(slides):
        earlier = results[:index]
        policy = policies.in_force(slide.result.test_on, slide.first_authorised_at)
        found = interval(slide.result, earlier, entry.date_of_birth, policy, policies)
        reasons = list(objections(slide.result, earlier, policy, policies.rules))
        if not found.allowed:
            reasons.append(Reason.REPEAT_MONTHS)
        judged.append(_Judged(slide, policy, found, () if slide.fact.policy_accepted else tuple(reasons)))
    return judged


def _decides(one: _Judged, entry: Entry) -> bool:
    """Whether a result sets recall: it refers, or it names a date; and she did not come with a newer test."""
    if entry.last_test_on and one.slide.result.test_on < entry.last_test_on:
        return False
    action = one.slide.result.action_code
    return action == SUSPEND or (action in (ROUTINE, REPEAT) and one.interval.months is not None)


def _recall(deciding: _Judged | None, entry: Entry) -> tuple[str, date | None]:
    if deciding is None:
        return "Called", entry.next_test_due_on
    result, months = deciding.slide.result, deciding.interval.months
    if result.action_code == SUSPEND or months is None:
        return "Suspended", None
    due_on = add_months(result.test_on, months)
    if result.action_code == ROUTINE:
        return "Routine", due_on
    return ("Inadequate" if is_inadequate(result) else "Repeat advised"), due_on


def _on_record(one: _Judged) -> OnRecord:
    fact = one.slide.fact
    return OnRecord(fact.result_id, fact.match_id, fact.result, one.interval.months)


def _because(
    slides: Sequence[_Slide], judged: Sequence[_Judged], deciding: _Judged | None, entry: Entry
) -> Iterator[str]:
    """How the record came out, for the clerk's screen: dates and codes, never names or numbers."""
    for slide in slides:
        if slide.result.version is Version.WITHDRAWN:
            yield f"The laboratory withdrew the result of the test of {spoken(slide.result.test_on)}."
    for one in judged:
        yield _about(one)
        yield from (f"A clerk must look at it: {reason.sentence}" for reason in one.reasons)
    if deciding is None:
        due = f"on {spoken(entry.next_test_due_on)}" if entry.next_test_due_on else "on no known date"
        yield f"No result sets recall: she is called, and due {due}, as when she came into the cohort."
        return
    recall_type, due_on = _recall(deciding, entry)
    due = f"next test due on {spoken(due_on)}" if due_on else "no next test due while colposcopy cares for her"
    yield f"The test of {spoken(deciding.slide.result.test_on)} is the newest that sets recall: {recall_type}, {due}."


def _about(one: _Judged) -> str:
    result = one.slide.result
    known = combination(result)
    meaning = known.meaning if known else ACTION_CODES.get(result.action_code, "old or unknown codes")
    version = ", corrected" if result.version is Version.CORRECTED else ""
    accepted = "; a clerk accepted it" if one.slide.fact.policy_accepted else ""
    months = one.interval.because
    return (
        f"Test of {spoken(result.test_on)}{version}: {result.combination} ({meaning}); "
        f"policy {one.policy.name}; {months}{accepted}."
    )
