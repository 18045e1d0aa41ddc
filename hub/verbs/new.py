"""`hub new`: a laboratory or clinic on a language the hub speaks: its table and a golden example, from a sample."""

from __future__ import annotations

import argparse
import json
import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.domain.dates import day_in_england
from hub.errors import CannotRun
from hub.verbs.decode import read_file
from hub.verbs.redact import write_file
from hub.verbs.speaking import day, json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.contract import Adapter, Item, Opened
    from hub.flow.conformance import Conformance
    from hub.mapping import Feeds, FeedTable
    from hub.mapping.report import Source

EXAMPLES = (
    "hub new fernhill --dialect hl7v2_oru --sample report.hl7 --name 'Fernhill Laboratory' --code 69004",
    "hub new fernhill --sample other.hl7 --case 'HPV positive, colposcopy'    one more golden example of a feed",
)
TO_BE_CHECKED = "to be checked, a sample"
_CODES = {
    "laboratory": ("[0-9]{5}", "A national laboratory code has five digits"),
    "clinic": ("[A-Z0-9]{3,10}", "An ODS code is of three to ten capitals and digits"),
}
_FEED = re.compile(r"[a-z][a-z0-9_]*")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feed", help="the feed's id: small letters, digits, underscores")
    parser.add_argument("--dialect", metavar="D", help="the language it writes (adapters/README.md lists them)")
    parser.add_argument("--sample", required=True, metavar="FILE", help="a message of theirs with something in it")
    parser.add_argument("--name", help="the laboratory's or clinic's name, for people")
    parser.add_argument("--code", help="its national code: a laboratory's five digits, a clinic's ODS code")
    parser.add_argument(
        "--case", default=TO_BE_CHECKED, help=f"the golden example's sentence (default: {TO_BE_CHECKED})"
    )
    parser.add_argument("--on", type=day, metavar="DATE", help="as if received on this day (default: today)")
    parser.add_argument("--mappings", type=Path, metavar="DIR", help="where the tables are (default: HUB_MAPPINGS)")
    parser.add_argument(
        "--golden", type=Path, metavar="DIR", help="where the golden examples are (default: tests/golden)"
    )
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.mapping import FeedTable, FeedTables, TableProblem, check_tables, read_table

    mappings = options.mappings or settings_of(options).mappings
    golden = options.golden or mappings.resolve().parent / "tests" / "golden"
    path = mappings / "feeds" / f"{options.feed}.toml"
    raw, today = read_file(options.sample), options.on or day_in_england(datetime.now(UTC))
    written, remarks = [], []
    if not path.exists():
        remarks = _write_table(path, raw, options)
        written.append(path)
    try:
        table = read_table(path, FeedTable)
    except TableProblem as problem:
        raise CannotRun(str(problem)) from None
    adapter, feeds = ADAPTERS[table.dialect], FeedTables((table,)).of(table.feed)
    case = golden / table.feed / f"{options.case}{Path(options.sample).suffix or '.txt'}"
    remarks += [str(one) for one in check_tables(path.parent, ADAPTERS)]
    told, refusal = _write_case(case, adapter, raw, feeds, today)
    if refusal:
        remarks.append(refusal)
    else:
        written += [case, _expectation_of(case)]
    _tell(options, written, remarks, told)
    return 0 if told.is_right and not remarks else 1


def _tell(options: argparse.Namespace, written: Sequence[Path], remarks: Sequence[str], told: Conformance) -> None:
    if options.json:
        say_json({"written": list(map(str, written)), "remarks": remarks, "check": told.as_json()})
        return
    for path in written:
        say(f"written  {path}")
    for remark in remarks:
        say(f"look at  {remark}")
    say(told.as_text().rstrip())


# The table


def _write_table(path: Path, raw: bytes, options: argparse.Namespace) -> list[str]:
    """Write the proposed table; what is to be looked at in it."""
    from adapters import ADAPTERS
    from hub.flow.conformance import is_readable
    from hub.mapping.check import STAND_IN
    from hub.mapping.proposal import proposed
    from hub.mapping.writing import table_text

    if not _FEED.fullmatch(options.feed):
        raise CannotRun(f"{options.feed!r} is no feed's id: small letters, digits and underscores, a letter first.")
    if options.dialect not in ADAPTERS:
        raise CannotRun(f"Say the language it writes with --dialect, one of: {', '.join(ADAPTERS)}.")
    adapter = ADAPTERS[options.dialect]
    form, due = _CODES[adapter.needs.partner]
    if options.code and not re.fullmatch(form, options.code):
        raise CannotRun(f"{due}.")
    opened = adapter.open(raw)
    if not is_readable(adapter, opened, lambda _application, _facility: None):
        raise CannotRun(f"{options.sample} cannot be read as {options.dialect}. Is it in another language (--dialect)?")
    alike = _alike(path.parent, options.dialect)
    name = options.name or options.feed.replace("_", " ").title()
    proposal = proposed(
        options.feed,
        name,
        _sender(opened, options),
        options.code or STAND_IN,
        _charset(opened),
        alike,
        _read(adapter, raw),
        adapter.needs,
    )
    head = [f"Proposed by `hub new` from a sample, after the table of {proposal.like}. Look at every line."]
    unread = list(_unread(adapter, opened, proposal.table))
    tail = ["In the sample, and read by no fact. To read one, name it in a fact's `where`:", *unread] if unread else []
    write_file(path, table_text(proposal.table, head, proposal.remarks, tail).encode())
    return list(_remarks(proposal.lacking))


