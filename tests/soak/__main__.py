"""`make soak`: long runs at the full counts, whose short forms are in `make test`. Exits with 1 where a promise broke.

python -m tests.soak            all of them
python -m tests.soak pds-day    some: pds-day (a day of 100,000 change events of PDS, about eight minutes),
                                notify (100,000 letters handed over by senders that are killed, about fifteen minutes),
                                year (a year of the programme with 100,000 people, about fifteen minutes)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from tests.soak import notify, pds_day, year

PARTS: dict[str, Callable[[], bool]] = {"pds-day": pds_day.main, "notify": notify.main, "year": year.main}
"""Each says whether all that it looked at was as promised."""


def main(arguments: list[str]) -> int:
    if {"--help", "-h"} & set(arguments):
        sys.stdout.write(f"{__doc__}\n{pds_day.__doc__}\n{notify.__doc__}\n{year.__doc__}")
        return 0
    if unknown := [name for name in arguments if name not in PARTS]:
        sys.stderr.write(f"No such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}.\n")
        return 2
    kept = [PARTS[name]() for name in arguments or PARTS]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
