"""A laboratory's day: an endless stream of reports with as many mistakes as wanted. The same seed, the same bytes.

Mistakes are those laboratories make: something missing, a date that is none, a code nobody agreed on, a mistyped NHS
number, a control id used twice, a message sent again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

from adapters.simulators.laboratory import claim_of, laboratory_code, report, slide_number
from hub.domain.events import TestResult
from hub.domain.people import Claim, Participant
from hub.flow.variation import BAD_DATE, MISSING, UNKNOWN_CODE, WRONG_CHECK_DIGIT

RIGHT, RESEND = "right", "sent again"
DUPLICATE_CONTROL_ID = "duplicate control id"
MISTAKES = (MISSING, BAD_DATE, UNKNOWN_CODE, WRONG_CHECK_DIGIT, DUPLICATE_CONTROL_ID, RESEND)
REFUSED = frozenset({MISSING, BAD_DATE})
"""What every hub must answer AE. The others are taken, and may become a clerk's task."""
_SHARES = {"X0A": 870, "29R": 60, "39S": 30, "79S": 12, "89S": 10, "19R": 8, "XUR": 5, "49S": 4, "69S": 1}
_MONTHS = {"29R": 12, "19R": 3, "XUR": 3}
_SLIDES = 100_000


@dataclass(frozen=True, slots=True)
class Planned:
    """One message to send, and which mistake is in it (or `right`). `name` is what its sender calls the file."""

    raw: bytes
    kind: str
    name: str = ""


def planned(
    random: Random, errors: float, mistakes: Sequence[str], message: Callable[[str, int], Planned]
) -> Iterator[Planned]:
    """Without end. `message` makes the one of this number, counted from 1, with this mistake in it."""
    last, number = None, 0
    while True:
        kind = random.choice(mistakes) if random.random() < errors else RIGHT
        if kind == RESEND and last:
            yield replace(last, kind=RESEND)
            continue
        number += 1
        if kind in (RESEND, DUPLICATE_CONTROL_ID) and number == 1:
            kind = RIGHT  # there is nothing before it
        last = message(kind, number)
        yield last


def traffic(feed: str, people: Sequence[Participant], seed: int, errors: float, on: date) -> Iterator[Planned]:
    """Without end. `errors` is the share of messages with a mistake, 0 to 1; `on` is the day on which they are sent."""
    random = Random(f"traffic {feed} {seed}")
    return planned(random, errors, MISTAKES, _Day(feed, people, random, seed, on, random.randrange(_SLIDES)).message)


@dataclass(slots=True)
class _Day:
    feed: str
    people: Sequence[Participant]
    random: Random
    seed: int
    on: date
    first_slide: int

    def message(self, kind: str, number: int) -> Planned:
        claim = claim_of(self.random.choice(self.people))
        result = self._result((self.first_slide + number) % _SLIDES)
        if kind == MISSING:
            result = replace(result, slide_number="")
        elif kind == UNKNOWN_CODE:
            result = replace(result, result_code="?")
        elif kind == WRONG_CHECK_DIGIT:
            claim = _mistyped(claim)
        before = kind == DUPLICATE_CONTROL_ID
        control_id = f"SIM{self.seed}-{self.feed[:2].upper()}{number - before:06}"
        raw = report(self.feed, claim, result, control_id, self._at(number))
        return Planned(_without_a_date(raw, result.test_on) if kind == BAD_DATE else raw, kind)

    def _result(self, slide: int) -> TestResult:
        codes = self.random.choices(list(_SHARES), list(_SHARES.values()))[0]
        tested_on = self.on - timedelta(days=self.random.randrange(7, 20))
        return TestResult(
            laboratory_code=laboratory_code(self.feed),
            slide_number=slide_number(self.feed, tested_on.year, slide),
            test_on=tested_on,
            authorised_at=datetime.combine(self.on - timedelta(days=1), time(8), UTC)
            + timedelta(seconds=self.random.randrange(36_000)),
            result_code=codes[0],
            infection_code=codes[1],
            action_code=codes[2],
            repeat_months=_MONTHS.get(codes),
            source_type="1",
            sender_code=f"Z99{self.random.randrange(1, 400):03}",
            sample_taker_code=f"C99{self.random.randrange(1, 400):03}",
        )

    def _at(self, number: int) -> datetime:
        """Seconds of the day run with the messages."""
        return datetime.combine(self.on, time(), UTC) + timedelta(seconds=number % 86_400)


def _mistyped(claim: Claim) -> Claim:
    number = claim.nhs_number or "9990000000"
    return replace(claim, nhs_number=number[:-1] + str((int(number[-1]) + 1) % 10))


def _without_a_date(raw: bytes, day: date) -> bytes:
    """The day of the test with a month that no year has, however this laboratory writes it."""
    for form, spoilt in (("%Y%m%d", "%Y13%d"), ("%d/%m/%Y", "%d/13/%Y")):
        raw = raw.replace(day.strftime(form).encode(), day.strftime(spoilt).encode())
    return raw
