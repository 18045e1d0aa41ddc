"""A partners' door over a real store, and laboratories that call it over real sockets, with certificates and keys."""

from __future__ import annotations

import io
import json
import re
import ssl
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import aiohttp
import jwt
import trustme
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from adapters import ADAPTERS
from adapters.nhs_notify import api_key_is_right, read_callback, signature_is_right
from hub.domain.catalogue import Following
from hub.flow.callbacks import Callbacks
from hub.flow.intake import Intake
from hub.io.http import PartnersDoor, PartnersSettings
from hub.io.http.token_service import ASSERTION_TYPE
from hub.io.store import SqlStore
from hub.mapping import FeedTables, load_feeds
from tests.flow.scene import NOW, ROOT

RS, PS, ES = "RS512", "PS512", "ES384"
NOTIFY_APPLICATION, NOTIFY_KEY = "synthetic-application", "synthetic-api-key"
LAB = "lab.northmoor.example"
QUICK = PartnersSettings(grace_seconds=2)


@cache
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def other_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP384R1())


def jwks() -> dict[str, Any]:
    """The public keys of northmoor: one of each kind."""
    keys = []
    for kid, key, kind in (
        ("rsa-1", rsa_key(), jwt.algorithms.RSAAlgorithm),
        ("ec-1", ec_key(), jwt.algorithms.ECAlgorithm),
    ):
        public = json.loads(kind.to_jwk(key.public_key()))  # type: ignore[arg-type]  # each of its own kind
        keys.append({**public, "kid": kid, "use": "sig"})
    return {"keys": keys}


def tables(directory: Path, access: Mapping[str, str], closed: str = "") -> FeedTables:
    """The hub's own tables, with what proves their senders; `access` is the text of [access] by feed. `closed` is the
    feed that is deactivated."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "northmoor.jwks.json").write_text(json.dumps(jwks()))
    other = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(other_rsa_key().public_key()))
    (directory / "southwick.jwks.json").write_text(json.dumps({"keys": [{**other, "kid": "rsa-1"}]}))
    for path in (ROOT / "mappings" / "feeds").glob("*.toml"):
        text = path.read_text()
        if path.stem == closed:
            text = text.replace('status = "live"', 'status = "deactivated"')
        if path.stem in access:
            text = re.sub(r"\[access\]\n(?:\w.*\n)*", "", text) + f"\n[access]\n{access[path.stem]}\n"
        (directory / path.name).write_text(text)
    return load_feeds(directory, ADAPTERS)


ACCESS = {
    "northmoor": f'certificates = ["{LAB}"]\nkeys = "northmoor.jwks.json"',
    "southwick": 'keys = "southwick.jwks.json"',
    "ashdown": 'keys = "northmoor.jwks.json"',
    "thornmere": 'keys = "northmoor.jwks.json"',
}


def assertion(
    audience: str, at: datetime, *, key: Any = None, alg: str = RS, kid: str | None = "rsa-1", **claims: Any
) -> str:
    """A signed client assertion of northmoor's; claims that are given as None are left out."""
    plain = {
        "iss": "northmoor",
        "sub": "northmoor",
        "aud": audience,
        "jti": str(uuid.uuid4()),
        "exp": int((at + timedelta(minutes=4)).timestamp()),
    }
    given = {name: value for name, value in {**plain, **claims}.items() if value is not None}
    return jwt.encode(given, key or rsa_key(), algorithm=alg, headers={"kid": kid} if kid else None)


@dataclass(frozen=True)
class Certificates:
    ca: Path
    door: Path
    door_key: Path
    lab: Path
    stranger: Path
    other: Path


