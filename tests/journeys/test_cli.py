"""The command line as people and programs use it: what each verb says, shows and answers with its exit code.

One hub is up for the whole module, and every verb that reads the store reads it while the hub runs.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import shlex
import shutil
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from adapters.simulators.laboratory import claim_of, laboratory_code, report, slide_number
from adapters.simulators.people import synthetic_population
from hub.__main__ import _parser, main
from hub.config import settings_table
from hub.contract import result_identity
from hub.domain.events import TestResult
from hub.domain.people import Claim, Participant
from hub.verbs import VERBS
from tests.journeys.driving import ROOT, Finished, HubUp, hub, hubs, write_cohort

NOW = datetime.now(UTC).replace(microsecond=0)
WHO = ("--by", "r.patel", "--why", "looked at the request form")


def _people(count: int) -> list[Participant]:
    """People whom nobody of the cohort is easily taken for, of the age that is routinely invited."""
    population = synthetic_population(400, 11, NOW.date())
    alike = {index for pair in (*population.twins, *population.namesakes, *population.mothers) for index in pair}
    fit = (
        person
        for index, person in enumerate(population.participants)
        if index not in alike and person.gender == "2" and 26 <= NOW.year - person.date_of_birth.year <= 48
    )
    return [next(fit) for _ in range(count)]


def _report(person: Claim | Participant, number: int, codes: str = "X0A", days: int = 8, **more: Any) -> bytes:
    """A northmoor report with control id and slide of this number."""
    plain = TestResult(
        laboratory_code=laboratory_code("northmoor"),
        slide_number=slide_number("northmoor", NOW.year, number),
        test_on=(NOW - timedelta(days=days)).date(),
        authorised_at=NOW - timedelta(days=1),
        result_code=codes[0],
        infection_code=codes[1],
        action_code=codes[2],
        repeat_months=3 if codes[2] == "R" else None,
        source_type="1",
        sender_code="Z99001",
    )
    return report("northmoor", person, replace(plain, **more), f"CLI{number:04}", NOW)


def _slide(number: int) -> str:
    return slide_number("northmoor", NOW.year, number)


@dataclass
class Desk:
    """A running hub with a day behind it: whose messages are which, by name."""

    running: HubUp
    files: Path
    people: list[Participant]
    sent: dict[str, Any] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.running.data

    def ask(self, *words: object, given: bytes = b"") -> Finished:
        """A verb that reads the store of the running hub."""
        return hub(*words, "--data", self.data, given=given)

    def json(self, *words: object, given: bytes = b"") -> Any:
        done = self.ask(*words, "--json", given=given)
        assert done.code == 0, done.complained
        return json.loads(done.out)

    def person(self, index: int) -> dict[str, Any]:
        """Her record as `hub trace --person` tells it."""
        person: dict[str, Any] = self.json("trace", "--person", given=self.people[index].nhs_number.encode() + b"\n")
        return person

    def slides(self, index: int) -> list[str]:
        return [kept["slide_number"] for kept in self.person(index)["record"].get("results", [])]

    def result(self, name: str) -> str:
        """The id of the one result of a message."""
        raw = (self.files / f"{name}.hl7").read_bytes()
        return result_identity("northmoor", hashlib.sha256(raw).hexdigest(), "1.1")

    def task(self, name: str) -> str:
        """The task that the message of this name waited in at first."""
        return self.tasks[self.result(name)]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("cli")
    people = _people(12)
    stranger = Claim(None, "Quillfeather", ("Isolde",), (), people[0].date_of_birth + timedelta(days=40), "F")
    doubtful = [replace(claim_of(person), nhs_number="9000000009") for person in people]
    bodies = {
        "good": _report(people[0], 1),
        "unsure": _report(doubtful[1], 2),
        "unknown": _report(stranger, 3),
        "for reject": _report(doubtful[2], 4),
        "for query": _report(doubtful[3], 5),
        "for undo": _report(people[4], 6),
        "no slide": _report(people[5], 7, slide_number=""),
        "stranger's laboratory": _report(people[5], 8).replace(b"|NORTHMOOR|", b"|NOWHERE|"),
    }
    for name, body in bodies.items():
        (folder / f"{name}.hl7").write_bytes(body)
    with HubUp(folder / "data") as running:
        cohort = hub("cohort", "import", write_cohort(folder / "cohort.csv", people), "--json", "--data", running.data)
        assert json.loads(cohort.out) == {"taken": 12, "refused": []}
        desk = Desk(running, folder, people)
        sent = hub("send", *(folder / f"{name}.hl7" for name in bodies), "--json", "--to", f"127.0.0.1:{running.mllp}")
        desk.sent = {"exit": sent.code, "rows": json.loads(sent.out)}
        _wait_until_settled(desk)
        yield desk
        assert running.terminate() == 0
        assert "our_fault" not in running.log.read_text()


def _wait_until_settled(desk: Desk) -> None:
    for _ in range(50):
        waiting = desk.json("tasks", "list")
        if len(waiting) == 4 and desk.slides(4):
            desk.tasks = {task["result_id"]: task["task_id"] for task in waiting}
            return
    raise AssertionError("the hub does not come to an end with six results")


Inside = Callable[..., Finished]


@pytest.fixture
def inside(capfd: pytest.CaptureFixture[str]) -> Inside:
    """The same command line in this process: for the many short questions whose answer is a sentence."""

    def ask(*words: object) -> Finished:
        said = tuple(str(word) for word in words)
        code = main(list(said))
        out, err = capfd.readouterr()
        return Finished(said, code, out.encode(), err.encode())

    return ask


# -- what every verb says of itself


def test_every_verb_shows_examples_of_itself() -> None:
    for verb, done in zip(VERBS, hubs([(verb, "--help") for verb in VERBS]), strict=True):
        assert done.code == 0 and done.err == b""
        _, _, examples = done.said.partition("examples:\n")
        lines = [line.strip() for line in examples.splitlines()]
        assert lines and all(f"hub {verb}" in line for line in lines), verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_is_a_command_that_the_hub_takes(verb: str) -> None:
    for example in import_module(f"hub.verbs.{verb}").EXAMPLES:
        command = re.split(r"\s{2,}(?![^']*'$)", example)[0]
        for part in command.split(" | "):
            program, *words = shlex.split(part)
            assert program == "hub"
            parser, _ = _parser(words)
            parser.parse_args(words)


def test_hub_alone_lists_the_verbs() -> None:
    alone, helped, version = hub(), hub("--help"), hub("--version")
    assert (alone.code, helped.code, version.code) == (2, 0, 0)
    assert alone.out == helped.out and all(f"    {verb} " in helped.said for verb in VERBS)
    assert "Exit codes: 0 fine, 1 found something wrong, 2 could not run." in " ".join(helped.said.split())
    assert re.fullmatch(r"hub \d+\.\d+\.\d+\n", version.said)


def test_every_setting_is_documented_and_no_other() -> None:
    """In `.env.example`, and wherever a document or a sentence of the hub names one."""
    known = {row.name for row in settings_table()}
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^(HUB_\w+)=", example, re.MULTILINE)) == known
    assert all(row.meaning in example for row in settings_table())
    read = [*ROOT.glob("*.md"), *ROOT.glob("hub/**/*.py"), *ROOT.glob("hub/**/*.md"), *ROOT.glob("adapters/*.md")]
    named = {(path.name, name) for path in read for name in re.findall(r"\bHUB_[A-Z][A-Z_]*[A-Z]\b", path.read_text())}
    assert {pair for pair in named if pair[1] not in known | {"HUB_FAULTS_KILLS"}} == set()


# -- what is wrong is said, with what to do about it


def test_what_cannot_be_run_is_said_in_one_sentence(tmp_path: Path, inside: Inside) -> None:
    """The verb's name, what happened, exit code 2, nothing on standard output."""
    (tmp_path / "cohort.txt").write_text("x")
    (tmp_path / "nothing.csv").write_text("name\nA\n")
    (tmp_path / "a.hl7").write_bytes(b"MSH|^~\\&|A|B\r")
    calls = (
        f"tasks list --data {tmp_path}/nowhere",
        f"trace X --data {tmp_path}/nowhere",
        f"run relay --data {tmp_path}/d",
        f"send {tmp_path}/absent.hl7",
        f"send {tmp_path}/a.hl7 --to nowhere",
        f"send {tmp_path}/a.hl7 --to 127.0.0.1:99999",
        f"send {tmp_path}/a.hl7 --to 127.0.0.1:{_closed_port()}",
        f"send {tmp_path}/a.hl7 --tls --ca {tmp_path}/absent.pem",
        f"check {tmp_path}/absent.hl7",
        f"check {tmp_path}/absent.toml",
        f"decode {tmp_path}/absent.hl7",
        f"cohort import {tmp_path}/absent.csv --data {tmp_path}/d",
        f"cohort import {tmp_path}/cohort.txt --data {tmp_path}/d",
        f"cohort import {tmp_path}/nothing.csv --data {tmp_path}/d",
        "trace",
        "trace A --slide B",
    )
    every = [inside(*call.split()) for call in calls]
    assert [(done.words, done.code, done.said, done.complained) for done in every if not _is_one_sentence(done)] == []
    assert not (tmp_path / "nowhere").exists(), "asking for a store makes none"


