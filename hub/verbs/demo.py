"""`hub demo`: the whole story on this machine."""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import CannotRun
from hub.verbs.speaking import data_argument, json_argument, say_json, settings_of

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.demo.play import Told

EXAMPLES = (
    "hub demo                          play it, live on the terminal",
    "hub demo --once --json            play it to its end, print one JSON object; exit 0 only if all went well",
    "hub demo --data /tmp/demo         keep what it makes there",
)
MARK = "made-by-hub-demo"


def arguments(parser: argparse.ArgumentParser) -> None:
    data_argument(parser)
    json_argument(parser)
    parser.add_argument("--once", action="store_true", help="play to the end and exit, without the live picture")
    parser.add_argument(
        "--results", type=int, default=300, metavar="N", help="ordinary results beside the cases (default 300)"
    )
    parser.add_argument(
        "--seed", type=int, default=1, help="another seed tells the story with other people (default 1)"
    )


def run(options: argparse.Namespace) -> int:
    from hub import telemetry

    settings = settings_of(options)
    data = _fresh(options.data or settings.data / "demo")
    settings = replace(
        settings, data=data, mllp_host="127.0.0.1", mllp_port=0, partners_port=0, http_host="127.0.0.1", http_port=0
    )
    # A story has no place among real people.
    settings = replace(settings, database_url="", amqp_url="", mesh_url="", pds_events_queue="")
    settings = replace(settings, recall_at=None)  # nor does a night fall in it
    # By itself the demo shows and does not log; whoever asks for the log gets it.
    telemetry.configure(settings.log_json, settings.log if os.environ.get("HUB_LOG") else "error")
    told = asyncio.run(_play(settings, options))
    if options.json:
        say_json(told.summary)
    return 0 if told.well else 1


def _fresh(data: Path) -> Path:
    """An empty directory for the story; what an earlier one left is cleared, anybody else's data never."""
    if data.exists() and any(data.iterdir()):
        if not (data / MARK).exists():
            raise CannotRun(f"{data} holds something that the demo did not make. Name an empty directory with --data.")
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARK).write_text("The demo may clear this directory.\n", encoding="utf-8")
    return data


async def _play(settings: Settings, options: argparse.Namespace) -> Told:
    from hub.demo.play import play

    if options.json:
        return await play(settings, lambda _story, _progress: None, options.results, options.seed)
    from rich.console import Console

    from hub.demo.show import LiveShow, say_end

    console = Console()
    if not console.is_terminal:
        console = Console(width=120)  # into a file or a pipe: nobody knows how wide, so as wide as the cases need
    if options.once or not console.is_terminal:
        told = await play(settings, lambda _story, _progress: None, options.results, options.seed)
    else:
        with LiveShow(console).on() as show:
            told = await play(settings, show, options.results, options.seed)
    say_end(console, told)
    return told
