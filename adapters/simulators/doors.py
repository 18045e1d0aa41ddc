"""A sender's side of the hub's doors: MLLP, the partners' HTTP door, and MESH. The table of a feed says which is its.

Whatever a door asks for as proof is shown as any partner shows it: a client certificate, a signed assertion, a mailbox.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import aiohttp

from adapters.simulators.keys import SenderKey
from adapters.simulators.sending import Away, NotAnswered
from adapters.simulators.traffic import Planned
from hub.errors import CannotRun
from hub.flow.ports.files import NotCarried, OutgoingRow
from hub.flow.ports.store import Clock
from hub.formats.fhir import looks_like_xml
from hub.formats.hl7v2 import read
from hub.io.mesh import MeshClient, MeshSettings
from hub.io.mesh.errors import MeshAway
from hub.io.mllp import MllpClient, MllpError, NoAnswerError, WrongAnswerError
from hub.mapping import FeedTable

_TOKENS = "/oauth2/token"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_LATER = frozenset({408, 429, 503})
_MOST_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the hub's doors are, and what a sender shows there. `key` gives the key of a feed's sender, if there is
    one; `audience` is what its assertions are for. `mailbox` is the sender's own, from which it writes to `mesh_to`."""

    mllp: tuple[str, int]
    http: str
    audience: str
    patience_seconds: float
    key: Callable[[str], SenderKey | None]
    clock: Clock
    tls: ssl.SSLContext | None = None
    shows_certificate: bool = False
    mailbox: MeshSettings | None = None
    mesh_to: str = ""
    workflow: str = ""


class MllpSide:
    """Frames, one after the other, each answered."""

    taken: frozenset[str] = frozenset({"AA", "CA"})

    def __init__(self, addresses: Addresses) -> None:
        self._client = MllpClient(*addresses.mllp, tls=addresses.tls)
        self._patience = addresses.patience_seconds

    async def send(self, message: Planned, request: str) -> str:
        try:
            if not self._client.connected:
                await self._client.connect()
            messages = read(await self._client.send(message.raw, self._patience)).messages
            return messages[0].get("MSA-1") if messages else "unreadable"
        except (NoAnswerError, WrongAnswerError):
            raise NotAnswered from None
        except MllpError as error:
            raise Away(f"{error} Is the hub up there (`hub up`), and the port right (--to HOST:PORT)?") from None

    async def close(self) -> None:
        await self._client.close()


class HttpSide:
    """A request a message, each with a name of its own; who it is is proven by the certificate or a token."""

    taken: frozenset[str] = frozenset({"200", "201"})

    def __init__(
        self, feed: str, addresses: Addresses, key: SenderKey | None, path: str, kind: Callable[[bytes], str]
    ) -> None:
        self._feed, self._at, self._key, self._path, self._kind = feed, addresses, key, path, kind
        self._session: aiohttp.ClientSession | None = None
        self._token = ""

    async def send(self, message: Planned, request: str) -> str:
        headers = {"Content-Type": self._kind(message.raw), "X-Request-ID": request}
        query = {"name": message.name} if message.name else {}
        try:
            if not self._token:
                self._token = await self._proof()
            status = await self._post(self._path, message.raw, headers, query)
            if status == 401:
                self._token = await self._proof()
                status = await self._post(self._path, message.raw, headers, query)
        except TimeoutError:
            raise NotAnswered from None
        except aiohttp.ClientConnectorError as error:
            raise Away(
                f"No HTTP connection to {self._at.http}: {type(error).__name__}. Is the hub up there (`hub up`), and "
                "the address right (--to)?"
            ) from None
        except aiohttp.ClientError:
            raise NotAnswered from None
        return str(status)

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _post(self, path: str, body: bytes, headers: dict[str, str], query: dict[str, str]) -> int:
        if self._token:
            headers = {**headers, "Authorization": f"Bearer {self._token}"}
        async with self._open().post(f"{self._at.http}{path}", data=body, headers=headers, params=query) as response:
            await response.read()
            if response.status in _LATER:
                raise NotAnswered(_after(response.headers.get("Retry-After", "")))
            return response.status

    async def _proof(self) -> str:
        """A token for a signed assertion; none where the certificate proves who it is."""
        if self._key is None:
            return ""
        signed = self._key.assertion(self._feed, self._at.audience, self._at.clock())
        form = {"grant_type": "client_credentials", "client_assertion_type": _ASSERTION, "client_assertion": signed}
        async with self._open().post(f"{self._at.http}{_TOKENS}", data=form) as response:
            if response.status in _LATER:
                raise NotAnswered(_after(response.headers.get("Retry-After", "")))
            said = await response.json(content_type=None)
            if response.status != 200:
                why = str(said.get("error_description", ""))
                raise CannotRun(
                    f"The hub gives {self._feed} no token: {why} Does its table name the key ([access] keys)?"
                )
            return str(said["access_token"])

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            tls = self._at.tls if self._at.tls is not None else True
            limit = aiohttp.ClientTimeout(total=self._at.patience_seconds)
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls), timeout=limit)
        return self._session


