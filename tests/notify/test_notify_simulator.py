"""The other side of NHS Notify: it answers and calls back as the published document says, and as its script wants."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from adapters.nhs_notify import NhsNotify, api_key_is_right, read_callback, signature_is_right
from adapters.simulators.notify import Fault, NotifySimulator, Roads
from adapters.simulators.notify_checks import USUAL_CODES
from adapters.simulators.notify_course import (
    DELIVERED,
    LEFT_THE_NHS,
    NEVER_ENDS,
    NO_CONTACT_DETAIL,
    OF_A_NEW_REASON,
    ON_THE_SECOND_CHANNEL,
    UNREACHABLE,
    Fate,
)
from hub.contract import Request
from hub.domain.communications import Batch, ChannelNews, MessageNews, News
from tests.notify.batches import NUMBERS, PLANS, batch, message, single
from tests.notify.conftest import Listener, Simulated
from tests.notify.openapi import callback_problems, response_problems

LANGUAGE = NhsNotify(PLANS)
FATES = (DELIVERED, ON_THE_SECOND_CHANNEL, UNREACHABLE, NEVER_ENDS, LEFT_THE_NHS, NO_CONTACT_DETAIL, OF_A_NEW_REASON)


class Client:
    """Asks the simulator without a door between."""

    def __init__(self, simulator: NotifySimulator, http: aiohttp.ClientSession) -> None:
        self._simulator, self._http = simulator, http
        self.problems: list[str] = []
        simulator.tokens.add("token")

    async def ask(self, request: Request, **headers: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        sent = {"Authorization": "Bearer token", "Accept": "application/vnd.api+json", **headers}
        if request.content_type:
            sent.setdefault("Content-Type", request.content_type)
        where = self._simulator.url + request.path
        data = io.BytesIO(request.body) if request.body else None
        async with self._http.request(request.method, where, data=data, headers=sent) as response:
            body = await response.read()
            if len(body) < 1_000_000:  # judging a large answer takes seconds
                self.problems += response_problems(request.method, request.path, response.status, body)
            return response.status, json.loads(body), dict(response.headers)

    async def hand_over(self, given: Batch) -> tuple[int, dict[str, Any], dict[str, str]]:
        return await self.ask(next(LANGUAGE.hand_over(given)))

    async def code(self, given: Batch, **changes: Any) -> tuple[int, list[tuple[str, str]]]:
        """The status of an answer, and its errors with their places; `changes` of the attributes of a batch."""
        request = next(LANGUAGE.hand_over(given))
        document = json.loads(request.body or b"")
        document["data"]["attributes"] |= changes
        body = json.dumps(document).encode()
        status, said, _ = await self.ask(Request(request.path, (), "POST", body, request.content_type))
        return status, [(one["code"], one.get("source", {}).get("pointer", "")) for one in said["errors"]]


@asynccontextmanager
async def client_of(simulator: NotifySimulator) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as http:
        yield Client(simulator, http)


@pytest.fixture
async def client(notify: NotifySimulator) -> AsyncIterator[Client]:
    async with client_of(notify) as asked:
        yield asked


def news_of(listener: Listener) -> list[News]:
    """Everything that was called back, in the order in which it came."""
    told = []
    for raw, _ in listener.got:
        news = read_callback(raw)
        assert isinstance(news, tuple)
        told += news
    return told


def statuses(listener: Listener) -> list[str]:
    return [one.status if isinstance(one, MessageNews) else f"{one.channel}: {one.status}" for one in news_of(listener)]


# -- what it answers


async def test_its_answers_are_as_the_published_document_says(client: Client, notify: NotifySimulator) -> None:
    assert (await client.hand_over(batch()))[0] == 201
    assert (await client.hand_over(batch()))[0] == 422
    status, said, headers = await client.hand_over(single())
    assert status == 201 and headers["Location"] == said["data"]["links"]["self"]
    for fate in FATES:
        notify.fate = fate
        _, said, _ = await client.hand_over(single(100 + FATES.index(fate)))
        await notify.settled()
        assert (await client.ask(Request(f"/v1/messages/{said['data']['id']}")))[0] == 200
    assert (await client.ask(Request(f"/v1/messages/{'0' * 27}")))[0] == 404
    for status, code in USUAL_CODES.items():
        if status not in (413, 502):  # 502 is documented for another call, 413 for batches alone
            notify.faults.append(Fault(status, code, after="5" if status in (429, 503) else ""))
            assert (await client.hand_over(single(200)))[0] == status
    assert client.problems == []


async def test_it_has_against_a_request_what_notify_would(client: Client) -> None:
    place = "/data/attributes"
    one = json.loads(next(LANGUAGE.hand_over(batch(1))).body or b"")["data"]["attributes"]["messages"][0]
    assert await client.code(batch(), routingPlanId=None) == (400, [("CM_NULL_VALUE", f"{place}/routingPlanId")])
    assert await client.code(batch(), routingPlanId="7") == (400, [("CM_INVALID_VALUE", f"{place}/routingPlanId")])
    assert await client.code(batch(), messages=[]) == (400, [("CM_TOO_FEW_ITEMS", f"{place}/messages")])
    for changed, code, where in (
        ({"recipient": {"nhsNumber": "9990000001"}}, "CM_INVALID_NHS_NUMBER", "recipient/nhsNumber"),
        ({"recipient": {}}, "CM_MISSING_VALUE", "recipient/nhsNumber"),
        ({"messageReference": None}, "CM_NULL_VALUE", "messageReference"),
        ({"originator": {"odsCode": "X26"}}, "CM_CANNOT_SET_ODS_CODE", "originator"),
    ):
        told = await client.code(batch(), messages=[{**one, "messageReference": "other"}, {**one, **changed}])
        assert told == (400, [(code, f"{place}/messages/1/{where}")])
    twice = await client.code(batch(), messages=[one, one])
    assert twice == (400, [("CM_DUPLICATE_VALUE", f"{place}/messages/1/messageReference")])
    _, many = await client.code(batch(), messages=[{"messageReference": str(index)} for index in range(150)])
    assert len(many) == 100
    _, _, _ = await client.ask(Request("/v1/messages", (), "POST", b"{}", "text/plain"))
    unknown = {**PLANS, "other": "11111111-2222-4333-8444-555555555555"}
    status, _, _ = await client.ask(next(NhsNotify(unknown).hand_over(batch(1, "other"))))
    assert status == 404 and client.problems == []


async def test_it_knows_who_asks_and_what_can_be_asked(client: Client, notify: NotifySimulator) -> None:
    request = next(LANGUAGE.hand_over(batch()))
    assert (await client.ask(request, Authorization="Bearer other"))[0] == 401
    assert (await client.ask(request, Accept="text/html"))[0] == 406
    assert (await client.ask(request, **{"Content-Type": "application/json; charset=latin-1"}))[0] == 415
    assert (await client.ask(Request("/v1/message-batches", (), "POST", b" " * 5_200_001, request.content_type)))[
        0
    ] == 413
    assert notify.taken == {} and client.problems == []
    (_, _, headers) = await client.ask(request, **{"X-Correlation-ID": "c-1"})
    assert headers["X-Correlation-ID"] == "c-1"


async def test_a_reference_is_known_again_and_what_is_in_work_is_too_early(
    client: Client, notify: NotifySimulator
) -> None:
    notify.faults.append(Fault(seconds=0.3))
    first = asyncio.create_task(client.hand_over(batch()))
    while not notify.seen:  # noqa: ASYNC110 - the simulator has no bell
        await asyncio.sleep(0.01)
    status, _, headers = await client.hand_over(batch())
    assert (status, headers["Retry-After"]) == (425, "300")
    assert (await first)[0] == 201
    assert (await client.hand_over(batch()))[0] == 422
    assert set(notify.taken.values()) == {1} and len(notify.taken) == 3


async def test_what_happened_and_was_not_answered_happened(client: Client, notify: NotifySimulator) -> None:
    notify.faults.extend([Fault(503, happened=True), Fault(cut=True, happened=True), Fault(cut=True), Fault(500)])
    assert (await client.hand_over(single(1)))[0] == 503
    for index in (2, 3):
        with pytest.raises(aiohttp.ClientError):
            await client.hand_over(single(index))
    assert (await client.hand_over(single(4)))[0] == 500
    assert set(notify.taken) == {single(1).reference, single(2).reference}
    assert (await client.hand_over(single(2)))[0] == 422 and (await client.hand_over(single(3)))[0] == 201


# -- what it calls back


@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        (DELIVERED, ["created", "pending_enrichment", "enriched", "nhsapp: created", "letter: created", "sending",
                     "nhsapp: sending", "nhsapp: delivered", "delivered", "letter: skipped"]),
        (ON_THE_SECOND_CHANNEL, ["created", "pending_enrichment", "enriched", "nhsapp: created", "letter: created",
                                 "sending", "nhsapp: sending", "nhsapp: failed", "letter: sending",
                                 "letter: delivered", "delivered"]),
        (LEFT_THE_NHS, ["created", "pending_enrichment", "failed"]),
        (NEVER_ENDS, ["created", "pending_enrichment", "enriched", "nhsapp: created", "letter: created", "sending",
                      "nhsapp: sending"]),
    ],
)  # fmt: skip
async def test_a_message_goes_its_course(
    simulated: Simulated, listener: Listener, fate: Fate, expected: list[str]
) -> None:
    async with simulated(callback_url=listener.url, fate=fate) as notify, client_of(notify) as client:
        await client.hand_over(single())
        await notify.settled()
        assert statuses(listener) == expected
        times = [one.at for one in news_of(listener)]
        assert times == sorted(times) and len({one.key for one in news_of(listener)}) == len(times)
        told = next(iter(notify.messages.values()))
        _, answer, _ = await client.ask(Request(f"/v1/messages/{told.id}"))
        assert answer["data"]["attributes"]["messageStatus"] == [one for one in expected if ":" not in one][-1]


async def test_callbacks_are_signed_and_as_the_published_document_says(
    simulated: Simulated, listener: Listener
) -> None:
    fates = dict(zip(NUMBERS, FATES, strict=False))
    async with simulated(callback_url=listener.url, fates=fates) as notify, client_of(notify) as client:
        await client.hand_over(batch(len(FATES), "invitation"))
        await notify.settled()
        assert len(listener.got) > 40
        for raw, headers in listener.got:
            assert api_key_is_right(headers["x-api-key"], notify.api_key)
            signature = headers["x-hmac-sha256-signature"]
            assert signature_is_right(raw, signature, notify.application_id, notify.api_key)
            assert callback_problems(raw) == []
        reasons = {one.reason for one in news_of(listener) if isinstance(one, MessageNews) and one.status == "failed"}
        assert {"MFR_PDSV_0110", "MFR_PDSV_0002", "MFR_NEWS_0001"} < reasons
        assert "CFR_SUPE_0007" in {one.reason for one in news_of(listener) if isinstance(one, ChannelNews)}


async def test_callbacks_come_again_until_they_are_taken(simulated: Simulated, listener: Listener) -> None:
    listener.answers = [(500, {}), (429, {"Retry-After": "60"}), (403, {}), (202, {}), (429, {"Retry-After": "-1"})]
    told_of = frozenset(("created", "enriched"))
    async with simulated(callback_url=listener.url, fate=LEFT_THE_NHS, told_of=told_of) as notify:
        async with client_of(notify) as client:
            await client.hand_over(single())
            await notify.settled()
            assert [one.status for one in notify.postman.posted] == [500, 429, 403, 202]
            await client.hand_over(single(1))
            await notify.settled()
        assert len(notify.postman.given_up) == 1, "they said that they want it no more"


async def test_whom_to_call_may_be_told_later(notify: NotifySimulator, listener: Listener, client: Client) -> None:
    await client.hand_over(single())
    await notify.settled()
    notify.call_back_to(listener.url)
    await client.hand_over(single(1))
    await notify.settled()
    assert {one.reference for one in news_of(listener)} == {single(1).reference}


async def test_after_two_hours_a_callback_is_lost(simulated: Simulated, listener: Listener) -> None:
    listener.answers = [(503, {})] * 100
    async with simulated(callback_url=listener.url, told_of=frozenset(("delivered",))) as notify:
        async with client_of(notify) as client:
            await client.hand_over(single(0, "post"))
            await notify.settled()
        assert len(notify.postman.given_up) == 2 and 10 < len(notify.postman.posted) < 30


async def test_callbacks_are_lost_doubled_and_late_as_the_script_says_and_always_the_same(
    simulated: Simulated, listener: Listener
) -> None:
    roads, runs = Roads(lost=0.2, twice=0.3, late=0.5), []
    for _ in range(2):
        listener.got.clear()
        async with simulated(callback_url=listener.url, roads=roads, clock=lambda: AT) as notify:
            async with client_of(notify) as client:
                await client.hand_over(batch(20))
                await notify.settled()
            runs.append([one.key for one in news_of(listener)])
            lost = {json.loads(body)["data"][0]["meta"]["idempotencyKey"] for body in notify.postman.given_up}
    assert runs[0] == runs[1] and lost and not lost & set(runs[0])
    assert len(runs[0]) > len(set(runs[0])), "some came twice"
    times = [one.at for one in news_of(listener)]
    assert sum(earlier > later for earlier, later in pairwise(times)) > 20, "and out of order"


async def test_time_may_pass(simulated: Simulated, listener: Listener) -> None:
    """A thousandth of a second for each second: three seconds until it is sending, ten minutes until it is read."""
    async with simulated(callback_url=listener.url, scale=0.02) as notify, client_of(notify) as client:
        began = asyncio.get_running_loop().time()
        await client.hand_over(single())
        while "sending" not in statuses(listener):  # noqa: ASYNC110 - nor has the listener
            await asyncio.sleep(0.01)
        assert 0.05 < asyncio.get_running_loop().time() - began < 2
        assert not notify.agenda.is_idle and "delivered" not in statuses(listener)


async def test_a_large_batch_is_taken(simulated: Simulated) -> None:
    async with simulated(fate=NEVER_ENDS) as notify, client_of(notify) as client:
        many = batch(5_000, "post")
        assert (await client.hand_over(many))[0] == 201
        assert len(notify.taken) == 5_000 and message(7).reference in notify.taken


AT = datetime.fromisoformat("2026-01-05T09:00:00+00:00")
