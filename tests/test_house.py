"""The house is as its documents say: commands parse, links lead somewhere, verbs and settings are described."""

from __future__ import annotations

import ast
import importlib
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from adapters import ADAPTERS
from hub.__main__ import _parser
from hub.config import OF_TESTS, settings_table
from hub.demo.story import story
from hub.mapping.feed_table import (
    Access,
    Answer,
    Clinic,
    Fact,
    FeedTable,
    FileForm,
    FileRecord,
    Laboratory,
    Report,
    Sender,
)
from hub.verbs import VERBS

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MADE = {".git", ".venv", ".venv-mesh", ".hub", "__pycache__", ".hypothesis"}
CACHES = re.compile(r"\..*_cache$|.*\.egg-info$")
# Written in pieces, or this file would find itself.
PATHS_OF_A_MACHINE = re.compile(rf"(?<![\w.~-])/(?:{'|'.join(('wo' + 'rk', 'ro' + 'ot', 'ho' + 'me'))})/\w")
REGISTRIES = tuple(
    ".".join(parts) for parts in (("pypi", "org"), ("python" + "hosted", "org"), ("npmjs", "org"), ("golang", "org"))
)
NOT_PLAIN = {"asyncio", "logging", "os", "socket", "subprocess", "threading"}
IMPORTED_AS = {"fhir.resources": "fhir", "pyjwt": "jwt"}
FRONT = ("README.md", "hub/README.md")


def files() -> Iterator[Path]:
    """Every file of the project; what tools and the demo made is not of it."""
    for directory, names, found in os.walk(ROOT):
        names[:] = [name for name in names if name not in MADE and not CACHES.match(name)]
        yield from (Path(directory, name) for name in found if name not in MADE)  # .git is a file in a worktree


