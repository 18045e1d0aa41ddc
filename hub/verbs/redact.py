"""`hub redact`: a message that may be shown to others: other people in it, and still right or wrong in the same way."""

from __future__ import annotations

import argparse
import secrets
import sys
from datetime import UTC, datetime
from pathlib import Path

from hub.domain.dates import day_in_england
from hub.errors import CannotRun
from hub.verbs.check import feeds_of, of_feed
from hub.verbs.decode import read_file
from hub.verbs.speaking import day, json_argument, say, say_json, settings_of

EXAMPLES = (
    "hub redact report.hl7 --out shareable.hl7      names, numbers, births and addresses swapped, free text masked",
    "hub redact results.csv --feed mine             a file that does not say whose it is; to standard output",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a message (- for standard input)")
    parser.add_argument("--feed", metavar="F", help="whose message it is; default: as the message says")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the file to write; default: standard output")
    parser.add_argument("--on", type=day, metavar="DATE", help="as if received on this day (default: today)")
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.flow.conformance import whose
    from hub.flow.redaction import NotRedacted, redacted

    if options.json and options.out is None:
        raise CannotRun("With --json say where the message goes: --out FILE.")
    raw = read_file(options.file)
    tables = feeds_of(settings_of(options))
    adapter, feeds = of_feed(options.feed, tables) if options.feed else whose(raw, ADAPTERS, tables)
    try:
        new = redacted(adapter, raw, feeds, options.on or day_in_england(datetime.now(UTC)), secrets.token_bytes(16))
    except NotRedacted as why:
        sys.stderr.write(f"hub redact: Nothing is written. {why} Redact it by hand.\n")
        return 1
    if options.out is None:
        sys.stdout.buffer.write(new)
        sys.stdout.buffer.flush()
        return 0
    write_file(options.out, new)
    if options.json:
        say_json({"written": str(options.out), "bytes": len(new)})
    else:
        say(f"{len(new)} bytes written. The hub says the same of it, place by place. Look at it before you share it.")
    return 0


def write_file(path: Path, content: bytes) -> None:
    """Write the whole file; CannotRun where it cannot be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}).") from None