def test_a_hub_that_cannot_start_says_what_to_do(tmp_path: Path, desk: Desk) -> None:
    """No store, a file that is none, ports that are taken or impossible: one sentence and a way out, no traceback."""
    (tmp_path / "garbage").mkdir()
    (tmp_path / "garbage" / "hub.sqlite").write_bytes(b"this is no database, and never was" * 100)
    (tmp_path / "file").write_bytes(b"")
    mllp, http = desk.running.mllp, desk.running.ports["HTTP"]
    calls = {
        f"journal list --data {tmp_path}/nowhere": "`hub up --data",
        f"journal list --data {tmp_path}/garbage": "Name another directory with --data",
        f"up --data {tmp_path}/garbage --mllp 0 --http 0": "Name another directory with --data",
        f"up --data {tmp_path}/file --mllp 0 --http 0": "Name another with --data",
        f"up --data {tmp_path}/d --mllp 99999 --http 0": "HUB_MLLP_PORT",
        f"up --data {tmp_path}/d --mllp 0 --http 99999": "Choose another with --http",
        f"up --data {tmp_path}/d --mllp {mllp} --http 0": f"port {mllp}",
        f"up --data {tmp_path}/d --mllp 0 --http {http}": f"port {http}",
    }
    settings = {"HUB_LOG": "error"}
    for done, way_out in zip(hubs([call.split() for call in calls], settings), calls.values(), strict=True):
        assert _is_one_sentence(done), (done.words, done.complained)
        assert way_out in done.complained


