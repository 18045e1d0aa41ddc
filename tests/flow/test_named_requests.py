"""A request that its sender has named is taken once and answered as it was, at however many processes."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from dataclasses import replace

from hub.errors import Retry
from hub.flow.answered import Answered
from hub.flow.intake import Intake
from hub.flow.ports.journal import Via
from tests.flow.conftest import NewStore
from tests.flow.scene import FEEDS, Scene

HTTP = Via("http", "lab.example", "hl7v2_oru", feed="northmoor")
AT_ONCE = 30


def named() -> Via:
    return replace(HTTP, request=str(uuid.uuid4()))


async def patiently(intake: Intake, raw: bytes, via: Via) -> Answered:
    """As a sender does who is told to wait."""
    for _ in range(20):
        try:
            return await intake.take(raw, via)
        except Retry:
            await asyncio.sleep(0.01)
    raise AssertionError("it is never taken")


async def test_the_same_again_is_answered_as_it_was_whatever_has_changed(scene: Scene) -> None:
    """A refusal too: under mended tables the same bytes are read anew only where they come as a new request."""
    raw = scene.message(scene.person(), scene.result(slide_number="x"))
    via = named()
    first = await scene.intake.take(raw, via)
    again = await scene.intake.take(raw, via)
    assert (first.code, again.code, again.repeated, again.body) == ("AE", "AE", True, first.body)
    anew = await scene.intake.take(raw, named())
    assert anew.body != first.body
    assert anew.journal_seq == first.journal_seq
    (entry,) = scene.read(lambda tx: tx.journal.newest(5))
    assert (entry.repeats, len(scene.read(lambda tx: tx.journal.replies(entry.seq)))) == (1, 2)


async def test_other_bytes_under_its_name_are_not_taken(scene: Scene) -> None:
    via = named()
    one, other = (scene.message(scene.person(), scene.result()) for _ in range(2))
    together = await asyncio.gather(*(scene.intake.take(raw, via) for raw in (one, other, one)))
    assert [answered.conflict for answered in together] == [False, True, False]
    assert [answered.repeated for answered in together] == [False, False, True]
    later = await scene.intake.take(other, via)
    assert later.conflict
    assert len(scene.read(lambda tx: tx.journal.newest(5))) == 1
    free = await scene.intake.take(other, HTTP)
    assert (free.code, free.repeated) == ("AA", False), "without that name it is a message like any other"


async def test_two_processes_take_one_of_a_name(new_store: NewStore) -> None:
    with new_store() as here, new_store() as there:
        scenes = [Scene(here), Scene(there)]
        intakes = [scene.intake_with(FEEDS) for scene in scenes]
        person = scenes[0].person()
        names = [named() for _ in range(AT_ONCE)]
        sent = [(intake, scenes[0].message(person, scenes[0].result()), via) for via in names for intake in intakes]
        answers = await asyncio.gather(*(patiently(*each) for each in sent))
        taken = Counter(
            via.request for (_, _, via), answered in zip(sent, answers, strict=True) if not answered.conflict
        )
        assert set(taken.values()) == {1} and len(taken) == AT_ONCE
        assert len(here.read_now(lambda tx: tx.journal.newest(1000))) == AT_ONCE
