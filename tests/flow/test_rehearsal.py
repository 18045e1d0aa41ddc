"""A feed in rehearsal: its own door, nothing on anybody's record, and a report of how the sender behaves."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from adapters import ADAPTERS
from adapters.simulators.laboratory import report, slide_number
from adapters.simulators.people import PeopleMaker
from hub.__main__ import main
from hub.app import Running, feeds_of, running
from hub.config import Settings
from hub.domain.codes import COMBINATIONS
from hub.domain.events import TestResult, Version
from hub.errors import CannotRun
from hub.flow.go_live import FAILED, NOT_SEEN, PASSED, Check, Report
from hub.flow.go_live import report as go_live
from hub.flow.ports.journal import Via
from hub.flow.rehearsal import FIRST_WITHHELD, Rehearsal, gathered
from hub.io.mllp import MllpClient, NoAnswerError
from tests.flow.scene import NOW, ROOT, Scene

OTHER_RANGE = PeopleMaker(1, NOW.date(), 9, number_range="998").person().nhs_number
SHORT = 0.4
"""How long a sender waits for an answer that is kept back."""


@dataclass
class Rehearsing:
    """A hub with northmoor in rehearsal, and northmoor. `now` is the hub's clock."""

    settings: Settings
    hub: Running | None = None
    now: datetime = NOW
    people: PeopleMaker = field(default_factory=lambda: PeopleMaker(3, NOW.date(), postcodes=50))
    sent: int = 0

    def client(self, port: int = 0) -> MllpClient:
        assert self.hub
        return MllpClient("127.0.0.1", port or self.hub.rehearsal_port)

    def result(self, codes: str = "X0A", **more: object) -> TestResult:
        self.sent += 1
        tested_on = date(2026, 2, 20)
        plain = TestResult(
            "69001", slide_number("northmoor", 2026, self.sent), tested_on,
            datetime.combine(tested_on + timedelta(days=6), time(12), UTC), codes[0], codes[1], codes[2],
            source_type="1", sender_code="Z99001", sample_taker_code="C99001",
        )  # fmt: skip
        return replace(plain, **more)  # type: ignore[arg-type]

    def message(self, result: TestResult | None = None, control_id: str = "", person: object = None) -> bytes:
        self.sent += 1
        someone = person or replace(self.people.person(), family_name="Zoë")
        return report("northmoor", someone, result or self.result(), control_id or f"R{self.sent:05}", self.now)  # type: ignore[arg-type]

    def report(self, feed: str = "northmoor") -> Report:
        assert self.hub
        table = feeds_of(self.settings).by_id[feed]
        return go_live(self.hub.store.read_now(lambda tx: gathered(tx, table, ADAPTERS)), self.now)  # type: ignore[attr-defined]

    def check(self, name: str, feed: str = "northmoor") -> Check:
        return next(check for check in self.report(feed).checks if check.name == name)


def put_status(mappings: Path, status: str, feed: str) -> None:
    table = mappings / "feeds" / f"{feed}.toml"
    was = next(line for line in table.read_text().splitlines() if line.startswith("status ="))
    table.write_text(table.read_text().replace(was, f'status = "{status}"'))


@asynccontextmanager
async def rehearsing_in(
    directory: Path, *, status: str = "rehearsal", feed: str = "northmoor"
) -> AsyncIterator[Rehearsing]:
    mappings = directory / "mappings"
    if not mappings.exists():
        shutil.copytree(ROOT / "mappings", mappings)
    put_status(mappings, status, feed)
    settings = Settings(
        data=directory / "data",
        mappings=mappings,
        mllp_port=0,
        http_port=0,
        rehearsal_mllp_port=0,
        mllp_grace_seconds=1.0,
    )
    rehearsing = Rehearsing(settings)
    async with running(settings, clock=lambda: rehearsing.now) as hub:
        rehearsing.hub = hub
        yield rehearsing


