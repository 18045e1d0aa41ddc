"""`hub rehearsal`: the go-live report of a feed in rehearsal."""

from __future__ import annotations

import argparse
from pathlib import Path

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json, settings_of

EXAMPLES = (
    "hub rehearsal northmoor                    what was seen, what failed, what must yet be seen",
    "hub rehearsal northmoor --out go-live.txt  into a file, to be printed, for both sides to keep",
    "hub rehearsal northmoor --json             the same for programs, with every place",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("feed", help='a feed whose table says status = "rehearsal", or said so')
    parser.add_argument("--out", type=Path, metavar="FILE", help="write to this file instead of standard output")
    data_argument(parser)
    json_argument(parser)


def run(options: argparse.Namespace) -> int:
    from adapters import ADAPTERS
    from hub.app import feeds_of, wall_clock
    from hub.flow.go_live import as_fields, as_lines, report
    from hub.flow.rehearsal import gathered

    feeds = feeds_of(settings_of(options))
    table = feeds.by_id.get(options.feed)
    if table is None:
        raise CannotRun(f"There is no feed {options.feed!r}. There are: {', '.join(sorted(feeds.by_id))}.")
    with opened_store(options) as store:
        made = report(store.read_now(lambda tx: gathered(tx, table, ADAPTERS)), wall_clock())
    if options.json:
        say_json(as_fields(made))
    elif options.out:
        _write(options.out, "\n".join(as_lines(made)) + "\n")
    else:
        say("\n".join(as_lines(made)))
    return 0 if made.ready else 1


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CannotRun(f"{path} cannot be written ({error.strerror}).") from None