class MeshSide:
    """A file a message, carried by MESH. What the hub makes of it comes later and elsewhere: as a confirmation, in the
    mailbox that the table names."""

    taken: frozenset[str] = frozenset({"carried"})

    def __init__(self, feed: str, addresses: Addresses, mailbox: MeshSettings) -> None:
        self._feed, self._at = feed, addresses
        self._client = MeshClient(mailbox, addresses.clock)

    async def send(self, message: Planned, request: str) -> str:
        row = OutgoingRow(
            request, self._feed, "results", self._at.mesh_to, self._at.workflow, message.raw, self._at.clock()
        )
        try:
            await self._client.send(row)
        except MeshAway as away:
            raise Away(f"MESH is not reached ({away.hint}). Is HUB_MESH_URL right?") from None
        except NotCarried as refused:
            raise CannotRun(f"MESH does not take it: {refused}. Are mailbox and password right?") from None
        return "carried"

    async def close(self) -> None:
        await self._client.close()


Opens = partial[MllpSide] | partial[HttpSide] | partial[MeshSide]


def door_of(table: FeedTable, addresses: Addresses) -> Opens:
    """Opens the door that a feed's messages come through: two languages have one of their own, and of the others the
    table says by what their sender is proven. Raises CannotRun where there is nothing to prove it by."""
    access = table.access
    if table.dialect == "hl7v2_oru":
        return partial(MllpSide, addresses)
    if table.dialect == "fhir_report":
        return _by_http(table, addresses, "/FHIR/R4/Bundle", _bundle_kind)
    if access.mailbox and not (access.keys or access.certificates):
        return _by_mesh(table, addresses)
    return _by_http(table, addresses, f"/feeds/{table.feed}/files", _file_kind)


def _by_http(table: FeedTable, addresses: Addresses, path: str, kind: Callable[[bytes], str]) -> partial[HttpSide]:
    key = addresses.key(table.feed)
    if key is None and not addresses.shows_certificate:
        raise CannotRun(
            f"Nothing proves to the hub that {table.feed} sends. `hub simulate key {table.feed}` makes a key and says "
            "what its table needs; or show a client certificate (--tls --cert FILE)."
        )
    return partial(HttpSide, table.feed, addresses, key, path, kind)


def _by_mesh(table: FeedTable, addresses: Addresses) -> partial[MeshSide]:
    if addresses.mailbox is None:
        raise CannotRun(
            f"{table.feed} sends by MESH alone. Say where MESH is (HUB_MESH_URL and the settings beside it) and the "
            "password of its mailbox (--mailbox-password FILE); or give its table [access] keys."
        )
    return partial(MeshSide, table.feed, addresses, addresses.mailbox)


def _file_kind(_raw: bytes) -> str:
    return "application/octet-stream"


def _bundle_kind(raw: bytes) -> str:
    return "application/fhir+xml" if looks_like_xml(raw) else "application/fhir+json"


def _after(seconds: str) -> float:
    """How long to wait, where the hub says it; never long, for this is a trial."""
    return min(float(seconds), _MOST_SECONDS) if seconds.isdecimal() else 1.0
