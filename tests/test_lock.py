"""The lock files: everything pinned, with hashes, without addresses, and to be had as wheels."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.lock import COMPILE, DEV, FUZZ, LOCKS, MESH, ROOT, RUNTIME, SMARTCARD, SQS, uv

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
GROUPS = PROJECT["dependency-groups"]
EXTRAS = PROJECT["project"]["optional-dependencies"]
WANTED = {
    RUNTIME: [*PROJECT["project"]["dependencies"], *GROUPS["build"]],
    DEV: GROUPS["dev"],
    FUZZ: GROUPS["fuzz"],
    SMARTCARD: [*PROJECT["project"]["dependencies"], *EXTRAS["smartcard"]],
    SQS: [*PROJECT["project"]["dependencies"], *EXTRAS["sqs"]],
    MESH: GROUPS["mesh-sandbox"],
}
PIN = re.compile(r"^(?P<name>[a-z0-9][a-z0-9.-]*)==(?P<version>[^\s;]+)(?: ; [^\\]+)? \\$")
HASH = re.compile(r"^    --hash=sha256:[0-9a-f]{64}(?: \\)?$")
AWAY = ("Failed to fetch", "network was disabled", "error sending request")


def pins(name: str) -> dict[str, str]:
    found = filter(None, map(PIN.match, (ROOT / name).read_text().splitlines()))
    return {match["name"]: match["version"] for match in found}


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_a_pin_a_hash_or_where_it_comes_from(name: str) -> None:
    """So there is no address, no option, and nothing unpinned; and no pin is without a hash."""
    before = ""
    for line in (ROOT / name).read_text().splitlines():
        assert PIN.match(line) or HASH.match(line) or re.fullmatch(r" +# .*", line), f"{name}: {line}"
        assert "://" not in line, f"{name}: {line}"
        assert not PIN.match(before) or HASH.match(line), f"{name}: {before} has no hash"
        before = line


@pytest.mark.parametrize("name", LOCKS)
def test_what_the_project_asks_for_is_pinned_as_it_asks(name: str) -> None:
    locked = pins(name)
    for requirement in map(Requirement, WANTED[name]):
        version = locked.get(canonicalize_name(requirement.name), "")
        assert version, f"{requirement.name} is not in {name}: make lock"
        assert requirement.specifier.contains(version), f"{requirement}, but {name} pins {version}: make lock"


def test_one_version_of_each_package() -> None:
    runtime = pins(RUNTIME)
    for name in (DEV, SMARTCARD, SQS):
        other = {package: version for package, version in pins(name).items() if package in runtime}
        assert other.items() <= runtime.items(), name


def wheels(python: str, directory: Path, *names: str) -> tuple[bool, str]:
    """Whether these locks install from wheels alone on this Python under Linux, hashes checked; and what was said.

    Skips the test where there is no index to ask."""
    files = [word for name in names for word in ("-r", name)]
    done = uv(
        "pip", "install", "--dry-run", "--require-hashes", "--only-binary", ":all:", "--target", str(directory),
        "--python-version", python, "--python-platform", "x86_64-unknown-linux-gnu", *COMPILE[-2:], *files,
        UV_CACHE_DIR=str(directory.parent / "uv-cache"),
    )  # fmt: skip
    if done.returncode and any(sign in done.stderr for sign in AWAY):
        pytest.skip("the package index cannot be reached, so nobody can say whether there are wheels")
    return done.returncode == 0, done.stderr


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_all_but_the_extras_installs_from_wheels(python: str, tmp_path: Path) -> None:
    """A machine without a compiler can run the hub and its tests."""
    fine, said = wheels(python, tmp_path, RUNTIME, DEV)
    assert fine, said


def test_what_the_tests_try_of_sqs_is_what_the_extra_installs() -> None:
    tried, installed = pins(DEV), pins(SQS)
    ours = {"aiobotocore", "botocore"}
    assert ours <= tried.keys() & installed.keys()
    assert all(tried[name] == installed[name] for name in tried.keys() & installed.keys())


@pytest.mark.parametrize("python", ["3.11", "3.13"])
def test_the_mesh_sandbox_installs_from_wheels(python: str, tmp_path: Path) -> None:
    fine, said = wheels(python, tmp_path, MESH)
    assert fine, said


def test_smartcards_need_a_compiler_and_are_an_extra_for_it(tmp_path: Path) -> None:
    """Also shows that the test above can fail. Once pyscard has Linux wheels, it need not be an extra any more."""
    fine, said = wheels("3.11", tmp_path, SMARTCARD)
    assert not fine
    assert "pyscard" in said
