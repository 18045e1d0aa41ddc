from __future__ import annotations

from collections.abc import Iterator

import pytest

from hub.__main__ import main
from tests.journeys.desk import Desk, desk_in
from tests.journeys.driving import Finished, Inside


@pytest.fixture
def inside(capfd: pytest.CaptureFixture[str]) -> Inside:
    """The same command line in this process: for the many short questions whose answer is a sentence."""

    def ask(*words: object) -> Finished:
        said = tuple(str(word) for word in words)
        code = main(list(said))
        out, err = capfd.readouterr()
        return Finished(said, code, out.encode(), err.encode())

    return ask


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all journeys: a hub takes a second or two to start."""
    with desk_in(tmp_path_factory.mktemp("desk")) as desk:
        yield desk
