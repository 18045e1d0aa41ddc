"""The same place of a message read again under other tables: what follows, and what a clerk has decided stays."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from hub.contract import result_identity
from hub.domain.people import Participant
from hub.mapping import FeedTable, FeedTables
from tests.flow.scene import FEEDS, Scene

SPOILT = b"HPVNOT"


def knowing_the_code() -> FeedTables:
    """Southwick's table with the code that was missing."""
    return FeedTables(tuple(_mended(table) if table.feed == "southwick" else table for table in FEEDS))


def _mended(table: FeedTable) -> FeedTable:
    hpv = {**table.codes["hpv"], SPOILT.decode(): "0"}
    return msgspec.structs.replace(table, codes={**table.codes, "hpv": hpv})


def calling_it_positive() -> FeedTables:
    """Southwick's table as if it had been wrong all the time: HPVNEG is positive."""
    return FeedTables(tuple(_turned(table) if table.feed == "southwick" else table for table in FEEDS))


def _turned(table: FeedTable) -> FeedTable:
    codes = {**table.codes, "hpv": {"HPVNEG": "9"}, "action": {**table.codes["action"], "RR": "S"}}
    return msgspec.structs.replace(table, codes=codes)


async def told(scene: Scene, person: Participant, spoilt: bool = False) -> tuple[bytes, str]:
    """A report from Southwick; its bytes and its result's id."""
    raw = scene.message(person, scene.result(feed="southwick"), feed="southwick")
    raw = raw.replace(b"HPVNEG", SPOILT) if spoilt else raw
    assert (await scene.send(raw)).code == "AA"
    await scene.settle()
    return raw, result_identity("southwick", hashlib.sha256(raw).hexdigest(), "1.1")


async def test_a_mended_table_heals_what_waited_for_it(scene: Scene) -> None:
    person = scene.person()
    raw, result_id = await told(scene, person, spoilt=True)
    assert scene.ending(result_id) == "our-table"
    await scene.read_again(raw, knowing_the_code())
    assert scene.ending(result_id) == "recorded"
    assert scene.codes_of(person) == ["X0A"]
    (closed,) = scene.tasks_of(result_id)
    assert (closed.outcome, closed.closed_by) == ("read again", "hub")
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 1}


async def test_under_unchanged_tables_nothing_happens(scene: Scene) -> None:
    person = scene.person()
    raw, result_id = await told(scene, person)
    before = scene.events(result_id, person.participant_id)
    await scene.read_again(raw, FEEDS)
    assert scene.events(result_id, person.participant_id) == before


async def test_another_reading_takes_the_place_of_the_first_on_the_record(scene: Scene) -> None:
    person = scene.person()
    raw, result_id = await told(scene, person)
    await scene.read_again(raw, calling_it_positive())
    assert scene.codes_of(person) == ["X9S"]
    assert scene.letters_of(person) == {"PX9S": "wished"}
    assert scene.ending(result_id) == "recorded"
    assert len(scene.record_of(person)["results"]) == 1


@pytest.mark.parametrize("decision", ["matched", "rejected"])
async def test_nothing_a_clerk_has_decided_is_undone_by_reading_again(scene: Scene, decision: str) -> None:
    person = scene.person()
    raw, result_id = await told(scene, person)
    scene.undo_automatic(result_id)
    if decision == "matched":
        scene.match(result_id, person)
    else:
        scene.reject(result_id)
    before = (scene.ending(result_id), scene.codes_of(person), scene.letters_of(person))
    await scene.read_again(raw, calling_it_positive())
    assert (scene.ending(result_id), scene.codes_of(person), scene.letters_of(person)) == before


async def test_a_person_ruled_out_stays_ruled_out_however_the_message_is_read(scene: Scene) -> None:
    person = scene.person()
    raw, result_id = await told(scene, person)
    scene.undo_automatic(result_id)
    await scene.read_again(raw, calling_it_positive())
    assert scene.ending(result_id) == "unsure"
    assert scene.codes_of(person) == []


async def test_letters_that_waited_for_the_first_reading_are_released(scene: Scene) -> None:
    """Read first, the result spoke against her history; read again, it does not."""
    person = scene.person()
    await scene.report(person, scene.result("39S"))
    raw, result_id = await told(scene, person)
    assert scene.ending(result_id) == "invalid-return-to-routine"
    await scene.read_again(raw, calling_it_positive())
    assert scene.ending(result_id) == "recorded"
    assert set(scene.letters_of(person).values()) == {"wished"}
