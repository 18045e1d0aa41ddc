"""`hub up`: every role in this process, embedded when no server is configured."""

from __future__ import annotations

import argparse

from hub.verbs.running import run_roles
from hub.verbs.speaking import data_argument

EXAMPLES = (
    "hub up                                    embedded, MLLP on 2575, partners on 2580, HTTP on 8080, store in .hub",
    "hub up --data /var/lib/hub --mllp 6661    another place, another port",
    "hub up --mllp 0 --http 0                  any free ports; they are printed",
)


def arguments(parser: argparse.ArgumentParser) -> None:
    data_argument(parser)
    parser.add_argument(
        "--mllp", type=int, metavar="PORT", help="port of the MLLP door, 0 for any free one (HUB_MLLP_PORT)"
    )
    parser.add_argument(
        "--partners",
        type=int,
        metavar="PORT",
        help="port of the partners' HTTP door, 0 for any free one (HUB_PARTNERS_PORT)",
    )
    parser.add_argument(
        "--http", type=int, metavar="PORT", help="port of the HTTP site, 0 for any free one (HUB_HTTP_PORT)"
    )


def run(options: argparse.Namespace) -> int:
    from hub.app import ROLES

    return run_roles(options, ROLES)
