"""`hub new-dialect`: everything a new wire language needs but what only its author knows: how a file is cut."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

from hub.errors import CannotRun
from hub.verbs import dialect_templates as templates
from hub.verbs.redact import write_file
from hub.verbs.speaking import json_argument, say, say_json

EXAMPLES = ("hub new-dialect pipe     then fill in adapters/pipe.py; the promises say what is missing",)
ROOT = Path(__file__).resolve().parent.parent.parent
_NAME = re.compile(r"[a-z][a-z0-9_]*")
_CASE = "refused, not a message"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="the dialect's name: small letters, digits, underscores")
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS

    name: str = options.name
    if not _NAME.fullmatch(name):
        raise CannotRun(f"{name!r} is no name of a dialect: small letters, digits and underscores, a letter first.")
    if name in ADAPTERS or (ROOT / "adapters" / name).exists():
        raise CannotRun(f"There is {name} already: see adapters/.")
    if not (ROOT / "pyproject.toml").is_file():
        raise CannotRun("A dialect is added where the hub's source is: there is no pyproject.toml beside `hub/` here.")
    new, changed = dict(_new(name)), dict(_changed(name))
    for path in new:
        if (ROOT / path).exists():
            raise CannotRun(f"{path} is there already.")
    for path, text in {**new, **changed}.items():
        write_file(ROOT / path, text.encode())
    if options.json:
        say_json({"written": list(new), "changed": list(changed), "next": templates.next_steps(name)})
        return 0
    say("\n".join([*(f"written  {path}" for path in new), *(f"changed  {path}" for path in changed), ""]))
    say("\n".join(templates.next_steps(name)))
    return 0


def _new(name: str) -> Iterator[tuple[str, str]]:
    """The files of the dialect: path from the repository's root, and text."""
    golden = f"tests/golden/{name}_example/{_CASE}"
    yield f"adapters/{name}.py", templates.adapter(name)
    yield f"adapters/{name}.md", templates.page(name)
    yield f"mappings/feeds/{name}_example.toml", templates.table(name)
    yield f"{golden}.txt", templates.NOT_A_MESSAGE
    yield f"{golden}.expected.json", json.dumps(templates.expectation(name), indent=2) + "\n"


def _changed(name: str) -> Iterator[tuple[str, str]]:
    """The lines that make it known: the register, the contract that keeps it pure, the list of adapters."""
    register = _with_line("adapters/__init__.py", "_REGISTER = {", "}", templates.register_line(name))
    yield "adapters/__init__.py", register
    contract = 'id = "dialects-pure"'
    yield "pyproject.toml", _with_line("pyproject.toml", contract, "]", f'    "adapters.{name}",', "source_modules = [")
    yield "adapters/README.md", _with_line("adapters/README.md", "| adapter | speaks |", "", templates.row(name))


def _with_line(path: str, after: str, before: str, line: str, then: str = "") -> str:
    """The file with `line` put before the first line that is `before`, below the lines that begin with `after` and
    `then`."""
    lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
    at = 0
    try:
        for beginning in filter(None, (after, then)):
            at = next(number for number in range(at, len(lines)) if lines[number].startswith(beginning))
        at = next(number for number in range(at, len(lines)) if lines[number] == before)
    except StopIteration:
        raise CannotRun(f"{path} has no place for the line {line.strip()!r}. Put it in by hand.") from None
    return "\n".join([*lines[:at], line, *lines[at:]]) + "\n"
