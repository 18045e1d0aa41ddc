"""`make fuzz`: coverage-guided fuzzing of every reader of bytes from outside.

python -m tests.fuzz                          each target for ten minutes
python -m tests.fuzz hl7v2_oru mllp           some of them
python -m tests.fuzz fhir_report --seconds 60 --seed 7

What is found is written to tests/fuzz/found/<target>/: mend it, keep the file, and `make test` tries it for ever.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.fuzz.targets import FOUND, TARGETS, Target

ROOT = Path(__file__).resolve().parent.parent.parent
LONGEST, MEMORY_MIB, SLOWEST_SECONDS = 65_536, 2_048, 25
_DONE = re.compile(r"#(\d+)\s+DONE\s+cov: (\d+)")


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", epilog=__doc__.partition("\n")[2])
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("target", nargs="*", metavar="TARGET", help=f"one of {', '.join(TARGETS)}; default: all")
    parser.add_argument("--seconds", type=int, default=600, help="for each target (600)")
    parser.add_argument("--seed", type=int, default=1, help="of the chance (1)")
    options = parser.parse_args(words)
    if unknown := [name for name in options.target if name not in TARGETS]:
        parser.error(f"No such target: {', '.join(unknown)}. There are: {', '.join(TARGETS)}.")
    failed = [name for name in options.target or TARGETS if not fuzz(TARGETS[name], options.seconds, options.seed)]
    if failed:
        print(f"Something was found: {', '.join(failed)}. See tests/fuzz/found/.")
    return 1 if failed else 0


def fuzz(target: Target, seconds: int, seed: int) -> bool:
    """Fuzz one target; False if anything was found."""
    found = FOUND / target.name
    found.mkdir(parents=True, exist_ok=True)
    print(f"{target.name}: {seconds} s, {len(target.seeds)} seeds ...", flush=True)
    with TemporaryDirectory() as corpus:
        for number, raw in enumerate(target.seeds):
            (Path(corpus) / f"seed{number}").write_bytes(raw)
        flags = (
            f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={LONGEST}", f"-rss_limit_mb={MEMORY_MIB}",
            f"-timeout={SLOWEST_SECONDS}", f"-artifact_prefix={found}/", "-print_final_stats=1", corpus,
        )  # fmt: skip
        command = [sys.executable, "-m", "tests.fuzz.child", target.name, *flags]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode:
        print(done.stdout[-3000:] + done.stderr[-3000:])
        return False
    if ended := _DONE.search(done.stderr):
        print(f"{target.name}: {int(ended[1]):,} inputs, {int(ended[2]):,} places reached, nothing found")
    if not any(found.iterdir()):
        found.rmdir()
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