def _remarks(lacking: Sequence[str]) -> Iterator[str]:
    if lacking:
        yield f"facts that the sample does not give, or not in the table's form: {', '.join(lacking)}."


def _alike(directory: Path, dialect: str) -> list[FeedTable]:
    from hub.mapping import TableProblem, load_feeds

    try:
        alike = [table for table in load_feeds(directory) if table.dialect == dialect]
    except TableProblem as problem:
        raise CannotRun(f"{problem} Mend the tables first: `hub check` lists everything that is wrong.") from None
    if not alike:
        raise CannotRun(f"No table reads {dialect} yet, so there is none to start from. Write the first by hand.")
    return alike


def _sender(opened: Opened, options: argparse.Namespace) -> Any:
    """As the sample names itself; a file that names nobody is known by its door."""
    from hub.mapping.feed_table import Sender

    return Sender(opened.facility or options.feed.upper(), opened.application if opened.facility else "")


def _charset(opened: Opened) -> str:
    return opened.charset if opened.charset and not opened.raw.isascii() else ""


def _read(adapter: Adapter, raw: bytes) -> Callable[[FeedTable], Sequence[Source]]:
    """The results of the sample by whatever table, whoever it says has sent it."""
    import msgspec

    def read(table: FeedTable) -> Sequence[Source]:
        live = msgspec.structs.replace(table, status="live")
        return [sourced.source for sourced in adapter.sources(adapter.open(raw), lambda _application, _facility: live)]

    return read


def _unread(adapter: Adapter, opened: Opened, table: FeedTable) -> Iterator[str]:
    """The codes of the sample by which facts are told, that tell none of this table's."""
    from hub.flow.coverage import codes_beside

    yield from (
        f'  "{place}" = "{code}"'
        for place, code in sorted(codes_beside(adapter, opened, lambda _application, _facility: table, table))
    )


# The golden example


def _write_case(case: Path, adapter: Adapter, raw: bytes, feeds: Feeds, today: date) -> tuple[Conformance, str]:
    """Write the sample with other people in it, and what comes of it; what the check says, and why none is written."""
    from hub.flow.conformance import conformance
    from hub.flow.redaction import NotRedacted, redacted

    told = conformance(adapter, raw, feeds, today)
    if case.exists():
        raise CannotRun(f"{case} is there already. Give the example another sentence with --case.")
    try:
        new = redacted(adapter, raw, feeds, today, secrets.token_bytes(16))
    except NotRedacted as why:
        return told, f"No golden example is written. {why} Make one by hand."
    write_file(case, new)
    expected = expectation(adapter, new, feeds, today)
    write_file(_expectation_of(case), (json.dumps(expected, ensure_ascii=False, indent=2) + "\n").encode())
    return told, ""


def _expectation_of(case: Path) -> Path:
    return case.with_name(f"{case.stem}.expected.json")


def expectation(adapter: Adapter, raw: bytes, feeds: Feeds, today: date) -> dict[str, Any]:
    """What comes of a message, as golden files write it."""
    opened = adapter.open(raw)
    reading = adapter.decode(opened, feeds, today)
    return {
        "received_on": today.isoformat(),
        "feed": reading.feed,
        "answer": None if opened.is_acknowledgement else reading.answer,
        "notes": [*opened.notes, *reading.notes],
        "items": [_item(item) for item in reading.items],
    }


def _item(item: Item) -> dict[str, Any]:
    from hub.contract import event_to_json
    from hub.errors import Reject

    stop = item.outcome
    if isinstance(stop, Reject):
        place = stop.place.text if stop.place else ""
        return {"position": item.position, "refused": stop.reason.code, "place": place}
    return {"position": item.position, "event": type(stop).__name__, "data": json.loads(event_to_json(stop))}
