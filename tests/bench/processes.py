"""What processes cost, as the kernel counts it: processor time and the most memory held."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.servers.seen import family

_TICK = os.sysconf("SC_CLK_TCK")

Groups = Mapping[str, Sequence[int]]
"""Of each name the processes that began it; what they start belongs to it too."""


def cpu_seconds(groups: Groups) -> dict[str, float]:
    """The processor time of each group so far, its threads and its ended children's among it."""
    return {name: sum(_cpu(pid) for first in pids for pid in family(first)) for name, pids in groups.items()}


def _cpu(pid: int) -> float:
    with suppress(OSError):  # it may end while we look
        parts = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return sum(int(part) for part in parts[11:15]) / _TICK  # utime, stime, and both of its ended children
    return 0.0


def forget_peaks(groups: Groups) -> None:
    """Begin the counting of peaks anew, where the kernel lets us: servers have had other work before."""
    for pid in {pid for pids in groups.values() for first in pids for pid in family(first)}:
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak_mebibytes(groups: Groups) -> dict[str, float]:
    """The most memory that any one process of each group has held."""
    return {name: max(_peak(pid) for first in pids for pid in family(first)) for name, pids in groups.items()}


def _peak(pid: int) -> float:
    with suppress(OSError, IndexError):
        return int(Path(f"/proc/{pid}/status").read_text().split("VmHWM:")[1].split()[0]) / 1024
    return 0.0
