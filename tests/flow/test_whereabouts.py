"""Where is my result: what a laboratory is told about what it sent, and what it is never told."""

from __future__ import annotations

import json
from datetime import date, timedelta

from hub.flow.whereabouts import Whereabouts, whereabouts
from tests.flow.scene import Scene, misspelt

FUTURE = date(2027, 1, 1)


def asked(scene: Scene, slide_number: str = "", *, control_id: str = "", feed: str = "northmoor") -> list[Whereabouts]:
    return scene.read(lambda tx: whereabouts(tx, feed, slide_number=slide_number, control_id=control_id))


def whats(found: Whereabouts) -> list[str]:
    return [one.what for one in found.happened]


async def test_a_result_on_a_record_with_every_step_and_its_time(scene: Scene) -> None:
    person, result = scene.person(), scene.result()
    await scene.report(person, result)
    (found,) = asked(scene, result.slide_number)
    assert (found.stands, found.slide_number, found.position, found.reason) == (
        "on-record", result.slide_number, "1.1", "",
    )  # fmt: skip
    assert set(whats(found)) == {"received", "answered", "published", "matched", "finished", "letter wished"}
    assert whats(found)[:2] == ["received", "answered"]
    assert found.since == scene.now
    assert [one.detail for one in found.happened if one.what in ("answered", "matched")] == ["AA", "automatic"]


async def test_before_it_is_worked_on_it_is_under_way(scene: Scene) -> None:
    await scene.stop_worker()
    result = scene.result()
    await scene.send(scene.message(scene.person(), result))
    (found,) = asked(scene, result.slide_number)
    assert (found.stands, found.since, whats(found)) == ("underway", scene.now, ["received", "answered"])


async def test_it_waits_for_a_clerk_since_then_and_then_it_is_refused(scene: Scene) -> None:
    person, result = scene.person(), scene.result()
    result_id = await scene.report(misspelt(person), result)
    (found,) = asked(scene, result.slide_number)
    assert (found.stands, found.since, found.reason) == ("waiting", scene.now, "unsure")
    scene.now += timedelta(hours=5)
    scene.reject(result_id)
    (found,) = asked(scene, result.slide_number)
    assert (found.stands, found.since, found.reason) == ("refused", scene.now, "unsure")
    assert whats(found)[-1] == "settled"


async def test_what_was_refused_at_once_is_found_by_its_slide(scene: Scene) -> None:
    result = scene.result(test_on=FUTURE)
    answered = await scene.send(scene.message(scene.person(), result, control_id="CTRL1"))
    assert answered.code == "AE"
    (found,) = asked(scene, result.slide_number)
    assert (found.stands, found.reason, found.control_id) == ("refused", "test-date-in-future", "CTRL1")
    assert found.place.startswith("OBR")
    assert asked(scene, control_id="CTRL1") == [found]


async def test_what_could_not_be_read_is_found_by_its_control_id(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result(), control_id="CTRL2").replace(b"|ORU^R01", b"|ADT^A01", 1)
    assert (await scene.send(raw)).code == "AR"
    (found,) = asked(scene, control_id="CTRL2")
    assert (found.stands, found.reason, found.slide_number) == ("refused", "type-not-taken", "")


async def test_both_versions_are_told_the_newest_first(scene: Scene) -> None:
    person, result = scene.person(), scene.result()
    await scene.report(person, result)
    scene.now += timedelta(days=1)
    await scene.send(scene.message(person, result, control_id="SECOND"))
    await scene.settle()
    newest, _first = asked(scene, result.slide_number)
    assert newest.control_id == "SECOND"


async def test_another_laboratorys_results_are_not_told(scene: Scene) -> None:
    result = scene.result()
    await scene.send(scene.message(scene.person(), result, control_id="CTRL3"))
    assert asked(scene, result.slide_number, feed="southwick") == []
    assert asked(scene, control_id="CTRL3", feed="southwick") == []
    assert asked(scene) == []
    assert asked(scene, "no such slide") == []


async def test_nothing_of_a_person_is_told(scene: Scene) -> None:
    person, result = scene.person(), scene.result()
    result_id = await scene.report(misspelt(person), result)
    scene.match(result_id, person)
    (found,) = asked(scene, result.slide_number)
    text = json.dumps(found.as_json())
    assert found.stands == "on-record"
    for secret in (person.nhs_number, person.family_name, person.participant_id, str(person.date_of_birth), "practice"):
        assert secret.lower() not in text.lower()


async def test_of_a_message_refused_for_another_result_nothing_was_taken(scene: Scene) -> None:
    """The right one is told to be refused as well: else the laboratory would not send it again."""
    good, bad = scene.result(), scene.result(test_on=FUTURE)
    person = scene.person()
    first, second = scene.message(person, good), scene.message(person, bad)
    cut = second.index(b"OBR|")
    raw = first.rstrip(b"\r") + b"\r" + second[cut:]
    assert (await scene.send(raw)).code == "AE"
    assert [one.reason for one in asked(scene, good.slide_number)] == ["refused-beside"]
    assert [one.reason for one in asked(scene, bad.slide_number)] == ["test-date-in-future"]
