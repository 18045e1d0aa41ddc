"""`make bench`: the hub's speeds, measured side by side in one run; medians and ratios, no thresholds.

python -m tests.bench              everything (about five minutes)
python -m tests.bench road reader  some of it: reader, start, road, latency, matching
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.bench import latency, matching, reader, road, start


def _matching() -> None:
    sys.stdout.write(matching.table(matching.run()) + "\n")


PARTS: dict[str, Callable[[], None]] = {
    "reader": reader.main,
    "start": start.main,
    "road": road.main,
    "latency": latency.main,
    "matching": _matching,
}


def main(arguments: list[str]) -> int:
    unknown = [name for name in arguments if name not in PARTS]
    if unknown:
        sys.stderr.write(f"No such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}.\n")
        return 2
    for name in arguments or PARTS:
        sys.stdout.write(f"\n== {name}\n")
        sys.stdout.flush()
        PARTS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
