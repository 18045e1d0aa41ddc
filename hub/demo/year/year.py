"""The days of a simulated year, one after the other, and its account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

from adapters.simulators.people import PeopleMaker, postcodes_for, synthetic_cohort
from adapters.simulators.world import clinic as clinics
from adapters.simulators.world.clinic import Clinic
from adapters.simulators.world.laboratories import FEEDS, Laboratories, Sending
from adapters.simulators.world.lives import FIRST_CALLED_MONTHS, Diary, Fate, Life, of_practices, so_many
from adapters.simulators.world.register import News, Register
from hub.config import Settings
from hub.demo.year.clerks import Clerks, Truth
from hub.demo.year.hub import Hub, moment
from hub.demo.year.offices import Csas, Practices
from hub.demo.year.proof import FOLDED_AGAIN, Books, complaints, not_as_folded, places_of
from hub.domain.dates import months_of_age
from hub.domain.events import LetterWished
from hub.domain.people import Participant
from hub.errors import CannotRun
from hub.flow.cohort_import import take_people
from hub.flow.demographics import apply_demographics
from hub.flow.failsafe import failsafe_at
from hub.flow.ports.journal import Via
from hub.flow.recall_run import RecallRun

PEOPLE_TO_A_PRACTICE = 250
MOST_PRACTICES = 399
TAKEN_AT_ONCE = 2_000
TURNS_UP_UNASKED = 0.008
"""Of one person in a year: a sample though nobody has called her."""
COMES = {"PA1": 0.48, "PA3": 0.3, "PA2": 0.3, "PA4": 0.15}
"""Of those who get that letter."""
MATCHES_DOUBTED = 0.001
BEGINS_ON = date(2026, 1, 5)
MESH, MLLP = "mesh", "mllp"


@dataclass(frozen=True, slots=True)
class Plan:
    """Which year. `people` is the cohort on its first day."""

    people: int
    seed: int
    days: int = 365
    begins_on: date = BEGINS_ON


@dataclass(slots=True)
class Account:
    """What came of it. `steps`: those of call and recall; `complaints`: what is not as it should be, with its day."""

    plan: Plan
    steps: Counter[str] = field(default_factory=Counter)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "people": self.plan.people,
            "seed": self.plan.seed,
            "begins_on": self.plan.begins_on.isoformat(),
            "days": self.plan.days,
            "steps": dict(sorted(self.steps.items())),
            **self.counts,
            "complaints": self.complaints,
            "holds": not self.complaints,
        }


async def simulate_year(settings: Settings, plan: Plan, advance: Callable[[], object]) -> Account:
    """The whole of it, on an empty store; `advance` hears of each day. Raises CannotRun."""
    year = Year(Hub.on(settings, plan.begins_on), plan)
    async with year.hub.at_work():
        year.begin()
        for number in range(plan.days):
            await year.day(plan.begins_on + timedelta(days=number))
            advance()
        return year.end()


class Year:
    """One year on its way."""

    def __init__(self, hub: Hub, plan: Plan) -> None:
        fate = Fate(plan.seed)
        practices = min(MOST_PRACTICES, max(1, plan.people // PEOPLE_TO_A_PRACTICE))
        people = [_as_called(person, fate, plan.begins_on) for person in _cohort(plan, practices)]
        self.hub = hub
        self.account = Account(plan)
        self._fate = fate
        self._lives = {person.participant_id: Life(person) for person in people}
        self._books = Books(self._lives)
        self._truth = Truth()
        strangers = PeopleMaker(plan.seed, plan.begins_on, postcodes_for(plan.people), "998")
        maker = PeopleMaker(plan.seed + 1_000_003, plan.begins_on, postcodes_for(plan.people))
        self._register = Register(fate, self._lives, maker, practices)
        self._laboratories = Laboratories(fate, [strangers.person() for _ in range(50)])
        self._clinic = Clinic(fate)
        self._practices = Practices(hub, fate, practices)
        self._csas = Csas(hub, fate, self._lives)
        self._clerks = Clerks(hub, fate, self._truth)
        self._samples: Diary[Life] = Diary()
        self._proven_since = plan.begins_on

    def begin(self) -> None:
        """The cohort comes. Only into an empty store: these people do not exist."""
        if missing := {*FEEDS, clinics.FEED} - self.hub.feeds:
            raise CannotRun(f"The simulated year needs the feeds {', '.join(sorted(missing))}: see HUB_MAPPINGS.")
        if self.hub.read(lambda tx: tx.cohort.count() or tx.journal.newest(1)):
            raise CannotRun("This store holds something already. A simulated year wants an empty one: --data DIR.")
        people = [life.person for life in self._lives.values()]
        for first in range(0, len(people), TAKEN_AT_ONCE):
            self._join(people[first : first + TAKEN_AT_ONCE])

    def _join(self, people: list[Participant]) -> None:
        self.hub.step(lambda step: take_people(step, people))
        self._books.joined += len(people)
        self._truth.numbers.update((person.nhs_number, person.participant_id) for person in people)

    async def day(self, on: date) -> None:
        """From the night's run to the evening."""
        self._night(on)
        self._morning(on)
        await self._noon(on)
        await self._afternoon(on)
        if (on + timedelta(days=1)).day == 1:
            self._prove(on)

    def _night(self, on: date) -> None:
        self.hub.now = moment(on, 2)
        report = RecallRun(self.hub.store.write_now, self.hub.policies, lambda: self.hub.now, on).run()
        self.account.steps.update(report.taken)

    def _morning(self, on: date) -> None:
        """The register tells, the post comes, practices and CSAS decide."""
        self.hub.now = moment(on, 8)
        if newcomers := self._register.newcomers(on):
            self._join(newcomers)
        news = self._register.news(on)
        self._truth.numbers.update((each.demographics.nhs_number, self._bearer(each)) for each in news)
        told = [(each.demographics, each.superseded) for each in news]
        self.hub.steps([partial(apply_demographics, demographics=now, superseded=before) for now, before in told])
        for letter in self.hub.letters():
            self._comes(letter, on)
        self.hub.now = moment(on, 10)
        self._practices.work(on)
        self._csas.work(on)

    def _bearer(self, news: News) -> str:
        """Who bears the number from now on."""
        known = self._truth.numbers
        return known.get(news.demographics.nhs_number) or known[news.superseded]

    def _comes(self, letter: LetterWished, on: date) -> None:
        """Who is invited or reminded has a sample taken some weeks later, or has not."""
        life, chance = self._lives[letter.participant_id], self._fate.of("comes", letter.letter_id)
        if letter.code in COMES and chance.random() < COMES[letter.code]:
            self._samples.put(on + timedelta(days=chance.randrange(7, 80)), life)

    async def _noon(self, on: date) -> None:
        """Samples are taken; the clinic sees people, and sends its list."""
        self.hub.now = moment(on, 12)
        for life in self._clinic.seen(on):
            self._laboratories.sample(life, on, source_type="7")
        for life in [*self._samples.take(on), *self._unasked(on)]:
            self._laboratories.sample(life, on)
        self._clinic.discharges(on)
        if listed := self._clinic.list_of(on):
            raw, rows = listed
            via = Via(MESH, "X26FELLGATE", "colposcopy_discharge", feed=clinics.FEED,
                      file=f"fellgate-discharges-{on:%Y%m}.csv")  # fmt: skip
            await self.hub.take([(raw, via)])
            self._books.discharges += rows

    def _unasked(self, on: date) -> Sequence[Life]:
        chance, ids = self._fate.of("unasked", on), list(self._lives)
        return [self._lives[chance.choice(ids)] for _ in range(so_many(chance, len(ids) * TURNS_UP_UNASKED / 365))]

    async def _afternoon(self, on: date) -> None:
        """The laboratories report; the clerks decide on what waited since yesterday."""
        self.hub.now = moment(on, 15)
        sendings = self._laboratories.reports(on)
        via = Via(MLLP, "simulated", "hl7v2_oru", address="127.0.0.1")
        answers = await self.hub.take([(sending.raw, via) for sending in sendings])
        for sending, answered in zip(sendings, answers, strict=True):
            if (answered.code == "AA") != sending.right:
                self._complain(on, f"{sending.feed}: a message was answered {answered.code}")
            elif sending.right and not answered.repeated:
                self._taken(sending, on)
        self.hub.now = moment(on, 17)
        self._clerks.work(on)
        await self.hub.catch_up()

    def _taken(self, sending: Sending, on: date) -> None:
        self._books.results += 1
        self._books.lists.setdefault((sending.feed, on), []).append(sending.slide_number)
        self._truth.slides[sending.laboratory_code, sending.slide_number] = sending.whose
        if sending.refers and sending.whose:
            self._clinic.refer(self._lives[sending.whose], on)
        if self._fate.of("doubted", sending.feed, sending.slide_number, on).random() < MATCHES_DOUBTED:
            self._clerks.undo_automatic(sending.result_id)

    # -- the account

    def _prove(self, on: date) -> None:
        self.hub.now = moment(on, 23)
        for complaint in complaints(self.hub, self._books, self._proven_since):
            self._complain(on, complaint)
        self._proven_since = on + timedelta(days=1)
        self._books.lists.clear()

    def _complain(self, on: date, complaint: str) -> None:
        self.account.complaints.append(f"{on}: {complaint}")

    def end(self) -> Account:
        """The last proof, and what came of it all."""
        last = self.account.plan.begins_on + timedelta(days=self.account.plan.days - 1)
        self._prove(last)
        chosen = self._fate.of("folded again").sample(list(self._lives), min(FOLDED_AGAIN, len(self._lives)))
        for complaint in not_as_folded(self.hub, chosen):
            self._complain(last, complaint)
        found = self.hub.read(lambda tx: failsafe_at(tx, self.hub.now, self.hub.policies.discharge))
        held = self.hub.read(lambda tx: tx.counts.letters_held())
        self.account.counts = {
            "register": _told(self._register.counts),
            "laboratories": _told(self._laboratories.counts) | {"results taken": self._books.results},
            "colposcopy": _told(self._clinic.counts) | {"rows listed": self._books.discharges},
            "discharges": self.hub.read(lambda tx: tx.discharges.counts()),
            "practices": _told(self._practices.counts),
            "csas": _told(self._csas.counts),
            "clerks": _told(self._clerks.counts),
            "results": self.hub.read(lambda tx: tx.counts.results()),
            "letters": self.hub.read(lambda tx: tx.counts.letters()) | held,
            "open tasks": self.hub.read(lambda tx: tx.counts.parked()),
            "places": dict(places_of(found)),
        }
        return self.account


def _told(counts: Counter[str]) -> dict[str, int]:
    return {name: count for name, count in sorted(counts.items()) if count}


def _cohort(plan: Plan, practices: int) -> list[Participant]:
    try:
        cohort = synthetic_cohort(plan.people, plan.seed, plan.begins_on)
    except ValueError as error:
        raise CannotRun(str(error)) from None
    return [of_practices(person, practices) for person in cohort]


def _as_called(person: Participant, fate: Fate, on: date) -> Participant:
    """With a date as a cohort in the middle of its work has them: a few are overdue, most lie in the next years. Who is
    too young has none: she is first called when it is time."""
    weeks = fate.of("due", person.participant_id).randrange(-8, 118)
    due_on = None if months_of_age(person.date_of_birth, on) < FIRST_CALLED_MONTHS else on + timedelta(weeks=weeks)
    return replace(person, next_test_due_on=due_on)
