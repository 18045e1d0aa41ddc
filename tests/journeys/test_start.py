"""`hub --help` answers at once: nothing heavy is imported for it, nor for the help of any verb."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from hub.verbs import VERBS
from tests.journeys.driving import ROOT, environment

HEAVY = ("sqlalchemy", "alembic", "aiohttp", "rich", "structlog", "prometheus_client", "hl7apy")
_IMPORTED = """
import json, sys
from hub.__main__ import main
try:
    main(sys.argv[1:])
except SystemExit as end:
    code = end.code
sys.stderr.write(json.dumps([code, sorted(sys.modules)]))
"""


def _imported(*words: str) -> tuple[int, set[str]]:
    """The exit code of a command that ends in argparse, and the modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, *words], capture_output=True, env=environment({}), cwd=ROOT, timeout=30
    )
    code, modules = json.loads(done.stderr)
    return code, set(modules)


@pytest.mark.parametrize("words", [("--help",), *((verb, "--help") for verb in VERBS)], ids=" ".join)
def test_help_imports_nothing_heavy(words: tuple[str, ...]) -> None:
    code, modules = _imported(*words)
    assert code == 0
    assert "hub.config" in modules or words == ("--help",), "the verb's own module was imported"
    assert not modules & set(HEAVY)


def test_the_check_would_notice_a_heavy_import(tmp_path: Path) -> None:
    """The same question asked of a command that needs the store finds SQLAlchemy."""
    done = subprocess.run(
        [sys.executable, "-c", "import hub.app, sys; sys.exit('sqlalchemy' not in sys.modules)"], cwd=ROOT, timeout=30
    )
    assert done.returncode == 0
