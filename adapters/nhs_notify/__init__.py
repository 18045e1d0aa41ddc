"""NHS Notify, which tells people by NHS App, e-mail, text message and letter: batch → request, response → outcome.

    hand_over(batch) ─ POST /v1/message-batches ─► Accepted · AcceptedBefore · Refused
                     └ POST /v1/messages (single)
    ask(message id) ── GET /v1/messages/{id} ────► its news · None · Refused
    read_callback(bytes) ────────────────────────► its news · UnreadNews

A request carries our references, and Notify knows them again: whatever was heard of it, the same may be sent once more.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping

from adapters.nhs_notify.answers import code_of, handed, later, refused
from adapters.nhs_notify.batches import MOST_BYTES, MOST_MESSAGES, request_of, unfit
from adapters.nhs_notify.json_api import is_message_id
from adapters.nhs_notify.news import news_of_message, read_callback
from adapters.nhs_notify.signature import api_key_is_right, signature_is_right
from hub.contract import Later, Request, Response
from hub.domain.communications import Batch, Fault, Handed, News, Refused, UnreadNews

__all__ = [
    "MOST_BYTES",
    "MOST_MESSAGES",
    "NhsNotify",
    "api_key_is_right",
    "read_callback",
    "signature_is_right",
]

_NO_MESSAGE = "0" * 27


class NhsNotify:
    """See `hub.contract.Teller`. `plans`: the id that each routing plan of ours has at Notify, in this environment."""

    dialect = "nhs_notify"

    def __init__(self, plans: Mapping[str, str]) -> None:
        self._plans = plans

    def hand_over(self, batch: Batch) -> Generator[Request, Response, Handed]:
        """Is refused without asking where it cannot be put into a request."""
        if fault := unfit(batch, self._plans):
            return Refused((fault,), ours=True)
        request = request_of(batch, self._plans[batch.routing_plan])
        if len(request.body or b"") > MOST_BYTES:
            return Refused((Fault("too-many-bytes", place="/data"),), ours=True)
        return handed(batch, (yield request))

    def ask(self, message_id: str) -> Generator[Request, Response, tuple[News, ...] | Refused | None]:
        """What is no id of Notify's is not asked for: nobody knows such a message."""
        if not is_message_id(message_id):
            return None
        response = yield Request(f"/v1/messages/{message_id}")
        if response.status == 404 and code_of(response) == "CM_NOT_FOUND":  # and no other 404: a wrong address
            return None
        news = news_of_message(response.body) if response.status == 200 else None
        return refused(response) if news is None or isinstance(news, UnreadNews) else news

    def knock(self) -> Generator[Request, Response, str]:
        """By the id of no message: that Notify says so shows that our request was read and allowed."""
        code = code_of((yield Request(f"/v1/messages/{_NO_MESSAGE}")))
        return "" if code == "CM_NOT_FOUND" else code

    def later(self, response: Response) -> Later | None:
        """See `hub.contract.Teller`."""
        return later(response)