@pytest.fixture
async def lab(tmp_path: Path) -> AsyncIterator[Rehearsing]:
    async with rehearsing_in(tmp_path) as rehearsing:
        yield rehearsing


def code_of(reply: bytes) -> str:
    return next(line.split(b"|")[1].decode() for line in reply.split(b"\r") if line.startswith(b"MSA"))


# -- two doors


async def test_what_is_rehearsed_is_answered_and_goes_nowhere(lab: Rehearsing) -> None:
    async with lab.client() as client:
        assert code_of(await client.send(lab.message())) == "AA"
    assert lab.hub
    entries = await lab.hub.store.read(lambda tx: tx.journal.newest(9))
    assert [(one.feed, one.arrival.door, one.state) for one in entries] == [
        ("rehearsal:northmoor", "rehearsal", "accepted")
    ]
    assert await lab.hub.store.read(lambda tx: tx.events.last()) == 0
    assert await lab.hub.store.read(lambda tx: tx.counts.results()) == {}


async def test_each_feed_is_refused_at_the_other_door(lab: Rehearsing) -> None:
    assert lab.hub
    async with lab.client(lab.hub.mllp_port) as live:
        refused = await live.send(lab.message())
        assert code_of(refused) == "AR" and b"wrong-door" in refused
    other = report("southwick", lab.people.person(), replace(lab.result(), laboratory_code="69003"), "S1", lab.now)
    async with lab.client() as rehearsal:
        refused = await rehearsal.send(other)
        assert code_of(refused) == "AR" and b"wrong-door" in refused
    assert await lab.hub.store.read(lambda tx: tx.events.last()) == 0


