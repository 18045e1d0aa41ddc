"""A copy of the project, in which commands may write."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.journeys.driving import ROOT

_PARTS = ("hub", "adapters", "mappings", "tests", "pyproject.toml", "README.md", "CHANGELOG.md", "Makefile")


@dataclass(frozen=True)
class Copy:
    """The copy at `path`; `run` runs a script in it, `python` by the tests' own interpreter."""

    path: Path

    def run(self, script: str) -> subprocess.CompletedProcess[str]:
        environment = {name: text for name, text in os.environ.items() if not name.startswith("HUB_")}
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=self.path,
            env={**environment, "PYTHONPATH": str(self.path), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def files(self) -> dict[str, bytes]:
        """Every file of it, by its path; not what tools leave behind."""
        found = (path for path in self.path.rglob("*") if path.is_file() and "cache" not in str(path))
        return {
            path.relative_to(self.path).as_posix(): path.read_bytes() for path in found if ".venv" not in path.parts
        }


def copy_of_the_project(to: Path) -> Copy:
    for name in _PARTS:
        subprocess.run(["cp", "-r", ROOT / name, to], check=True, timeout=60)
    (to / ".venv").symlink_to(Path(sys.executable).parent.parent)
    return Copy(to)


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a page in that language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
