"""A specification mock, Prism, as a private process: it answers as an OpenAPI document says, and tells what it has
against a request."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path

from tests.servers.node import Kept, Node, tail
from tests.servers.programs import ServersMissing
from tests.servers.seen import listens

_PACKAGE = "@stoplight/prism-cli@5.14.2"
_OPTIONS = ("--yes", "--prefer-offline", "--fetch-retries=0")


class PrismNode(Node):
    """The mock of one document. Raises ServersMissing where npm, or by npm the mock, cannot be had."""

    name = "prism"
    quick_end = signal.SIGKILL

    def __init__(self, document: Path) -> None:
        npx = shutil.which("npx")
        if npx is None:
            raise ServersMissing("There is no npm here, and so no specification mock: install npm.")
        super().__init__(None, ports=1)
        self._words = [npx, *_OPTIONS, _PACKAGE, "mock", "--host", "127.0.0.1", "--port", str(self.port), document]

    def start(self) -> None:
        try:
            super().start()
        except RuntimeError:
            if "npm" not in tail(self.log):
                raise
            raise ServersMissing(f"npm cannot get {_PACKAGE} here: there is no specification mock.") from None

    def _run(self) -> Kept:
        return Kept(self._words, self.directory, self.log, os.environ)

    def _answers(self) -> bool:
        return listens(self.port)
