"""`hub check`: the mapping tables; or one message against its feed, by the code of the live path, nothing stored."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun, Reason
from hub.verbs.decode import read_file
from hub.verbs.speaking import json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.contract import Opened, Reading
    from hub.mapping import FeedTables

EXAMPLES = (
    "hub check                              every mapping table",
    "hub check mappings/feeds/mine.toml     one table",
    "hub check report.hl7                   what the hub would answer, and exactly where it is wrong",
    "hub check report.hl7 --structure       also HL7's own structure and data types (slower)",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", nargs="?", help="a .toml table or an HL7 v2 file (- for standard input); default: all tables"
    )
    parser.add_argument("--structure", action="store_true", help="also judge HL7 structure and data types")
    parser.add_argument("--on", type=_day, metavar="DATE", help="as if received on this day (default: today)")
    json_argument(parser)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("a date is written like 2026-01-31") from None


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
    if options.json:
        say_json(said)
    elif said:
        say("\n".join(said))
    else:
        say("Every mapping table is right.")
    return 1 if said else 0


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

    adapter = ADAPTERS["hl7v2_oru"]
    today = options.on or datetime.now(UTC).date()
    opened = adapter.open(read_file(options.file))
    reading = adapter.decode(opened, _feeds(settings_of(options)).find, today)
    report = _report(opened, reading)
    report["structure"] = _structure(opened.raw) if options.structure else []
    if options.json:
        say_json(report)
    else:
        _say_report(report)
    return 0 if reading.answer == "AA" and not report["structure"] else 1


def _feeds(settings: Settings) -> FeedTables:
    """The tables, not by way of `hub.app`: who writes a table checks it often, and needs neither store nor doors."""
    from adapters import ADAPTERS
    from hub.mapping import TableProblem, load_feeds

    try:
        return load_feeds(settings.mappings / "feeds", ADAPTERS)
    except TableProblem as problem:
        raise CannotRun(f"{problem} `hub check` lists everything that is wrong with the tables.") from None


def _report(opened: Opened, reading: Reading) -> dict[str, Any]:
    return {
        "answer": "none: it is itself an acknowledgement" if opened.is_acknowledgement else reading.answer,
        "feed": reading.feed,
        "message_type": opened.message_type,
        "control_id": opened.control_id,
        "notes": [*opened.notes, *reading.notes],
        "results": [_item(item.position, item.outcome) for item in reading.items],
    }


def _item(position: str, outcome: Any) -> dict[str, Any]:
    """One result: the event's facts, or the reason and place."""
    from hub.domain.events import ReportParked, ResultReported

    reasons = {reason.code: reason for reason in Reason}
    if isinstance(outcome, ResultReported):
        result = outcome.result
        facts = f"{result.combination} {result.version.value}, test on {result.test_on}, slide {result.slide_number}"
        return {"position": position, "becomes": "a result", "facts": facts}
    if isinstance(outcome, ReportParked):
        becomes, place, reason, hint = "a clerk's task", outcome.place, reasons[outcome.reason], outcome.hint
    else:
        becomes, reason, hint = "refused", outcome.reason, outcome.hint
        place = outcome.place.text if outcome.place else ""
    return {
        "position": position,
        "becomes": becomes,
        "place": place,
        "reason": reason.code,
        "sentence": reason.sentence,
        "hint": hint,
    }


def _structure(raw: bytes) -> list[str]:
    from hub.formats.hl7v2 import read
    from hub.formats.hl7v2.conformance import conformance_findings

    return [f"{one.place}: {one.sentence}" for message in read(raw).messages for one in conformance_findings(message)]


def _say_report(report: dict[str, Any]) -> None:
    say(f"answer   {report['answer']}")
    say(f"feed     {report['feed'] or '(unknown sender)'}")
    say(f"type     {report['message_type'] or '(none)'}   control id {report['control_id'] or '(none)'}")
    for note in report["notes"]:
        say(f"note     {note}")
    for item in report["results"]:
        say(f"\nresult {item['position']}: {item['becomes']}")
        if "facts" in item:
            say(f"  {item['facts']}")
            continue
        say(f"  {item['place'] or 'the whole message'}: {item['reason']}")
        say(f"  {item['sentence']}")
        if item["hint"]:
            say(f"  {item['hint']}")
    for finding in report["structure"]:
        say(f"\nHL7 structure  {finding}")
