"""`hub check`: the mapping tables; or one message against its feed, by the code of the live path, nothing stored."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hub.domain.dates import day_in_england
from hub.errors import CannotRun
from hub.verbs.decode import read_file
from hub.verbs.speaking import day, json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.contract import Adapter
    from hub.mapping import Feeds, FeedTables

EXAMPLES = (
    "hub check                              every mapping table",
    "hub check mappings/feeds/mine.toml     one table",
    "hub check report.hl7                   what the hub would answer, and exactly where it is wrong",
    "hub check results.csv --feed mine      a file that does not say whose it is",
    "hub check report.hl7 --json            the same for programs",
    "hub check report.hl7 --structure       also HL7's own structure and data types (slower)",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", help="a .toml table or a message (- for standard input); default: all tables"
    )
    parser.add_argument("--feed", metavar="F", help="whose message it is; default: as the message says")
    parser.add_argument("--structure", action="store_true", help="also judge HL7 structure and data types")
    parser.add_argument("--on", type=day, metavar="DATE", help="as if received on this day (default: today)")
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    if options.file is None or options.file.endswith(".toml"):
        return _check_tables(options)
    return _check_message(options)


def _check_tables(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.mapping import check_tables, load_policies

    settings = settings_of(options)
    wanted = Path(options.file).resolve() if options.file else None
    directory = wanted.parent if wanted else settings.mappings / "feeds"
    if wanted and not wanted.exists():
        raise CannotRun(f"{options.file} is not there.")
    said = []
    if directory.name != "policy" and (wanted is None or wanted.name not in ("actions.toml", "letters.toml")):
        problems = check_tables(directory, ADAPTERS)
        said = [str(one) for one in problems if wanted is None or Path(one.path).resolve() == wanted]
    if wanted is None or directory.name == "policy":  # the policies stand together or not at all
        said += _wrong_with(lambda: load_policies(directory if wanted else settings.mappings / "policy"))
    if wanted is None or wanted.name in ("actions.toml", "letters.toml"):  # the one names letters of the other
        said += _wrong_with(lambda: _letters_of(directory if wanted else settings.mappings))
        said += _wrong_ids(settings) if not said and wanted is None and settings.notify_url else []
    if options.json:
        say_json(said)
    elif said:
        say("\n".join(said))
    else:
        say("Every mapping table is right.")
    return 1 if said else 0


def _wrong_ids(settings: Settings) -> list[str]:
    """Routing plans without an id at NHS Notify, where one is configured."""
    from hub.app import plan_ids_of

    try:
        plan_ids_of(settings)
    except CannotRun as wrong:
        return [str(wrong)]
    return []


def _letters_of(mappings: Path) -> object:
    from hub.mapping.actions import load_actions
    from hub.mapping.letters import load_letters

    return load_letters(mappings / "letters.toml", load_actions(mappings / "actions.toml"))


def _wrong_with(load: Callable[[], object]) -> list[str]:
    from hub.mapping import TableProblem

    try:
        load()
    except TableProblem as problem:
        return [str(problem)]
    return []


def _check_message(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.flow.conformance import conformance, whose

    tables = feeds_of(settings_of(options))
    raw = read_file(options.file)
    adapter, feeds = of_feed(options.feed, tables) if options.feed else whose(raw, ADAPTERS, tables)
    told = conformance(adapter, raw, feeds, options.on or day_in_england(datetime.now(UTC)))
    structure = _structure(raw) if options.structure else []
    if options.json:
        say_json({**told.as_json(), "structure": structure})
    else:
        say(told.as_text().rstrip())
        for finding in structure:
            say(f"\nHL7 structure  {finding}")
    return 0 if told.is_right and not structure else 1


def of_feed(feed: str, tables: FeedTables) -> tuple[Adapter, Feeds]:
    """The adapter of a feed, and how a door that knows the feed finds its table. CannotRun where there is no such
    feed."""
    from adapters import ADAPTERS

    table = tables.by_id.get(feed)
    if table is None:
        raise CannotRun(f"There is no feed {feed!r}. There are: {', '.join(sorted(tables.by_id))}.")
    return ADAPTERS[table.dialect], tables.of(feed)


def feeds_of(settings: Settings) -> FeedTables:
    """The tables, not by way of `hub.app`: who writes a table checks it often, and needs neither store nor doors."""
    from adapters import ADAPTERS
    from hub.mapping import TableProblem, load_feeds

    try:
        return load_feeds(settings.mappings / "feeds", ADAPTERS)
    except TableProblem as problem:
        raise CannotRun(f"{problem} `hub check` lists everything that is wrong with the tables.") from None


def _structure(raw: bytes) -> list[str]:
    from hub.formats.hl7v2 import read
    from hub.formats.hl7v2.conformance import conformance_findings

    return [f"{one.place}: {one.sentence}" for message in read(raw).messages for one in conformance_findings(message)]
