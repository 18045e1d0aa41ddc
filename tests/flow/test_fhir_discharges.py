"""A discharge that comes as a FHIR message: on her record, once, however it is written; or before a clerk."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import Any

from hub.domain.events import DischargeReported
from hub.domain.people import Claim, Participant
from hub.flow.ports.journal import Via
from hub.flow.ports.results import DischargeRow
from hub.formats.fhir import read
from tests.flow.scene import Scene, misspelt
from tests.flow.test_discharges import DISCHARGED_ON, IN_A_YEAR, due, referred, row, send
from tests.golden_cases import CASES

DOOR = Via("http", "fhir.thornmere.example", "fhir_discharge", feed="thornmere")


def written(person: Claim | Participant, due_on: date = IN_A_YEAR, on: date = DISCHARGED_ON) -> bytes:
    """What the clinic's system writes of her: its golden message with her in it."""
    (case,) = (each for each in CASES if each.sentence == "a discharge, her next test in three years")
    tree: dict[str, Any] = json.loads(case.raw)
    of = {entry["resource"]["resourceType"]: entry["resource"] for entry in tree["entry"]}
    assert person.date_of_birth
    of["Patient"]["identifier"] = [{"system": "https://fhir.nhs.uk/Id/nhs-number", "value": person.nhs_number}]
    of["Patient"]["name"] = [{"use": "official", "family": person.family_name, "given": list(person.given_names)}]
    of["Patient"]["birthDate"] = person.date_of_birth.isoformat()
    del of["Patient"]["address"]
    of["EpisodeOfCare"]["period"] = {"end": on.isoformat()}
    of["Encounter"]["period"] = {"start": on.isoformat()}
    of["ServiceRequest"]["occurrenceDateTime"] = due_on.isoformat()
    return json.dumps(tree).encode()


async def sent(scene: Scene, raw: bytes) -> DischargeRow:
    """Send it, and wait until the hub has made up its mind; what became of it."""
    answered = await scene.intake.take(raw, DOOR)
    assert answered.code == "AA", answered.body
    assert read(answered.body or b"").tree["issue"][0]["details"]["text"] == "Stored: 1 discharge."
    await scene.settle()
    (entry,) = scene.read(lambda tx: tx.journal.newest(1))
    (found,) = scene.read(lambda tx: tx.discharges.of_message(entry.seq))
    return found


async def test_it_goes_on_her_record_once(scene: Scene) -> None:
    person = await referred(scene)
    first = await sent(scene, written(person))
    assert isinstance(first.event, DischargeReported)
    assert (first.state, first.event.discharge.clinic_code) == ("applied", "RZZ43")
    assert due(scene, person) == ("Repeat advised", IN_A_YEAR)
    again = await sent(scene, b" " + written(person))
    assert again.state == "repeated"
    (of_a_list,) = await send(scene, row(person))
    assert of_a_list.state == "repeated", "what one clinic has said, another's list does not say anew"
    assert len(scene.read(lambda tx: tx.actions.of(person.participant_id))) == 1


async def test_another_date_for_the_same_discharge_counts_from_then_on(scene: Scene) -> None:
    person = await referred(scene)
    await sent(scene, written(person))
    scene.now += timedelta(days=1)
    later = await sent(scene, written(person, date(2029, 2, 27)))
    assert later.state == "applied"
    assert due(scene, person) == ("Routine", date(2029, 2, 27))


async def test_what_is_not_certain_waits_before_a_clerk(scene: Scene) -> None:
    person = await referred(scene)
    waiting = await sent(scene, written(misspelt(person)))
    assert waiting.state == "waiting"
    assert due(scene, person) == ("Suspended", None)
    assert scene.read(lambda tx: tx.discharges.counts("thornmere")) == {"waiting": 1}
