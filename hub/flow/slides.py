"""The versions of one slide: which others there are, whose record they stand on, which was issued before which."""

from __future__ import annotations

from hub.domain.events import ReportParked, ResultReported, Version
from hub.domain.versions import issue
from hub.flow.parking import open_tasks_of
from hub.flow.ports.records import MatchRow
from hub.flow.ports.results import ResultRow, TaskRow
from hub.flow.recording import reported
from hub.flow.step import Step


def others_of(step: Step, row: ResultRow) -> list[ResultRow]:
    """The other results under the same laboratory and slide number that were not refused."""
    slide = row.event.result if isinstance(row.event, ResultReported) else row.event
    if not (slide.laboratory_code and slide.slide_number):  # it could not be read
        return []
    rows = step.tx.results.of_slide(slide.laboratory_code, slide.slide_number)
    return [other for other in rows if other.result_id != row.result_id and other.state != "refused"]


def owners(step: Step, row: ResultRow) -> list[str]:
    """On whose records versions of this slide stand: one person at most, but for a moment inside a step."""
    matches = [step.tx.records.live_match(version.result_id) for version in (row, *others_of(step, row))]
    return list(dict.fromkeys(match.participant_id for match in matches if match))


def is_duplicate(row: ResultRow, others: list[ResultRow]) -> bool:
    """A second first report for one slide (domain.md 2.7: slide number + laboratory is unique over everyone)."""
    if corrects(row) or isinstance(row.event, ReportParked):
        return False
    return any(not corrects(other) for other in others)


def corrects(row: ResultRow) -> bool:
    """Whether it is known to correct or withdraw an earlier report."""
    return isinstance(row.event, ResultReported) and row.event.result.version is not Version.FINAL


def is_older(one: ResultRow, other: ResultRow) -> bool:
    """Whether one version was issued before the other; where that could not be read, whether it came before."""
    if isinstance(one.event, ReportParked) or isinstance(other.event, ReportParked):
        return one.journal_seq < other.journal_seq
    return issue(one.event.result) < issue(other.event.result)


def newest_first(rows: list[ResultRow]) -> list[ResultRow]:
    """In the order of their issue; what could not be read comes before all, as it may be anything."""
    readable = sorted(
        (row for row in rows if isinstance(row.event, ResultReported)), key=lambda row: issue(reported(row).result)
    )
    return [row for row in rows if isinstance(row.event, ReportParked)] + readable[::-1]


def newer_waiting(step: Step, row: ResultRow) -> TaskRow | None:
    """The task of a newer version of this slide that waits for a clerk who could decide on it."""
    for other in newest_first(others_of(step, row)):
        if other.state == "waiting" and isinstance(other.event, ResultReported) and is_older(row, other):
            return next(iter(open_tasks_of(step, other.result_id)), None)
    return None


def is_ruled_out(step: Step, row: ResultRow, others: list[ResultRow], participant_id: str) -> bool:
    """A clerk has said that this slide is not hers: the hub never matches any version of it to her again by itself."""
    known = [version.result_id for version in (row, *others) if version.state]  # without a state it was never matched
    return any(_says_not_hers(step.tx.records.matches_of(result_id), participant_id) for result_id in known)


def _says_not_hers(matches: list[MatchRow], participant_id: str) -> bool:
    hers = [match for match in matches if match.participant_id == participant_id]
    stands = any(match.undone_at is None for match in hers)
    return not stands and any(match.undone_by != "hub" for match in hers)


def is_on_record_elsewhere(step: Step, others: list[ResultRow], participant_id: str) -> bool:
    """Whether one of these versions of a slide stands on the record of another person."""
    matches = (step.tx.records.live_match(other.result_id) for other in others)
    return any(match and match.participant_id != participant_id for match in matches)
