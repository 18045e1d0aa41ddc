"""What NHS Notify calls back with is taken from Notify alone, and answered once it is stored."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.flow.ports.communications import CommunicationRow
from hub.io.http import PartnersSettings
from tests.flow.postbox import told
from tests.flow.scene import NOW
from tests.io.conftest import NewDoor
from tests.io.partners import NOTIFY_APPLICATION, NOTIFY_KEY, Partners, Said

PATH = "/notify/callbacks"
MESSAGE_ID, REFERENCE = "2WL3qFTEFM0qMY8xjRbt1LIKCzM", "1642109b-0000-4000-8000-000000000001"


def item(status: str = "delivered", key: str = "k1", reference: str = REFERENCE) -> dict[str, Any]:
    attributes = {
        "messageId": MESSAGE_ID,
        "messageReference": reference,
        "messageStatus": status,
        "timestamp": "2026-03-02T09:00:00.000Z",
    }
    return {"type": "MessageStatus", "attributes": attributes, "meta": {"idempotencyKey": key}}


def body_of(*items: dict[str, Any]) -> bytes:
    return json.dumps({"data": list(items)}).encode()


def signed(body: bytes, secret: str = f"{NOTIFY_APPLICATION}.{NOTIFY_KEY}") -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


async def call(partners: Partners, body: bytes, key: str | None = NOTIFY_KEY, signature: str | None = None) -> Said:
    headers = {"Content_Type": "application/vnd.api+json", "x_api_key": key}
    headers["x_hmac_sha256_signature"] = signed(body) if signature is None else signature
    return await partners.ask("POST", PATH, body, **{name: text for name, text in headers.items() if text is not None})


def kept(partners: Partners) -> int:
    return partners.store.read_now(lambda tx: tx.communications.strangers())


async def test_what_notify_tells_is_stored_and_then_answered(partners: Partners) -> None:
    assert (await call(partners, body_of(item(), item("sending", "k2")))).status == 202
    assert kept(partners) == 2
    assert (await call(partners, body_of(item()))).status == 202, "known before"
    assert kept(partners) == 2


async def test_a_list_of_nothing_and_of_what_we_do_not_know_is_taken(partners: Partners) -> None:
    assert (await call(partners, body_of())).status == 202
    assert (await call(partners, body_of({"type": "NovelStatus"}))).status == 202
    assert kept(partners) == 0


@pytest.mark.parametrize("key", [None, "", "another", NOTIFY_KEY + "x", NOTIFY_KEY[:-1]])
async def test_who_shows_no_key_or_another_is_nobody(partners: Partners, key: str | None) -> None:
    said = await call(partners, body_of(item()), key=key)
    assert (said.status, said.kind, kept(partners)) == (401, "application/problem+json", 0)


BODY = body_of(item())
WRONG = {
    "none": "",
    "of another secret": signed(BODY, f"{NOTIFY_APPLICATION}.another"),
    "of another application": signed(BODY, f"another.{NOTIFY_KEY}"),
    "of another body": signed(BODY + b" "),
    "of the same written again": signed(json.dumps(json.loads(BODY), sort_keys=True).encode()),
    "cut": signed(BODY)[:-2],
    "longer": signed(BODY) + "00",
    "of other characters": "\N{LATIN SMALL LETTER E WITH ACUTE}" * 64,
    "of nothing": signed(b""),
}


@pytest.mark.parametrize("signature", WRONG.values(), ids=WRONG)
async def test_a_wrong_signature_is_refused(partners: Partners, signature: str) -> None:
    said = await call(partners, BODY, signature=signature)
    assert (said.status, kept(partners)) == (403, 0)
    assert REFERENCE.encode() not in said.body


async def test_a_body_written_again_has_another_signature(partners: Partners) -> None:
    again = json.dumps(json.loads(BODY), sort_keys=True).encode()
    assert (await call(partners, again, signature=signed(BODY))).status == 403
    assert (await call(partners, BODY[:-1], signature=signed(BODY))).status == 403
    assert kept(partners) == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"data": 5}', body_of({**item(), "attributes": {}})])
async def test_what_cannot_be_read_is_said_so(partners: Partners, body: bytes) -> None:
    said = await call(partners, body)
    assert (said.status, said.kind) == (400, "application/problem+json")


async def test_too_large_and_too_much_at_once(new_door: NewDoor) -> None:
    async with new_door(settings=PartnersSettings(in_flight=1, grace_seconds=2)) as partners:
        assert (await call(partners, b" " * (1024**2 + 1))).status == 413
        reader, writer = await asyncio.open_connection("127.0.0.1", partners.door.port)
        head = f"POST {PATH} HTTP/1.1\r\nHost: hub\r\nx-api-key: {NOTIFY_KEY}\r\nContent-Length: 3\r\n\r\na"
        writer.write(head.encode())
        await asyncio.sleep(0.1)
        said = await call(partners, BODY)
        assert (said.status, int(said.headers["Retry-After"]) >= 5) == (429, True)
        writer.write(b"bc")
        assert (await reader.readline()).startswith(b"HTTP/1.1 403 ")
        writer.close()
        assert (await call(partners, BODY)).status == 202


async def test_while_the_store_is_away_nothing_is_said_to_be_stored(partners: Partners, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "partners" / "hub.sqlite", timeout=15, isolation_level=None)) as store:
        store.execute("PRAGMA legacy_alter_table=ON")
        store.execute("ALTER TABLE communication_news RENAME TO gone")
        said = await call(partners, BODY)
        assert (said.status, said.headers["Retry-After"]) == (503, "5")
        store.execute("ALTER TABLE gone RENAME TO communication_news")
    assert (await call(partners, BODY)).status == 202
    assert kept(partners) == 1


async def test_the_form_of_news_in_tests_is_that_of_the_adapter(partners: Partners) -> None:
    """The tests of the flow make news themselves."""
    await call(partners, BODY)
    (news,) = partners.store.read_now(
        lambda tx: [each for some in tx.communications.news_about([_row()]).values() for each in some]
    )
    assert type(news) is type(told(REFERENCE, "delivered", partners.now))
    assert (news.reference, news.message_id, news.key) == (REFERENCE, MESSAGE_ID, "k1")


def _row() -> CommunicationRow:
    return CommunicationRow(REFERENCE, "l", "PX0A", "result", "b", 1, NOW, NOW)
