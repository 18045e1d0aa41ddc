"""Reading one TOML table into its struct, and saying where it is wrong: file, line, key path, what to do.

Every kind of table (feeds, policies) is read here, so that all of them refuse unknown keys in the same words.
"""

from __future__ import annotations

import difflib
import re
import tomllib
import typing
from pathlib import Path
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<at>[^`]*)`)?$", re.DOTALL)
_UNKNOWN_KEY = re.compile(r"unknown field `([^`]*)`")


class TableProblem(Exception):
    """A mapping table is wrong. `path` is the file, `where` the key path in it (with the line where it can be told),
    `sentence` what is wrong and what to do."""

    def __init__(self, path: Path, where: str, sentence: str) -> None:
        self.path = path
        self.where = where
        self.sentence = sentence
        super().__init__(f"{path}: {where}: {sentence}" if where else f"{path}: {sentence}")


def read_table(path: Path, kind: type[T]) -> T:
    """The table in `path` as a `kind`. Raises TableProblem for anything the struct does not know or allow."""
    text = _text(path)
    try:
        plain = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TableProblem(path, "", f"This is not TOML: {error}.") from None
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        raise _explained(path, text, kind, str(error)) from None


def where_in(text: str, keys: tuple[str, ...]) -> str:
    """`facts.slide_number (line 12)`: the key path, with the line of `text` where its last key or its table begins."""
    line = _line_of(text, keys)
    return ".".join(keys) + (f" (line {line})" if line else "")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise TableProblem(path, "", "There is no such file.") from None
    except UnicodeDecodeError:
        raise TableProblem(path, "", "This is not UTF-8 text. Save the file as UTF-8.") from None


def _explained(path: Path, text: str, kind: type, message: str) -> TableProblem:
    found = _AT.match(message)
    what, at = (found["what"], found["at"] or "$") if found else (message, "$")
    keys = tuple(key for key in at.removeprefix("$").split(".") if key)
    unknown = _UNKNOWN_KEY.search(what)
    if unknown is None:
        return TableProblem(path, where_in(text, keys), f"{what}.")
    sentence = f"Unknown key `{unknown[1]}`. {_nearest(unknown[1], _known_keys(kind, keys))}"
    return TableProblem(path, where_in(text, (*keys, unknown[1])), sentence)


def _nearest(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"Did you mean `{near[0]}`?" if near else f"Known here: {', '.join(known)}."


def _known_keys(kind: Any, keys: tuple[str, ...]) -> list[str]:
    """The keys a struct allows at the end of a path through it; empty where the path leaves the structs."""
    struct = _struct_in(kind)
    if struct is None:
        return []
    if not keys:
        return [field.encode_name for field in msgspec.structs.fields(struct)]
    below = {field.encode_name: field.type for field in msgspec.structs.fields(struct)}
    return _known_keys(below.get(keys[0].split("[")[0]), keys[1:])


def _struct_in(kind: Any) -> Any:
    """The struct a type is or holds: `Fact` in `Fact | None`, in `Annotated[Fact, ...]` and in `list[Fact]`."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next((struct for part in typing.get_args(kind) if (struct := _struct_in(part))), None)


def _line_of(text: str, keys: tuple[str, ...]) -> int | None:
    """The line (from 1) of the last of `keys`, else of the deepest table header on the way to it."""
    header: tuple[str, ...] = ()
    best: tuple[int, int] | None = None
    for number, line in enumerate(text.splitlines(), start=1):
        if opened := re.match(r"\s*\[+([^\]]+)\]+", line):
            header = tuple(part.strip(' "') for part in opened[1].split("."))
            depth = len(header) if header == keys[: len(header)] else 0
        else:
            depth = _depth_of(line, header, keys)
        if depth and (best is None or depth > best[0]):
            best = (depth, number)
    return best[1] if best else None


def _depth_of(line: str, header: tuple[str, ...], keys: tuple[str, ...]) -> int:
    """How many of `keys` this `key = value` line, standing under `header`, names."""
    below = keys[len(header) :]
    if header != keys[: len(header)] or not below:
        return 0
    if not re.match(rf'\s*"?{re.escape(below[0])}"?\s*[.=]', line):
        return 0
    return len(header) + 1 + sum(1 for key in below[1:] if re.search(rf'\b{re.escape(key)}"?\s*=', line))
