"""How a sender has behaved in its rehearsal: what was right how often, and the places where it was not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hub.domain.codes import COMBINATIONS
from hub.domain.events import ReportParked, ResultReported, Version
from hub.errors import Reason
from hub.flow.message import CONTROL_ID_REUSED
from hub.flow.ports.journal import JournalEntry
from hub.flow.rehearsal import Rehearsed, Seen

PATIENCE = timedelta(minutes=5)
"""A sender that got no answer has asked again by then."""
_BY_FRAMING = {Reason.INCOMPLETE.code, Reason.TOO_LARGE.code, Reason.UNREADABLE.code}
_BY_HEADER = {
    reason.code
    for reason in (
        Reason.HEADER_INCOMPLETE,
        Reason.UNKNOWN_SENDER,
        Reason.SENDER_NOT_PROVEN,
        Reason.TYPE_NOT_TAKEN,
    )
}
_SYNTHETIC = "999"


@dataclass(slots=True)
class Tally:
    """What a check counts: `right` times, and each place where it was `wrong`. `missing` is what must yet be seen."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missing: str = ""

    def judge(self, is_right: bool, place: str) -> None:
        if is_right:
            self.right += 1
        else:
            self.wrong.append(place)


def _message(entry: JournalEntry, place: str = "") -> str:
    return f"message {entry.seq}" + (f" at {place}" if place else "")


def _first_answers(rehearsed: Rehearsed) -> Iterator[JournalEntry]:
    yield from (one.entry for one in rehearsed.seen)
    yield from rehearsed.strays


def framing(rehearsed: Rehearsed, at: datetime) -> Tally:
    tally = Tally()
    for entry in _first_answers(rehearsed):
        tally.judge(entry.reason not in _BY_FRAMING, _message(entry, entry.reason))
    return tally


def header(rehearsed: Rehearsed, at: datetime) -> Tally:
    tally = Tally()
    for entry in _first_answers(rehearsed):
        if entry.reason not in _BY_FRAMING:
            right = entry.reason not in _BY_HEADER and bool(entry.control_id)
            tally.judge(right, _message(entry, entry.place or entry.reason or "the control id"))
    return tally


def charset(rehearsed: Rehearsed, at: datetime) -> Tally:
    """Only letters beyond ASCII show whether the charset is the one declared."""
    tally = Tally()
    for one in rehearsed.seen:
        if not one.is_ascii:
            tally.judge(not any(note.startswith("charset=") for note in one.entry.notes), _message(one.entry))
    return tally


def control_ids(rehearsed: Rehearsed, at: datetime) -> Tally:
    """A message that was refused may come mended under its own."""
    tally = Tally()
    taken: set[str] = set()
    for one in rehearsed.seen:
        reused = CONTROL_ID_REUSED in one.entry.notes and one.entry.control_id in taken
        tally.judge(not reused, _message(one.entry))
        if one.entry.answer == "AA":
            taken.add(one.entry.control_id)
    if tally.right < 2:
        tally.missing = "So far there is too little to compare."
    return tally


def withheld(rehearsed: Rehearsed, at: datetime) -> Tally:
    tally = Tally()
    for one in rehearsed.seen:
        if one.withheld_at is None:
            continue
        came_again = any(arrival.received_at >= one.withheld_at for arrival in one.again)
        if came_again or _asked_otherwise(rehearsed, one) or at - one.withheld_at > PATIENCE:
            tally.judge(came_again, _message(one.entry))
    return tally


def _asked_otherwise(rehearsed: Rehearsed, one: Seen) -> bool:
    """Whether it came again under its control id, but with other bytes."""
    return any(
        other.entry.control_id == one.entry.control_id and other.entry.seq > one.entry.seq for other in rehearsed.seen
    )


def mended(rehearsed: Rehearsed, at: datetime) -> Tally:
    """Each message that was answered AE came again mended."""
    tally = Tally()
    for number, one in enumerate(rehearsed.seen):
        if one.entry.answer != "AE":
            continue
        came = any(_mends(later, one) for later in rehearsed.seen[number + 1 :])
        if came or at - one.entry.arrival.received_at > PATIENCE:
            tally.judge(came, _message(one.entry, f"{one.entry.reason} {one.entry.place}".strip()))
    return tally


def _mends(later: Seen, refused: Seen) -> bool:
    """Whether a message that was taken is the mended form of one that was not: under its control id, or about a slide
    or a person that it names."""
    if later.entry.answer != "AA":
        return False
    if later.entry.control_id and later.entry.control_id == refused.entry.control_id:
        return True
    bare = refused.raw.replace(b" ", b"")
    results = (item.outcome for item in later.reading.taken if isinstance(item.outcome, ResultReported))
    names = (name for one in results for name in (one.result.slide_number, one.claim.nhs_number) if name)
    return any(name.replace(" ", "").encode() in bare for name in names)


def several(rehearsed: Rehearsed, at: datetime) -> Tally:
    return Tally(right=sum(count > 1 for count in rehearsed.connections.values()))


def reconnects(rehearsed: Rehearsed, at: datetime) -> Tally:
    return Tally(right=max(0, len(rehearsed.connections) - 1))


def _results(rehearsed: Rehearsed) -> Iterator[tuple[Seen, str, ResultReported | ReportParked]]:
    for one in rehearsed.seen:
        for item in one.reading.taken:
            if one.entry.answer != "AR" and isinstance(item.outcome, ResultReported | ReportParked):
                yield one, item.position, item.outcome


def corrections(rehearsed: Rehearsed, at: datetime) -> Tally:
    """A correction or withdrawal comes after what it corrects, and is issued later."""
    tally = Tally()
    versions: dict[str, datetime] = {}
    seen: set[Version] = set()
    for one, position, outcome in _results(rehearsed):
        if isinstance(outcome, ReportParked):
            continue
        result = outcome.result
        before = versions.get(result.slide_number)
        if result.version is not Version.FINAL:
            seen.add(result.version)
            right = before is not None and result.authorised_at > before
            tally.judge(right, _message(one.entry, f"result {position}"))
        versions[result.slide_number] = max(before or result.authorised_at, result.authorised_at)
    unseen = [version.value for version in (Version.CORRECTED, Version.WITHDRAWN) if version not in seen]
    tally.missing = f"Not seen: {' and '.join(unseen)}." if unseen else ""
    return tally


def codes(rehearsed: Rehearsed, at: datetime) -> Tally:
    tally = Tally()
    for one, position, outcome in _results(rehearsed):
        parked = isinstance(outcome, ReportParked)
        place = getattr(outcome, "place", "") or f"result {position}"
        tally.judge(not parked, _message(one.entry, place))
    return tally


def combinations(rehearsed: Rehearsed, at: datetime) -> Tally:
    results = [outcome.result for _, _, outcome in _results(rehearsed) if isinstance(outcome, ResultReported)]
    seen = {(result.combination, result.self_sample) for result in results} & set(COMBINATIONS)
    unseen = [codes + (" (self-sample)" if by_herself else "") for codes, by_herself in set(COMBINATIONS) - seen]
    return Tally(right=len(seen), missing=f"Not seen: {', '.join(sorted(unseen))}." if unseen else "")


def synthetic(rehearsed: Rehearsed, at: datetime) -> Tally:
    tally = Tally()
    for one, position, outcome in _results(rehearsed):
        number = outcome.claim.nhs_number if outcome.claim else None
        if number:
            tally.judge(number.startswith(_SYNTHETIC), _message(one.entry, f"result {position}"))
    return tally
