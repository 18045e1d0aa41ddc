"""`hub replay`: the journal read again under other tables. What was answered stays true, what a clerk decided stays."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from adapters import ADAPTERS
from adapters.simulators.laboratory import batch
from hub.__main__ import main
from hub.contract import result_identity
from hub.domain.people import Participant
from hub.flow.ports.journal import Stretch
from hub.flow.replay import Change, Kind, Reader
from hub.mapping import FeedTable, FeedTables
from tests.flow.scene import FEEDS, ROOT, Scene
from tests.flow.test_reading_again import SPOILT, calling_it_positive, knowing_the_code, told

ALL = Stretch()


def southwick(change: Callable[[FeedTable], FeedTable]) -> FeedTables:
    return FeedTables(tuple(change(table) if table.feed == "southwick" else table for table in FEEDS))


def without_negative(table: FeedTable) -> FeedTable:
    """As if somebody had struck a code out of the table."""
    hpv = {code: national for code, national in table.codes["hpv"].items() if code != "HPVNEG"}
    return msgspec.structs.replace(table, codes={**table.codes, "hpv": hpv})


def with_another_pattern(table: FeedTable) -> FeedTable:
    """As if slide numbers began otherwise."""
    slide = msgspec.structs.replace(table.facts.slide_number, pattern="XX[0-9]{6}")
    return msgspec.structs.replace(table, facts=msgspec.structs.replace(table.facts, slide_number=slide))


def compare(scene: Scene, feeds: FeedTables, stretch: Stretch = ALL) -> list[Change]:
    reader = Reader(ADAPTERS, feeds, scene.now)
    return scene.read(lambda tx: reader.compare(tx, tx.journal.whole(0, 1000, stretch)))


async def apply(scene: Scene, feeds: FeedTables) -> Counter[Kind]:
    reader = Reader(ADAPTERS, feeds, scene.now)
    changes = scene.store.write_now(lambda tx: reader.apply(tx, tx.journal.whole(0, 1000, ALL)))
    await scene.settle()
    return Counter(change.kind for change in changes)


def id_of(raw: bytes, position: str = "1.1", feed: str = "southwick") -> str:
    return result_identity(feed, hashlib.sha256(raw).hexdigest(), position)


async def test_under_unchanged_tables_everything_is_the_same(scene: Scene) -> None:
    await told(scene, scene.person())
    before = scene.read(lambda tx: tx.events.last())
    assert await apply(scene, FEEDS) == {Kind.SAME: 1}
    assert scene.read(lambda tx: tx.events.last()) == before


async def test_what_waited_for_the_table_heals_and_names_what_it_supersedes(scene: Scene) -> None:
    person = scene.person()
    _, result_id = await told(scene, person, spoilt=True)
    (change,) = compare(scene, knowing_the_code())
    assert change.kind is Kind.HEALED
    assert scene.ending(result_id) == "our-table", "comparing changes nothing"
    assert await apply(scene, knowing_the_code()) == {Kind.HEALED: 1}
    assert (scene.ending(result_id), scene.codes_of(person)) == ("recorded", ["X0A"])
    old, new = (one for one, _, _ in scene.read(lambda tx: tx.events.about([result_id])) if one.position)
    assert change.before
    assert new.supersedes == old.event_id == change.before.event_id


async def test_twice_is_once(scene: Scene) -> None:
    _, result_id = await told(scene, scene.person(), spoilt=True)
    await apply(scene, knowing_the_code())
    before = scene.events(result_id)
    assert await apply(scene, knowing_the_code()) == {Kind.SAME: 1}
    assert scene.events(result_id) == before


async def test_a_replay_that_nobody_has_handled_yet_is_not_done_again(scene: Scene) -> None:
    """Stopped between the replay and the workers, and begun once more."""
    _, result_id = await told(scene, scene.person(), spoilt=True)
    reader = Reader(ADAPTERS, knowing_the_code(), scene.now)
    for expected in (Kind.HEALED, Kind.SAME):
        changes = scene.store.write_now(lambda tx: reader.apply(tx, tx.journal.whole(0, 1000, ALL)))
        assert [change.kind for change in changes] == [expected]
    await scene.settle()
    assert scene.ending(result_id) == "recorded"


async def test_a_table_changed_and_changed_back_and_forth(scene: Scene) -> None:
    person = scene.person()
    _, result_id = await told(scene, person)
    for feeds, codes in ((calling_it_positive(), "X9S"), (FEEDS, "X0A")) * 2:
        assert await apply(scene, feeds) == {Kind.CHANGED: 1}
        assert scene.codes_of(person) == [codes]
        assert scene.ending(result_id) == "recorded"
    readings = [one for one, _, _ in scene.read(lambda tx: tx.events.about([result_id])) if one.position]
    assert len({one.event_id for one in readings}) == 5
    assert [one.supersedes for one in readings] == ["", *(one.event_id for one in readings[:-1])]


async def test_an_older_event_that_comes_last_changes_nothing(scene: Scene) -> None:
    """A broker keeps no order."""
    person = scene.person()
    _, result_id = await told(scene, person)
    await scene.stop_worker()
    reader = Reader(ADAPTERS, calling_it_positive(), scene.now)
    scene.store.write_now(lambda tx: reader.apply(tx, tx.journal.whole(0, 1000, ALL)))
    first, second = (one for one, _, _ in scene.read(lambda tx: tx.events.about([result_id])) if one.position)
    await scene.settle()
    assert scene.codes_of(person) == ["X9S"]
    scene.store.write_now(lambda tx: tx.events.revive(first.event_id, "records"))
    await scene.settle()
    assert scene.codes_of(person) == ["X9S"]
    assert scene.row(result_id).event_id == second.event_id


async def test_the_difference_is_told_field_by_field_and_tells_nothing_of_her(scene: Scene) -> None:
    person = scene.person()
    await told(scene, person)
    (change,) = compare(scene, calling_it_positive())
    assert [(one.name, one.before, one.after) for one in change.fields] == [
        ("result.infection_code", "0", "9"),
        ("result.action_code", "A", "S"),
    ]

    def by_address(table: FeedTable) -> FeedTable:
        facts = msgspec.structs.replace(table.facts, family_name=table.facts.postcode)
        return msgspec.structs.replace(table, facts=facts)

    (change,) = compare(scene, southwick(by_address))
    assert [(one.name, one.before, one.after) for one in change.fields] == [("claim.family_name", "", "")]


@pytest.mark.parametrize("decision", ["matched", "rejected"])
async def test_what_a_clerk_decided_is_kept_and_said(scene: Scene, decision: str) -> None:
    person = scene.person()
    _, result_id = await told(scene, person)
    scene.undo_automatic(result_id)
    scene.match(result_id, person) if decision == "matched" else scene.reject(result_id)
    before = (scene.ending(result_id), scene.codes_of(person))
    assert await apply(scene, calling_it_positive()) == {Kind.KEPT: 1}
    assert (scene.ending(result_id), scene.codes_of(person)) == before
    assert len([one for one, _, _ in scene.read(lambda tx: tx.events.about([result_id])) if one.position]) == 1


async def test_what_is_kept_heals_once_the_decision_is_taken_back(scene: Scene) -> None:
    person = scene.person()
    _, result_id = await told(scene, person)
    scene.undo_automatic(result_id)
    task = scene.match(result_id, person)
    # The event was on its way when the clerk decided: the worker passed it over.
    reader = Reader(ADAPTERS, calling_it_positive(), scene.now)
    (change,) = compare(scene, calling_it_positive())
    scene.store.write_now(lambda tx: tx.events.put(change.after, consumed=True))
    await scene.settle()
    assert scene.codes_of(person) == ["X0A"]
    assert [one.kind for one in scene.read(lambda tx: reader.compare(tx, tx.journal.whole(0, 9, ALL)))] == [Kind.KEPT]
    scene.undo(task)
    assert await apply(scene, calling_it_positive()) == {Kind.CHANGED: 1}
    assert scene.row(result_id).event.result.infection_code == "9"


async def test_what_becomes_a_task_leaves_the_record(scene: Scene) -> None:
    person = scene.person()
    _, result_id = await told(scene, person)
    assert await apply(scene, southwick(without_negative)) == {Kind.PARKED: 1}
    assert (scene.ending(result_id), scene.codes_of(person)) == ("our-table", [])


async def test_what_was_acknowledged_is_not_refused_now(scene: Scene) -> None:
    person = scene.person()
    _, result_id = await told(scene, person)
    (change,) = compare(scene, southwick(with_another_pattern))
    assert (change.kind, change.reason) == (Kind.REFUSED, "invalid-slide-number")
    assert await apply(scene, southwick(with_another_pattern)) == {Kind.REFUSED: 1}
    assert (scene.ending(result_id), scene.codes_of(person)) == ("recorded", ["X0A"])


async def test_what_was_refused_is_counted_and_not_taken(scene: Scene) -> None:
    """The laboratory was told so: it sends the message again, and it is taken then."""
    intake = scene.intake_with(southwick(with_another_pattern))
    raw = scene.message(scene.person(), scene.result(feed="southwick"), feed="southwick")
    assert (await scene.send(raw, intake)).code == "AE"
    assert await apply(scene, FEEDS) == {Kind.RESEND: 1}
    assert scene.read(lambda tx: tx.results.get(id_of(raw))) is None
    assert (await scene.send(raw)).code == "AA"
    await scene.settle()
    assert await apply(scene, FEEDS) == {Kind.SAME: 1}


async def test_of_a_batch_taken_in_part_only_the_refused_message_is_to_be_sent_again(scene: Scene) -> None:
    good = scene.message(scene.person(), scene.result(feed="southwick"), feed="southwick")
    bad = scene.message(scene.person(), scene.result(feed="southwick"), feed="southwick").replace(b"HPVNEG", b"")
    both = batch("southwick", [good, bad], "B1", scene.now)
    assert (await scene.send(both)).code == "AE"
    await scene.settle()

    def always_negative(table: FeedTable) -> FeedTable:
        facts = msgspec.structs.replace(table.facts, infection_code=type(table.facts.slide_number)(constant="0"))
        return msgspec.structs.replace(table, facts=facts)

    kinds = {change.position: change.kind for change in compare(scene, southwick(always_negative))}
    assert kinds == {"1.1": Kind.SAME, "2.1": Kind.RESEND}


async def test_a_batch_sent_again_after_a_table_went_there_and_back(scene: Scene) -> None:
    """Not by a replay: the intake reads anew what it refused in part, and the good part may have changed."""
    person = scene.person()
    good = scene.message(person, scene.result(feed="southwick"), feed="southwick")
    bad = scene.message(scene.person(), scene.result(feed="southwick"), feed="southwick").replace(b"HPVNEG", b"")
    both = batch("southwick", [good, bad], "B1", scene.now)
    for feeds, codes in ((FEEDS, "X0A"), (calling_it_positive(), "X9S"), (FEEDS, "X0A")):
        assert (await scene.send(both, scene.intake_with(feeds))).code == "AE"
        await scene.settle()
        assert scene.codes_of(person) == [codes]


async def test_a_result_that_our_table_overlooked_is_taken(scene: Scene) -> None:
    """Its message was acknowledged: the laboratory has no reason to send it again."""
    person = scene.person()
    first, second = (scene.message(person, scene.result()) for _ in range(2))
    overlooked = second[second.index(b"OBR|") :]
    for code in OBSERVATIONS:
        overlooked = overlooked.replace(b"|%s|" % code, b"|%s2|" % code)
    assert (await scene.send(first + overlooked)).code == "AA"
    await scene.settle()
    knowing_both = FeedTables(tuple(_with_both(table) if table.feed == "northmoor" else table for table in FEEDS))
    assert await apply(scene, knowing_both) == {Kind.SAME: 1, Kind.FOUND: 1}
    (entry,) = scene.read(lambda tx: tx.journal.newest(9))
    assert (entry.state, entry.results) == ("accepted", 2)
    assert len(scene.codes_of(person)) == 2
    assert await apply(scene, knowing_both) == {Kind.SAME: 2}


OBSERVATIONS = (b"CYT", b"HPV", b"ACT", b"RPT", b"SLF", b"HPP")


def _with_both(table: FeedTable) -> FeedTable:
    """Northmoor's table with a second code for each observation."""
    changed = {
        name: msgspec.structs.replace(fact, where={"OBX-3.1": [code, f"{code}2"]})
        for name, fact in table.facts.declared()
        if (code := fact.where.get("OBX-3.1"))
    }
    return msgspec.structs.replace(table, facts=msgspec.structs.replace(table.facts, **changed))


