"""NHS Notify as its specification describes it, with the platform's token server: for the demo and the tests.

    async with NotifySimulator(public_key, plans={plan_id: ("nhsapp", "letter")}, callback_url=...) as notify:
        ...  notify.url, notify.token_url; notify.faults.append(Fault(429, after="5"))
        await notify.settled()

A message that was taken goes its course at once (`scale` 0) or in time, and each step is called back: signed, in order
or as `roads` say. Everything but the times is decided by `seed` and by what came.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import aiohttp
from aiohttp import web

from adapters.simulators.api_platform import ApiPlatform, Fault, suffer
from adapters.simulators.notify_callbacks import Agenda, Postman, Roads
from adapters.simulators.notify_checks import MOST_ERRORS, USUAL_CODES, Problem, attributes_of, error
from adapters.simulators.notify_course import DELIVERED, Channel, Fate, Told, as_asked, as_called_back, course, ksuid

__all__ = ["Fault", "NotifySimulator", "Roads", "Seen"]

MEDIA_TYPE = "application/vnd.api+json"
MOST_MESSAGES, MOST_BYTES = 45_000, 5_200_000
_BASE = "/comms"
_MEDIA = re.compile(r"application/(vnd\.api\+)?json(;\s*charset=utf-8)?", re.IGNORECASE)
_CREATED = "2026-01-05T09:00:00.000Z"
_STATUSES = frozenset(("pending_enrichment", "enriched", "sending", "delivered", "failed", "skipped", "created"))


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float


@dataclass(slots=True)
class NotifySimulator(ApiPlatform):
    """`plans`: the channels of each routing plan, by its id. `fates`: what becomes of whose messages, by NHS number;
    `fate` of everybody else's. Of steps to a status in `told_of` there are callbacks. Faults are used up one for each
    request, in their order. `taken` counts how often each message was taken, by its reference."""

    public_key: bytes
    plans: Mapping[str, tuple[str, ...]]
    callback_url: str = ""
    application_id: str = "synthetic-application"
    api_key: str = "synthetic-api-key"
    fates: dict[str, Fate] = field(default_factory=dict)
    fate: Fate = DELIVERED
    roads: Roads = field(default_factory=Roads)
    told_of: frozenset[str] = _STATUSES
    scale: float = 0.0
    seed: int = 1
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    client: str = "synthetic-client"
    kid: str = "hub-test"
    token_seconds: int = 599
    faults: deque[Fault] = field(default_factory=deque)
    token_faults: deque[Fault] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    messages: dict[str, Told] = field(default_factory=dict)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    base: str = ""
    runner: web.AppRunner | None = None
    agenda: Agenda = field(init=False)
    postman: Postman = field(init=False)
    _http: aiohttp.ClientSession = field(init=False)
    _going: asyncio.Task[None] = field(init=False)
    _known: set[tuple[str, str]] = field(default_factory=set)
    _in_work: set[tuple[str, str]] = field(default_factory=set)

    @property
    def url(self) -> str:
        return self.base + _BASE

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * MOST_BYTES, middlewares=[_in_notifys_words])
        app.add_routes(
            [
                web.post(f"{_BASE}/v1/message-batches", self._batch),
                web.post(f"{_BASE}/v1/messages", self._single),
                web.get(f"{_BASE}/v1/messages/{{id}}", self._message),
            ]
        )
        await self.begin(app)
        self.agenda = Agenda(self.scale)
        self.postman = Postman(self.callback_url, self.application_id, self.api_key, self.roads, self.seed)
        self._http = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        self._going = asyncio.create_task(self.agenda.run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._going.cancel()
        with suppress(asyncio.CancelledError):
            await self._going
        await self._http.close()
        await self.end()

    def call_back_to(self, url: str) -> None:
        """From now on, and what is on its way too: whom to call may be known only when it has found us."""
        self.callback_url = self.postman.address = url

    async def settled(self, patience: float = 30.0) -> None:
        """Wait until every message has gone its course, and every callback is taken or given up."""
        async with asyncio.timeout(patience):
            while not self.agenda.is_idle:
                if self._going.done():
                    await self._going
                await asyncio.sleep(0.005)

    # -- requests

    async def _batch(self, request: web.Request) -> web.Response:
        return await self._create(request, "MessageBatch", "messageBatchReference")

    async def _single(self, request: web.Request) -> web.Response:
        return await self._create(request, "Message", "messageReference")

    async def _create(self, request: web.Request, kind: str, name: str) -> web.Response:
        body = await request.read()
        fault = self._noted(request, body)
        if (fault.status or fault.cut) and not fault.happened:
            return await suffer(request, fault, _told) or _errors(request, 500, "CM_INTERNAL_SERVER_ERROR")
        attributes, problems = attributes_of(body, kind)
        key = kind, str(attributes.get(name))
        if key in self._in_work:
            return _errors(request, 425, "CM_RETRY_TOO_EARLY", **{"Retry-After": "300"})
        self._in_work.add(key)
        try:
            answer = self._answer(request, body, attributes, problems, key)
            return await suffer(request, fault, _told) or answer
        finally:
            self._in_work.discard(key)

    async def _message(self, request: web.Request) -> web.Response:
        fault = self._noted(request, b"")
        if suffered := await suffer(request, fault, _told):
            return suffered
        if barred := self._barred(request):
            return barred
        told = self.messages.get(request.match_info["id"])
        if told is None:
            return _errors(request, 404, "CM_NOT_FOUND")
        return _json(request, 200, as_asked(told, self._link(told), _plan(told.plan)))

    def _noted(self, request: web.Request, body: bytes) -> Fault:
        headers = {name.lower(): text for name, text in request.headers.items()}
        self.seen.append(Seen(request.method, request.path.removeprefix(_BASE), headers, body, time.time()))
        return self.faults.popleft() if self.faults else Fault()

    def _barred(self, request: web.Request) -> web.Response | None:
        """What stands before every answer: the token, and the media types."""
        if not self.knows(request):
            return _errors(request, 401, "CM_DENIED")
        accepted = request.headers.get("Accept", MEDIA_TYPE)
        if accepted != "*/*" and _MEDIA.fullmatch(accepted) is None:
            return _errors(request, 406, "CM_NOT_ACCEPTABLE")
        if request.method == "POST" and _MEDIA.fullmatch(request.headers.get("Content-Type", "")) is None:
            return _errors(request, 415, "CM_UNSUPPORTED_MEDIA")
        return None

    def _answer(
        self,
        request: web.Request,
        body: bytes,
        attributes: dict[str, Any],
        problems: list[Problem],
        key: tuple[str, str],
    ) -> web.Response:
        """Notify's checks, in its order; then the messages are its own."""
        messages = attributes.get("messages", [])
        if barred := self._barred(request):
            return barred
        if len(body) > MOST_BYTES:
            return _errors(request, 413, "CM_TOO_LARGE")
        if isinstance(messages, list) and len(messages) > MOST_MESSAGES:
            return _errors(request, 413, "CM_TOO_MANY_ITEMS")
        if problems:
            return _json(request, 400, {"errors": [error(400, *problem) for problem in problems[:MOST_ERRORS]]})
        if attributes["routingPlanId"] not in self.plans:
            return _errors(request, 404, "CM_NO_SUCH_ROUTING_PLAN")
        if key in self._known:
            return _errors(request, 422, "CM_DUPLICATE_REQUEST")
        self._known.add(key)
        return self._taken_batch(request, attributes) if key[0] == "MessageBatch" else self._taken(request, attributes)

    # -- what was taken

    def _taken_batch(self, request: web.Request, attributes: dict[str, Any]) -> web.Response:
        reference, plan = attributes["messageBatchReference"], attributes["routingPlanId"]
        batch_id = ksuid(str(self.seed), "batch", reference)
        taken = [self._begin(message, plan, batch_id) for message in attributes["messages"]]
        told = {
            "messageBatchReference": reference,
            "routingPlan": _plan(plan),
            "messages": [{"messageReference": one.reference, "id": one.id} for one in taken],
        }
        return _json(request, 201, {"data": {"type": "MessageBatch", "id": batch_id, "attributes": told}})

    def _taken(self, request: web.Request, attributes: dict[str, Any]) -> web.Response:
        one = self._begin(attributes, attributes["routingPlanId"], "")
        link = self._link(one)
        told = as_asked(one, link, _plan(one.plan))
        kept = ("messageReference", "messageStatus", "timestamps", "routingPlan")
        told["data"]["attributes"] = {name: told["data"]["attributes"][name] for name in kept}
        return _json(request, 201, told, Location=link)

    def _begin(self, message: dict[str, Any], plan: str, batch_id: str) -> Told:
        """The message is Notify's, and its course begins."""
        reference, number = message["messageReference"], message["recipient"]["nhsNumber"]
        self.taken[reference] = self.taken.get(reference, 0) + 1
        told = Told(
            id=ksuid(str(self.seed), reference, str(self.taken[reference])),
            reference=reference,
            nhs_number=number,
            personalisation=message.get("personalisation", {}),
            plan=plan,
            batch_id=batch_id,
            created_at=self.clock(),
            fate=self.fates.get(number, self.fate),
            channels=[Channel(kind, order) for order, kind in enumerate(self.plans[plan], start=1)],
        )
        told.times["created"] = told.created_at
        self.messages[told.id] = told
        self._go_on(told, course(told))
        return told

    def _go_on(self, told: Told, steps: Iterator[float | Told | Channel]) -> None:
        async def go() -> None:
            for step in steps:
                if isinstance(step, float):
                    self.agenda.later(step, go)
                    return
                if self.callback_url and step.status in self.told_of:
                    item = as_called_back(told, step, self._link(told), _plan(told.plan))
                    self.postman.send([item], self.agenda, self._http)

        self.agenda.later(0.0, go)

    def _link(self, told: Told) -> str:
        return f"{self.url}/v1/messages/{told.id}"


