"""The door: sends what the adapter asks, and brings it only answers. Everything else is tried again, or `PdsAway`.

An address of PDS holds somebody's number: no address, no text of an HTTP error and no header gets out of this module.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Generator
from datetime import timedelta
from time import monotonic
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from hub import telemetry
from hub.contract import Enquirer, Later, Request, Response
from hub.domain.dates import day_in_england
from hub.domain.demographics import Answer, Question
from hub.errors import Retry
from hub.flow.patience import patient_for
from hub.flow.ports.store import Clock, Store
from hub.io.pds.away import PdsAway
from hub.io.pds.circuit import Circuit
from hub.io.pds.settings import PdsSettings
from hub.io.pds.token import Tokens

T = TypeVar("T")
Talk = Generator[Request, Response, T]
PARTNER = "pds"
"""The name under which all processes share one pace."""
_LARGEST = 4 * 1024 * 1024
_QUIET = timedelta(seconds=1)
"""How long nobody asks after PDS has said that we ask too often; it does not say how long itself."""


class PdsDoor:
    """See `hub.flow.ports.cohort.DemographicsRegister`.

    `async with PdsDoor(...) as pds:` and `await pds.ask(question)`."""

    def __init__(self, settings: PdsSettings, language: Enquirer[Question, Answer], store: Store, clock: Clock) -> None:
        self._settings = settings
        self._language = language
        self._store = store
        self._clock = clock
        self.tokens = Tokens(settings, clock)
        self._circuit = Circuit(settings.failures, settings.rest_seconds)
        self._every = timedelta(seconds=1 / settings.per_second)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        if self._http is not None:
            await self._http.close()

    @property
    def http(self) -> aiohttp.ClientSession:
        """Opened by the first question: a hub that asks nothing has no connection."""
        if self._http is None:
            self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._http

    async def away(self) -> str:
        """Why PDS is not asked just now; empty where it is."""
        return "circuit-open" if self._circuit.is_open else ""

    async def ask(self, question: Question) -> Answer:
        """The answer, within the time that a question may take. Raises PdsAway."""
        talk = self._language.ask(question, day_in_england(self._clock()))
        return await self._timed(type(question).__name__, talk)

    async def knock(self) -> str:
        """What is wrong with how we are answered; empty where nothing is. Asks about nobody. Raises PdsAway."""
        return await self._timed("Knock", self._language.knock())

    async def _timed(self, kind: str, talk: Talk[T]) -> T:
        began = monotonic()
        outcome = "our-fault"
        try:
            async with asyncio.timeout(self._settings.seconds):
                answer = await self._converse(talk, began + self._settings.seconds)
            outcome = answer or "well" if isinstance(answer, str) else type(answer).__name__
            return answer
        except TimeoutError:
            outcome = "out-of-time"
            raise PdsAway(outcome) from None
        except Retry as away:  # the store's too: it holds the turns
            outcome = away.hint or away.reason.code
            raise
        finally:
            telemetry.pds_asked(kind, outcome, monotonic() - began)

    async def _converse(self, talk: Talk[T], until: float) -> T:
        """The requests of one question, one after the other."""
        try:
            request = next(talk)
            while True:
                request = talk.send(await self._answer(request, until))
        except StopIteration as end:
            answer: T = end.value
            return answer

    async def _answer(self, request: Request, until: float) -> Response:
        """A response that answers; each try of one request has the same id, by which PDS knows it again."""
        request_id = str(uuid.uuid4())
        patiently = patient_for(until - monotonic())
        response: Response = await patiently(self._try, request, request_id, until)
        return response

    async def _try(self, request: Request, request_id: str, until: float) -> Response:
        self._circuit.enter(monotonic())
        await self._turn(until)
        try:
            response = await self._send_with_token(request, request_id)
        except PdsAway as away:
            raise self._failed(away) from None
        later = self._language.later(response)
        if later is None:
            self._circuit.answered()
            return response
        raise await self._heeded(later)

    async def _turn(self, until: float) -> None:
        """Wait until it is our turn; in a transaction of its own, so that nobody else waits for our commit."""
        longest = timedelta(seconds=max(0.0, until - monotonic()))
        async with self._store.claiming() as run:
            rest = await run(lambda tx: tx.pace.take(PARTNER, self._every, longest, self._clock()))
        if rest is None:
            raise PdsAway("too-many-wait", soon=False)
        telemetry.pds_waited(rest.total_seconds())
        await asyncio.sleep(rest.total_seconds())

    async def _heeded(self, later: Later) -> PdsAway:
        """What PDS said instead of an answer is taken to heart."""
        if later.busy:
            async with self._store.claiming() as run:
                await run(lambda tx: tx.pace.hold_back(PARTNER, _QUIET, self._clock()))
            self._circuit.answered()  # it is there
            return PdsAway(later.code)
        if later.token:
            return self._failed(PdsAway("token-not-accepted", soon=False))
        return self._failed(PdsAway(later.code, after=later.after_seconds))

    def _failed(self, away: PdsAway) -> PdsAway:
        """One failure more; the one that opens the circuit ends its question, and says by what."""
        self._circuit.failed(monotonic())
        away.soon = away.soon and not self._circuit.is_open
        return away

    async def _send_with_token(self, request: Request, request_id: str) -> Response:
        """With the token we have; where PDS does not accept it, once more with a new one."""
        token = await self.tokens.token(self.http)
        response = await self._send(request, request_id, token)
        later = self._language.later(response)
        if later is None or not later.token:
            return response
        self.tokens.drop(token)
        return await self._send(request, request_id, await self.tokens.token(self.http))

    async def _send(self, request: Request, request_id: str, token: str) -> Response:
        headers = {
            "Accept": "application/fhir+json",
            "Authorization": f"Bearer {token}",
            "X-Request-ID": request_id,
        }
        limit = aiohttp.ClientTimeout(total=self._settings.request_seconds)
        began = monotonic()
        try:
            async with self.http.get(
                self._address(request), headers=headers, timeout=limit, allow_redirects=False
            ) as response:
                body = await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            telemetry.pds_responded("none", monotonic() - began)
            raise PdsAway("slow" if isinstance(error, TimeoutError) else "no-connection") from None
        telemetry.pds_responded(str(response.status), monotonic() - began)
        return Response(response.status, body, {name.lower(): text for name, text in response.headers.items()})

    def _address(self, request: Request) -> URL:
        """Encoded here: PDS wants a star as %2A, which libraries leave alone."""
        query = urlencode(request.query, quote_via=quote, safe="")
        return URL(f"{self._settings.url}{request.path}{'?' if query else ''}{query}", encoded=True)


async def _read(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > _LARGEST:
            raise aiohttp.ClientPayloadError
    return bytes(body)
