"""`hub report`: figures and lists to be read, printed or handed on."""

from __future__ import annotations

import argparse

from hub.verbs.letters_report import letters_arguments, run_letters
from hub.verbs.speaking import opened_store

EXAMPLES = (
    "hub report letters                                     every result ever received, and its letter",
    "hub report letters --on 2026-03-02 --feed northmoor    those of a day, of one laboratory",
    "hub report letters --on 2026-03-02 --list unmatched    the ids behind a number",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    reports = parser.add_subparsers(dest="report", required=True, metavar="REPORT")
    letters_arguments(
        reports.add_parser("letters", help="each result in one place: letter, paused, unmatched and so on")
    )


def run(options: argparse.Namespace) -> int:
    with opened_store(options) as store:
        return {"letters": run_letters}[options.report](store, options)
