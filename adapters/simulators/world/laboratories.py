"""The laboratories of a simulated year: samples come in, reports go out some days later, some wrong, some corrected."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random

from adapters.simulators.laboratory import LABORATORIES, claim_of, laboratory_code, report, slide_number
from adapters.simulators.world.lives import FIRST_CALLED_MONTHS, Diary, Fate, Life, working_day
from hub.contract import result_identity
from hub.domain.codes import SUSPEND
from hub.domain.dates import add_months, months_of_age
from hub.domain.events import TestResult, Version
from hub.domain.people import Claim, Participant

FEEDS = tuple(LABORATORIES)
GARBLED, OF_STRANGERS, UNREADABLE, REPEATED, AGAIN = 0.012, 0.002, 0.004, 0.002, 0.006
"""Of the reports: the person misspelt, nobody of the cohort, refused at the door and mended; reported once more in
another message, the same bytes sent again."""
CORRECTED, WITHDRAWN, AGAINST_THE_RULES = 0.01, 0.002, 0.02
SELF_SAMPLES = 0.04
_MONTHS = {"29R": 12, "09R": 12, "XUR": 3, "19R": 3, "X9R": 3, "X0R": 12}
_REFERRED = ("39S", "89S", "79S", "49S", "99S", "69S", "59S")
_REFERRED_WEIGHTS = (52, 22, 14, 8, 2, 1, 1)


@dataclass(frozen=True, slots=True)
class Sending:
    """A message on its way. `whose` is the participant it is truly about; empty for somebody who is in no cohort.
    `refers`: it sends her to colposcopy. `right`: what it says can be taken."""

    feed: str
    raw: bytes
    slide_number: str
    whose: str
    refers: bool = False
    right: bool = True

    @property
    def laboratory_code(self) -> str:
        return laboratory_code(self.feed)

    @property
    def result_id(self) -> str:
        """As the hub names it, by the place from which it was read."""
        return result_identity(self.feed, hashlib.sha256(self.raw).hexdigest(), "1.1")


@dataclass(frozen=True, slots=True)
class _Report:
    """What is to be written. `life` is None for a stranger."""

    feed: str
    life: Life | None
    claim: Claim
    result: TestResult
    right: bool = True
    again: bool = False


class Laboratories:
    """All of them. `in_the_post`: reports that are not written yet."""

    def __init__(self, fate: Fate, strangers: list[Participant]) -> None:
        self.counts: Counter[str] = Counter()
        self._fate = fate
        self._strangers = strangers
        self._slides = {feed: count(fate.of("slides", feed).randrange(1, 2000)) for feed in FEEDS}
        self._control_ids = count(1)
        self._due: Diary[_Report] = Diary()

    def sample(self, life: Life, on: date, source_type: str = "1") -> None:
        """A sample of hers was taken, if she can have one; its report goes out six to twelve days later."""
        if life.gone or months_of_age(life.person.date_of_birth, on) < FIRST_CALLED_MONTHS:
            return
        self.counts["samples"] += 1
        chance = self._fate.of("sample", life.participant_id, on)
        feed = chance.choice(FEEDS)
        report_on = working_day(on + timedelta(days=chance.randrange(6, 13)))
        codes, self_sample = self._found(life, chance, on, source_type)
        number = slide_number(feed, on.year, next(self._slides[feed]))
        result = _result(feed, number, codes, on, report_on, chance)
        result = replace(result, self_sample=self_sample, source_type=source_type)
        self._due.put(report_on, self._written(feed, life, result, chance))
        self._correct_later(feed, life, result, report_on, chance)

    def reports(self, on: date) -> list[Sending]:
        """What goes out on a day, in the order in which it does."""
        sent = [(self._sending(one, on), one.again) for one in self._due.take(on)]
        return [sending for sending, again in sent for _ in range(1 + again)]

    # -- what is found

    def _found(self, life: Life, chance: Random, on: date, source_type: str) -> tuple[str, bool]:
        """The codes, and whether she took the sample herself. The laboratory knows her history and the rules; now and
        then it does not keep to them."""
        if source_type == "7":
            life.positives += 1
            return chance.choice(("29S", "X0S", "39S")), False
        if source_type == "1" and chance.random() < SELF_SAMPLES:
            return chance.choices(("X0A", "X9R", "XUH"), (88, 10, 2))[0], True
        careless = chance.random() < AGAINST_THE_RULES
        if chance.random() < 0.016:
            return self._inadequate(life, chance, careless=careless), False
        life.inadequates = 0
        if chance.random() > _likely_positive(life, on):
            life.positives = 0
            return ("X0R" if careless else "X0A"), False
        life.positives += 1
        if chance.random() < 0.58:
            return ("29S" if life.positives >= 3 and not careless else "29R"), False
        return chance.choices(_REFERRED, _REFERRED_WEIGHTS)[0], False

    def _inadequate(self, life: Life, chance: Random, *, careless: bool) -> str:
        life.inadequates += 1
        kind = chance.choice(("XU", "19"))
        return kind + ("S" if life.inadequates >= 2 and not careless else "R")

    # -- what is written

    def _written(self, feed: str, life: Life, result: TestResult, chance: Random) -> _Report:
        plain = _Report(feed, life, claim_of(life.person), result)
        kinds = ("of strangers", "garbled", "unreadable", "repeated", "again", "")
        shares = (OF_STRANGERS, GARBLED, UNREADABLE, REPEATED, AGAIN)
        kind = chance.choices(kinds, (*shares, 1 - sum(shares)))[0]
        self.counts[kind] += bool(kind)
        sent_on = result.authorised_at.date()
        if kind == "of strangers":
            return replace(plain, life=None, claim=claim_of(chance.choice(self._strangers)))
        if kind == "garbled":
            return replace(plain, claim=_garbled(plain.claim, chance))
        if kind == "unreadable":
            self._due.put(working_day(sent_on + timedelta(days=1)), plain)
            return replace(plain, result=replace(result, slide_number=""), right=False)
        if kind == "repeated":
            self._due.put(working_day(sent_on + timedelta(days=chance.randrange(1, 9))), plain)
        return replace(plain, again=kind == "again")

    def _correct_later(self, feed: str, life: Life, result: TestResult, report_on: date, chance: Random) -> None:
        kind = chance.random()
        if kind >= CORRECTED + WITHDRAWN:
            return
        on = working_day(report_on + timedelta(days=chance.randrange(3, 25)))
        issued = replace(result, authorised_at=datetime.combine(on, time(11), UTC))
        if kind < WITHDRAWN:
            self.counts["withdrawn"] += 1
            later = replace(issued, version=Version.WITHDRAWN)
        else:
            self.counts["corrected"] += 1
            codes = "X0A" if result.action_code == SUSPEND else chance.choice(("39S", "29R", "X0A"))
            later = replace(_coded(issued, codes), version=Version.CORRECTED, self_sample=False)
        self._due.put(on, _Report(feed, life, claim_of(life.person), later))

    def _sending(self, one: _Report, on: date) -> Sending:
        number = next(self._control_ids)
        at = datetime.combine(on, time(15), UTC) + timedelta(seconds=number % 3600)
        raw = report(one.feed, one.claim, one.result, f"Y{number:08}", at)
        refers = one.result.action_code == SUSPEND and one.result.version is not Version.WITHDRAWN
        whose = one.life.participant_id if one.life else ""
        return Sending(one.feed, raw, one.result.slide_number, whose, refers and one.right, one.right)


def _likely_positive(life: Life, on: date) -> float:
    if life.positives:
        return 0.45
    years = months_of_age(life.person.date_of_birth, on) / 12
    return 0.22 if years < 30 else 0.11 if years < 45 else 0.07


def _result(feed: str, number: str, codes: str, on: date, report_on: date, chance: Random) -> TestResult:
    plain = TestResult(
        laboratory_code=laboratory_code(feed),
        slide_number=number,
        test_on=on,
        authorised_at=datetime.combine(report_on, time(9), UTC) + timedelta(seconds=chance.randrange(3600)),
        sender_code=f"Z99{chance.randrange(1, 400):03}",
        sample_taker_code=f"C99{chance.randrange(1, 400):03}",
    )
    return _coded(plain, codes)


def _coded(result: TestResult, codes: str) -> TestResult:
    return replace(
        result,
        result_code=codes[0],
        infection_code=codes[1],
        action_code=codes[2],
        repeat_months=_MONTHS.get(codes),
    )


def _garbled(claim: Claim, chance: Random) -> Claim:
    """Her name misspelt, and her number lacking, mistyped or somebody else's."""
    number = claim.nhs_number or ""
    mistyped = number[:-1] + str((int(number[-1]) + 1) % 10)
    name = (claim.family_name or "") + chance.choice(("son", "e", "s"))
    born = claim.date_of_birth
    if born and chance.random() < 0.3:
        born = add_months(born, 1)
    return replace(claim, family_name=name, nhs_number=chance.choice((None, mistyped)), date_of_birth=born)
