"""What comes as a file: who may send it, the confirmation it gets, and the numbers that show whether one is missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, time

import msgspec
import pytest

from adapters import ADAPTERS
from hub.flow.admission import is_proven
from hub.flow.intake import Intake
from hub.flow.ports.files import FileRow
from hub.flow.ports.journal import Via
from hub.mapping import FeedTables
from hub.mapping.feed_table import Access, Answer
from tests.flow.scene import FEEDS, MLLP, Scene
from tests.golden_cases import CASES, GOLDEN, Case

NORTHMOOR = FEEDS.by_id["northmoor"]
MESH = Via("mesh", "X26LAB1", "hl7v2_oru", feed="northmoor", file="results 17.hl7")


def feeds(**changes: Access | Answer) -> FeedTables:
    changed = msgspec.structs.replace(NORTHMOOR, **changes)
    return FeedTables((changed, *(table for table in FEEDS if table.feed != "northmoor")))


@pytest.mark.parametrize(
    ("access", "way", "proven"),
    [
        (Access(), {}, True),
        (Access(certificates=("lab.northmoor.example",)), {"certificate": "lab.northmoor.example"}, True),
        (Access(certificates=("lab.northmoor.example",)), {"certificate": "other"}, False),
        (Access(certificates=("lab.northmoor.example",)), {}, False),
        (Access(addresses=("10.1.0.0/16",)), {"address": "10.1.2.3"}, True),
        (Access(addresses=("10.1.0.0/16", "fd00::1")), {"address": "fd00::1"}, True),
        (Access(addresses=("10.1.0.0/16",)), {"address": "10.2.2.3"}, False),
        (Access(addresses=("10.1.0.0/16",)), {"address": "nonsense"}, False),
        (Access(addresses=("10.1.0.0/16",)), {"feed": "northmoor"}, True),
        (Access(), {"feed": "southwick"}, False),
    ],
)
def test_what_proves_a_sender(access: Access, way: dict[str, str], proven: bool) -> None:
    via = replace(Via("mllp", "somebody", "hl7v2_oru"), **way)
    assert is_proven(via, msgspec.structs.replace(NORTHMOOR, access=access)) is proven


async def test_an_unproven_sender_is_stored_and_refused(scene: Scene) -> None:
    intake = scene.intake_with(feeds(access=Access(addresses=("10.1.0.0/16",))))
    raw = scene.message(scene.person(), scene.result())
    answered = await scene.send(raw, intake)
    assert answered.code == "AR"
    assert b"sender-not-proven" in (answered.body or b"")
    (entry,) = scene.read(lambda tx: tx.journal.newest(10))
    assert (entry.feed, entry.state, entry.reason) == ("northmoor", "refused", "sender-not-proven")
    assert not any(scene.read(lambda tx: tx.events.backlog()).values())
    proven = await intake.take(raw, replace(MLLP, address="10.1.9.9"))
    assert proven.code == "AA"


async def test_a_door_that_knows_the_feed_takes_no_other_senders_message(scene: Scene) -> None:
    raw = scene.message(scene.person(), scene.result(feed="southwick"), feed="southwick")
    assert (await scene.intake.take(raw, MESH)).code == "AR"
    assert (await scene.intake.take(raw, replace(MESH, feed="southwick"))).code == "AA"


async def test_a_file_is_confirmed_where_the_table_says_so(scene: Scene) -> None:
    intake = Intake(
        scene.store,
        ADAPTERS,
        feeds(answer=Answer(mailbox="X26LAB1", workflow="CONFIRM")),
        lambda: scene.now,
        lambda: None,
    )
    raw = scene.message(scene.person(), scene.result())
    answered = await intake.take(raw, MESH)
    await intake.take(raw, MESH)  # the same file again: its confirmation may have been lost
    first, again = scene.read(lambda tx: tx.outgoing.in_state("wished", 10))
    assert first.local_id != again.local_id
    for wished in (first, again):
        assert (wished.kind, wished.mailbox, wished.workflow) == ("confirmation", "X26LAB1", "CONFIRM")
        assert wished.body == answered.body
    scene.store.write_now(lambda tx: tx.outgoing.settle(first.local_id, "sent", scene.now, "M1"))
    assert scene.read(lambda tx: tx.outgoing.in_state("wished", 10)) == [again]
    assert [row.message_id for row in scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10))] == ["", "M1"]


async def test_a_message_that_is_no_file_is_answered_and_no_more(scene: Scene) -> None:
    intake = scene.intake_with(feeds(answer=Answer(mailbox="X26LAB1", workflow="CONFIRM")))
    await scene.send(scene.message(scene.person(), scene.result()), intake)
    assert scene.read(lambda tx: tx.outgoing.of_feed("northmoor", 10)) == []
    assert scene.read(lambda tx: tx.files.page("northmoor", 10)) == []


async def test_a_file_that_cannot_be_read_is_kept_as_corrupt(scene: Scene) -> None:
    """It is the fault of the feed whose sender the door has proven, though the file does not say whose it is."""
    await scene.intake.take(b"no message at all", MESH)
    await scene.intake.take(scene.message(scene.person(), scene.result()), replace(MESH, file="good"))
    files = scene.read(lambda tx: tx.files.page("northmoor", 10))
    assert [(row.name, row.state) for row in files] == [("good", "read"), ("results 17.hl7", "corrupt")]


async def test_gaps_between_the_numbers_of_files(scene: Scene) -> None:
    for index, sequence in enumerate([3, 4, 9, None, 5, 4, 12]):
        raw = scene.message(scene.person(), scene.result())
        await scene.send(raw)
        (entry,) = scene.read(lambda tx: tx.journal.newest(1))
        row = FileRow(entry.seq, "northmoor", f"file {index}", sequence, "read", scene.now)
        scene.store.write_now(lambda tx, row=row: tx.files.put(row))
    assert scene.read(lambda tx: tx.files.gaps("northmoor", 10)) == [(10, 11), (6, 8)]
    assert scene.read(lambda tx: tx.files.gaps("northmoor", 1)) == [(10, 11)]
    assert scene.read(lambda tx: tx.files.gaps("southwick", 10)) == []


@pytest.mark.parametrize(
    ("feed", "case", "name", "numbers"),
    [
        ("birchwood", "good rows are taken, the bad ones refused one by one.csv", "results.csv", (18, "read")),
        ("birchwood", "refused, two columns have one name.csv", "results.csv", (31, "corrupt")),
        ("birchwood", "refused, the last row has no line end.csv", "results.csv", (27, "corrupt")),
        ("kelham", "several messages, a new result, a corrected one and one withdrawn.edi", "a.edi", (342, "read")),
        ("kelham", "the interchange reference is no number.edi", "KEL_0077.edi", (77, "read")),
        ("northmoor", "a batch of three.hl7", "results.hl7", (None, "read")),
    ],
)
async def test_the_number_of_a_file_is_kept_whoever_says_it(
    scene: Scene, feed: str, case: str, name: str, numbers: tuple[int | None, str]
) -> None:
    table = FEEDS.by_id[feed]
    named = msgspec.structs.replace(table.file, sequence_in_name="KEL_([0-9]+)[.]edi")
    tables = FeedTables((msgspec.structs.replace(table, file=named),))
    raw = (GOLDEN / feed / case).read_bytes()
    answered = await scene.intake_with(tables).take(raw, Via("mesh", "X26LAB", table.dialect, feed=feed, file=name))
    (row,) = scene.read(lambda tx: tx.files.page(feed, 10))
    assert (row.sequence, row.state) == numbers
    confirmations = [wished.body for wished in scene.read(lambda tx: tx.outgoing.in_state("wished", 10))]
    assert confirmations == ([answered.body] if table.answer.mailbox else [])


async def test_the_good_rows_of_a_file_are_taken_one_by_one(scene: Scene) -> None:
    raw = (GOLDEN / "birchwood" / "good rows are taken, the bad ones refused one by one.csv").read_bytes()
    way = Via("http", "Birchwood", "delimited_results", feed="birchwood", file="results.csv")
    scene.now = datetime(2026, 7, 20, 9, 0, tzinfo=UTC)
    first = await scene.intake.take(raw, way)
    assert first.code == "AE"
    (entry,) = scene.read(lambda tx: tx.journal.newest(10))
    assert (entry.state, entry.results) == ("partly", 2)
    await scene.intake.take(raw, way)
    await scene.settle()
    assert len(scene.read(lambda tx: tx.results.of_message(entry.seq))) == 2


@pytest.mark.parametrize(
    ("header", "number"),
    [
        (b"FHS|^~\\&|NMLIMS|NORTHMOOR|||20260714||||17\rBHS|^~\\&|NMLIMS|NORTHMOOR|||20260714||||18\r", 17),
        (b"BHS|^~\\&|NMLIMS|NORTHMOOR|||20260714||||00018\r", 18),
        (b"BHS|^~\\&|NMLIMS|NORTHMOOR|||20260714||||NMB18\r", None),
        (b"BHS|^~\\&|NMLIMS|NORTHMOOR|||20260714||||18^X\r", None),
        (b"BHS|^~\\&|NMLIMS|NORTHMOOR|||20260714||||1234567890\r", None),
        (b"BHS|^~\\&|NMLIMS|NORTHMOOR\r", None),
        (b"MSH|^~\\&|NMLIMS|NORTHMOOR|||20260714||ORU^R01|17|P|2.4\r", None),
    ],
)
def test_the_number_of_an_hl7_batch_is_its_control_id(header: bytes, number: int | None) -> None:
    assert ADAPTERS["hl7v2_oru"].open(header).sequence == number


async def test_a_door_of_one_language_takes_no_feed_of_another(scene: Scene) -> None:
    """Its table speaks of places that the adapter cannot read."""
    raw = scene.message(scene.person(), scene.result()).replace(
        b"NMLIMS|NORTHMOOR", b"|" + FEEDS.by_id["ashdown"].sender.facility.encode()
    )
    answered = await scene.send(raw)
    assert (answered.code, answered.reason) == ("AR", "unknown-sender")
    by_http = await scene.intake.take(raw, replace(MESH, feed="ashdown"))
    assert (by_http.code, by_http.reason) == ("AR", "wrong-door")


async def test_a_file_of_which_something_was_taken_is_not_corrupt(scene: Scene) -> None:
    case = next(case for case in CASES if case.feed == "kelham" and case.expected["answer"] == "AE" and taken(case))
    scene.now = datetime.combine(case.received_on, time(9), UTC)
    await scene.intake.take(case.raw, Via("mesh", "X26LAB3", case.dialect, feed="kelham", file="some.edi"))
    assert [row.state for row in scene.read(lambda tx: tx.files.page("kelham", 5))] == ["read"]


def taken(case: Case) -> bool:
    """Some of its messages were taken, others came incomplete."""
    refused = {item["position"].split(".")[0] for item in case.expected["items"] if "refused" in item}
    whole = [item for item in case.expected["items"] if item["position"].split(".")[0] not in refused]
    return bool(whole) and any(item.get("refused") == "incomplete" for item in case.expected["items"])


async def test_a_large_file_does_not_hold_up_the_others(scene: Scene) -> None:
    """A small message that comes after it is answered before it."""
    row = next(case for case in CASES if case.feed == "birchwood" and case.expected["answer"] == "AA").raw
    large = row + b"".join(row.splitlines(keepends=True)[2:3] * 20_000)
    via = Via("mesh", "X26LAB2", "delimited_results", feed="birchwood", file="large.csv")
    order: list[str] = []

    async def told(name: str, raw: bytes, how: Via) -> None:
        await scene.intake.take(raw, how)
        order.append(name)

    slow = asyncio.create_task(told("large", large, via))
    await asyncio.sleep(0)
    await asyncio.gather(slow, told("small", scene.message(scene.person(), scene.result()), MLLP))
    assert order == ["small", "large"]
