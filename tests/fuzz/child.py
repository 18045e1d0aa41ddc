"""One target under atheris, until its time is up or something is found. Run by `python -m tests.fuzz`."""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["hub", "adapters"]):
    from adapters import ADAPTERS
    from tests.fuzz.targets import TARGETS

    for dialect in ADAPTERS:  # loaded when first asked for: here, to be seen into
        ADAPTERS[dialect]


def main(words: list[str]) -> None:
    name, *flags = words
    atheris.Setup([sys.argv[0], *flags], TARGETS[name].run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
