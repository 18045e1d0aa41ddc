"""What `make lock` runs: compiles the lock files from `pyproject.toml`.

    python tests/lock.py              keep the versions that are pinned, add and drop what pyproject.toml says
    python tests/lock.py --upgrade    take the newest versions that pyproject.toml allows

The files are universal (one for every platform and Python from 3.11), hold hashes, and name no package index.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
RUNTIME, DEV = "requirements.lock", "requirements-dev.lock"
SMARTCARD, SQS = "requirements-smartcard.lock", "requirements-sqs.lock"
FUZZ, MESH = "requirements-fuzz.lock", "requirements-mesh.lock"

# The others are constrained by the first, so that a package has one version in the hub; what the tests try of an extra
# is what it installs. The last is of another program,
# in a venv of its own.
LOCKS = {
    RUNTIME: ("--group", "build", "pyproject.toml"),
    DEV: ("--group", "dev", "--constraint", RUNTIME),
    FUZZ: ("--group", "fuzz", "--constraint", RUNTIME),
    SMARTCARD: ("--extra", "smartcard", "--constraint", RUNTIME, "pyproject.toml"),
    SQS: ("--extra", "sqs", "--constraint", RUNTIME, "--constraint", DEV, "pyproject.toml"),
    MESH: ("--group", "mesh-sandbox"),
}
COMPILE = (
    "pip", "compile", "--quiet", "--universal", "--python-version", "3.11", "--generate-hashes", "--no-header",
    "--no-emit-index-url", "--no-emit-find-links", "--python", sys.executable,
)  # fmt: skip


def uv(*words: str, directory: Path = ROOT, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the uv that stands beside this Python; `settings` are its UV_ variables. It may not fetch a Python itself."""
    environment = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", **settings}
    return subprocess.run(
        [UV, *words], cwd=directory, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def compile_locks(directory: Path = ROOT, *more: str) -> int:
    """Write the lock files of the project in `directory`; 0, or the first exit code of uv that is not."""
    for name, words in LOCKS.items():
        done = uv(*COMPILE, *more, *words, "--output-file", name, directory=directory)
        if done.returncode:
            sys.stderr.write(f"{name} could not be compiled:\n{done.stderr}")
            return done.returncode
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(compile_locks(ROOT, *sys.argv[1:]))
