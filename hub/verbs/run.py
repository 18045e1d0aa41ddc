"""`hub run ROLE`: one role by itself, as many processes of it as are wanted."""

from __future__ import annotations

import argparse
import os

from hub.errors import CannotRun
from hub.verbs.running import run_roles
from hub.verbs.speaking import data_argument, settings_of

EXAMPLES = (
    "hub run intake --mllp 2575     the doors: store and answer, nothing more",
    "hub run relay                  hand what was stored to RabbitMQ (HUB_AMQP_URL)",
    "hub run worker                 match, record, wish letters (embedded: it relays too)",
    "hub run schedule               what is done by the clock",
    "hub run web --http 8080        what people and monitors ask",
)
ROLES = ("intake", "relay", "worker", "web", "schedule")


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("role", choices=ROLES)
    data_argument(parser)
    parser.add_argument("--mllp", type=int, metavar="PORT", help="port of the MLLP door (role intake)")
    parser.add_argument(
        "--partners", type=int, metavar="PORT", help="port of the partners' HTTP door (HUB_PARTNERS_PORT)"
    )
    parser.add_argument(
        "--http",
        type=int,
        metavar="PORT",
        help="port of /health, /ready and /metrics, which every role answers (HUB_HTTP_PORT; else any free one, and "
        "8080 for the role web)",
    )


def run(options: argparse.Namespace) -> int:
    embedded = not settings_of(options).amqp_url
    if options.role == "relay" and embedded:
        raise CannotRun(
            "Without a broker (HUB_AMQP_URL) the conveyor lives inside the worker's process: use `hub run worker`, "
            "which relays too."
        )
    if options.http is None and options.role != "web" and not os.environ.get("HUB_HTTP_PORT"):
        options.http = 0  # several roles on one machine must not fight for one port
    return run_roles(options, ("relay", "worker") if options.role == "worker" and embedded else (options.role,))
