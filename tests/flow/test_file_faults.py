"""Files that are missing or corrupt: noticed once, told to the laboratory, resolved, and all of it in the diary."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from hub.flow.file_faults import Refused, add_missing, inform, note, notice, notice_file_faults, resolve
from hub.flow.ports.feeds import FileFault
from hub.flow.ports.files import FileRow
from tests.flow.scene import CLERK, Scene

TODAY = date(2026, 3, 2)


async def came(scene: Scene, sequence: int | None, state: str = "read") -> None:
    await scene.send(scene.message(scene.person(), scene.result()))
    (entry,) = scene.read(lambda tx: tx.journal.newest(1))
    row = FileRow(entry.seq, "northmoor", f"file {sequence}", sequence, state, scene.now)
    scene.store.write_now(lambda tx: tx.files.put(row))


async def faults(scene: Scene) -> list[FileFault]:
    await notice_file_faults(scene.store, lambda: scene.now)
    return scene.read(lambda tx: tx.file_faults.of_feed("northmoor", 500))


def diary(scene: Scene, fault: FileFault) -> list[tuple[str, str, str]]:
    notes = scene.read(lambda tx: tx.file_faults.diary(fault.fault_id))
    return [(one.what, one.by, one.text) for one in notes]


async def test_what_is_missing_or_corrupt_is_noticed_once(scene: Scene) -> None:
    for sequence, state in ((3, "read"), (6, "read"), (None, "corrupt")):
        await came(scene, sequence, state)
    found = await faults(scene)
    assert {(one.kind, one.first, one.state) for one in found} == {
        ("missing", 4, "open"), ("missing", 5, "open"), ("corrupt", None, "open"),
    }  # fmt: skip
    scene.now += timedelta(hours=1)
    assert await faults(scene) == found
    assert scene.read(lambda tx: tx.file_faults.unresolved()) == {
        ("northmoor", "corrupt"): 1, ("northmoor", "missing"): 2,
    }  # fmt: skip


async def test_a_file_that_comes_after_all_resolves_itself(scene: Scene) -> None:
    await came(scene, 3)
    await came(scene, 6)
    await faults(scene)
    await came(scene, 5)
    found = {one.first: one for one in await faults(scene)}
    assert (found[4].state, found[5].state) == ("open", "resolved")
    assert diary(scene, found[5]) == [("found", "hub", ""), ("resolved", "hub", "The file came after all.")]


async def test_a_sender_that_counts_anew_is_one_matter(scene: Scene) -> None:
    await came(scene, 9)
    await came(scene, 1_000_000)
    (fault,) = await faults(scene)
    assert (fault.first, fault.last) == (10, 999_999)
    await came(scene, 12)
    assert {(one.first, one.last) for one in await faults(scene)} >= {(10, 10), (11, 11)}


async def test_the_laboratory_is_informed_and_then_it_is_resolved(scene: Scene) -> None:
    await came(scene, 3)
    await came(scene, 5)
    (fault,) = await faults(scene)
    told = {"by": CLERK, "at": scene.now}
    with pytest.raises(Refused, match="inform it first"):
        scene.store.write_now(lambda tx: resolve(tx, fault.fault_id, text="", **told))
    informed = scene.store.write_now(lambda tx: inform(tx, fault.fault_id, "S. Lane", TODAY, text="by phone", **told))
    assert (informed.state, informed.informed_who, informed.informed_on) == ("informed", "S. Lane", TODAY)
    scene.store.write_now(lambda tx: note(tx, fault.fault_id, text="they look for it", **told))
    scene.store.write_now(lambda tx: resolve(tx, fault.fault_id, text="never made", **told))
    (after,) = await faults(scene)
    assert after.state == "resolved"
    assert [what for what, _, _ in diary(scene, fault)] == ["found", "informed", "noted", "resolved"]
    with pytest.raises(Refused, match="resolved already"):
        scene.store.write_now(lambda tx: note(tx, fault.fault_id, text="more", **told))


def test_a_person_adds_a_missing_file(scene: Scene) -> None:
    told = {"by": CLERK, "text": "no list on Friday", "at": scene.now}
    fault = scene.store.write_now(lambda tx: add_missing(tx, "northmoor", "Friday", date(2026, 2, 27), **told))
    assert (fault.kind, fault.due_on, fault.added_by) == ("missing", date(2026, 2, 27), CLERK)
    assert scene.read(lambda tx: tx.file_faults.find(fault.fault_id[:8])) == [fault_as_kept(scene, fault)]
    assert scene.read(lambda tx: tx.file_faults.find("%")) == []
    assert diary(scene, fault) == [("found", CLERK, "no list on Friday")]
    scene.store.write_now(lambda tx: notice(tx, "northmoor", scene.now))
    assert fault_as_kept(scene, fault).state == "open"


def fault_as_kept(scene: Scene, fault: FileFault) -> FileFault:
    kept = scene.read(lambda tx: tx.file_faults.get(fault.fault_id))
    assert kept is not None
    return kept


@pytest.mark.parametrize(
    ("due_on", "by", "text", "why"),
    [
        (date(2026, 3, 3), CLERK, "", "lies in the past"),
        (date(2024, 3, 3), CLERK, "", "a year ago at most"),
        (TODAY, " ", "", "who does it"),
        (TODAY, CLERK, "x" * 1001, "1000 characters"),
    ],
)
def test_what_cannot_be_added(scene: Scene, due_on: date, by: str, text: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        scene.store.write_now(lambda tx: add_missing(tx, "northmoor", "", due_on, by=by, text=text, at=scene.now))


async def test_what_cannot_be_said_of_informing(scene: Scene) -> None:
    await came(scene, 3)
    await came(scene, 5)
    (fault,) = await faults(scene)
    told = {"by": CLERK, "text": "", "at": scene.now}
    for who, on, why in (("", TODAY, "who of the lab"), ("S. Lane", TODAY + timedelta(days=1), "today at the latest")):
        with pytest.raises(Refused, match=why):
            scene.store.write_now(lambda tx, who=who, on=on: inform(tx, fault.fault_id, who, on, **told))
    with pytest.raises(Refused, match="no such fault"):
        scene.store.write_now(lambda tx: inform(tx, "none", "S. Lane", TODAY, **told))
