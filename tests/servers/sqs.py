"""A server that speaks SQS as AWS does: moto's, as a private process. It is no work of ours and knows nothing of us.

It holds its queues in memory: what was in them is gone when it stops.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.session import get_session

from tests.servers.mesh import ask
from tests.servers.node import Kept, Node

REGION = "eu-west-2"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "AKIAOFNOBODY", "AWS_SECRET_ACCESS_KEY": "s3cret-of-nobody"}
"""What the hub finds its way to AWS by; moto lets everybody in."""


class SqsNode(Node):
    name = "sqs"
    quick_end = signal.SIGKILL

    def __init__(self, within: Path | None = None) -> None:
        super().__init__(within, ports=1)

    def queue(self, name: str, **attributes: str) -> TestQueue:
        return TestQueue(self.port, name, attributes)

    def _run(self) -> Kept:
        words = ["-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        return Kept([sys.executable, *words], self.directory, self.log, {"PATH": os.environ["PATH"]})

    def _answers(self) -> bool:
        try:
            return ask(self.port, "GET", "/moto-api/data.json")[0] == 200
        except OSError:
            return False


class TestQueue:
    """A queue by AWS's own library, the one that waits and not the one that the hub uses."""

    __test__ = False

    def __init__(self, port: int, name: str, attributes: Mapping[str, str]) -> None:
        self._client = get_session().create_client(
            "sqs",
            region_name=REGION,
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        )
        self._path = self._client.create_queue(QueueName=name, Attributes=dict(attributes))["QueueUrl"]
        self.port = port

    def url(self, port: int = 0) -> str:
        """As whoever stands before the server at `port` is called."""
        return self._path.replace(f":{self.port}/", f":{port or self.port}/")

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self._client.send_message(QueueUrl=self._path, MessageBody=body)

    def left(self) -> int:
        """Messages in the queue, and those that somebody has and has not deleted."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        said: dict[str, Any] = self._client.get_queue_attributes(QueueUrl=self._path, AttributeNames=names)
        return sum(int(said["Attributes"][name]) for name in names)

    def close(self) -> None:
        self._client.close()
