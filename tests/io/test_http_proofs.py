"""Who may come in at the partners' door: certificates, assertions, tokens."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest

from hub.errors import CannotRun
from hub.io.http import PartnersSettings
from hub.io.mllp import client_context
from hub.io.store import open_store
from tests.flow.scene import NOW
from tests.io.conftest import NewDoor
from tests.io.partners import (
    ACCESS,
    ES,
    PS,
    RS,
    Certificates,
    Partners,
    assertion,
    certificates,
    ec_key,
    jwks,
    open_door,
    other_rsa_key,
    rsa_key,
    tables,
)

FILES, OTHERS = "/feeds/northmoor/files", "/feeds/southwick/files"
LATER = int((NOW + timedelta(minutes=6)).timestamp())
PAST = int((NOW - timedelta(seconds=11)).timestamp())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


def with_tls(files: Certificates) -> PartnersSettings:
    return PartnersSettings(tls_cert=files.door, tls_key=files.door_key, tls_client_ca=files.ca, grace_seconds=2)


# -- assertions and tokens


@pytest.mark.parametrize(("alg", "kid"), [(RS, "rsa-1"), (PS, "rsa-1"), (ES, "ec-1")])
async def test_an_assertion_gives_a_token_that_opens_the_senders_own_feed(
    partners: Partners, alg: str, kid: str
) -> None:
    key = ec_key() if kid == "ec-1" else rsa_key()
    said = await partners.ask_for_token(assertion(partners.audience, NOW, key=key, alg=alg, kid=kid))
    assert (said.status, said.headers["Cache-Control"]) == (200, "no-store")
    token = said.json["access_token"]
    assert (await partners.ask("GET", FILES, token=token)).status == 200
    other = await partners.ask("GET", OTHERS, token=token)
    assert (other.status, other.kind) == (403, "application/problem+json")
    assert (await partners.ask("GET", "/feeds/nobody/files", token=token)).status == 403


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"exp": PAST}, "exp must lie ahead"),
        ({"exp": LATER}, "exp must lie ahead"),
        ({"exp": None}, "exp must lie ahead"),
        ({"exp": "soon"}, "exp must lie ahead"),
        ({"exp": 1e300}, "exp must lie ahead"),
        ({"nbf": LATER}, "nbf"),
        ({"aud": "https://elsewhere.example/oauth2/token"}, "aud"),
        ({"aud": None}, "aud"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": "x" * 257}, "jti"),
        ({"sub": "southwick"}, "iss and sub"),
        ({"iss": "southwick", "sub": "southwick"}, "signature"),
        ({"iss": "eastvale", "sub": "eastvale"}, "iss and sub"),
        ({"iss": None}, "iss and sub"),
        ({"key": other_rsa_key}, "signature"),
        ({"kid": "rsa-2"}, "kid"),
        ({"kid": None}, "kid"),
        ({"kid": "ec-1"}, "kid"),
        ({"alg": "RS256"}, "alg must be"),
        ({"alg": "HS512", "key": lambda: b"s" * 64}, "alg must be"),
        ({"alg": "none", "key": lambda: None}, "alg must be"),
    ],
)
async def test_an_assertion_that_proves_nothing_gets_none(
    partners: Partners, changes: dict[str, Any], says: str
) -> None:
    given = {name: value() if callable(value) else value for name, value in changes.items()}
    if given.get("alg") == "none":
        claims = jwt.decode(assertion(partners.audience, NOW), options={"verify_signature": False})
        signed = jwt.encode(claims, None, algorithm="none", headers={"kid": "rsa-1"})
    else:
        signed = assertion(partners.audience, NOW, **given)
    said = await partners.ask_for_token(signed)
    assert (said.status, said.json["error"]) == (401, "invalid_client")
    assert said.headers["WWW-Authenticate"].startswith("Bearer")
    assert says in said.json["error_description"]


async def test_the_public_key_is_no_secret_to_sign_with(partners: Partners) -> None:
    """The old trick: an HMAC whose secret is the published key."""
    pem = rsa_key().public_key().public_bytes(*_pem()).decode()
    header = {"alg": "HS256", "typ": "JWT", "kid": "rsa-1"}
    claims = jwt.decode(assertion(partners.audience, NOW), options={"verify_signature": False})
    import base64
    import hashlib
    import hmac

    def part(value: Any) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    text = part(header) + b"." + part(claims)
    seal = base64.urlsafe_b64encode(hmac.new(pem.encode(), text, hashlib.sha256).digest()).rstrip(b"=")
    assert (await partners.ask_for_token((text + b"." + seal).decode())).status == 401


def _pem() -> tuple[Any, Any]:
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return Encoding.PEM, PublicFormat.SubjectPublicKeyInfo


async def test_an_assertion_is_used_once_at_whichever_process(partners: Partners, new_door: NewDoor) -> None:
    jti = str(uuid.uuid4())
    async with new_door(settings=PartnersSettings(url="http://hub.example")) as other:
        both = [partners.audience, other.audience]
        first = await partners.ask_for_token(assertion("", NOW, aud=both, jti=jti))
        again = await other.ask_for_token(assertion("", NOW, aud=both, jti=jti))
        assert (first.status, again.status) == (200, 401)
        assert "jti" in again.json["error_description"]
        # What a feed calls its assertions is its own business.
        theirs = assertion(partners.audience, NOW, key=other_rsa_key(), iss="southwick", sub="southwick", jti=jti)
        assert (await partners.ask_for_token(theirs)).status == 200


async def test_a_token_is_good_at_every_process_and_after_a_restart(tmp_path: Path) -> None:
    store, other = open_store(tmp_path / "store"), open_store(tmp_path / "store")
    try:
        async with open_door(store, tmp_path / "feeds") as one, open_door(other, tmp_path / "feeds") as two:
            token = await one.token()
            assert (await two.ask("GET", FILES, token=token)).status == 200
            assert (await one.ask("GET", FILES, token=await two.token())).status == 200
        async with open_door(store, tmp_path / "feeds") as again:
            assert (await again.ask("GET", FILES, token=token)).status == 200
    finally:
        store.close_now()
        other.close_now()


async def test_a_token_ends_after_ten_minutes_and_its_key_after_a_day(partners: Partners) -> None:
    token = await partners.token()
    partners.now += timedelta(minutes=9, seconds=59)
    assert (await partners.ask("GET", FILES, token=token)).status == 200
    partners.now += timedelta(seconds=1)
    ended = await partners.ask("GET", FILES, token=token)
    assert (ended.status, ended.headers["WWW-Authenticate"]) == (401, 'Bearer realm="screening-hub"')
    partners.now += timedelta(days=1)
    assert (await partners.ask("GET", FILES, token=await partners.token())).status == 200
    partners.now += timedelta(days=1, minutes=1)
    assert (await partners.ask("GET", FILES, token=await partners.token())).status == 200
    keys = partners.store.read_now(lambda tx: tx.proofs.keys())
    assert len(keys) == 2
    assert "secret" not in repr(keys[0])


@pytest.mark.parametrize(
    "shown", ["Bearer", "Bearer x.y.z", "Basic bm9ib2R5OnJlYWxseQ==", "Bearer " + "a" * 4000, "\xe9"]
)
async def test_what_is_no_token_opens_nothing(partners: Partners, shown: str) -> None:
    said = await partners.ask("GET", FILES, Authorization=shown)
    assert said.status == 401
    assert "WWW-Authenticate" in said.headers


async def test_a_token_of_anothers_making_opens_nothing(partners: Partners) -> None:
    await partners.token()
    (key,) = partners.store.read_now(lambda tx: tx.proofs.keys())
    claims = {"iss": "screening-hub", "sub": "northmoor", "exp": NOW + timedelta(minutes=5)}
    for secret, alg, changes in (
        (b"o" * 32, "HS256", {}),
        (key.secret, "HS256", {"sub": "nobody"}),
        (key.secret, "HS256", {"iss": "elsewhere"}),
        (None, "none", {}),
    ):
        forged = jwt.encode({**claims, **changes}, secret, algorithm=alg, headers={"kid": key.key_id})
        assert (await partners.ask("GET", FILES, token=forged)).status == 401
    itself = assertion(partners.audience, NOW)
    assert (await partners.ask("GET", FILES, token=itself)).status == 401, "an assertion is no token"
    honest = jwt.encode(claims, key.secret, algorithm="HS256", headers={"kid": key.key_id})
    assert (await partners.ask("GET", FILES, token=honest)).status == 200, "the forgeries fail for the reason meant"


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"client_assertion_type": "none"}, "invalid_request"),
        ({"client_assertion": "nonsense"}, "invalid_client"),
        ({"client_assertion": "e30.e30.e30"}, "invalid_client"),
    ],
)
async def test_a_form_that_is_none_is_told_so(partners: Partners, form: dict[str, str], error: str) -> None:
    said = await partners.ask_for_token(assertion(partners.audience, NOW), **form)
    assert said.json["error"] == error
    assert said.status == (401 if error == "invalid_client" else 400)


async def test_the_token_service_takes_nothing_but_a_small_form(partners: Partners) -> None:
    assert (await partners.ask("POST", "/oauth2/token", b"{}", Content_Type="application/json")).status == 415
    form = "application/x-www-form-urlencoded"
    assert (await partners.ask("POST", "/oauth2/token", b"\xff=1", Content_Type=form)).status == 400
    assert (await partners.ask("POST", "/oauth2/token", b"&a=1" * 50, Content_Type=form)).status == 400
    assert (await partners.ask("POST", "/oauth2/token", b"a" * 17_000, Content_Type=form)).status == 413


# -- certificates


async def test_a_certificate_of_the_table_opens_its_feed(new_door: NewDoor, files: Certificates) -> None:
    async with new_door(settings=with_tls(files)) as partners:
        tls = client_context(files.ca, files.lab)
        assert (await partners.ask("GET", FILES, tls=tls)).status == 200
        assert (await partners.ask("GET", OTHERS, tls=tls)).status == 403
        unknown = await partners.ask("GET", FILES, tls=client_context(files.ca, files.other))
        assert (unknown.status, "WWW-Authenticate" in unknown.headers) == (401, True)


async def test_without_a_certificate_a_token_is_needed_and_gives_as_much(
    new_door: NewDoor, files: Certificates
) -> None:
    async with new_door(settings=with_tls(files)) as partners:
        tls = client_context(files.ca)
        assert (await partners.ask("GET", FILES, tls=tls)).status == 401
        token = await partners.token(tls=tls)
        assert (await partners.ask("GET", FILES, tls=tls, token=token)).status == 200
        shown = client_context(files.ca, files.lab)
        wrong = await partners.ask("GET", FILES, tls=shown, token="nonsense")
        assert wrong.status == 401, "who shows a token is judged by it"


async def test_a_certificate_of_another_authority_is_not_let_in(new_door: NewDoor, files: Certificates) -> None:
    import aiohttp

    async with new_door(settings=with_tls(files)) as partners:
        with pytest.raises(aiohttp.ClientError):
            await partners.ask("GET", "/metadata", tls=client_context(files.ca, files.stranger))
        assert (await partners.ask("GET", "/metadata", tls=client_context(files.ca))).status == 200


async def test_what_the_journal_keeps_of_who_sent_it(new_door: NewDoor, files: Certificates) -> None:
    async with new_door(settings=with_tls(files)) as partners:
        await partners.ask(
            "POST", FILES, b"nothing", tls=client_context(files.ca, files.lab), Content_Type="application/octet-stream"
        )
        (entry,) = partners.store.read_now(lambda tx: tx.journal.newest(5))
        assert (entry.feed, entry.arrival.door) == ("northmoor", "http")
        assert "commonName=lab.northmoor.example" in entry.arrival.peer


# -- the files of keys


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"keys": [{"kty": "RSA", "kid": "a"}]}',
        '{"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}]}',
        '{"keys": [{"kty": "EC", "crv": "secp256k1", "kid": "a", "x": "", "y": ""}]}',
        json.dumps({"keys": [{name: value for name, value in jwks()["keys"][0].items() if name != "kid"}]}),
        json.dumps({"keys": [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(rsa_key())), "kid": "a"}]}),
    ],
)
async def test_a_file_of_keys_that_cannot_be_used_is_named_at_the_start(tmp_path: Path, text: str) -> None:
    directory = tmp_path / "feeds"
    tables(directory, ACCESS)
    store = open_store(tmp_path / "store")
    try:
        (directory / "bad.json").write_text(text)
        with pytest.raises(CannotRun, match=r"bad\.json"):
            async with open_door(store, directory, access={"northmoor": 'keys = "bad.json"'}):
                pass
    finally:
        store.close_now()
