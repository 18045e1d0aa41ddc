"""The door to PDS, over real sockets to the simulator: tokens, retries, the circuit, and that nothing leaks."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from adapters.pds_fhir import PdsFhir
from adapters.simulators.pds import Fault, PdsSimulator
from adapters.simulators.pds_people import special_people
from hub import telemetry
from hub.domain.demographics import Ambiguous, Found, Invalidated, NotFound, Refused, WhoHas, WhoIs
from hub.domain.nhs_number import check_digit
from hub.errors import CannotRun, Reason
from hub.io.nhs_api import ApiAway, ApiSettings, TokenRefused
from hub.io.pds import PdsDoor
from hub.io.store import SqlStore
from tests.pds.openapi import request_problems, response_problems

PEOPLE = special_people()
NOBODYS = next(
    f"{nine}{digit}"
    for nine in range(999123450, 999123460)
    if (digit := check_digit(str(nine))) and f"{nine}{digit}" not in {one.person.nhs_number for one in PEOPLE.values()}
)
TOO_MANY, AWAY = Fault(429, "TOO_MANY_REQUESTS"), Fault(503, "SERVICE_UNAVAILABLE")
NewDoor = Callable[..., AbstractAsyncContextManager[PdsDoor]]


def now() -> datetime:
    return datetime.now(UTC)


def number(case: str) -> str:
    return PEOPLE[case].person.nhs_number


def who(case: str) -> WhoIs:
    person = PEOPLE[case].person
    return WhoIs(person.family_name, person.date_of_birth, person.given_names[0], person.postcode or "")


@pytest.fixture
def door(pds: PdsSimulator, store: SqlStore, keys: tuple[Path, bytes]) -> NewDoor:
    @asynccontextmanager
    async def opened(**how: Any) -> AsyncIterator[PdsDoor]:
        settings = ApiSettings(pds.url, pds.token_url, pds.client, pds.kid, keys[0], per_second=200.0)
        clock = how.pop("clock", now)
        async with PdsDoor(replace(settings, **how), PdsFhir(), store, clock) as door:
            yield door

    return opened


async def outcome(door: PdsDoor, question: WhoHas | WhoIs) -> str:
    """What became of the question: the kind of the answer, or the hint of ApiAway."""
    try:
        return type(await door.ask(question)).__name__
    except ApiAway as away:
        assert away.reason is Reason.PDS_AWAY
        return away.hint


# -- answers


async def test_every_special_case_is_answered(door: NewDoor) -> None:
    async with door() as asked:
        for case, known in PEOPLE.items():
            answer = await asked.ask(WhoHas(known.person.nhs_number))
            if case == "invalidated":
                assert answer == Invalidated()
                continue
            assert isinstance(answer, Found), case
            assert answer.superseded == (number(case) if case == "superseded" else "")
        assert await asked.ask(WhoHas(NOBODYS)) == NotFound()


async def test_who_is_it(door: NewDoor, pds: PdsSimulator) -> None:
    moved, married, once = PEOPLE["moved"].person, PEOPLE["married"].person, PEOPLE["namesake once"].person
    spelt = who("ordinary")
    questions = {
        who("ordinary"): number("ordinary"),
        replace(who("moved"), postcode="ZZ77 7ZZ"): moved.nhs_number,
        replace(who("moved"), postcode="ZZ1 1ZZ"): moved.nhs_number,
        replace(who("married"), family_name="Oakenshaw"): married.nhs_number,
        replace(who("namesake once"), family_name="Penhallow"): once.nhs_number,
        replace(spelt, given_name=spelt.given_name[:3] + "x"): number("ordinary"),
        replace(spelt, family_name=spelt.family_name[:3] + "xyz"): number("ordinary"),
        WhoIs(PEOPLE["restricted"].person.family_name, PEOPLE["restricted"].person.date_of_birth): number("restricted"),
    }
    async with door() as asked:
        for question, expected in questions.items():
            answer = await asked.ask(question)
            assert isinstance(answer, Found) and answer.person.nhs_number == expected
        for case in ("restricted", "invalidated", "hardly known"):
            assert await asked.ask(who(case)) == NotFound(), case
        assert await asked.ask(who("twin of a kind")) == Ambiguous()


async def test_the_simulator_and_the_requests_are_as_the_published_document_says(
    door: NewDoor, pds: PdsSimulator
) -> None:
    async with door() as asked:
        for case in PEOPLE:
            await asked.ask(WhoHas(number(case)))
            await asked.ask(who(case))
        await asked.ask(replace(who("ordinary"), family_name="No'one Ö&=", postcode="ZZ1 1ZZ"))
        await asked.knock()
        pds.faults.extend([TOO_MANY, replace(AWAY, after="0"), Fault(408, "UNABLE_TO_CALL_SERVICE")])
        await asked.ask(WhoHas(number("ordinary")))
    assert len(pds.seen) > 60
    for seen in pds.seen:
        assert request_problems(seen.path, seen.query, seen.headers) == []
        assert "*" not in seen.raw_query
    token = next(iter(pds.tokens))
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {token}"}) as http:
        for seen in [*pds.seen, pds.seen[0]]:
            headers = {"X-Request-ID": seen.headers["x-request-id"]}
            where = f"{pds.url}{seen.path}"
            async with http.get(where, params=list(seen.query), headers=headers) as response:
                assert response_problems(seen.path, response.status, await response.read()) == []
                assert response.headers["X-Request-ID"] == headers["X-Request-ID"]


# -- tokens


async def test_one_token_is_fetched_whoever_asks_and_each_assertion_is_new(door: NewDoor, pds: PdsSimulator) -> None:
    async with door() as asked:
        await asyncio.gather(*(asked.ask(WhoHas(number("ordinary"))) for _ in range(12)))
        assert len(pds.assertions) == 1
        (claims,) = pds.assertions
        assert claims["iss"] == claims["sub"] == pds.client and claims["aud"] == pds.token_url
        assert 0 < claims["exp"] - time.time() <= 300
        pds.tokens.clear()  # as if it had been revoked: one new token, and the question is answered
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
        assert len(pds.assertions) == 2 and len({claims["jti"] for claims in pds.assertions}) == 2


async def test_a_token_is_renewed_early_and_the_old_one_serves_while_none_comes(
    door: NewDoor, pds: PdsSimulator
) -> None:
    pds.token_seconds = 2
    async with door() as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
        await asyncio.sleep(1.6)  # three quarters of its life are over
        pds.token_faults.append(Fault(503))
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
        assert len(pds.tokens) == 1
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
        assert len(pds.tokens) == 2


async def test_a_lost_answer_of_the_token_server_is_asked_for_with_a_new_assertion(
    door: NewDoor, pds: PdsSimulator
) -> None:
    pds.token_faults.extend([Fault(cut=True), Fault(503), Fault(429)])
    async with door() as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
    assert len(pds.assertions) == 1


@pytest.mark.parametrize(
    "wrong", [{"kid": "other"}, {"client": "other"}, {"clock": lambda: now() + timedelta(minutes=9)}]
)
async def test_a_refused_token_is_told_at_once_with_the_servers_own_sentence(
    door: NewDoor, wrong: dict[str, Any]
) -> None:
    async with door(**wrong) as asked:
        with pytest.raises(TokenRefused) as refused:
            await asked.ask(WhoHas(number("ordinary")))
        assert refused.value.said and refused.value.hint == "token-refused" and refused.value.said not in str(refused)


async def test_a_token_that_pds_never_accepts_is_not_fetched_for_ever(door: NewDoor, pds: PdsSimulator) -> None:
    pds.faults.extend([Fault(401, "ACCESS_DENIED")] * 4)
    async with door() as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "token-not-accepted"
    assert len(pds.seen) == 2 and len(pds.assertions) == 2


def test_a_key_that_is_none_is_one_sentence(tmp_path: Path, store: SqlStore) -> None:
    path = tmp_path / "key.pem"
    settings = ApiSettings("http://127.0.0.1:9", "http://127.0.0.1:9/token", "client", "kid", path)
    with pytest.raises(CannotRun, match="cannot be read"):
        PdsDoor(settings, PdsFhir(), store, now)
    path.write_text("no key")
    with pytest.raises(CannotRun, match="HUB_PDS_KEY holds no private"):
        PdsDoor(settings, PdsFhir(), store, now)


# -- not now


@pytest.mark.parametrize(
    "fault",
    [
        TOO_MANY,
        replace(AWAY, happened=True),
        Fault(408, "UNABLE_TO_CALL_SERVICE"),
        Fault(500),
        Fault(cut=True),
        Fault(seconds=0.6),
    ],
)
async def test_what_is_asked_again_has_the_same_id(door: NewDoor, pds: PdsSimulator, fault: Fault) -> None:
    pds.faults.append(fault)
    async with door(request_seconds=0.3) as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
        assert await outcome(asked, WhoHas(number("moved"))) == "Found"
    first, again, other = (seen.headers["x-request-id"] for seen in pds.seen)
    assert first == again != other


async def test_who_says_when_to_come_again_is_believed(door: NewDoor, pds: PdsSimulator) -> None:
    pds.faults.append(replace(AWAY, after="1"))
    async with door() as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
    assert pds.seen[1].at - pds.seen[0].at >= 1.0


async def test_after_too_many_requests_nobody_asks_for_a_while(door: NewDoor, pds: PdsSimulator) -> None:
    pds.faults.append(TOO_MANY)
    async with door() as one, door() as other:
        first = asyncio.create_task(outcome(one, WhoHas(number("ordinary"))))
        while not pds.seen:  # noqa: ASYNC110 - the simulator has no bell
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        assert await outcome(other, WhoHas(number("moved"))) == "Found"
        assert await first == "Found"
        assert await one.away() == "", "too many questions do not open the circuit"
    assert pds.seen[1].at - pds.seen[0].at >= 0.9


async def test_a_question_has_its_time_and_no_more(door: NewDoor, pds: PdsSimulator) -> None:
    pds.faults.extend([AWAY] * 50)
    async with door(seconds=1.0, failures=100) as asked:
        began = time.monotonic()
        assert await outcome(asked, WhoHas(number("ordinary"))) == "SERVICE_UNAVAILABLE"
        assert time.monotonic() - began < 1.5
        pds.faults.clear()
        pds.faults.append(Fault(seconds=5))
        assert await outcome(asked, WhoHas(number("ordinary"))) == "out-of-time"
        assert time.monotonic() - began < 3


async def test_a_turn_that_comes_too_late_is_not_taken(door: NewDoor, pds: PdsSimulator) -> None:
    async with door(seconds=1.0, per_second=0.5) as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "Found"
        assert await outcome(asked, WhoHas(number("ordinary"))) == "too-many-wait"
    assert len(pds.seen) == 1


async def test_answers_without_end_or_sense_are_no_answers(door: NewDoor, pds: PdsSimulator) -> None:
    async with door(seconds=1.0) as asked:
        pds.faults.append(Fault(body=b"<html>"))
        assert await outcome(asked, WhoHas(number("ordinary"))) == Refused.__name__
        pds.faults.extend([Fault(body=b"x" * 9_000_000)] * 9)
        assert await outcome(asked, WhoHas(number("ordinary"))) in ("no-connection", "circuit-open", "out-of-time")


async def test_several_doors_together_ask_no_oftener_than_agreed(door: NewDoor, pds: PdsSimulator) -> None:
    rate = 20
    async with door(per_second=rate) as one, door(per_second=rate) as other:
        asked = [outcome(each, WhoHas(number("ordinary"))) for each in (one, other) for _ in range(rate)]
        assert set(await asyncio.gather(*asked)) == {"Found"}
    moments = sorted(seen.at for seen in pds.seen)
    assert len(moments) == 2 * rate and moments[-1] - moments[0] >= (2 * rate - 1) / rate - 0.1
    for begin in moments:
        assert sum(begin <= moment < begin + 1.0 for moment in moments) <= rate + 3


# -- the circuit


async def test_the_circuit_opens_lets_one_try_and_closes(door: NewDoor, pds: PdsSimulator) -> None:
    pds.faults.extend([AWAY] * 3)
    async with door(failures=2, rest_seconds=0.5) as asked:
        assert await outcome(asked, WhoHas(number("ordinary"))) == "SERVICE_UNAVAILABLE"
        assert len(pds.seen) == 2 and await asked.away() == "circuit-open"
        assert b'hub_api_circuit_open{partner="pds"} 1.0' in telemetry.render_metrics()
        assert {await outcome(asked, WhoHas(number("moved"))) for _ in range(5)} == {"circuit-open"}
        assert len(pds.seen) == 2
        await asyncio.sleep(0.5)
        tries = await asyncio.gather(*(outcome(asked, WhoHas(number("moved"))) for _ in range(5)))
        assert sorted(tries) == ["SERVICE_UNAVAILABLE", *["circuit-open"] * 4] and len(pds.seen) == 3, "one alone tries"
        await asyncio.sleep(0.5)
        pds.faults.append(TOO_MANY)
        assert await outcome(asked, WhoHas(number("moved"))) == "Found", "too many questions: so it is there"
        assert await asked.away() == ""
    assert b'hub_api_circuit_open{partner="pds"} 0.0' in telemetry.render_metrics()


# -- nothing leaks


async def test_no_number_name_or_address_is_told(
    door: NewDoor, pds: PdsSimulator, capsys: pytest.CaptureFixture[str]
) -> None:
    telemetry.configure(json=True, level="debug")
    logging.getLogger("aiohttp").setLevel(logging.DEBUG)
    person = PEOPLE["ordinary"].person
    errors = []
    pds.faults.extend([Fault(cut=True), AWAY, Fault(seconds=0.5), TOO_MANY, Fault(400, "INVALID_VALUE", "in x")])
    async with door(request_seconds=0.2, seconds=6.0) as asked:
        for question in (WhoHas(person.nhs_number), who("ordinary")):
            pds.faults.extend([Fault(cut=True)] * 2)
            try:
                await asked.ask(question)
            except ApiAway as away:
                errors.append(repr(away) + str(away))
    async with door(url="http://127.0.0.1:9", seconds=1.0) as nowhere:
        with pytest.raises(ApiAway) as away_for_good:
            await nowhere.ask(WhoHas(person.nhs_number))
    telemetry.configure(json=True, level="warning")
    caught = away_for_good.value
    said = capsys.readouterr().err + telemetry.render_metrics().decode() + "".join(errors) + repr(caught)
    assert "api_asked" in said
    assert caught.__cause__ is None and caught.__suppress_context__
    for secret in (person.nhs_number, person.family_name, person.postcode or "-", str(person.date_of_birth), "Patient"):
        assert secret not in said
    assert not pds.tokens & set(said.split('"'))