FILES = sorted(files())
PAGES = [path for path in FILES if path.suffix == ".md"]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: Path) -> Iterator[list[str]]:
    """Every `hub ...` a page tells people to type, in blocks and in the running text.

    Shell blocks explain behind `#`, plain ones (the verbs' examples) behind two spaces."""
    text = page.read_text(encoding="utf-8")
    running = re.sub(r"^```(\w*)\n.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = [line for block in blocks(page, "sh") for line in block.splitlines()]
    lines += [re.split(r"\s{2,}", line)[0] for block in blocks(page, "") for line in block.splitlines()]
    for line in [*lines, *re.findall(r"`([^`\n]+)`", running)]:
        for part in re.split(r"\s[|>]\s", line):
            words = shlex.split(part, comments=True) if re.match(r"(\.venv/bin/)?hub [a-z-]", part) else []
            if words:
                yield words[1:]


COMMANDS = [(name_of(page), words) for page in PAGES for words in commands(page)]


@pytest.mark.parametrize(
    ("page", "words"), COMMANDS, ids=lambda part: part if isinstance(part, str) else " ".join(part)
)
def test_a_command_that_a_page_shows_can_be_typed(
    page: str, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Unknown verbs, actions and options are found. `hub tasks match` alone is a mention: only its words must exist."""
    mention = all(re.fullmatch("[a-z]+(-[a-z]+)*", word) for word in words[:2]) and len(words) <= 2
    try:
        _parser(words)[0].parse_args([*words, "--help"] if mention else words)
    except SystemExit as end:
        assert end.code == 0, f"{page}: hub {' '.join(words)}: {capsys.readouterr().err}"


def test_there_are_commands_and_a_wrong_one_would_be_found() -> None:
    assert len(COMMANDS) > 40
    for words in (["replicate"], ["tasks", "list", "--sorted"], ["journal", "burn", "17"]):
        with pytest.raises(SystemExit):
            _parser(words)[0].parse_args(words)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb: str) -> None:
    assert f"## hub {verb}\n" in (ROOT / "hub/VERBS.md").read_text(), "run `hub docs`"
    assert any(words[0] == verb for page, words in COMMANDS if page in (*FRONT, "CHANGELOG.md", "mappings/README.md"))


def test_every_target_is_in_the_list_that_make_gives() -> None:
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout
    targets = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert {"setup", "demo", "test", "check", "bench"} <= set(targets)
    for target in targets:
        assert re.search(rf"^  make {target} +\S", listed, re.MULTILINE), target
    named = {name for page in PAGES for name in re.findall(r"`make ([a-z-]+)`|^make ([a-z-]+)", page.read_text(), re.M)}
    assert {first or second for first, second in named} <= set(targets)


def test_every_setting_is_documented_and_no_other_is_spoken_of() -> None:
    known = {row.name for row in settings_table()}
    example = (ROOT / ".env.example").read_text()
    assert known == set(re.findall(r"^(HUB_\w+)=", example, re.MULTILINE))
    for page in PAGES:
        named = set(re.findall(r"\bHUB_[A-Z_]+\b", page.read_text(encoding="utf-8")))
        assert {name for name in named if not name.startswith(OF_TESTS)} <= known, name_of(page)


def test_every_key_of_a_table_is_documented() -> None:
    text = (ROOT / "mappings/README.md").read_text()
    for struct in (FeedTable, Sender, Laboratory, Clinic, Access, Answer, Report, FileForm, FileRecord, Fact):
        for field in msgspec.structs.fields(struct):
            written = (f"`{field.name}`", f"`[{field.name}]`", f"`[{field.name}.NAME]`")
            assert any(way in text for way in written), f"{struct.__name__}.{field.name}"


def heading_anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists() and there.is_relative_to(ROOT), f"{name_of(page)} -> {target}"
        if anchor:
            assert anchor in heading_anchors(there), f"{name_of(page)} -> {target}"


def test_every_decision_is_listed_and_says_what_it_cost() -> None:
    directory = ROOT / "hub/decisions"
    decisions = sorted(directory.glob("0*.md"))
    assert [path.name[:4] for path in decisions] == [f"{number:04}" for number in range(1, len(decisions) + 1)]
    for path in decisions:
        text = path.read_text()
        assert text.startswith(f"# {path.name[:4]} ")
        assert all(f"**{part}.**" in text for part in ("Choice", "Refused", "Price")), path.name
        assert f"({path.name})" in (directory / "README.md").read_text()
        assert len(text.split()) < 500, f"{path.name} is longer than a page"


def test_every_dependency_has_its_reason_and_its_room() -> None:
    """A library is in the decision's table, and imported; the rooms it may be imported in are a contract."""
    text = (ROOT / "hub/decisions/0008-libraries.md").read_text()
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    fenced = {module for one in contracts for module in one.get("protected_modules", ())}
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
    rooms = dict(re.findall(r"^\| ([a-z][a-z0-9.-]+) \| .* \| (.+) \|$", text, re.MULTILINE))
    names = {re.split(r"[^a-z0-9.-]", requirement)[0] for requirement in wanted}
    assert names == rooms.keys() - {"library"}
    used = set().union(
        *(imported(path) for path in FILES if path.is_relative_to(ROOT / "hub") and path.suffix == ".py")
    )
    for name in names:
        module = "opentelemetry" if name.startswith("opentelemetry-") else IMPORTED_AS.get(name, name.replace("-", "_"))
        assert (module in used) == (rooms[name] != "none") == (module in fenced), name


def test_every_dialect_is_held_to_be_pure() -> None:
    """Those of laboratories, which the register names, and those in which we ask partners."""
    contracts = {one["id"]: one for one in PROJECT["tool"]["importlinter"]["contracts"]}
    found = {
        path.stem for path in (ROOT / "adapters").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    dialects = found - {"__init__", "simulators"}
    assert set(ADAPTERS) <= dialects
    assert set(contracts["dialects-pure"]["source_modules"]) == {f"adapters.{dialect}" for dialect in dialects}


def imported(path: Path) -> set[str]:
    """The top names of everything a module imports."""
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {
        name.split(".")[0]
        for name in [*plain, *(node.module or "" for node in nodes if isinstance(node, ast.ImportFrom))]
    }


def test_the_domain_is_plain_python() -> None:
    """Standard library and rapidfuzz, and nothing of the library that waits, opens or starts anything."""
    allowed = {*sys.stdlib_module_names, "rapidfuzz", "hub"} - NOT_PLAIN
    for path in (ROOT / "hub/domain").glob("*.py"):
        assert imported(path) <= allowed, f"{path.name}: {imported(path) - allowed}"


def test_no_file_knows_this_machine_or_a_registry() -> None:
    for path in FILES:
        text = path.read_bytes().decode("utf-8", "replace")
        assert PATHS_OF_A_MACHINE.search(text) is None, name_of(path)
        assert not [host for host in REGISTRIES if host in text], name_of(path)


def test_the_demo_that_the_readme_shows_is_the_demo() -> None:
    shown = next(block for block in blocks(ROOT / "README.md", "text") if "answered  ended" in block)
    told = story(datetime(2026, 7, 20, 9, 0, tzinfo=UTC))
    endings = {case.name: case.sendings[-1].reason or case.sendings[-1].ends[-1] for case in told.cases}
    rows = re.findall(r"^✓  (.+?)  +((?:A[AER] )*A[AER])  +(.+)$", shown, re.MULTILINE)
    assert len(rows) == shown.count("✓") > 5
    for name, _answers, ending in rows[:-1]:
        assert endings[name] == ending, name
    assert f"{len(told.ordinary)} ordinary results" in rows[-1][0]
    sent = sum(len(case.sendings) for case in (*told.cases, *told.ordinary))
    assert f"\nsent        {sent}\n" in shown
    assert f"loads {len(told.participants):,} synthetic people" in (ROOT / "README.md").read_text()


def test_messages_are_kept_as_they_are() -> None:
    """No tool may touch the line ends of a message: neither git nor an editor."""
    rules = (ROOT / ".gitattributes").read_text().splitlines()
    assert [rule for rule in rules if rule.startswith("*.hl7") or rule.startswith("* ")] == ["*.hl7 -text"]
    assert "[*.hl7]\ncharset = unset\nend_of_line = unset\n" in (ROOT / ".editorconfig").read_text()


def test_hooks_fetch_nothing() -> None:
    assert re.findall(r"repo: (\S+)", (ROOT / ".pre-commit-config.yaml").read_text()) == ["local"]


def test_setup_names_the_package_that_is_missing(tmp_path: Path) -> None:
    """A Debian without python3-venv: one line that says what to install, and exit code 2."""
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        subprocess.run(["cp", ROOT / name, tmp_path], check=True, timeout=60)
    python = tmp_path / "python-without-venv"
    python.write_text(f'#!/bin/sh\ncase "$*" in *venv*) exit 1;; esac\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for target in ("setup", "demo", "test"):
        done = subprocess.run(
            ["make", target, f"PYTHON={python}"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 2
        assert "apt-get install python3-venv" in done.stdout
        assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("runs", ["tests.soak", "tests.bench", "tests.fuzz"])
def test_what_make_test_does_not_run_can_be_run_at_all(runs: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The long runs are nobody's test: here each is at least loaded, with all its parts."""
    main = importlib.import_module(f"{runs}.__main__").main
    with suppress(SystemExit):
        main(["--help"])
    assert runs in capsys.readouterr().out


def test_a_day_is_a_day_in_england() -> None:
    """For an hour of each summer night it is yesterday in UTC: a check would not say what the hub answers."""
    wrong = re.compile(r"now(\(UTC\))?\.date\(\)|date\.today\(\)")
    files = [path for room in ("hub", "adapters") for path in (ROOT / room).rglob("*.py") if "demo" not in path.parts]
    assert [path.name for path in files if wrong.search(path.read_text())] in ([], ["daily_recall.py"])