async def test_a_closed_feed_is_read_as_when_it_was_open(scene: Scene) -> None:
    def closed(table: FeedTable) -> FeedTable:
        return msgspec.structs.replace(table, status="deactivated")

    await told(scene, scene.person())
    assert [change.kind for change in compare(scene, southwick(closed))] == [Kind.SAME]


async def test_only_the_stretch_that_is_asked_for(scene: Scene) -> None:
    await told(scene, scene.person())
    since = scene.now = scene.now.replace(hour=12)
    await told(scene, scene.person())
    await scene.report(scene.person(), scene.result())
    for stretch, count in (
        (ALL, 3), (Stretch("southwick"), 2), (Stretch("southwick", since), 1), (Stretch(None, None, since), 1),
    ):  # fmt: skip
        assert len(compare(scene, FEEDS, stretch)) == count
        assert scene.read(lambda tx, stretch=stretch: tx.journal.count(stretch)) == count


# -- the verb


@pytest.fixture
def mappings(tmp_path: Path) -> Path:
    """A copy of the tables, to be mended."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    return tmp_path / "mappings"


@pytest.fixture
def environment(scene: Scene, mappings: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """The command line on the scene's store, under those tables."""
    monkeypatch.setenv("HUB_MAPPINGS", str(mappings))
    if scene.store.engine.dialect.name == "sqlite":
        monkeypatch.setenv("HUB_DATA", str(Path(str(scene.store.engine.url.database)).parent))
    else:
        monkeypatch.setenv("HUB_DATABASE_URL", request.getfixturevalue("emptied_database"))


