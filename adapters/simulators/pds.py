"""PDS, and the platform's token server, as the specification describes them: for the demo and the tests.

    async with PdsSimulator(special_people().values(), public_key) as pds:
        ...  pds.url, pds.token_url; pds.faults.append(Fault(status=503, after="5"))

It answers in application-restricted mode: a search shows one person, or says that there are several.
"""

from __future__ import annotations

import json
import re
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from adapters.simulators.api_platform import ApiPlatform, Fault, suffer
from adapters.simulators.pds_people import Registered
from hub.domain import nhs_number

__all__ = ["FHIR", "Fault", "PdsSimulator", "Seen"]

FHIR = "/personal-demographics/FHIR/R4"
_SYSTEM = "https://fhir.nhs.uk/R4/CodeSystem/Spine-ErrorOrWarningCode"
_REQUEST_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_SEARCHED_BY = {
    *("_fuzzy-match", "_exact-match", "_history", "_max-results", "family", "given", "gender", "birthdate"),
    *("death-date", "address-postalcode", "address-postcode", "general-practitioner", "email", "phone"),
}
_ISSUES = {
    "ACCESS_DENIED": ("forbidden", "Access denied to resource"),
    "INVALIDATED_RESOURCE": ("processing", "Resource that has been marked as invalid was requested"),
    "INVALID_RESOURCE_ID": ("value", "Resource Id is invalid"),
    "MISSING_VALUE": ("required", "Required value is missing"),
    "RESOURCE_NOT_FOUND": ("not-found", "Resource not found"),
    "SERVICE_UNAVAILABLE": ("timeout", "Service unavailable"),
    "TOO_MANY_MATCHES": ("multiple-matches", "Too Many Matches"),
    "TOO_MANY_REQUESTS": ("value", "Too Many Requests"),
    "UNABLE_TO_CALL_SERVICE": ("timeout", "Unable to call service"),
    "UNSUPPORTED_SERVICE": ("processing", "Unsupported Service"),
}
_INFORMATION = {"RESOURCE_NOT_FOUND", "TOO_MANY_MATCHES"}


@dataclass(frozen=True, slots=True)
class Seen:
    """A request that came."""

    path: str
    query: tuple[tuple[str, str], ...]
    raw_query: str
    headers: dict[str, str]
    at: float


