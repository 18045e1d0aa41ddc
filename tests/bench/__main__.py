"""`make bench`: the hub's speeds, measured side by side in one run; medians and ratios, no thresholds.

python -m tests.bench                    everything (about ten minutes)
python -m tests.bench road reader        some of it: reader, start, road, latency, matching, servers, recall
python -m tests.bench servers:ack,steps  some of the part with real servers: ack, streams, http, road, steps, growth,
                                         cohort
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import latency, matching, reader, recall, road, servers, start


def _matching() -> None:
    sys.stdout.write(matching.table(matching.run()) + "\n")


PARTS: dict[str, Callable[[], None]] = {
    "reader": reader.main,
    "start": start.main,
    "road": road.main,
    "latency": latency.main,
    "matching": _matching,
    "servers": servers.main,
    "recall": recall.main,
}


def main(arguments: list[str]) -> int:
    if {"--help", "-h"} & set(arguments):
        sys.stdout.write(f"{__doc__}\n{servers.__doc__}")
        return 0
    if unknown := [name for name in arguments if not _is_known(*name.partition(":"))]:
        known = f"{', '.join(PARTS)}; of servers: {', '.join(f'servers:{name}' for name in servers.PARTS)}"
        sys.stderr.write(f"No such part: {', '.join(unknown)}. There are: {known}.\n")
        return 2
    for name in arguments or PARTS:
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        part, _, some = name.partition(":")
        servers.main(some.split(",")) if some else PARTS[part]()
    return 0


def _is_known(part: str, colon: str, some: str) -> bool:
    return part in PARTS and (not colon or (part == "servers" and set(some.split(",")) <= set(servers.PARTS)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