@web.middleware
async def _in_notifys_words(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """What is asked for at a wrong address or in a wrong way is answered like everything else."""
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return _errors(request, 404, "CM_NOT_FOUND")
    except web.HTTPMethodNotAllowed:
        return _errors(request, 405, "CM_NOT_ALLOWED")
    except web.HTTPRequestEntityTooLarge:
        return _errors(request, 413, "CM_TOO_LARGE")


def _told(request: web.Request, fault: Fault) -> web.Response:
    headers = {"Retry-After": fault.after} if fault.after else {}
    if fault.body is not None:
        return web.Response(status=fault.status or 200, body=fault.body, content_type=MEDIA_TYPE, headers=headers)
    return _errors(request, fault.status, fault.code or USUAL_CODES.get(fault.status, ""), **headers)


def _errors(request: web.Request, status: int, code: str, **headers: str) -> web.Response:
    return _json(request, status, {"errors": [error(status, code)]}, **headers)


def _json(request: web.Request, status: int, document: dict[str, Any], **headers: str) -> web.Response:
    correlation = request.headers.get("X-Correlation-ID", "synthetic")
    body, headers = json.dumps(document).encode(), {"X-Correlation-ID": correlation, **headers}
    return web.Response(status=status, body=body, content_type=MEDIA_TYPE, headers=headers)


def _plan(plan_id: str) -> dict[str, Any]:
    return {"id": plan_id, "name": "synthetic-plan", "version": "1", "createdDate": _CREATED}