async def test_a_frame_does_not_smuggle_another_feed_past_the_door(scene: Scene, tmp_path: Path) -> None:
    """The first message names a sender nobody knows, the second a feed that is not of this door."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    put_status(tmp_path / "mappings", "rehearsal", "northmoor")
    intake = scene.intake_with(feeds_of(Settings(mappings=tmp_path / "mappings")))
    stranger = scene.message(scene.person(), scene.result()).replace(b"|NMLIMS|NORTHMOOR|", b"|X|NOWHERE|")
    both = stranger + scene.message(scene.person(), scene.result())
    answered = await intake.take(both, Via("mllp", "127.0.0.1", "hl7v2_oru", address="127.0.0.1"))
    assert answered.code == "AR"
    assert scene.read(lambda tx: tx.events.last()) == 0


async def test_what_was_kept_back_and_came_again_is_remembered(scene: Scene, tmp_path: Path) -> None:
    """On both databases."""
    shutil.copytree(ROOT / "mappings", tmp_path / "mappings")
    put_status(tmp_path / "mappings", "rehearsal", "northmoor")
    feeds = feeds_of(Settings(mappings=tmp_path / "mappings"))
    rehearsal = Rehearsal(scene.store, scene.intake_with(feeds), lambda: scene.now)
    via = Via("rehearsal", "127.0.0.1 port 9", "hl7v2_oru", address="127.0.0.1")
    raws = [scene.message(scene.person(), scene.result()) for _ in range(FIRST_WITHHELD)]
    answers = [await rehearsal.take(raw, via) for raw in raws]
    assert [answer is None for answer in answers] == [*[False] * (FIRST_WITHHELD - 1), True]
    again = await rehearsal.take(raws[-1], via)
    assert again and again.repeated
    table = feeds.by_id["northmoor"]
    last = scene.read(lambda tx: gathered(tx, table, ADAPTERS)).seen[-1]
    assert last.withheld_at == NOW
    assert [arrival.received_at for arrival in last.again] == [NOW]


async def test_what_was_rehearsed_is_new_when_the_feed_is_live(tmp_path: Path) -> None:
    async with rehearsing_in(tmp_path) as lab:
        raw = lab.message()
        async with lab.client() as client:
            await client.send(raw)
    async with rehearsing_in(tmp_path, status="live") as lab:
        assert lab.hub
        async with lab.client(lab.hub.mllp_port) as client:
            assert code_of(await client.send(raw)) == "AA"
        await lab.hub.caught_up()
        assert sum((await lab.hub.store.read(lambda tx: tx.counts.results())).values()) == 1


async def test_without_a_port_there_is_no_such_door(tmp_path: Path) -> None:
    async with running(Settings(data=tmp_path, mllp_port=0, http_port=0)) as hub:
        assert hub.rehearsal_port == 0
    with pytest.raises(CannotRun, match="HUB_REHEARSAL_MLLP_PORT"):
        Settings.from_environment({"HUB_REHEARSAL_MLLP_PORT": "door"})


# -- the checks


async def test_at_first_nothing_is_seen_and_the_report_says_what_to_do(lab: Rehearsing) -> None:
    made = lab.report()
    assert not made.ready
    assert {check.state for check in made.checks} == {NOT_SEEN}
    assert all(check.do for check in made.checks)


async def test_an_answer_kept_back_is_asked_for_again_with_the_same_bytes(lab: Rehearsing) -> None:
    async with lab.client() as client:
        for _ in range(FIRST_WITHHELD - 1):
            await client.send(lab.message())
        raw = lab.message()
        with pytest.raises(NoAnswerError):
            await client.send(raw, SHORT)
        assert lab.check("resend after silence").state == NOT_SEEN
        lab.now += timedelta(seconds=30)
        await client.connect()
        assert code_of(await client.send(raw)) == "AA"
    assert lab.check("resend after silence").state == PASSED
    assert lab.check("reconnect").state == PASSED
    assert lab.check("several messages").state == PASSED


@pytest.mark.parametrize("instead", ["nothing", "other bytes"])
async def test_a_sender_that_does_not_ask_again_fails(lab: Rehearsing, instead: str) -> None:
    async with lab.client() as client:
        for _ in range(FIRST_WITHHELD - 1):
            await client.send(lab.message())
        with pytest.raises(NoAnswerError):
            await client.send(lab.message(control_id="KEPT"), SHORT)
        if instead == "nothing":
            lab.now += timedelta(minutes=6)
        else:
            await client.connect()
            await client.send(lab.message(control_id="KEPT"))
    check = lab.check("resend after silence")
    assert (check.state, check.wrong) == (FAILED, (f"message {FIRST_WITHHELD}",))


async def test_a_message_answered_AE_must_come_again_mended(lab: Rehearsing) -> None:  # noqa: N802 - as HL7 writes it
    good = lab.message()
    slide = good.split(b"OBR|1||")[1].split(b"^")[0]
    async with lab.client() as client:
        assert code_of(await client.send(good.replace(slide, b"", 1))) == "AE"
        await client.send(lab.message())
        assert lab.check("resend after AE").state == NOT_SEEN
        lab.now += timedelta(minutes=6)
        failed = lab.check("resend after AE")
        assert failed.state == FAILED and "missing-slide-number OBR" in failed.wrong[0]
        assert code_of(await client.send(good)) == "AA"
    assert lab.check("resend after AE").state == PASSED


async def test_framing_header_charset_and_control_ids(lab: Rehearsing) -> None:
    async with lab.client() as client:
        await client.send(lab.message(control_id="SAME"))
        await client.send(lab.message(control_id="SAME"))
        for name in ("framing", "header", "charset"):
            assert lab.check(name).state == PASSED, name
        assert lab.check("control ids").wrong == ("message 2",)
        undeclared = lab.message().replace(b"|UNICODE UTF-8", b"")
        with pytest.raises(NoAnswerError):
            await client.send(undeclared, SHORT)
        await client.connect()
        await client.send(undeclared)
        await client.send(lab.message().replace(b"ORU^R01", b"ADT^A01"))
        await client.write(b"\x0b" + lab.message()[:60] + b"\x0b" + lab.message() + b"\x1c\r")
        await client.receive(5)
        await client.receive(5)
    assert lab.check("charset").wrong == ("message 3",)
    assert lab.check("header").wrong == ("message 4 at MSH[1]-9",)
    assert lab.check("framing").wrong == ("message 5 at incomplete",)


async def test_the_order_of_corrections(lab: Rehearsing) -> None:
    async with lab.client() as client:
        first = lab.result()
        later = first.authorised_at + timedelta(days=1)
        corrected = replace(first, version=Version.CORRECTED, authorised_at=later)
        withdrawn = replace(first, version=Version.WITHDRAWN, authorised_at=later + timedelta(days=1))
        await client.send(lab.message(first))
        await client.send(lab.message(corrected))
        assert lab.check("corrections").state == NOT_SEEN
        assert "withdrawn" in lab.check("corrections").do
        raw = lab.message(withdrawn)
        with pytest.raises(NoAnswerError):
            await client.send(raw, SHORT)
        assert lab.check("corrections").state == PASSED
        await client.connect()
        await client.send(lab.message(replace(corrected, slide_number=lab.result().slide_number)))
    check = lab.check("corrections")
    assert (check.state, check.right, check.wrong) == (FAILED, 2, ("message 4 at result 1.1",))


async def test_real_people_and_unknown_codes_are_found(lab: Rehearsing) -> None:
    async with lab.client() as client:
        await client.send(lab.message(person=replace(lab.people.person(), nhs_number=OTHER_RANGE)))
        await client.send(lab.message())
    check = lab.check("synthetic people")
    assert (check.state, check.right, check.wrong) == (FAILED, 1, ("message 1 at result 1.1",))
    assert OTHER_RANGE not in str(lab.report())
    assert lab.check("codes").state == PASSED


async def test_a_code_that_our_table_lacks_is_ours_to_mend(tmp_path: Path) -> None:
    async with rehearsing_in(tmp_path, feed="southwick") as lab:
        result = replace(lab.result(), laboratory_code="69003", slide_number=slide_number("southwick", 2026, 7))
        raw = report("southwick", lab.people.person(), result, "S1", lab.now)
        async with lab.client() as client:
            assert code_of(await client.send(raw.replace(b"HPVNEG", b"HPVNOT"))) == "AA"
        check = lab.check("codes", "southwick")
    assert check.state == FAILED and check.do.startswith("Hub: ")
    assert check.wrong == ("message 1 at OBX[2]-5.1",)


async def test_a_laboratory_that_does_everything_right_is_ready(
    lab: Rehearsing, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def patiently(raw: bytes) -> str:
        try:
            if not client.connected:
                await client.connect()
            return code_of(await client.send(raw, SHORT))
        except NoAnswerError:
            return await patiently(raw)

    client = lab.client()
    for codes, by_herself in COMBINATIONS:
        months = {"XUR": 3, "19R": 3, "29R": 12, "09R": 12, "X0R": 36}.get(codes)
        assert await patiently(lab.message(lab.result(codes, self_sample=by_herself, repeat_months=months))) == "AA"
    first = lab.result()
    for number, version in enumerate((Version.FINAL, Version.CORRECTED, Version.WITHDRAWN)):
        issued = first.authorised_at + timedelta(days=number)
        await patiently(lab.message(replace(first, version=version, authorised_at=issued)))
    good = lab.message()
    slide = good.split(b"OBR|1||")[1].split(b"^")[0]
    assert await patiently(good.replace(slide, b"", 1)) == "AE"
    await patiently(good)
    await client.close()
    made = lab.report()
    assert [(check.name, check.state, check.wrong) for check in made.checks if check.state != PASSED] == []
    assert made.ready
    monkeypatch.setenv("HUB_DATA", str(lab.settings.data))
    monkeypatch.setenv("HUB_MAPPINGS", str(lab.settings.mappings))
    assert main(["rehearsal", "northmoor"]) == 0
    assert "Ready to go live." in capsys.readouterr().out
    assert main(["rehearsal", "northmoor", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ready"] is True
    assert main(["rehearsal", "southwick"]) == 1
    assert main(["rehearsal", "nobody"]) == 2
