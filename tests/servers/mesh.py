"""NHS England's own MESH server, `mesh-sandbox`, as a private process, and a laboratory's mailbox in it.

It stands in a venv of its own, for it pins the versions of what it needs. What the real MESH refuses
and this one does not (a header used twice, a time that is off) is tested without it.
"""

from __future__ import annotations

import gzip
import hashlib
import hmac
import json
import os
import secrets
import signal
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from tests.servers.node import Kept, Node
from tests.servers.programs import ServersMissing

PYTHON = Path(__file__).resolve().parents[2] / ".venv-mesh/bin/python"
KEY, PASSWORD = "TestKey", "password"
HUB, LABORATORY, OTHER = "X26ABC1", "X26ABC2", "X26ABC3"
"""The mailboxes that the sandbox has."""


class MeshNode(Node):
    """A MESH that keeps its messages in files, so that they are there again after a restart."""

    name = "mesh"
    quick_end = signal.SIGKILL

    def __init__(self, within: Path | None = None) -> None:
        if not PYTHON.exists():
            raise ServersMissing("There is no MESH sandbox here: make .venv-mesh/.installed")
        super().__init__(within, ports=1)
        self._data = self.directory / "mailboxes"
        for mailbox in (HUB, LABORATORY, OTHER):
            (self._data / mailbox / "in").mkdir(parents=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def mailbox(self, name: str) -> Mailbox:
        return Mailbox(self.port, name)

    def empty(self) -> None:
        """Forget every message."""
        for path in self._data.glob("*/in/*.json"):
            path.unlink()
        ask(self.port, "DELETE", "/admin/reset")

    def report(self, mailbox: str, *, local_id: str = "", about: str = "") -> None:
        """Have MESH say to this mailbox that a message of its was not collected."""
        said = {
            "mailbox_id": mailbox, "code": "14", "description": "Undelivered message", "workflow_id": "CONFIRM",
            "local_id": local_id or None, "linked_message_id": about or None,
        }  # fmt: skip
        ask(self.port, "POST", "/messageexchange/admin/report", json.dumps(said).encode(), JSON)

    def _run(self) -> Kept:
        settings = {
            "SHARED_KEY": KEY, "AUTH_MODE": "full", "STORE_MODE": "file", "MAILBOXES_DATA_DIR": str(self._data),
            "PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1",
        }  # fmt: skip
        words = ["-m", "uvicorn", "mesh_sandbox.api:app", "--host", "127.0.0.1", "--port", str(self.port)]
        return Kept([PYTHON, *words], self.directory, self.log, settings)

    def _answers(self) -> bool:
        try:
            return ask(self.port, "GET", "/health")[0] == 200
        except OSError:
            return False


JSON = {"Content-Type": "application/json"}


def ask(
    port: int, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, headers or {})
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


class Mailbox:
    """Somebody's mailbox, by means of its own: written apart from the hub's client, so that the two can disagree."""

    def __init__(self, port: int, name: str) -> None:
        self._port = port
        self.name = name

    def send(self, *chunks: bytes, to: str = HUB, file: str = "results.hl7", packed: bool = False, **more: str) -> str:
        """Send a message, in chunks where there are several; its name."""
        encoding = {"Content-Encoding": "gzip"} if packed else {}
        bodies = [gzip.compress(chunk) if packed else chunk for chunk in chunks]
        spread = {"Mex-Chunk-Range": f"1:{len(chunks)}"} if len(chunks) > 1 else {}
        said = {"Mex-To": to, "Mex-WorkflowID": "TEST_WORKFLOW", "Mex-FileName": file, **encoding, **spread, **more}
        name = str(self._json("POST", "/outbox", bodies[0], said)["message_id"])
        for number, body in enumerate(bodies[1:], 2):
            said = {"Mex-Chunk-Range": f"{number}:{len(chunks)}", **encoding}
            self._json("POST", f"/outbox/{name}/{number}", body, said)
        return name

    def waiting(self) -> list[str]:
        return list(self._json("GET", "/inbox")["messages"])

    def fetch(self, name: str) -> tuple[dict[str, str], bytes]:
        """A message of one chunk, unpacked, and its headers."""
        status, headers, body = self._ask("GET", f"/inbox/{name}")
        assert status == 200, status
        return headers, body

    def take(self, name: str) -> None:
        assert self._ask("PUT", f"/inbox/{name}/status/acknowledged")[0] == 200

    def _json(self, method: str, path: str, body: bytes | None = None, said: dict[str, str] | None = None) -> Any:
        status, _, answer = self._ask(method, path, body, said)
        assert 200 <= status < 300, (status, answer)
        return json.loads(answer)

    def _ask(
        self, method: str, path: str, body: bytes | None = None, said: dict[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        once, minute = secrets.token_hex(8), f"{datetime.now(UTC):%Y%m%d%H%M}"
        text = f"{self.name}:{once}:1:{PASSWORD}:{minute}"
        signature = hmac.digest(KEY.encode(), text.encode(), hashlib.sha256).hex()
        headers = {
            "Authorization": f"NHSMESH {self.name}:{once}:1:{minute}:{signature}",
            "Accept": "application/vnd.mesh.v2+json",
            **(said or {}),
        }
        return ask(self._port, method, f"/messageexchange/{self.name}{path}", body, headers)
