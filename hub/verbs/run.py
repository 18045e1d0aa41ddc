"""`hub run ROLE`: one role by itself."""

from __future__ import annotations

import argparse

from hub.errors import CannotRun
from hub.verbs.running import run_roles
from hub.verbs.speaking import data_argument

EXAMPLES = (
    "hub run intake --mllp 2575     the doors: store and answer, nothing more",
    "hub run worker                 relay and work off what was stored (embedded: both in one process)",
    "hub run web --http 8080        health, readiness, metrics",
)
ROLES = ("intake", "relay", "worker", "web")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("role", choices=ROLES)
    data_argument(parser)
    parser.add_argument("--mllp", type=int, metavar="PORT", help="port of the MLLP door (role intake)")
    parser.add_argument("--http", type=int, metavar="PORT", help="port of the HTTP site (role web)")


def run(options: argparse.Namespace) -> int:
    if options.role == "relay":
        raise CannotRun(
            "Embedded, the conveyor lives inside the worker's process: use `hub run worker`, which relays too."
        )
    return run_roles(options, ("relay", "worker") if options.role == "worker" else (options.role,))
