"""Intake: stored byte for byte, answered once, and the same bytes again."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.simulators.laboratory import batch
from hub.errors import Reason
from hub.flow.intake import Answered
from hub.flow.message import CONTROL_ID_REUSED
from hub.flow.ports.journal import JournalEntry
from hub.formats.hl7v2 import read
from hub.io.store import StoreAway, open_store, sqlite
from hub.mapping import FeedTables, load_feeds
from tests.flow.scene import FEEDS, MLLP, ROOT, Scene


def entry_of(scene: Scene, raw: bytes, feed: str = "northmoor") -> JournalEntry:
    found = scene.read(lambda tx: tx.journal.find(feed, hashlib.sha256(raw).hexdigest()))
    assert found is not None
    entry = scene.read(lambda tx: tx.journal.entry(found.seq))
    assert entry is not None
    return entry


def said(answered: Answered) -> tuple[str, str]:
    """The answer as the laboratory reads it: its code and the control id it quotes."""
    assert answered.body is not None
    message = read(answered.body).messages[0]
    return message.get("MSA-1"), message.get("MSA-2")


def mended(tmp_path: Path, feed: str, old: str, new: str) -> FeedTables:
    """The tables with one line of one feed changed, as an engineer would."""
    directory = tmp_path / "feeds"
    shutil.copytree(ROOT / "mappings" / "feeds", directory)
    path = directory / f"{feed}.toml"
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return load_feeds(directory)


async def test_what_arrived_is_kept_byte_for_byte_with_its_reply(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result(), control_id="C1")
    answered = await scene.send(raw)
    assert said(answered) == ("AA", "C1")
    entry = entry_of(scene, raw)
    assert (entry.raw, entry.state, entry.results, entry.control_id) == (raw, "accepted", 1, "C1")
    (reply,) = scene.read(lambda tx: tx.journal.replies(entry.seq))
    assert (reply.body, reply.seq) == (answered.body, answered.reply_seq)


async def test_the_same_bytes_after_aa_get_the_stored_reply_and_are_stored_once(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result())
    first = await scene.send(raw)
    scene.now = scene.now.replace(hour=17)
    second, third = await scene.send(raw), await scene.send(raw)
    assert first.body == second.body == third.body
    assert (first.repeated, second.repeated, third.repeated) == (False, True, True)
    assert entry_of(scene, raw).repeats == 2
    await scene.settle()
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 1}
    assert scene.read(lambda tx: tx.counts.journal()) == {"accepted": 1, "repeats": 2}


@pytest.mark.parametrize("answer", ["AE", "AR"])
async def test_the_same_bytes_after_a_refusal_are_read_anew_under_todays_tables(
    scene: Scene, tmp_path: Path, answer: str
) -> None:
    person = scene.person()
    if answer == "AE":
        raw = scene.message(person, scene.result(slide_number="AB-1"))
        tables = mended(tmp_path, "northmoor", 'pattern = "[0-9]{8}"', 'pattern = "[A-Z0-9-]+"')
    else:
        raw = scene.message(person, scene.result())
        shut = mended(tmp_path / "shut", "northmoor", 'status = "live"', 'status = "deactivated"')
        scene.intake, tables = scene.intake_with(shut), FEEDS
    assert said(await scene.send(raw))[0] == said(await scene.send(raw))[0] == answer
    assert said(await scene.send(raw, scene.intake_with(tables)))[0] == "AA"
    entry = entry_of(scene, raw)
    replies = scene.read(lambda tx: tx.journal.replies(entry.seq))
    assert [reply.code for reply in replies] == [answer, answer, "AA"]
    assert (entry.state, entry.results, entry.answer) == ("accepted", 1, "AA")
    await scene.settle()
    assert len(scene.codes_of(person)) == 1


async def test_the_same_control_id_with_other_bytes_is_a_new_message_with_a_note(scene: Scene) -> None:
    one = scene.message(scene.person(), scene.result(), control_id="SAME")
    two = scene.message(scene.person(), scene.result(), control_id="SAME")
    assert not (await scene.send(one)).control_id_reused
    assert (await scene.send(two)).control_id_reused
    assert CONTROL_ID_REUSED not in entry_of(scene, one).notes
    assert CONTROL_ID_REUSED in entry_of(scene, two).notes
    await scene.settle()
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 2}


async def test_the_same_control_id_of_another_laboratory_is_nothing_special(scene: Scene) -> None:
    await scene.send(scene.message(scene.person(), scene.result(), control_id="SAME"))
    other = scene.message(scene.person(), scene.result(feed="eastvale"), feed="eastvale", control_id="SAME")
    assert not (await scene.send(other)).control_id_reused


async def test_a_batch_keeps_the_good_ones_and_does_not_double_them_when_sent_again(
    scene: Scene, tmp_path: Path
) -> None:
    people = [scene.person(), scene.person(), scene.person()]
    good = [scene.message(person, scene.result()) for person in people[:2]]
    bad = scene.message(people[2], scene.result(slide_number="AB-1"))
    raw = batch("northmoor", [good[0], bad, good[1]], "B1", scene.now)
    first = await scene.send(raw)
    assert said(first) == ("AE", "B1")
    assert b"Message 2 of 3" in (first.body or b"")
    assert (entry_of(scene, raw).state, entry_of(scene, raw).results) == ("partly", 2)
    await scene.settle()
    assert said(await scene.send(raw))[0] == "AE"
    tables = mended(tmp_path, "northmoor", 'pattern = "[0-9]{8}"', 'pattern = "[A-Z0-9-]+"')
    assert said(await scene.send(raw, scene.intake_with(tables)))[0] == "AA"
    await scene.settle()
    assert [scene.codes_of(person) for person in people] == [["X0A"]] * 3
    assert scene.read(lambda tx: tx.counts.results()) == {"recorded": 3}
    assert (entry_of(scene, raw).state, entry_of(scene, raw).results) == ("accepted", 3)


async def test_an_acknowledgement_is_stored_and_answered_with_nothing(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result(), control_id="C1")
    reply = (await scene.send(raw)).body
    assert reply is not None
    answers = [await scene.send(reply), await scene.send(reply)]
    assert [(answered.code, answered.body) for answered in answers] == [("", None), ("", None)]
    entry = entry_of(scene, reply, feed="")
    assert (entry.raw, entry.state, entry.repeats) == (reply, "acknowledgement", 1)


async def test_an_unknown_sender_is_stored_refused_and_visible(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result()).replace(b"|NORTHMOOR|", b"|NOWHERE|")
    assert said(await scene.send(raw))[0] == "AR"
    entry = entry_of(scene, raw, feed="")
    assert (entry.raw, entry.state, entry.reason, entry.place) == (raw, "refused", "unknown-sender", "MSH[1]-4")
    assert scene.read(lambda tx: tx.counts.refusals()) == {"unknown-sender": 1}


async def test_bytes_that_are_no_message_are_stored_and_refused(scene: Scene) -> None:
    for raw in (b"", b"\x00\xff not HL7", b"MSH"):
        answered = await scene.send(raw)
        assert answered.code == "AR"
        assert said(answered)[0] == "AR"
        assert entry_of(scene, raw, feed="").raw == raw


async def test_a_frame_the_door_found_cut_is_refused_and_taken_when_it_comes_whole(scene: Scene) -> None:
    person = scene.person()
    raw = scene.message(person, scene.result())
    cut = await scene.intake.take(raw, MLLP, Reason.INCOMPLETE)
    assert (cut.code, entry_of(scene, raw).reason) == ("AR", "incomplete")
    assert said(await scene.send(raw))[0] == "AA"
    await scene.settle()
    assert scene.codes_of(person) == ["X0A"]


async def test_content_wrong_in_itself_is_refused_with_its_place(scene: Scene) -> None:
    raw = scene.message(scene.person(), replace(scene.result(), slide_number=""))
    answered = await scene.send(raw)
    assert said(answered)[0] == "AE"
    entry = entry_of(scene, raw)
    assert (entry.state, entry.results, entry.reason) == ("refused", 0, "missing-slide-number")
    assert entry.place.startswith("OBR")
    assert scene.envelopes_of(raw) == []


async def test_with_the_store_away_nothing_is_answered_and_nothing_is_kept(
    tmp_path: Path, empty_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program holds the file for writing, longer than we wait for it."""
    monkeypatch.setattr(sqlite, "PRAGMAS", (*sqlite.PRAGMAS, "busy_timeout=20"))
    shutil.copy(empty_file, tmp_path)
    scene = Scene(open_store(tmp_path))
    raw = scene.message(scene.person(), scene.result())
    holder = sqlite3.connect(tmp_path / "hub.sqlite", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreAway):
        await scene.send(raw)
    holder.execute("ROLLBACK")
    holder.close()
    assert scene.read(lambda tx: tx.counts.journal()) == {"repeats": 0}
    assert scene.read(lambda tx: tx.events.backlog()) == {"unconfirmed": 0, "unfinished": 0}
    assert said(await scene.send(raw))[0] == "AA"
    await scene.store.close()
