"""Whose result is it? Automatic only when it cannot well be anybody else's; otherwise a clerk chooses.

**Automatic** needs all of these; the first that fails is what `Decision.why` says:

1. One candidate, and only one, has the NHS number given, and its check digit is right (domain.md 4.6).
2. Date of birth and family name agree too: case, accents, hyphens and apostrophes aside, former names included.
   A slip of the pen is similar, and similar is not enough.
3. Nothing contradicts. These do:
   - the sex differs;
   - the given name is plainly different, or only near (twins are called Anna and Anne), or a middle name on the other
     side, or the middle names differ. Short forms, known spellings and left-out middle names do not contradict;
   - the house number differs within one postcode or street: a neighbour;
   - the address differs altogether. Many of these people have moved, but a namesake born on the same day looks just the
     same when her sample bears the wrong number; tracing too returns nothing on an unrelated postcode (domain.md 4.7)
     and "address non-match" is a reason for the clerks' queue (4.3). `MatchSettings.moved_is_automatic` is the other
     choice; a different postcode alone, the address being the same line by line, does not contradict;
   - the given names are not plainly those on record (an initial, none, another form, a further name), and the postcode
     does not agree either: sisters and namesakes cannot be told apart, nor are those living there looked up.
4. No other candidate could be meant. A rival has a like birth date and a like family name or the address given, or
   a like name and the address given where the first fits less in address or given name. Every rival must be told apart
   from the first: by a plainly different given name where the first's agrees, or by living elsewhere where the first's
   address agrees. And nobody else fits as well on everything but the number: it may have been taken from the wrong one.

**Unknown** when no candidate scores above `MatchSettings.floor` and none has the number given. Whoever has the number
is always shown. **Unsure** is all the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from hub.domain import evidence
from hub.domain.evidence import GIVEN, Asked, Finding
from hub.domain.names import Given
from hub.domain.people import Claim, Participant
from hub.domain.search_keys import search_keys

__all__ = ["Candidate", "Decision", "Finding", "MatchSettings", "decide", "search_keys"]

Place = Literal["agrees", "unclear", "next door", "elsewhere"]

_FULL = (GIVEN[Given.SAME], GIVEN[Given.FURTHER], GIVEN[Given.VARIANT])
_GIVEN_CONTRADICTS = {
    Given.DIFFERENT: "The given name contradicts.",
    Given.NEAR: "The given name is near, but not the same.",
    Given.MIDDLE_USED: "The given name is only a middle name on the other side.",
    Given.MIDDLE_DIFFERS: "The middle names contradict.",
}
_CONTRADICTIONS = {id(GIVEN[given]): why for given, why in _GIVEN_CONTRADICTS.items()}


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """What is a matter of judgement.

    `moved_is_automatic`: whether a claim from a wholly different address may be automatic if the given names are those
    on record and a postcode is given, by which whoever lives there was looked up. Doubt: how many addresses on record
    are out of date is not known to us; if it is many, clerks will ask for this, at the price said above.
    `floor`: the score a candidate must exceed to be shown; `most_shown`: how many are.
    """

    moved_is_automatic: bool = False
    floor: float = 0.33
    most_shown: int = 20


DEFAULT_SETTINGS = MatchSettings()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A participant who might be meant. `score` is 0 to 1: the points of the findings added up."""

    participant_id: str
    score: float
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Decision:
    """`participant_id` is set if and only if `kind` is `automatic`. `why` is one sentence without values."""

    kind: Literal["automatic", "unsure", "unknown"]
    participant_id: str | None
    candidates: tuple[Candidate, ...]
    why: str


@dataclass(slots=True)
class _Compared:
    """One candidate compared with the claim."""

    participant_id: str
    findings: tuple[Finding, ...]
    points: float
    place: Place

    @property
    def number(self) -> Finding:
        return self.findings[0]

    @property
    def born(self) -> Finding:
        return self.findings[1]

    @property
    def family(self) -> Finding:
        return self.findings[2]

    @property
    def given(self) -> Finding:
        return self.findings[3]

    @property
    def postcode(self) -> Finding:
        return self.findings[4]

    @property
    def sex(self) -> Finding:
        return self.findings[6]

    @property
    def points_without_number(self) -> float:
        return self.points - self.number.points


def decide(claim: Claim, candidates: Sequence[Participant], settings: MatchSettings = DEFAULT_SETTINGS) -> Decision:
    """Decide whose result it is among the participants found by `search_keys`; their order does not matter."""
    asked = Asked.of(claim)
    distinct = {participant.participant_id: participant for participant in candidates}
    compared = [_compare(asked, participant) for participant in distinct.values()]
    compared.sort(key=lambda one: (-one.points, one.participant_id))
    owners = [one for one in compared if one.number is evidence.NUMBER_AGREES]
    shown = _shown(compared, settings)
    if not shown:
        return Decision("unknown", None, (), "Nobody of the cohort fits.")
    if len(owners) != 1:
        return Decision("unsure", None, shown, _why_no_owner(asked, owners))
    others = [one for one in compared if one is not owners[0]]
    doubt = _missing_agreement(owners[0]) or _contradiction(owners[0], settings) or _somebody_else(owners[0], others)
    if doubt:
        return Decision("unsure", None, shown, doubt)
    return Decision(
        "automatic", owners[0].participant_id, shown, "NHS number, date of birth and name agree; nothing contradicts."
    )


