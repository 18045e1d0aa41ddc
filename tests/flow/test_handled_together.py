"""Events handled in one transaction come out as if they had been handled one after another, whoever they are about."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from adapters.simulators.laboratory import claim_of
from hub.contract import Envelope
from hub.domain.people import Participant
from hub.flow.consumers import RECORDS
from hub.flow.handlers import handle
from hub.flow.worker import Job, Worker
from hub.io.store import open_store
from tests.flow.conftest import NewStore
from tests.flow.scene import Scene, corrected, misspelt, withdrawn

PEOPLE, MESSAGES = 4, 24


def a_tangle(scene: Scene, random: Random) -> tuple[list[Participant], list[bytes]]:
    """Messages about few people and fewer slides: first reports, corrections, withdrawals, second reports of a slide,
    claims that fit nobody; in an order of chance."""
    people = [scene.person() for _ in range(PEOPLE)]
    messages: list[bytes] = []
    while len(messages) < MESSAGES:
        person, other = random.choice(people), random.choice(people)
        first = scene.result(random.choice(("X0A", "39S", "29S")))
        messages.append(scene.message(person, first))
        more = {
            "correction": lambda p=person, r=first: scene.message(p, corrected(r, "39S")),
            "withdrawal": lambda p=person, r=first: scene.message(p, withdrawn(r)),
            "another's": lambda p=other, r=first: scene.message(p, replace(r, result_code="2")),
            "misspelt": lambda p=person, r=first: scene.message(misspelt(p), corrected(r)),
            "stranger": lambda r=first: scene.message(
                replace(claim_of(scene.stranger()), nhs_number=None), replace(r, slide_number=r.slide_number)
            ),
            "older": lambda p=person: scene.message(p, scene.result("XUR")),
        }
        messages += [more[kind]() for kind in random.sample(sorted(more), random.randint(0, 3))]
    random.shuffle(messages)
    return people, messages


async def handled(scene: Scene, seed: int, size: int) -> Any:
    """What comes of the tangle when so many events are handled in one transaction."""
    people, messages = a_tangle(scene, Random(seed))
    envelopes: list[Envelope] = []
    for raw in messages:
        await scene.send(raw)
        envelopes += scene.envelopes_of(raw)
    worker = Worker(scene.store, scene.conveyor, scene.context, RECORDS, lambda: None)
    for first in range(0, len(envelopes), size):
        some = envelopes[first : first + size]
        if size > 1:
            await scene.store.write(lambda tx, jobs=some: worker.work_off(tx, [Job(each) for each in jobs]))
        else:  # nothing is read ahead
            await scene.store.write(lambda tx, one=some[0]: handle(tx, one, scene.context))
    endings = sorted((envelope.subject, scene.ending(envelope.subject)) for envelope in envelopes)
    return endings, scene.standing(*people), scene.read(lambda tx: (tx.counts.letters(), tx.counts.letters_held()))


@pytest.mark.parametrize("seed", range(6))
async def test_together_as_one_after_another(new_store: NewStore, tmp_path: Any, seed: int) -> None:
    with new_store() as store:
        together = await handled(Scene(store), seed, 16)
    alone_store = open_store(tmp_path)
    alone = await handled(Scene(alone_store), seed, 1)
    alone_store.close_now()
    assert together == alone
