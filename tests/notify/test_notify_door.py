"""The door to NHS Notify, over real sockets to the simulator: nobody is told twice, whatever is lost; nothing leaks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from adapters.nhs_notify import NhsNotify
from adapters.simulators.notify import Fault, NotifySimulator
from adapters.simulators.notify_course import LEFT_THE_NHS, ON_THE_SECOND_CHANNEL
from hub import telemetry
from hub.domain.communications import Accepted, AcceptedBefore, Batch, ChannelNews, Handed, MessageNews, Refused
from hub.errors import Reason
from hub.io.nhs_api import ApiAway, ApiSettings, TokenRefused
from hub.io.notify import NotifyDoor
from hub.io.store import SqlStore
from tests.notify.batches import NUMBERS, PLANS, batch, message, single
from tests.notify.openapi import request_problems

AWAY = Fault(503, after="5")
NewDoor = Callable[..., AbstractAsyncContextManager[NotifyDoor]]


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def door(notify: NotifySimulator, store: SqlStore, keys: tuple[Path, bytes]) -> NewDoor:
    @asynccontextmanager
    async def opened(**how: Any) -> AsyncIterator[NotifyDoor]:
        settings = ApiSettings(notify.url, notify.token_url, notify.client, notify.kid, keys[0], per_second=500.0)
        async with NotifyDoor(replace(settings, **how), NhsNotify(PLANS), store, now) as door:
            yield door

    return opened


async def outcome(door: NotifyDoor, given: Batch) -> str:
    """What became of the batch: the kind of the answer, or the hint of ApiAway."""
    try:
        return type(await door.hand_over(given)).__name__
    except ApiAway as away:
        assert away.reason is Reason.NOTIFY_AWAY
        return away.hint


# -- handing over


async def test_a_batch_is_handed_over_and_asked_after(door: NewDoor, notify: NotifySimulator) -> None:
    notify.fates = {NUMBERS[0]: ON_THE_SECOND_CHANNEL, NUMBERS[1]: LEFT_THE_NHS}
    async with door() as told:
        accepted = await told.hand_over(batch())
        assert isinstance(accepted, Accepted)
        assert set(accepted.ids) == {one.reference for one in batch().messages}
        await notify.settled()
        news = await told.ask(accepted.ids[message(0).reference])
        assert news is not None and [type(one) for one in news] == [MessageNews, ChannelNews, ChannelNews]
        assert [one.status for one in news] == ["delivered", "failed", "delivered"]
        (failed,) = await told.ask(accepted.ids[message(1).reference]) or ()
        assert isinstance(failed, MessageNews) and (failed.status, failed.reason) == ("failed", "MFR_PDSV_0110")
        assert await told.ask("0" * 27) is None and await told.ask("../v1") is None
        assert await told.hand_over(single(9)) == Accepted({message(9).reference: next(reversed(notify.messages))})
        assert await told.knock() == ""
    assert next(iter(notify.messages.values())).personalisation == message(0).personalisation


async def test_what_goes_over_the_wire_is_as_the_published_document_says(
    door: NewDoor, notify: NotifySimulator
) -> None:
    async with door() as told:
        await told.hand_over(batch())
        await told.hand_over(single(9))
        await told.knock()
    assert len(notify.seen) == 3
    for seen in notify.seen:
        assert request_problems(seen.method, seen.path, seen.headers, seen.body or None) == []
        assert seen.headers["accept"] == "application/vnd.api+json"


async def test_a_batch_of_the_largest_size_goes(door: NewDoor, notify: NotifySimulator) -> None:
    many = Batch("b", "post", tuple(message(index, text="x" * 2_000) for index in range(2_000)))
    async with door() as told:
        assert await outcome(told, many) == "Accepted"
    assert len(notify.seen[0].body) > 4_000_000


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault(503, happened=True), "AcceptedBefore"),
        (Fault(500, happened=True), "AcceptedBefore"),
        (Fault(504, happened=True), "AcceptedBefore"),
        (Fault(cut=True, happened=True), "AcceptedBefore"),
        (Fault(201, body=b"<html>", happened=True), "AcceptedBefore"),
        (Fault(503), "Accepted"),
        (Fault(408), "Accepted"),
        (Fault(502), "Accepted"),
        (Fault(cut=True), "Accepted"),
    ],
)
@pytest.mark.parametrize("given", [batch(), single()])
async def test_whatever_is_heard_of_it_a_batch_arrives_once(
    door: NewDoor, notify: NotifySimulator, fault: Fault, expected: str, given: Batch
) -> None:
    notify.faults.append(fault)
    async with door() as told:
        assert await outcome(told, given) == expected
        assert await told.hand_over(given) == AcceptedBefore(), "and so it does from another process"
    assert notify.taken == {one.reference: 1 for one in given.messages}
    first, again, _ = notify.seen
    assert first.body == again.body and first.headers["x-correlation-id"] == again.headers["x-correlation-id"]


async def test_a_batch_that_notify_is_still_at_is_put_off_by_itself(door: NewDoor, notify: NotifySimulator) -> None:
    notify.faults.append(Fault(seconds=1.0))
    async with door() as one, door(failures=1) as other:
        first = asyncio.create_task(one.hand_over(batch()))
        while not notify.seen:  # noqa: ASYNC110 - the simulator has no bell
            await asyncio.sleep(0.01)
        with pytest.raises(ApiAway) as early:
            await other.hand_over(batch())
        assert (early.value.hint, early.value.after) == ("CM_RETRY_TOO_EARLY", 300.0)
        assert await other.away() == "" and await outcome(other, single(9)) == "Accepted", "others go on"
        assert isinstance(await first, Accepted)
        assert await other.hand_over(batch()) == AcceptedBefore()
    assert set(notify.taken.values()) == {1}


@pytest.mark.parametrize(("fault", "after"), [(Fault(429, after="60"), 60.0), (Fault(503, after="70"), 70.0)])
async def test_who_says_when_to_come_again_is_believed(
    door: NewDoor, notify: NotifySimulator, fault: Fault, after: float
) -> None:
    notify.faults.append(fault)
    async with door() as told:
        with pytest.raises(ApiAway) as away:
            await told.hand_over(batch())
        assert away.value.after == after and len(notify.seen) == 1
        if fault.status == 429:  # then all are quiet, whatever they have to say
            assert await outcome(told, single()) == "too-many-wait" and len(notify.seen) == 1


async def test_a_short_rest_is_waited_for(door: NewDoor, notify: NotifySimulator) -> None:
    notify.faults.append(Fault(429, after="1"))
    async with door() as told:
        assert await outcome(told, batch()) == "Accepted"
    assert notify.seen[1].at - notify.seen[0].at >= 1.0


async def test_what_is_refused_names_the_message_and_is_not_sent_again(door: NewDoor, notify: NotifySimulator) -> None:
    given = replace(batch(), messages=(*batch().messages, message(7, "9990000001")))
    async with door() as told:
        refused = await told.hand_over(given)
    assert isinstance(refused, Refused) and not refused.ours and len(notify.seen) == 1
    assert [(fault.code, fault.reference) for fault in refused.faults] == [
        ("CM_INVALID_NHS_NUMBER", message(7).reference)
    ]
    assert notify.taken == {}


@pytest.mark.parametrize(
    "fault", [Fault(403), Fault(403, "CM_SERVICE_BAN"), Fault(500, "CM_MISSING_ROUTING_PLAN_TEMPLATE")]
)
async def test_what_an_engineer_must_mend_is_refused_at_once(
    door: NewDoor, notify: NotifySimulator, fault: Fault
) -> None:
    notify.faults.append(fault)
    async with door() as told:
        refused: Handed = await told.hand_over(batch())
        assert isinstance(refused, Refused) and refused.ours and await told.away() == ""
        notify.faults.append(Fault(403))
        with pytest.raises(ApiAway) as away:
            await told.ask("0" * 27)
        assert away.value.hint == "CM_FORBIDDEN"
    assert len(notify.seen) == 2


# -- token, pace, circuit


async def test_a_token_that_was_revoked_is_fetched_once_more(door: NewDoor, notify: NotifySimulator) -> None:
    async with door() as told:
        assert await outcome(told, batch()) == "Accepted"
        notify.tokens.clear()
        assert await outcome(told, single()) == "Accepted"
        assert len(notify.assertions) == 2
        notify.faults.extend([Fault(401)] * 4)
        assert await outcome(told, single(1)) == "token-not-accepted"
    assert len(notify.seen) == 5 and len(notify.assertions) == 3


async def test_a_key_that_is_not_known_is_told_at_once(door: NewDoor, notify: NotifySimulator) -> None:
    async with door(kid="other") as told:
        with pytest.raises(TokenRefused) as refused:
            await told.hand_over(batch())
    assert refused.value.reason is Reason.NOTIFY_AWAY and "kid" in refused.value.said and notify.seen == []


async def test_doors_together_hand_over_no_oftener_than_agreed(door: NewDoor, notify: NotifySimulator) -> None:
    async with door(per_second=20.0) as one, door(per_second=20.0) as other:
        given = [(each, single(index * 2 + side)) for side, each in enumerate((one, other)) for index in range(15)]
        assert {await each for each in asyncio.as_completed([outcome(*each) for each in given])} == {"Accepted"}
    moments = sorted(seen.at for seen in notify.seen)
    assert len(moments) == 30 and moments[-1] - moments[0] >= 29 / 20 - 0.1


async def test_the_circuit_opens_and_shows_itself(door: NewDoor, notify: NotifySimulator) -> None:
    notify.faults.extend([Fault(503)] * 2)
    async with door(failures=2, rest_seconds=0.3) as told:
        assert await outcome(told, batch()) == "CM_SERVICE_UNAVAILABLE"
        assert await told.away() == "circuit-open" and len(notify.seen) == 2
        assert b'hub_api_circuit_open{partner="notify"} 1.0' in telemetry.render_metrics()
        assert await outcome(told, batch()) == "circuit-open" and len(notify.seen) == 2
        await asyncio.sleep(0.3)
        assert await outcome(told, batch()) == "Accepted" and await told.away() == ""


async def test_a_batch_has_its_time_and_no_more(door: NewDoor, notify: NotifySimulator) -> None:
    notify.faults.append(Fault(seconds=5))
    began = time.monotonic()
    async with door(seconds=0.5) as told:
        assert await outcome(told, batch()) == "out-of-time"
    assert time.monotonic() - began < 2


# -- nothing leaks


async def test_no_number_text_or_reference_is_told(
    door: NewDoor, notify: NotifySimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.configure(json=True, level="debug")
    logging.getLogger("aiohttp").setLevel(logging.DEBUG)
    given = Batch("batch-reference", "result", (message(5, name="Ashby"),))
    notify.faults.extend([Fault(cut=True), Fault(500), Fault(400, "CM_INVALID_VALUE")])
    errors = []
    async with door(seconds=2.0) as told:
        errors.append(repr(await told.hand_over(given)))
        notify.faults.append(Fault(cut=True))
        await told.hand_over(given)
    async with door(url="http://127.0.0.1:9", seconds=0.4) as nowhere:
        with pytest.raises(ApiAway) as away:
            await nowhere.hand_over(given)
    telemetry.configure(json=True, level="warning")
    said = capsys.readouterr().err + telemetry.render_metrics().decode() + "".join(errors) + repr(away.value)
    assert "api_asked" in said and away.value.__cause__ is None and away.value.__suppress_context__
    for secret in (
        given.messages[0].nhs_number,
        given.messages[0].reference,
        "Ashby",
        "batch-reference",
        *notify.tokens,
    ):
        assert secret not in said
