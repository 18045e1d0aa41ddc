"""How long the command line takes to start."""

from __future__ import annotations

import statistics
import subprocess
import sys
from time import perf_counter

TIMES = 11


def seconds(*words: str) -> float:
    """Median wall time of a command."""
    took = []
    for _ in range(TIMES):
        started = perf_counter()
        subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
        took.append(perf_counter() - started)
    return statistics.median(took)


def main() -> None:
    bare = seconds("-c", "pass")
    ours = seconds("-m", "hub", "--help")
    sys.stdout.write(f"python alone      {bare * 1000:6.0f} ms\n")
    sys.stdout.write(f"hub --help        {ours * 1000:6.0f} ms   {ours / bare:.1f} times\n")
