"""One queue of SQS, as much of it as a door needs: wait for messages, and delete those that are settled.

Who we are at AWS is found as every program there finds it (`AWS_...` variables, a role of the machine), and is none of
the hub's settings.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from aiobotocore.session import get_session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from hub.errors import Reason, Retry

REGION = "eu-west-2"
"""The Multicast Notification Service delivers to queues of London alone; so says its specification."""
A_PAGE = 10
"""Messages of one call: the most that SQS gives."""
WAIT_SECONDS = 20
"""How long SQS keeps an empty queue's answer back: the longest that it can."""
_CONNECT_SECONDS, _ANSWER_SECONDS = 5, 10


class QueueAway(Retry):
    """The queue cannot be used just now. The hint is AWS's own code (`AccessDenied`) or the name of the failure."""

    whole = True

    def __init__(self, hint: str) -> None:
        super().__init__(Reason.EVENTS_AWAY, hint=hint)


@dataclass(frozen=True, slots=True, repr=False)
class SqsMessage:
    """What the queue gave. Its body may name somebody: it has no repr. `receipt` is the right to delete it."""

    body: bytes
    receipt: str


class SqsQueue:
    """Connects when it is first asked, and anew after every failure: so the credentials are looked for again too."""

    def __init__(self, url: str, wait_seconds: int = WAIT_SECONDS) -> None:
        parts = urlsplit(url)
        self.name = parts.path.rpartition("/")[2][:128]
        self._url = url
        self._endpoint = f"{parts.scheme}://{parts.netloc}"
        self._wait = wait_seconds
        self._client: Any = None

    async def receive(self) -> list[SqsMessage]:
        """What waits, or what comes within `wait_seconds`. What is not deleted comes again."""
        async with self._line() as client:
            given = await client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=A_PAGE, WaitTimeSeconds=self._wait
            )
        return [SqsMessage(each["Body"].encode(), each["ReceiptHandle"]) for each in given.get("Messages", ())]

    async def delete(self, messages: Sequence[SqsMessage]) -> int:
        """How many of them (at most `A_PAGE`) are gone. Another's receipt may have replaced ours: then it comes
        again."""
        entries = [{"Id": str(place), "ReceiptHandle": each.receipt} for place, each in enumerate(messages)]
        if not entries:
            return 0
        async with self._line() as client:
            done = await client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        return len(done.get("Successful", ()))

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.__aexit__(None, None, None)

    @asynccontextmanager
    async def _line(self) -> AsyncIterator[Any]:
        """What fails in the block because of the network or of AWS is said as `QueueAway`, without its text: the
        library's texts hold addresses."""
        try:
            if self._client is None:
                self._client = await self._opened()
            yield self._client
        except ClientError as refusal:
            await self.close()
            raise QueueAway(str(refusal.response.get("Error", {}).get("Code", ""))[:64] or "refused") from None
        except (BotoCoreError, OSError, TimeoutError, ValueError) as error:
            await self.close()
            raise QueueAway(type(error).__name__) from None

    async def _opened(self) -> Any:
        """Trying again is the flow's business, not the library's."""
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=self._wait + _ANSWER_SECONDS,
            retries={"total_max_attempts": 1},
        )
        made = get_session().create_client("sqs", region_name=REGION, endpoint_url=self._endpoint, config=config)
        return await made.__aenter__()