def certificates(at: Path) -> Certificates:
    """`lab` and `other` are of the authority, `stranger` of another one."""
    found = Certificates(*(at / f"{name}.pem" for name in Certificates.__dataclass_fields__))
    ca, elsewhere = trustme.CA(), trustme.CA()
    ca.cert_pem.write_to_path(str(found.ca))
    door = ca.issue_cert("localhost", "127.0.0.1")
    door.cert_chain_pems[0].write_to_path(str(found.door))
    door.private_key_pem.write_to_path(str(found.door_key))
    ca.issue_cert(LAB, common_name=LAB).private_key_and_cert_chain_pem.write_to_path(str(found.lab))
    ca.issue_cert("x.example", common_name="x.example").private_key_and_cert_chain_pem.write_to_path(str(found.other))
    elsewhere.issue_cert(LAB, common_name=LAB).private_key_and_cert_chain_pem.write_to_path(str(found.stranger))
    return found


@dataclass(frozen=True)
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def kind(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0]


class Partners:
    """A door and whoever calls it. `now` is the clock: set it."""

    def __init__(self, store: SqlStore, directory: Path, feeds: FeedTables, settings: PartnersSettings) -> None:
        self.now = NOW
        self.store = store
        self.feeds = feeds
        self.replied: list[tuple[object, bool]] = []
        following = Following(*(timedelta(hours=hours) for hours in (2, 12, 24, 336)))
        callbacks = Callbacks(
            store,
            lambda: self.now,
            following,
            lambda given: api_key_is_right(given, NOTIFY_KEY),
            lambda raw, signature: signature_is_right(raw, signature, NOTIFY_APPLICATION, NOTIFY_KEY),
            read_callback,
        )
        intake = Intake(store, ADAPTERS, self.feeds, lambda: self.now, lambda: None)
        self.door = PartnersDoor(
            intake,
            store,
            ADAPTERS,
            self.feeds,
            lambda: self.now,
            replace(settings, tables=directory),
            lambda token, sent: self.replied.append((token, sent)),
            callbacks,
        )

    @property
    def audience(self) -> str:
        return f"{self.door.url}/oauth2/token"

    async def ask(
        self,
        method: str,
        path: str,
        data: Any = None,
        *,
        token: str = "",
        tls: ssl.SSLContext | None = None,
        **headers: str,
    ) -> Said:
        """One request on a connection of its own. `Content_Type` stands for Content-Type."""
        sent = {name.replace("_", "-"): text for name, text in headers.items()}
        if token:
            sent["Authorization"] = f"Bearer {token}"
        scheme, body = "https" if tls else "http", io.BytesIO(data) if isinstance(data, bytes) else data
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls or True)) as session,
            session.request(
                method, f"{scheme}://127.0.0.1:{self.door.port}{path}", data=body, headers=sent
            ) as response,
        ):
            return Said(response.status, dict(response.headers), await response.read())

    async def ask_for_token(self, signed: str, tls: ssl.SSLContext | None = None, **form: str) -> Said:
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": signed,
        }
        return await self.ask("POST", "/oauth2/token", {**fields, **form}, tls=tls)

    async def token(self, feed: str = "northmoor", tls: ssl.SSLContext | None = None) -> str:
        key = other_rsa_key() if feed == "southwick" else rsa_key()
        said = await self.ask_for_token(assertion(self.audience, self.now, key=key, iss=feed, sub=feed), tls)
        assert said.status == 200, said.body
        assert (said.json["token_type"], said.json["expires_in"]) == ("Bearer", 600)
        return str(said.json["access_token"])

    async def drop(self, raw: bytes, token: str, feed: str = "northmoor", **headers: str) -> Said:
        """A file, as the file door takes it."""
        kinds = {"Content_Type": "application/octet-stream", **headers}
        return await self.ask("POST", f"/feeds/{feed}/files", raw, token=token, **kinds)


@asynccontextmanager
async def open_door(
    store: SqlStore,
    directory: Path,
    *,
    access: Mapping[str, str] = ACCESS,
    closed: str = "",
    settings: PartnersSettings = QUICK,
) -> AsyncIterator[Partners]:
    partners = Partners(store, directory, tables(directory, access, closed), settings)
    async with partners.door:
        yield partners