@pytest.mark.usefixtures("environment")
async def test_the_command_shows_counts_and_makes_it_so(
    scene: Scene, mappings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    people: list[Participant] = [scene.person() for _ in range(30)]
    for number, person in enumerate(people):
        await told(scene, person, spoilt=number % 2 == 0)
    mend(mappings)
    assert main(["replay", "--feed", "southwick", "--diff", "--json"]) == 0
    told_of = json.loads(capsys.readouterr().out)
    assert (told_of["applied"], told_of["counts"]["healed"], told_of["counts"]["same"]) == (False, 15, 15)
    assert len(told_of["changes"]) == 15
    assert main(["replay", "--feed", "southwick", "--limit", "3"]) == 0
    plain = capsys.readouterr().out
    assert "2  healed" in plain
    assert "Nothing was changed" in plain
    assert main(["replay", "--feed", "southwick", "--apply", "--diff"]) == 0
    plain = capsys.readouterr().out
    assert plain.count("healed: ReportParked") == 15
    for secret in {part for one in people for part in (one.nhs_number, one.family_name, one.postcode or "-")}:
        assert secret not in plain
    await scene.settle()
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 30}
    assert main(["replay", "--feed", "southwick"]) == 0
    assert "30  same" in capsys.readouterr().out


@pytest.mark.usefixtures("environment")
async def test_a_replay_that_is_killed_is_finished_by_the_next(scene: Scene, mappings: Path) -> None:
    raws = [spoilt_message(scene) for _ in range(150)]
    for raw in raws:
        await scene.send(raw)
    await scene.settle()
    mend(mappings)
    words = [sys.executable, "-m", "hub", "replay", "--apply"]
    replaying = await asyncio.create_subprocess_exec(*words, stdout=subprocess.DEVNULL)
    try:
        async with asyncio.timeout(60):
            while not superseding_events(scene) and replaying.returncode is None:  # noqa: ASYNC110 - it is another process
                await asyncio.sleep(0.005)
    finally:
        with suppress(ProcessLookupError):  # it was quicker
            replaying.kill()
        await replaying.wait()
    done = await asyncio.to_thread(subprocess.run, words, capture_output=True, timeout=60)
    assert done.returncode == 0
    assert superseding_events(scene) == len(raws)
    await scene.settle()
    assert scene.read(lambda tx: tx.counts.results()) == {"waiting": len(raws)}, "strangers, each read to its end"
    assert {task.reason for task in scene.open_tasks()} == {"unknown"}


def spoilt_message(scene: Scene) -> bytes:
    raw = scene.message(scene.stranger(), scene.result(feed="southwick"), feed="southwick")
    return raw.replace(b"HPVNEG", SPOILT)


def superseding_events(scene: Scene) -> int:
    return sum(bool(one.supersedes) for _, one in scene.read(lambda tx: tx.events.after(0, 5000)))


def mend(mappings: Path) -> None:
    """Southwick's table with the code that was missing."""
    table = mappings / "feeds" / "southwick.toml"
    assert "HPVNEG" in table.read_text()
    table.write_text(table.read_text().replace("HPVNEG", f'{SPOILT.decode()} = "0"\nHPVNEG', 1))


@pytest.mark.usefixtures("environment")
async def test_the_command_ends_with_1_where_the_tables_have_become_worse(
    scene: Scene, mappings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    await told(scene, scene.person())
    table = mappings / "feeds" / "southwick.toml"
    table.write_text(table.read_text().replace("HPVNEG", "HPVGONE"))
    assert main(["replay", "--diff"]) == 1
    assert "newly parked" in capsys.readouterr().out
    assert main(["replay", "--feed", "nobody"]) == 2
    assert "There is no feed" in capsys.readouterr().err