def _compare(asked: Asked, participant: Participant) -> _Compared:
    family = evidence.compare_family(asked, participant)
    swapped = family is evidence.FAMILY_SWAPPED
    findings = (
        evidence.compare_number(asked, participant),
        evidence.compare_birth(asked, participant),
        family,
        evidence.GIVEN_SWAPPED if swapped else evidence.compare_given(asked, participant),
        evidence.compare_postcode(asked, participant),
        evidence.compare_address(asked, participant),
        evidence.compare_sex(asked, participant),
    )
    points = sum([finding.points for finding in findings])
    return _Compared(participant.participant_id, findings, points, _place(findings[4], findings[5]))


def _place(postcode: Finding, address: Finding) -> Place:
    """Where the claim's address stands to the participant's, postcode and street taken together.

    House and street alone do not make up for another postcode, every town has its Church Lane; the whole address does.
    """
    if postcode.verdict == "differs":
        return "unclear" if address is evidence.ADDRESS_SAME else "elsewhere"
    if address is evidence.ADDRESS_NEXT_DOOR:
        return "next door"
    if address.verdict == "differs" and postcode is not evidence.POSTCODE_AGREES:
        return "elsewhere"
    if address is evidence.ADDRESS_DIFFERS:
        return "next door"
    if address is evidence.ADDRESS_STREET:
        return "unclear"
    return "agrees" if "agrees" in (postcode.verdict, address.verdict) else "unclear"


def _shown(compared: Iterable[_Compared], settings: MatchSettings) -> tuple[Candidate, ...]:
    """The candidates worth showing, best first. Whoever has the number given is, whatever else speaks against her."""
    worth = [one for one in compared if one.points > settings.floor or one.number is evidence.NUMBER_AGREES]
    kept = worth[: settings.most_shown] + [
        one for one in worth[settings.most_shown :] if one.number is evidence.NUMBER_AGREES
    ]
    return tuple(Candidate(one.participant_id, round(min(max(one.points, 0.0), 1.0), 4), one.findings) for one in kept)


def _why_no_owner(asked: Asked, owners: Sequence[_Compared]) -> str:
    if owners:
        return "More than one participant has the NHS number given."
    if not asked.number:
        return "No NHS number was given."
    return (
        "No participant has the NHS number given."
        if asked.number_counts
        else "The NHS number given is not a valid one."
    )


def _missing_agreement(owner: _Compared) -> str:
    if owner.born.verdict != "agrees":
        return "The date of birth does not agree with the NHS number."
    return "" if owner.family.verdict == "agrees" else "The family name does not agree with the NHS number."


def _contradiction(owner: _Compared, settings: MatchSettings) -> str:
    """What contradicts although number, date of birth and family name agree; empty if nothing does."""
    if owner.sex is evidence.SEX_DIFFERS:
        return "The sex contradicts."
    if id(owner.given) in _CONTRADICTIONS:
        return _CONTRADICTIONS[id(owner.given)]
    if owner.place == "next door":
        return "The address is a neighbour's."
    if owner.given is not GIVEN[Given.SAME] and (
        owner.place != "agrees" or owner.postcode is not evidence.POSTCODE_AGREES
    ):
        return "Without a postcode that agrees, the given names are too little."
    if owner.place == "elsewhere" and not _may_have_moved(owner, settings):
        return "The address is another one."
    return ""


def _may_have_moved(owner: _Compared, settings: MatchSettings) -> bool:
    return settings.moved_is_automatic and owner.postcode is not evidence.POSTCODE_MISSING


def _somebody_else(owner: _Compared, others: Iterable[_Compared]) -> str:
    """Why another candidate could be the one meant; empty if nobody could."""
    for other in others:
        if _is_rival(owner, other) and not _told_apart(owner, other):
            return "Another person like this one is not told apart."
        if other.points_without_number >= owner.points_without_number:
            return "Another person fits as well, but for the NHS number."
    return ""


def _is_rival(owner: _Compared, other: _Compared) -> bool:
    alike = ("agrees", "similar")
    if other.born.verdict in alike:
        return other.family.verdict in alike or other.place == "agrees"
    fits_better = owner.place != "agrees" or other.given.points > owner.given.points
    return fits_better and other.place == "agrees" and other.family.verdict in alike


def _told_apart(owner: _Compared, other: _Compared) -> bool:
    """By a given name plainly different from the one that agrees, or by an address where only the owner's agrees."""
    if owner.given not in (*_FULL, GIVEN[Given.INITIAL]):
        return False
    if other.given is GIVEN[Given.DIFFERENT]:
        return True
    return (
        owner.place == "agrees"
        and other.place in ("next door", "elsewhere")
        and other.given.points <= owner.given.points
        and other.family.points <= owner.family.points
    )
