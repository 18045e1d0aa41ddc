"""How verbs speak: tables and sentences for people, JSON for programs, and the store they read."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.config import Settings
from hub.domain.people import EVERYBODY, WORKGROUPS
from hub.errors import CannotRun

if TYPE_CHECKING:
    from hub.io.store import SqlStore


def data_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--data", type=Path, metavar="DIR", help="directory of the embedded store (default: HUB_DATA, else .hub)"
    )


def json_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON for programs instead of text for people")


def count(text: str) -> int:
    """How many: an argument that is a whole number from 1 on. Of less the databases make this and that."""
    return _whole(text, 1)


def number(text: str) -> int:
    """The number of a row: the same, from 0 on."""
    return _whole(text, 0)


def _whole(text: str, least: int) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 16 and int(text) >= least):
        raise argparse.ArgumentTypeError(f"a whole number from {least} on")
    return int(text)


def day(text: str) -> date:
    """A day of the command line, not so far away that no day stands before or behind it."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if not 1900 <= found.year < 2200:
        raise argparse.ArgumentTypeError("a date is written like 2026-01-31")
    return found


def workgroup_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--workgroup",
        nargs="+",
        choices=WORKGROUPS,
        default=[EVERYBODY],
        help=f"of whoever asks: whose people are shown (default: {EVERYBODY})",
    )


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings of the environment, with what the command line says on top."""
    settings = Settings.from_environment(os.environ)
    named = {
        "data": getattr(options, "data", None),
        "mllp_port": getattr(options, "mllp", None),
        "http_port": getattr(options, "http", None),
        "partners_port": getattr(options, "partners", None),
    }
    if named["mllp_port"] == 0 and named["partners_port"] is None and not os.environ.get("HUB_PARTNERS_PORT"):
        named["partners_port"] = 0  # whoever lets one door have any port does not want the doors of two hubs to clash
    for name, value in named.items():
        if name != "data" and value is not None and not 0 <= value <= 65535:
            flag = name.removesuffix("_port")
            raise CannotRun(
                f"{value} is no port: they go from 1 to 65535, and 0 takes any free one. Choose another with --{flag} "
                f"or HUB_{name.upper()}."
            )
    return replace(settings, **{name: value for name, value in named.items() if value is not None})


@contextmanager
def opened_store(options: argparse.Namespace) -> Iterator[SqlStore]:
    """The store of --data; there must be one. Works while `hub up` runs on it."""
    from hub.io.store import store_of  # not by way of hub.app: a reading verb needs neither doors nor pages

    store = store_of(settings_of(options), create=False)
    try:
        yield store
    finally:
        store.close_now()


def say(line: str = "") -> None:
    sys.stdout.write(line + "\n")


def say_json(value: Any) -> None:
    """One JSON document, a list with one row a line."""
    if not isinstance(value, list):
        say(json.dumps(value, ensure_ascii=False, default=str, indent=2))
        return
    say_json_rows(value)


def say_json_rows(rows: Iterable[Any]) -> None:
    """A JSON array, written as the rows come: a listing of millions needs no memory."""
    separator = "["
    for row in rows:
        sys.stdout.write(f"{separator}\n{json.dumps(row, ensure_ascii=False, default=str)}")
        separator = ","
    say("\n]" if separator == "," else "[]")


def say_table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Plain columns, as wide as they need to be: readable on any terminal and by grep."""
    lines = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(line[column]) for line in [list(headings), *lines]) for column in range(len(headings))]
    for line in [list(headings), ["-" * width for width in widths], *lines]:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def advancing(what: str, total: int) -> Callable[[int], object]:
    """A bar on standard error, where that is a terminal; call what is given with how many more were done."""
    if not sys.stderr.isatty() or not total:
        return lambda count: None
    from rich.console import Console
    from rich.progress import Progress

    bar = Progress(console=Console(stderr=True), transient=True)
    task = bar.add_task(what, total=total)
    bar.start()

    def advance(count: int) -> None:
        bar.advance(task, count)
        if bar.finished:
            bar.stop()

    return advance