@dataclass(slots=True)
class PdsSimulator(ApiPlatform):
    """`people` may be changed while it runs; many stand by their numbers, or each question would look at all of them.
    Faults are used up one for each request, in their order."""

    people: Iterable[Registered] | Mapping[str, Registered]
    public_key: bytes
    client: str = "synthetic-client"
    kid: str = "hub-test"
    token_seconds: int = 599
    faults: deque[Fault] = field(default_factory=deque)
    token_faults: deque[Fault] = field(default_factory=deque)
    seen: list[Seen] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    assertions: list[dict[str, Any]] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    base: str = ""
    runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        return self.base + FHIR

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.add_routes(
            [web.get(f"{FHIR}/Patient", self._search), web.get(f"{FHIR}/Patient/{{number}}", self._retrieve)]
        )
        await self.begin(app)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end()

    # -- people

    async def _retrieve(self, request: web.Request) -> web.Response:
        if problem := await self._problem(request):
            return problem
        number = request.match_info["number"]
        if not nhs_number.is_valid(number):
            return self._outcome(request, 400, "INVALID_RESOURCE_ID")
        registered = self._by_number()
        found = registered.get(number)
        if found is not None and found.superseded_by:
            found = registered.get(found.superseded_by)
        if found is None:
            return self._outcome(request, 404, "RESOURCE_NOT_FOUND")
        if found.invalid:
            return self._outcome(request, 404, "INVALIDATED_RESOURCE")
        return _fhir(request, 200, found.as_retrieved(), ETag=f'W/"{found.version}"')

    async def _search(self, request: web.Request) -> web.Response:
        if problem := await self._problem(request):
            return problem
        query = request.query
        if unknown := set(query) - _SEARCHED_BY:
            return self._outcome(request, 400, "ADDITIONAL_PROPERTIES", f"Unknown parameter - {min(unknown)}")
        if not query:
            return self._outcome(request, 400, "UNSUPPORTED_SERVICE")
        if "family" not in query or "birthdate" not in query:
            return self._outcome(request, 400, "MISSING_VALUE", "Not enough search parameters")
        if query.get("_max-results", "1") != "1":
            why = "Cannot retrieve more than one result with application-restricted access token"
            return self._outcome(request, 403, "INVALID_VALUE", why)
        found = [one for one in self._by_number().values() if _fits(one, query)]
        if len(found) > 1:
            return self._outcome(request, 200, "TOO_MANY_MATCHES")
        entries = [
            {
                "fullUrl": f"{self.url}/Patient/{one.person.nhs_number}",
                "search": {"score": 1.0},
                "resource": one.as_found(),
            }
            for one in found
        ]
        bundle = {"resourceType": "Bundle", "type": "searchset", "timestamp": "2026-01-15T09:00:00+00:00"}
        return _fhir(request, 200, {**bundle, "total": len(found), **({"entry": entries} if entries else {})})

    def _by_number(self) -> Mapping[str, Registered]:
        if isinstance(self.people, Mapping):
            return self.people
        return {one.person.nhs_number: one for one in self.people}

    async def _problem(self, request: web.Request) -> web.Response | None:
        """What stands before every answer: a scripted fault, the token, the headers."""
        headers = {name.lower(): text for name, text in request.headers.items()}
        raw = request.raw_path.partition("?")[2]
        self.seen.append(Seen(request.path.removeprefix(FHIR), tuple(request.query.items()), raw, headers, time.time()))
        request_id = headers.get("x-request-id", "")
        fault = self.faults.popleft() if self.faults else Fault()
        if not fault.status or fault.happened:
            self.done.append(request_id)
        if suffered := await suffer(request, fault, _told):
            return suffered
        if not self.knows(request):
            return self._outcome(request, 401, "ACCESS_DENIED", "Invalid access token")
        if not request_id:
            return self._outcome(request, 400, "MISSING_VALUE", "Required value is missing in header 'X-Request-ID'")
        if _REQUEST_ID.fullmatch(request_id) is None:
            return self._outcome(request, 400, "INVALID_VALUE", "Invalid value in header 'X-Request-ID'")
        return None

    def _outcome(self, request: web.Request, status: int, code: str, diagnostics: str = "") -> web.Response:
        return _outcome(request, status, code, diagnostics)


def _told(request: web.Request, fault: Fault) -> web.Response:
    if fault.body is not None:
        return web.Response(status=fault.status or 200, body=fault.body, content_type="application/fhir+json")
    more = {"Retry-After": fault.after} if fault.after else {}
    return _outcome(request, fault.status, fault.code, fault.diagnostics, **more)


def _outcome(request: web.Request, status: int, code: str, diagnostics: str = "", **headers: str) -> web.Response:
    kind, display = _ISSUES.get(code, ("value", "Provided value is invalid"))
    coding = {"system": _SYSTEM, "version": "1", "code": code, "display": display}
    severity = "information" if code in _INFORMATION else "error"
    issue = {"severity": severity, "code": kind, "details": {"coding": [coding]}}
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return _fhir(request, status, {"resourceType": "OperationOutcome", "issue": [issue]}, **headers)


def _fhir(request: web.Request, status: int, resource: dict[str, Any], **headers: str) -> web.Response:
    mirrored = {name: request.headers[name] for name in ("X-Request-ID", "X-Correlation-ID") if name in request.headers}
    body = json.dumps(resource).encode()
    return web.Response(status=status, body=body, content_type="application/fhir+json", headers={**mirrored, **headers})


def _fits(one: Registered, query: Any) -> bool:
    """Whether a search that is not fuzzy finds this person."""
    person, history = one.person, query.get("_history") == "true"
    families = [person.family_name, *(person.former_family_names if history else ())]
    postcodes = [person.postcode or "", *(one.former_postcodes if history else ())]
    postcode = query.get("address-postalcode", "").replace(" ", "")
    if one.invalid or one.superseded_by or one.nameless or (one.restricted and postcode):
        return False
    return (
        any(_like(family, query["family"]) for family in families)
        and all(f"eq{one.birth}" == day for day in query.getall("birthdate"))
        and ("given" not in query or _like(person.given_names[0], query["given"]))
        and (not postcode or any(_like(known.replace(" ", ""), postcode) for known in postcodes))
    )


def _like(text: str, pattern: str) -> bool:
    parts = (re.escape(part) for part in pattern.casefold().split("*"))
    return re.fullmatch(".*".join(parts), text.casefold()) is not None
