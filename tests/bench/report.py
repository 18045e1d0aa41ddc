"""Figures of several rounds, and the lines in which their medians are shown."""

from __future__ import annotations

import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field


@dataclass(slots=True)
class Figures:
    """Each figure has a name and a value for every round."""

    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, name: str, value: float) -> None:
        self.values[name].append(value)

    def add_all(self, prefix: str, values: dict[str, float]) -> None:
        for name, value in values.items():
            self.add(f"{prefix}.{name}", value)

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])

    def under(self, prefix: str) -> dict[str, float]:
        """The medians of the figures whose names begin so, by the rest of their names."""
        start = f"{prefix}."
        return {name.removeprefix(start): self.median(name) for name in self.values if name.startswith(start)}


def milliseconds(took: Iterable[float]) -> dict[str, float]:
    """The median and the 99th percentile of durations in seconds."""
    cuts = statistics.quantiles(took, n=100)
    return {"p50": cuts[49] * 1000, "p99": cuts[98] * 1000}


def line(what: str, figure: str, bar: str = "", *, met: bool | None = None) -> None:
    """One line of a table: what, the figure, the bar and whether it is met."""
    verdict = "" if met is None else "met" if met else "NOT MET"
    sys.stdout.write(f"  {what:<58}{figure:>16}  {bar:<26}{verdict}".rstrip() + "\n")


def title(text: str) -> None:
    sys.stdout.write(f"\n{text}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    sys.stdout.write(f"  {text}\n")


def progress(text: str) -> None:
    """Long work says where it is; not among the figures."""
    sys.stderr.write(f"  ... {text}\n")
    sys.stderr.flush()
