"""The real HL7 v2 and FHIR messages that tests run against, where the folder of samples stands beside the project.

They are other projects' public test data: read from their folder, never copied into this one.
"""

from __future__ import annotations

from pathlib import Path

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "shared" / "samples"
_ENDINGS = {".hl7", ".hl7v2", ".txt", ".bin"}
_START, _END = b"\x0b", b"\x1c\r"


def hl7_sample_files() -> list[Path]:
    """Every file with HL7 v2 in it, the malformed ones too; empty where the folder is absent."""
    files = sorted(path for path in SAMPLES.rglob("*") if path.is_file())
    return [
        path for path in files if path.suffix.lower() in _ENDINGS or (path.suffix == ".md" and _holds_segments(path))
    ]


def sample_messages() -> list[tuple[str, bytes]]:
    """What a sender would put into one frame each: (path within the samples, bytes as they stand in the file).

    A frame's own envelope is taken off, and a Markdown file gives one entry for each message quoted in it. Skips the
    test where the folder is absent."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples folder (../shared/samples beside the project) is not here")
    return [entry for path in hl7_sample_files() for entry in _entries(path)]


def fhir_samples() -> list[tuple[str, bytes]]:
    """Every FHIR resource, in JSON and XML: (path within the samples, bytes). Skips the test where the folder is
    absent."""
    if not SAMPLES.is_dir():
        pytest.skip("the samples folder (../shared/samples beside the project) is not here")
    files = sorted(path for path in SAMPLES.rglob("*") if path.suffix in (".json", ".xml") and path.is_file())
    found = [(path.relative_to(SAMPLES).as_posix(), path.read_bytes()) for path in files]
    return [(name, raw) for name, raw in found if b'"resourceType"' in raw or b"http://hl7.org/fhir" in raw]


def _holds_segments(path: Path) -> bool:
    return b"\nMSH|" in path.read_bytes()


def _entries(path: Path) -> list[tuple[str, bytes]]:
    name, raw = path.relative_to(SAMPLES).as_posix(), path.read_bytes()
    if path.suffix == ".md":
        quoted = [part for part in raw.split(b"\n\n") if part.lstrip().startswith(b"MSH|")]
        return [(f"{name}#{number}", part) for number, part in enumerate(quoted, 1)]
    if path.suffix == ".bin":
        return [(name, raw.removeprefix(_START).removesuffix(_END))]
    return [(name, raw)]
