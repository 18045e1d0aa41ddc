"""The door: sends what the adapter asks, and brings it only answers. Everything else is tried again, or `ApiAway`.

An address may hold somebody's number, and a body does: no address, no text of an HTTP error and no header gets out of
this module.
"""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import Generator
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from time import monotonic
from types import TracebackType
from typing import Protocol, Self, TypeVar
from urllib.parse import quote, urlencode

import aiohttp
from yarl import URL

from hub import telemetry
from hub.contract import Later, Request, Response
from hub.errors import Retry
from hub.flow.patience import patient_for
from hub.flow.ports.store import Clock, Store
from hub.io.nhs_api.away import ApiAway, Partner
from hub.io.nhs_api.circuit import Circuit
from hub.io.nhs_api.settings import ApiSettings
from hub.io.nhs_api.token import Tokens

T = TypeVar("T")
Talk = Generator[Request, Response, T]
_LARGEST = 8 * 1024 * 1024
_QUIET_SECONDS = 1.0
"""How long nobody asks after a partner has said that we ask too often, where it does not say how long itself."""


class Language(Protocol):
    """What every language says in which a partner is asked; see `hub.contract.Enquirer` and `Teller`."""

    def knock(self) -> Generator[Request, Response, str]: ...
    def later(self, response: Response) -> Later | None: ...


class ApiDoor:
    """What the door to one partner inherits: `converse` holds a conversation of its language."""

    def __init__(
        self,
        partner: Partner,
        settings: ApiSettings,
        language: Language,
        store: Store,
        clock: Clock,
    ) -> None:
        self.partner = partner
        self._settings = settings
        self._language = language
        self._store = store
        self._clock = clock
        self.tokens = Tokens(partner, settings, clock)
        self._circuit = Circuit(partner, settings.failures, settings.rest_seconds)
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
        """Why nobody is asked just now; empty where somebody is."""
        return "circuit-open" if self._circuit.is_open else ""

    async def knock(self) -> str:
        """What is wrong with how we are answered; empty where nothing is. Asks about nobody. Raises ApiAway."""
        return await self.converse("Knock", self._language.knock())

    async def converse(self, kind: str, talk: Talk[T]) -> T:
        """How a conversation ends, within the time that it may take. Raises ApiAway."""
        began = monotonic()
        outcome = "our-fault"
        try:
            async with asyncio.timeout(self._settings.seconds):
                answer = await self._all_of(talk, began + self._settings.seconds)
            outcome = answer or "well" if isinstance(answer, str) else type(answer).__name__
            return answer
        except TimeoutError:
            outcome = "out-of-time"
            raise ApiAway(self.partner, outcome) from None
        except Retry as away:  # the store's too: it holds the turns
            outcome = away.hint or away.reason.code
            raise
        finally:
            telemetry.api_asked(self.partner.name, kind, outcome, monotonic() - began)

    async def _all_of(self, talk: Talk[T], until: float) -> T:
        """The requests of one conversation, one after the other."""
        try:
            request = next(talk)
            while True:
                request = talk.send(await self._answer(request, until))
        except StopIteration as end:
            answer: T = end.value
            return answer

    async def _answer(self, request: Request, until: float) -> Response:
        """A response that answers; each try of one request has the same id, by which it is known again."""
        request_id = str(uuid.uuid4())
        patiently = patient_for(until - monotonic())
        response: Response = await patiently(self._try, request, request_id, until)
        return response

    async def _try(self, request: Request, request_id: str, until: float) -> Response:
        self._circuit.enter(monotonic())
        await self._turn(until)
        try:
            response = await self._send_with_token(request, request_id)
        except ApiAway as away:
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
            rest = await run(lambda tx: tx.pace.take(self.partner.name, self._every, longest, self._clock()))
        if rest is None:
            raise ApiAway(self.partner, "too-many-wait", soon=False)
        telemetry.api_waited(self.partner.name, rest.total_seconds())
        await asyncio.sleep(rest.total_seconds())

    async def _heeded(self, later: Later) -> ApiAway:
        """What was said instead of an answer is taken to heart."""
        if later.busy:
            quiet = timedelta(seconds=later.after_seconds or _QUIET_SECONDS)
            async with self._store.claiming() as run:
                await run(lambda tx: tx.pace.hold_back(self.partner.name, quiet, self._clock()))
        if later.token:
            return self._failed(ApiAway(self.partner, "token-not-accepted", soon=False))
        away = ApiAway(self.partner, later.code, after=later.after_seconds)
        if later.busy or later.early:
            self._circuit.answered()  # it is there
            return away
        return self._failed(away)

    def _failed(self, away: ApiAway) -> ApiAway:
        """One failure more; the one that opens the circuit ends its conversation, and says by what."""
        self._circuit.failed(monotonic())
        away.soon = away.soon and not self._circuit.is_open
        return away

    async def _send_with_token(self, request: Request, request_id: str) -> Response:
        """With the token we have; where it is not accepted, once more with a new one."""
        token = await self.tokens.token(self.http)
        response = await self._send(request, request_id, token)
        later = self._language.later(response)
        if later is None or not later.token:
            return response
        self.tokens.drop(token)
        return await self._send(request, request_id, await self.tokens.token(self.http))

    async def _send(self, request: Request, request_id: str, token: str) -> Response:
        began = monotonic()
        try:
            async with self._begun(request, request_id, token) as response:
                body = await _read(response)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            telemetry.api_responded(self.partner.name, "none", monotonic() - began)
            raise ApiAway(self.partner, "slow" if isinstance(error, TimeoutError) else "no-connection") from None
        telemetry.api_responded(self.partner.name, str(response.status), monotonic() - began)
        return Response(response.status, body, {name.lower(): text for name, text in response.headers.items()})

    def _begun(
        self, request: Request, request_id: str, token: str
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        headers = {
            "Accept": self.partner.media_type,
            "Authorization": f"Bearer {token}",
            self.partner.id_header: request_id,
            **({"Content-Type": request.content_type} if request.body is not None else {}),
        }
        return self.http.request(
            request.method,
            self._address(request),
            data=io.BytesIO(request.body) if request.body is not None else None,  # large ones must not hold up the loop
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=self._settings.request_seconds),
            allow_redirects=False,
        )

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
