"""The command line: what each verb says of itself, of what is wrong, and with which exit code."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
import shutil
import signal
import socket
import urllib.error
import urllib.request
from importlib import import_module
from pathlib import Path

import pytest

from adapters import ADAPTERS
from hub.__main__ import _parser, main
from hub.config import settings_table
from hub.verbs import VERBS
from hub.verbs.decode import _show_results
from tests.golden_cases import GOLDEN
from tests.journeys.desk import WHO, Desk, slide
from tests.journeys.driving import ROOT, HubUp, Inside, hub, hubs, is_one_sentence

# -- what every verb says of itself


def test_every_verb_shows_examples_of_itself() -> None:
    for verb, done in zip(VERBS, hubs([(verb, "--help") for verb in VERBS]), strict=True):
        assert done.code == 0 and done.err == b""
        _, _, examples = done.said.partition("examples:\n")
        lines = [line.strip() for line in examples.splitlines()]
        assert lines and all(f"hub {verb}" in line for line in lines), verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_is_a_command_that_the_hub_takes(verb: str) -> None:
    for example in import_module(f"hub.verbs.{verb.replace('-', '_')}").EXAMPLES:
        command = re.split(r"\s{2,}(?![^']*'$)", example)[0]
        for part in command.split(" | "):
            program, *words = shlex.split(part)
            assert program == "hub"
            parser, _ = _parser(words)
            parser.parse_args(words)


def test_hub_alone_lists_the_verbs() -> None:
    alone, helped, version = hub(), hub("--help"), hub("--version")
    assert (alone.code, helped.code, version.code) == (2, 0, 0)
    assert alone.out == helped.out
    assert all(re.search(rf"^    {verb}\s", helped.said, re.MULTILINE) for verb in VERBS)
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
    assert {pair for pair in named if pair[1] not in known and not pair[1].startswith("HUB_TEST_")} == set()


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
    assert [(done.words, done.code, done.said, done.complained) for done in every if not is_one_sentence(done)] == []
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
        assert is_one_sentence(done), (done.words, done.complained)
        assert way_out in done.complained


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
        ("HUB_DATABASE_URL", "postgresql://hub:sesame@db/hub", "PostgreSQL cannot be reached"),
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
        assert is_one_sentence(done) and done.words[2] in done.complained and "`hub " in done.complained
    for name in ("NOBODY", long_number):
        done = inside("trace", name, "--data", desk.data)
        assert done.code == 1 and "Nothing goes by that name" in done.said and done.err == b""
    nobody = desk.ask("trace", "--person", given=b"999 000 0000\n")
    assert nobody.code == 1 and "9990000000" not in nobody.said + nobody.complained


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
    assert text.code == data.code == 0 and fields["MSH-10"] == "CLI0001" and fields["OBR-3"] == slide(1)
    assert re.search(r"^MSH-10 +CLI0001$", text.said, re.MULTILINE)
    assert hub("decode", "-", given=b"no message").code == 1


def test_decode_of_another_language_lists_what_is_read(
    desk: Desk, inside: Inside, capfd: pytest.CaptureFixture[str]
) -> None:
    """What an adapter without fields of its own gives: who sent what, and each result in codes."""
    raw = (desk.files / "good.hl7").read_bytes()
    for words in ([], ["--json"], ["--feed", "northmoor"]):
        options = _parser(["decode", "x", *words])[0].parse_args(["decode", "x", *words])
        assert _show_results(ADAPTERS["hl7v2_oru"], raw, options) == 0
        said = capfd.readouterr().out
        assert "X0A final" in said and slide(1) in said
        assert desk.people[0].nhs_number not in said and desk.people[0].family_name not in said
    unknown = inside("decode", desk.files / "good.hl7", "--dialect", "morse")
    assert is_one_sentence(unknown) and "hl7v2_oru" in unknown.complained


def test_decode_tells_languages_of_one_form_apart_by_the_senders_table(inside: Inside) -> None:
    for feed, sentence, dialect in (
        ("ashdown", "HPV negative, routine recall", "fhir_report"),
        ("thornmere", "a discharge, her next test in three years", "fhir_discharge"),
    ):
        done = inside("decode", GOLDEN / feed / f"{sentence}.json")
        assert done.code == 0 and f"# dialect {dialect}\n# feed {feed}\n" in done.said
    stranger = inside("decode", GOLDEN / "thornmere" / "refused, a sender that no feed is agreed with.json")
    assert stranger.code == 2 and "fhir_discharge or fhir_report" in stranger.complained


def test_the_generated_documents_are_fresh() -> None:
    done = hub("docs", "--check")
    assert done.code == 0, done.said


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