def _is_one_sentence(done: Finished) -> bool:
    begins = done.complained.startswith(f"hub {done.words[0]}: ")
    return done.code == 2 and not done.out and begins and done.complained.count("\n") == 1


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("HUB_MLPP_PORT", "1", "Did you mean HUB_MLLP_PORT?"),
        ("HUB_MLLP_PORT", "many", "a port from 1 to 65535"),
        ("HUB_DATABASE_URL", "postgresql://hub:sesame@db/hub", "embedded only"),
    ],
)
def test_settings_that_do_not_fit_are_refused(
    name: str, value: str, said: str, tmp_path: Path, inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    done = inside("journal", "list", "--data", tmp_path)
    assert done.code == 2 and name in done.complained and said in done.complained
    assert "sesame" not in done.complained


@pytest.mark.parametrize("words", ["nonsense", "journal", "tasks match", "up --mllp x", "journal show"])
def test_words_that_are_no_command_exit_2(words: str, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        main(words.split())
    assert end.value.code == 2 and capfd.readouterr().err.startswith("usage: hub")


def test_names_that_nothing_goes_by(desk: Desk, inside: Inside) -> None:
    long_number = "20260115120000000000001"
    calls = [
        ("journal", "show", "NOBODY"),
        ("journal", "show", long_number),
        ("journal", "export", long_number),
        ("tasks", "show", "zzzz"),
        ("tasks", "match", "zzzz", "--candidate", "1", *WHO),
    ]
    for call in calls:
        done = inside(*call, "--data", desk.data)
        assert _is_one_sentence(done) and done.words[2] in done.complained and "`hub " in done.complained
    for name in ("NOBODY", long_number):
        done = inside("trace", name, "--data", desk.data)
        assert done.code == 1 and "Nothing goes by that name" in done.said and done.err == b""
    nobody = desk.ask("trace", "--person", given=b"999 000 0000\n")
    assert nobody.code == 1 and "9990000000" not in nobody.said + nobody.complained


# -- reading while the hub runs


def test_send_reports_every_answer(desk: Desk) -> None:
    rows = {Path(row["file"]).stem: row for row in desk.sent["rows"]}
    assert desk.sent["exit"] == 1, "an AE and an AR among them"
    codes = {name: row["code"] for name, row in rows.items()}
    assert codes == dict.fromkeys(rows, "AA") | {"no slide": "AE", "stranger's laboratory": "AR"}
    assert "missing-slide-number" in rows["no slide"]["errors"][0]
    to = f"127.0.0.1:{desk.running.mllp}"
    good, bad = hubs([("send", desk.files / f"{name}.hl7", "--to", to, "--times", 2) for name in ("good", "no slide")])
    assert good.code == 0 and good.said.splitlines()[-1] == "2 AA"
    assert bad.code == 1 and bad.said.splitlines()[-1] == "2 AE"
    assert re.search(r"^      OBR 1 3 .*missing-slide-number.*The slide number is missing", bad.said, re.MULTILINE)


def test_what_stands_in_the_journal(desk: Desk) -> None:
    listed = desk.json("journal", "list", "--all")
    assert [row["control_id"] for row in listed] == [f"CLI{number:04}" for number in range(1, 9)]
    assert {row["answer"] for row in listed} == {"AA", "AE", "AR"}
    assert desk.json("journal", "list", "--state", "refused", "--limit", 2) == listed[-2:]
    shown = desk.json("journal", "show", "CLI0001")
    raw = (desk.files / "good.hl7").read_bytes()
    assert shown["bytes"] == len(raw) and shown["replies"][0]["code"] == "AA"
    calls = [("journal", "export", name) for name in ("CLI0001", shown["digest"][:8], shown["number"])]
    for done in hubs([(*call, "--data", desk.data) for call in calls]):
        assert (done.code, done.out) == (0, raw), done.words
    out = desk.files / "out.hl7"
    assert desk.ask("journal", "export", "CLI0001", "--out", out).out == b"" and out.read_bytes() == raw
    text = desk.ask("journal", "list").said
    assert "CLI0007" in text and "missing-slide-number" in text


def test_tracing_by_control_id_slide_and_person(desk: Desk) -> None:
    by_id, by_slide = desk.json("trace", "CLI0001"), desk.json("trace", "--slide", _slide(1))
    assert by_id == by_slide
    assert [moment["what"] for moment in by_id][:2] == ["received", "answered"]
    assert {"matched", "letter wished", "event"} <= {moment["what"] for moment in by_id}
    person = desk.person(0)
    assert [kept["slide_number"] for kept in person["record"]["results"]] == [_slide(1)]
    assert [(letter["code"], letter["state"]) for letter in person["letters"]] == [("PX0A", "wished")]
    told = desk.ask("trace", "--person", given=desk.people[0].nhs_number.encode())
    assert told.code == 0 and "recall type" in told.said
    assert desk.people[0].nhs_number not in told.said and desk.people[0].family_name not in told.said


def test_the_worklist_shows_claim_and_candidates(desk: Desk) -> None:
    task = desk.task("unsure")
    shown = desk.json("tasks", "show", task)
    assert shown["reason"] == "unsure" and shown["candidates"][0]["findings"]
    text = desk.ask("tasks", "show", task[:8])
    person = desk.people[1]
    assert text.code == 0 and "the laboratory says" in text.said and person.nhs_number in text.said
    listed = desk.ask("tasks", "list")
    assert listed.code == 0 and "unsure" in listed.said and person.family_name not in listed.said


# -- deciding


def test_a_match_changes_the_record_and_undo_takes_it_back(desk: Desk, inside: Inside) -> None:
    task = desk.task("unsure")
    which = ("tasks", "match", task, "--data", desk.data, *WHO)
    unsaid, too_far = inside(*which), inside(*which, "--candidate", 99)
    assert unsaid.code == 2 and "--candidate" in unsaid.complained
    assert too_far.code == 2 and "no number 99" in too_far.complained
    assert desk.slides(1) == []
    assert desk.json("tasks", "match", task, "--candidate", 1, *WHO)["done"] is True
    assert desk.slides(1) == [_slide(2)]
    again = inside(*which, "--candidate", 1)
    assert again.code == 1 and "closed already" in again.said
    assert desk.ask("tasks", "undo", task, *WHO).code == 0
    assert desk.slides(1) == []
    history = desk.json("tasks", "show", task)["decisions"]
    assert [(one["action"], one["by"], one["why"]) for one in history] == [
        ("match", "r.patel", "looked at the request form"),
        ("undo", "r.patel", "looked at the request form"),
    ]


def test_a_result_is_rejected_and_taken_back(desk: Desk) -> None:
    task = desk.task("for reject")
    assert desk.ask("tasks", "reject", task, *WHO).code == 0
    assert desk.json("tasks", "show", task)["outcome"] == "rejected"
    assert desk.json("journal", "show", "CLI0004")["outcomes"][0]["state"] == "refused"
    assert desk.ask("tasks", "undo", task, *WHO).code == 0
    assert desk.json("tasks", "show", task)["state"] == "open"


def test_a_question_to_the_laboratory(desk: Desk) -> None:
    task = desk.task("for query")
    assert desk.ask("tasks", "query", task, *WHO).code == 0
    assert [one["task_id"] for one in desk.json("tasks", "list", "--state", "queried")] == [task]


def test_the_hubs_own_match_is_undone_by_a_person(desk: Desk) -> None:
    assert desk.slides(4) == [_slide(6)]
    result = desk.result("for undo")
    assert desk.ask("tasks", "undo", "--result", result, *WHO).code == 0
    person = desk.person(4)
    assert person["record"]["results"] == []
    assert [letter["state"] for letter in person["letters"]] == ["cancelled"]
    assert result in {task["result_id"] for task in desk.json("tasks", "list", "--state", "open")}, "a clerk has it now"


# -- cohort


def test_a_cohort_with_bad_rows_is_taken_but_for_these(desk: Desk, tmp_path: Path) -> None:
    rows = [
        {"nhs_number": "9990000000", "family_name": "A", "given_names": ["B"], "date_of_birth": "1990-01-01"},
        {
            "nhs_number": desk.people[11].nhs_number,
            "family_name": "",
            "given_names": ["B"],
            "date_of_birth": "1990-01-01",
        },
    ]
    path = tmp_path / "more.ndjson"
    path.write_text("\n".join(map(json.dumps, rows)) + "\nnonsense\n")
    done = desk.ask("cohort", "import", path, "--json")
    told = json.loads(done.out)
    assert done.code == 1 and [one["line"] for one in told["refused"]] == [1, 2, 3] and told["taken"] == 0
    assert "9990000000" not in done.said


# -- checking


def test_check_of_the_tables_as_they_are() -> None:
    every, one = hubs([("check", "--json"), ("check", ROOT / "mappings" / "feeds" / "northmoor.toml")])
    assert (every.code, json.loads(every.out)) == (0, [])
    assert one.code == 0 and "right" in one.said


def test_check_of_a_spoiled_table_names_the_place(tmp_path: Path) -> None:
    mappings = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    table = mappings / "feeds" / "northmoor.toml"
    good = table.read_text()
    for spoiled, words in (
        (good.replace("[facts.slide_number]", "[facts.slide_numbr]"), ("slide_numbr",)),
        (good.replace('application = "NMLIMS"', "application = 7"), ("sender", "application")),
        (good.replace('feed = "northmoor"', "feed = northmoor"), ("northmoor.toml",)),
    ):
        table.write_text(spoiled)
        done = hub("check", settings={"HUB_MAPPINGS": str(mappings)})
        assert done.code == 1 and "northmoor.toml" in done.said, (done.said, done.complained)
        assert all(word in done.said for word in words)
    table.write_text(good.replace("[facts.slide_number]", "[facts.slide_numbr]"))
    up = hub("up", "--data", tmp_path / "d", "--mllp", "0", "--http", "0", settings={"HUB_MAPPINGS": str(mappings)})
    assert up.code == 2 and "slide_numbr" in up.complained and "Traceback" not in up.complained
    none = hub("check", settings={"HUB_MAPPINGS": str(tmp_path / "absent")})
    assert none.code in (1, 2) and "Traceback" not in none.complained


def test_check_of_a_spoiled_policy_names_the_place(tmp_path: Path) -> None:
    mappings = tmp_path / "mappings"
    shutil.copytree(ROOT / "mappings", mappings)
    policy = mappings / "policy" / "2025-07-01.toml"
    for spoiled in (policy.read_text() + "\n[nonsense]\nx = 1\n", policy.read_text() + "\n[[["):
        policy.write_text(spoiled)
        done = hub("check", settings={"HUB_MAPPINGS": str(mappings)})
        assert done.code == 1 and "2025-07-01.toml" in done.said, (done.said, done.complained)


def test_check_of_a_message_says_what_would_be_answered(desk: Desk) -> None:
    good, bad, stranger = hubs(
        [("check", desk.files / f"{name}.hl7", "--json") for name in ("good", "no slide", "stranger's laboratory")]
    )
    assert good.code == 0 and json.loads(good.out)["answer"] == "AA"
    told = json.loads(bad.out)
    assert (bad.code, told["answer"], told["feed"]) == (1, "AE", "northmoor")
    assert told["results"][0]["reason"] == "missing-slide-number" and "OBR" in told["results"][0]["place"]
    assert stranger.code == 1 and json.loads(stranger.out)["answer"] == "AR"
    structure = hub("check", desk.files / "good.hl7", "--structure")
    assert structure.code in (0, 1) and "answer   AA" in structure.said and structure.err == b""
    piped = hub("check", "-", given=(desk.files / "good.hl7").read_bytes())
    assert piped.code == 0 and "a result" in piped.said


def test_decode_shows_every_field(desk: Desk) -> None:
    text, data = hubs([("decode", desk.files / "good.hl7", *more) for more in ((), ("--json",))])
    fields = json.loads(data.out)["messages"][0]["fields"]
    assert text.code == data.code == 0 and fields["MSH-10"] == "CLI0001" and fields["OBR-3"] == _slide(1)
    assert re.search(r"^MSH-10 +CLI0001$", text.said, re.MULTILINE)
    assert hub("decode", "-", given=b"no message").code == 1


def test_generated_documents_are_fresh_or_named() -> None:
    done = hub("docs", "--check")
    assert done.code == 0 or (done.code == 1 and "Run `hub docs`" in done.said)


# -- up


async def test_up_says_where_answers_machines_and_stops_in_good_order(tmp_path: Path) -> None:
    with HubUp(tmp_path / "data") as running:
        said = "".join(running.said)
        assert "o server is configured" in said and "embedded" in said and str(tmp_path / "data") in said
        health, ready, metrics = [
            await asyncio.to_thread(_get, f"{running.url}/{page}") for page in ("health", "ready", "metrics")
        ]
        assert json.loads(health) == {"status": "alive"} and json.loads(ready) == {"status": "ready", "away": {}}
        assert "# TYPE hub_messages_received_total counter" in metrics
        with pytest.raises(urllib.error.HTTPError):
            await asyncio.to_thread(_get, f"{running.url}/nothing")
        assert await asyncio.to_thread(running.terminate) == 0
        assert "Stopping" in running.said[-1]
        running.start()
        await asyncio.to_thread(running.wait_until_up)
        assert await asyncio.to_thread(running.terminate, signal.SIGINT) == 0
    assert "Traceback" not in running.log.read_text() and "level=error" not in running.log.read_text()


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:  # our own hub on this machine
        text: str = answer.read().decode()
        return text
