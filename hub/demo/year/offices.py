"""Those who work with the hub in a simulated year: practices with their lists, and CSAS with its decisions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from random import Random

from adapters.simulators.world.lives import Diary, Fate, Life, is_working_day, so_many
from hub.demo.year.hub import Hub
from hub.domain.dates import add_months
from hub.flow import actions
from hub.flow.actions import Signed
from hub.flow.clerks import Refused
from hub.flow.ports.recall import NotificationRow
from hub.flow.ports.store import Transaction
from hub.flow.step import Step
from hub.mapping.actions import load_actions

LIMIT = 5_000
ANSWERS = {"invite": 0.22, "defer": 0.02, "cease": 0.006, "": 0.754}
"""What a practice says of somebody on its list; mostly nothing."""
CSAS_A_YEAR = {"defer": 0.01, "cease": 0.006, "reinstate": 0.001}
TAKEN_BACK = 0.03
REASONS_TO_CEASE = ("informed-choice", "no-cervix", "mental-capacity", "radiotherapy")
WHY = "As she asked."


def signed(number: int) -> Signed:
    """A clerk of CSAS, with a case of his own."""
    return Signed("csas.clerk", WHY, f"CAS-{number % 100_000:05}-YEAR{number % 10}")


class Practices:
    """Each looks at its list of those who are due once a week."""

    def __init__(self, hub: Hub, fate: Fate, practices: int) -> None:
        self.counts: Counter[str] = Counter()
        self._hub = hub
        self._fate = fate
        self._reasons = load_actions(hub.mappings / "actions.toml")
        self._codes = [f"Z99{number:03}" for number in range(1, practices + 1)]
        self._looked_on: defaultdict[str, date] = defaultdict(lambda: date.min)

    def work(self, on: date) -> None:
        if not is_working_day(on):
            return
        todays = [code for number, code in enumerate(self._codes) if number % 5 == on.weekday()]
        for row in self._listed(todays):
            answer = self._fate.of("practice", row.notification_id).choices(list(ANSWERS), list(ANSWERS.values()))[0]
            if answer:
                self._answer(row, answer, on)
        self._looked_on.update(dict.fromkeys(todays, on))

    def _listed(self, codes: list[str]) -> list[NotificationRow]:
        """Who has come onto their lists since they looked last."""
        since = self._looked_on

        def look(tx: Transaction) -> list[NotificationRow]:
            rows = (row for code in codes for row in tx.notifications.of_practice(code, "due", since[code], LIMIT))
            return [row for row in rows if row.listed_on > since[row.practice_code]]

        return self._hub.read(look)

    def _answer(self, row: NotificationRow, answer: str, on: date) -> None:
        by = Signed(f"practice {row.practice_code}", "Known to us.", practice_code=row.practice_code)
        reason = {"defer": "pregnancy", "cease": "no-cervix"}.get(answer, "")
        due_on = add_months(on, 11) if answer == "defer" else None
        try:
            self._hub.step(
                lambda step: actions.answer(
                    step, row.notification_id, answer, by, self._reasons, reason=reason, due_on=due_on
                )
            )
        except Refused:
            self.counts["refused"] += 1
        else:
            self.counts[answer] += 1


class Csas:
    """What CSAS decides about people, whoever asked for it; and what it takes back."""

    def __init__(self, hub: Hub, fate: Fate, lives: dict[str, Life]) -> None:
        self.counts: Counter[str] = Counter()
        self._hub = hub
        self._fate = fate
        self._lives = lives
        self._reasons = load_actions(hub.mappings / "actions.toml")
        self._ceased: list[str] = []
        self._mistakes: Diary[str] = Diary()

    def work(self, on: date) -> None:
        for action_id in self._mistakes.take(on):
            self._try("taken back", partial(actions.take_back, action_id=action_id, signed=signed(on.day)))
        ids = list(self._lives)
        for what, rate in CSAS_A_YEAR.items():
            chance = self._fate.of("csas", what, on)
            among = self._ceased if what == "reinstate" else ids
            for _ in range(so_many(chance, len(ids) * rate / 365) if among else 0):
                self._decide(what, chance.choice(among), chance, on)

    def _decide(self, what: str, participant_id: str, chance: Random, on: date) -> None:
        act, made = self._drawn(what, participant_id, chance, on), list[str]()
        if not self._try(what, lambda step: made.append(act(step))):
            return
        if what == "cease":
            self._ceased.append(participant_id)
        if chance.random() < TAKEN_BACK:
            self._mistakes.put(on + timedelta(days=chance.randrange(1, 10)), made[-1])

    def _drawn(self, what: str, participant_id: str, chance: Random, on: date) -> Callable[[Step], str]:
        """A decision with its reason and date."""
        by = signed(chance.randrange(100_000))
        if what == "defer":
            due_on = add_months(on, chance.randrange(4, 18))
            return partial(
                actions.defer,
                participant_id=participant_id,
                reason="wish",
                due_on=due_on,
                signed=by,
                actions=self._reasons,
            )
        if what == "cease":
            reason = chance.choices(REASONS_TO_CEASE, (60, 30, 5, 5))[0]
            return partial(
                actions.cease, participant_id=participant_id, reason=reason, signed=by, actions=self._reasons
            )
        due_on = on + timedelta(days=chance.randrange(75, 400))
        return partial(actions.reinstate, participant_id=participant_id, due_on=due_on, signed=by)

    def _try(self, what: str, work: Callable[[Step], object]) -> bool:
        return self._hub.allows(what, work, self.counts)
