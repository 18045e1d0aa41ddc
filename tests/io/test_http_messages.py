"""What partners send over HTTP: every answer it may get, what repeats do, and what is bounded."""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from adapters.simulators.laboratory import batch, laboratory_code, report
from adapters.simulators.people import PeopleMaker
from hub.flow.ports.files import FileRow
from hub.io.http import PartnersSettings
from tests.flow.scene import NOW, Scene
from tests.io.conftest import NewDoor
from tests.io.partners import Partners

FILES = "/feeds/northmoor/files"
SMALL = PartnersSettings(max_bytes=10_000, in_flight=3, in_flight_per_feed=2, patience_seconds=0.6, grace_seconds=2)


class Laboratory:
    """Writes reports of people whom no cohort knows; the door does not care."""

    def __init__(self, partners: Partners) -> None:
        self._scene = Scene(partners.store)
        self._people = PeopleMaker(11, NOW.date(), postcodes=50)

    def message(self, feed: str = "northmoor", **result: str) -> bytes:
        assert laboratory_code(feed)
        made = self._scene.result(feed=feed, **result)
        return report(feed, self._people.person(), made, f"H{made.slide_number[-6:]}", NOW)

    def wrong(self) -> bytes:
        """A message that lacks its slide number."""
        raw = self.message()
        line = raw.split(b"OBR|")[1].split(b"\r")[0]
        return raw.replace(line, re.sub(rb"^1\|\|[0-9]+", b"1||", line))


@pytest.fixture
def laboratory(partners: Partners) -> Laboratory:
    return Laboratory(partners)


@pytest.fixture
async def token(partners: Partners) -> str:
    return await partners.token()


def journal(partners: Partners) -> list[tuple[str, str, str]]:
    entries = partners.store.read_now(lambda tx: tx.journal.newest(50))
    return [(entry.feed, entry.state, entry.answer) for entry in entries]


# -- what is answered


async def test_a_file_is_stored_and_confirmed(partners: Partners, laboratory: Laboratory, token: str) -> None:
    raw = laboratory.message()
    said = await partners.drop(raw, token, Content_Disposition='attachment; filename="/tmp/results 17.hl7"')
    assert (said.status, said.kind) == (201, "application/hl7-v2")
    assert b"MSA|AA|" in said.body
    again = await partners.drop(raw, token)
    assert (again.status, again.body) == (200, said.body)
    assert again.headers["Location"] == said.headers["Location"]
    shown = (await partners.ask("GET", said.headers["Location"], token=token)).json
    assert (shown["state"], shown["answer"], shown["results"], shown["repeats"]) == ("accepted", "AA", 1, 1)
    listed = (await partners.ask("GET", FILES, token=token)).json
    assert [(row["name"], row["state"]) for row in listed["files"]] == [("results 17.hl7", "read")]
    assert partners.replied == [(1, True), (1, True)]


async def test_what_is_wrong_in_a_file_is_answered_422_and_stored(
    partners: Partners, laboratory: Laboratory, token: str
) -> None:
    said = await partners.drop(laboratory.wrong(), token)
    assert said.status == 422, said.body
    assert b"MSA|AE|" in said.body
    assert journal(partners) == [("northmoor", "refused", "AE")]


async def test_what_cannot_be_read_is_answered_400_and_listed_as_corrupt(partners: Partners, token: str) -> None:
    said = await partners.drop(b"no message at all", token)
    assert said.status == 400
    assert journal(partners) == [("northmoor", "refused", "AR")]
    listed = (await partners.ask("GET", FILES, token=token)).json
    assert [row["state"] for row in listed["files"]] == ["corrupt"]


async def test_another_senders_message_is_stored_and_refused(
    partners: Partners, laboratory: Laboratory, token: str
) -> None:
    said = await partners.drop(laboratory.message("southwick"), token)
    assert said.status == 403
    assert b"MSA|AR|" in said.body
    assert not any(partners.store.read_now(lambda tx: tx.events.backlog()).values())


async def test_a_closed_feed_is_stored_and_refused_as_over_mllp(new_door: NewDoor) -> None:
    async with new_door(closed="northmoor") as partners:
        said = await partners.drop(Laboratory(partners).message(), await partners.token())
        assert said.status == 403
        assert b"MSA|AR|" in said.body and b"sender-deactivated" in said.body
        assert journal(partners) == [("northmoor", "refused", "AR")]


async def test_a_batch_taken_in_part_is_taken(partners: Partners, laboratory: Laboratory, token: str) -> None:
    good, bad = laboratory.message(), laboratory.wrong()
    said = await partners.drop(batch("northmoor", [good, bad], "B1", NOW), token)
    assert said.status == 201, said.body
    assert b"Message 2 of 2: The slide number is missing" in said.body
    assert journal(partners) == [("northmoor", "partly", "AE")]


async def test_numbers_that_are_missing_are_listed(partners: Partners, laboratory: Laboratory, token: str) -> None:
    for sequence in (3, 7):
        await partners.drop(laboratory.message(), token)
        (entry,) = partners.store.read_now(lambda tx: tx.journal.newest(1))
        row = FileRow(entry.seq, "northmoor", "", sequence, "read", NOW)
        partners.store.write_now(lambda tx, row=row: tx.files.put(row))
    listed = (await partners.ask("GET", f"{FILES}?limit=1", token=token)).json
    assert [row["sequence"] for row in listed["files"]] == [7]
    assert listed["possibly_missing"] == [{"first": 4, "last": 6}]
    for limit in ("0", "201", "many", "-1", "1.0", "\u0663"):
        assert (await partners.ask("GET", f"{FILES}?limit={limit}", token=token)).status == 400


async def test_of_a_message_only_its_own_feed_hears(partners: Partners, laboratory: Laboratory, token: str) -> None:
    place = (await partners.drop(laboratory.message(), token)).headers["Location"]
    other = await partners.token("southwick")
    assert (await partners.ask("GET", place, token=other)).status == 403
    theirs = place.replace("northmoor", "southwick")
    assert (await partners.ask("GET", theirs, token=other)).status == 404
    for number in ("0", "999", "x", "-1", "9" * 30):
        assert (await partners.ask("GET", f"/feeds/northmoor/messages/{number}", token=token)).status == 404


# -- repeats


async def test_the_same_request_again_gets_the_same_answer(
    partners: Partners, laboratory: Laboratory, token: str
) -> None:
    """Even where it was refused: an answer that was lost on its way is this one."""
    names = {"X_Request_ID": str(uuid.uuid4()), "X_Correlation_ID": "lab-17"}
    for raw, status, later in ((laboratory.message(), 201, 200), (laboratory.wrong(), 422, 422)):
        names["X_Request_ID"] = str(uuid.uuid4())
        said = await partners.drop(raw, token, **names)
        again = await partners.drop(raw, token, **names)
        assert (said.status, again.status) == (status, later)
        assert again.body == said.body, "to the control id of the answer"
        assert again.headers["X-Request-ID"] == names["X_Request_ID"]
        assert again.headers["X-Correlation-ID"] == "lab-17"
    assert len(journal(partners)) == 2


async def test_other_bytes_under_the_same_name_are_a_conflict(
    partners: Partners, laboratory: Laboratory, token: str
) -> None:
    name = str(uuid.uuid4())
    assert (await partners.drop(laboratory.message(), token, X_Request_ID=name)).status == 201
    said = await partners.drop(laboratory.message(), token, X_Request_ID=name)
    assert (said.status, said.kind, said.headers["X-Request-ID"]) == (409, "application/problem+json", name)
    assert len(journal(partners)) == 1
    other = await partners.token("southwick")
    theirs = await partners.drop(laboratory.message("southwick"), other, "southwick", X_Request_ID=name)
    assert theirs.status == 201, "another sender's names are its own"


async def test_the_same_request_many_times_at_once_is_taken_once(
    partners: Partners, laboratory: Laboratory, token: str
) -> None:
    raw, other, name = laboratory.message(), laboratory.message(), str(uuid.uuid4())
    sent = [raw] * 6 + [other] * 6
    said = await asyncio.gather(*(partners.drop(body, token, X_Request_ID=name) for body in sent))
    statuses = sorted(one.status for one in said)
    assert statuses.count(201) == 1
    assert statuses.count(409) == 6
    assert len(journal(partners)) == 1


@pytest.mark.parametrize("name", ["17", "x" * 36, "{}", "c0ffee00-0000-0000-0000"])
async def test_a_request_id_is_a_uuid(partners: Partners, laboratory: Laboratory, token: str, name: str) -> None:
    said = await partners.drop(laboratory.message(), token, X_Request_ID=name)
    assert said.status == 400
    assert "X-Request-ID" not in said.headers
    assert journal(partners) == []


# -- how no is said


async def test_the_fhir_addresses_say_no_in_fhir(partners: Partners, token: str) -> None:
    path = "/FHIR/R4/$process-message"
    said = await partners.ask("POST", path, b"{}", Content_Type="application/fhir+json")
    assert (said.status, said.kind) == (401, "application/fhir+json")
    assert (said.json["resourceType"], said.json["issue"][0]["code"]) == ("OperationOutcome", "login")
    xml = await partners.ask("POST", path, b"<a/>", Content_Type="application/fhir+xml", token="none", Accept="")
    assert (xml.status, xml.kind) == (401, "application/fhir+xml")
    assert xml.body.startswith(b'<OperationOutcome xmlns="http://hl7.org/fhir">')
    agreed = await partners.ask("POST", path, b"{}", Content_Type="application/fhir+json", token=token)
    assert (agreed.status, agreed.json["issue"][0]["code"]) == (403, "forbidden")
    assert journal(partners) == []


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/nowhere", 404, None),
        ("GET", "/FHIR/R4/Bundle", 405, "POST"),
        ("DELETE", FILES, 405, "GET, POST"),
        ("HEAD", "/metadata", 405, "GET"),
        ("GET", "/oauth2/token", 405, "POST"),
    ],
)
async def test_what_is_not_there(partners: Partners, method: str, path: str, status: int, allow: str | None) -> None:
    said = await partners.ask(method, path)
    assert (said.status, said.headers.get("Allow")) == (status, allow)
    assert said.kind == ("application/fhir+json" if path.startswith("/FHIR") else "application/problem+json")


async def test_other_forms_are_not_taken(partners: Partners, laboratory: Laboratory, token: str) -> None:
    raw = laboratory.message()
    assert (await partners.drop(raw, token, Content_Type="multipart/form-data; boundary=x")).status == 415
    assert (await partners.drop(raw, token, Content_Encoding="gzip")).status == 415
    assert (await partners.drop(raw, token, Content_Encoding="identity")).status == 201


async def test_anybody_may_read_what_the_door_can_do(partners: Partners) -> None:
    said = await partners.ask("GET", "/metadata")
    assert (said.status, said.kind) == (200, "application/fhir+json")
    assert (said.json["resourceType"], said.json["fhirVersion"]) == ("CapabilityStatement", "4.0.1")
    assert said.json["implementation"]["url"] == f"{partners.door.url}/FHIR/R4"
    assert (await partners.ask("GET", "/openapi.json")).json["openapi"] == "3.1.0"
    assert said.headers["Server"] == "screening-hub"


# -- what is bounded


async def raw_answer(port: int, *pieces: bytes, rest: float = 0.0, seconds: float = 8.0) -> bytes:
    """What comes back for these bytes, until the door closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(seconds):
            for piece in pieces:
                if writer.is_closing() or reader.at_eof():
                    break
                writer.write(piece)
                await asyncio.sleep(rest)
            return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.transport.abort()


def head(token: str, *lines: str) -> bytes:
    given = [f"POST {FILES} HTTP/1.1", "Host: hub", f"Authorization: Bearer {token}", "Content-Type: text/plain"]
    return "\r\n".join([*given, *lines, "", ""]).encode()


async def test_what_is_too_large_is_refused_before_it_is_read(new_door: NewDoor) -> None:
    async with new_door(settings=SMALL) as partners:
        token, port = await partners.token(), partners.door.port
        for lines in ("Content-Length: 10001",), ("Content-Length: 99999999999", "Expect: 100-continue"):
            said = await raw_answer(port, head(token, *lines))
            assert said.startswith(b"HTTP/1.1 413 ")
        chunk = b"1000\r\n" + b"a" * 4096 + b"\r\n"
        said = await raw_answer(port, head(token, "Transfer-Encoding: chunked"), chunk, chunk, chunk, rest=0.02)
        assert said.startswith(b"HTTP/1.1 413 ")
        assert journal(partners) == []
        whole = await raw_answer(
            port, head(token, "Content-Length: 7", "Expect: 100-continue", "Connection: close"), b"nothing", rest=0.1
        )
        assert whole.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")


async def test_who_is_slow_is_cut_off(new_door: NewDoor) -> None:
    async with new_door(settings=SMALL) as partners:
        token, port = await partners.token(), partners.door.port
        assert await raw_answer(port) == b"", "says nothing"
        drops = [bytes([letter]) for letter in head(token, "X-Slow: " + "a" * 200)]
        assert await raw_answer(port, *drops, rest=0.02) == b"", "a head by drops"
        said = await raw_answer(port, head(token, "Content-Length: 100"), *[b"a"] * 10, rest=0.1)
        assert said.startswith(b"HTTP/1.1 408 ")
        assert journal(partners) == []


async def test_a_body_that_breaks_off_is_not_taken(partners: Partners, token: str) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", partners.door.port)
    writer.write(head(token, "Content-Length: 100") + b"half")
    writer.write_eof()
    await reader.read()
    writer.close()
    assert journal(partners) == []


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(100)) + b"\r\n",
        b"GET / HTTP/1.1\r\nX-Large: " + b"9990000018" * 2000 + b"\r\n\r\n",
        b"GET /" + b"9990000018" * 2000 + b" HTTP/1.1\r\n\r\n",
        b"MSH|^~\\&|NORTHMOOR|9990000018\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 9990000018x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_request_is_told_so_without_being_quoted(
    partners: Partners, request_: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    said = await raw_answer(partners.door.port, request_)
    assert said.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    assert b"application/problem+json" in said
    assert b"999000" not in said and b"NORTHMOOR" not in said
    out, err = capfd.readouterr()
    assert "999000" not in out + err


async def test_who_comes_when_it_is_full_is_told_to_wait(new_door: NewDoor) -> None:
    patient = PartnersSettings(in_flight=3, in_flight_per_feed=2, grace_seconds=2)
    async with new_door(settings=patient) as partners:
        token, other = await partners.token(), await partners.token("southwick")
        held = [await asyncio.open_connection("127.0.0.1", partners.door.port) for _ in range(2)]
        for _, writer in held:
            writer.write(head(token, "Content-Length: 3") + b"a")
        await asyncio.sleep(0.1)
        said = await partners.ask("GET", FILES, token=token)
        assert (said.status, said.headers["Retry-After"]) == (429, "5")
        assert (await partners.ask("GET", "/feeds/southwick/files", token=other)).status == 200, "others are served"
        for reader, writer in held:
            writer.write(b"bc")
            assert (await reader.readline()).startswith(b"HTTP/1.1 400 ")
            writer.close()
        assert (await partners.ask("GET", FILES, token=token)).status == 200


async def test_too_many_connections_are_turned_away(new_door: NewDoor) -> None:
    async with new_door(settings=PartnersSettings(connections=2, grace_seconds=1)) as partners:
        held = [await asyncio.open_connection("127.0.0.1", partners.door.port) for _ in range(2)]
        await asyncio.sleep(0.05)
        assert await raw_answer(partners.door.port, b"GET /metadata HTTP/1.0\r\n\r\n") == b""
        for _, writer in held:
            writer.close()
        await asyncio.sleep(0.05)
        assert (await partners.ask("GET", "/metadata")).status == 200


# -- the store is away


@pytest.fixture
async def without_journal(partners: Partners, tmp_path: Path) -> AsyncIterator[Partners]:
    """The table is gone, as on a broken disk."""
    with closing(sqlite3.connect(tmp_path / "partners" / "hub.sqlite", timeout=15, isolation_level=None)) as store:
        store.execute("PRAGMA legacy_alter_table=ON")
        store.execute("ALTER TABLE journal RENAME TO journal_gone")
        try:
            yield partners
        finally:
            store.execute("ALTER TABLE journal_gone RENAME TO journal")


async def test_while_the_store_is_away_nothing_is_said_to_be_stored(
    laboratory: Laboratory, token: str, without_journal: Partners
) -> None:
    raw, name = laboratory.message(), str(uuid.uuid4())
    said = await without_journal.drop(raw, token, X_Request_ID=name)
    assert (said.status, said.headers["Retry-After"]) == (503, "5")
    assert said.kind == "application/problem+json"
    place = "/feeds/northmoor/messages/1"
    assert (await without_journal.ask("GET", place, token=token)).status == 503


async def test_afterwards_the_same_request_is_taken(
    partners: Partners, laboratory: Laboratory, token: str, tmp_path: Path
) -> None:
    raw, name = laboratory.message(), str(uuid.uuid4())
    with closing(sqlite3.connect(tmp_path / "partners" / "hub.sqlite", timeout=15, isolation_level=None)) as store:
        store.execute("PRAGMA legacy_alter_table=ON")
        store.execute("ALTER TABLE requests RENAME TO requests_gone")
        assert (await partners.drop(raw, token, X_Request_ID=name)).status == 503
        store.execute("ALTER TABLE requests_gone RENAME TO requests")
    assert (await partners.drop(raw, token, X_Request_ID=name)).status == 201


# -- what is told


async def test_nothing_of_a_message_is_in_answers_log_or_metrics(
    partners: Partners, laboratory: Laboratory, token: str, capfd: pytest.CaptureFixture[str]
) -> None:
    from hub import telemetry

    telemetry.configure(json=True, level="debug")
    try:
        raw = laboratory.wrong()
        said = await partners.drop(raw, token, Content_Disposition='filename="9990000018.hl7"')
        await partners.ask("GET", "/feeds/northmoor/9990000018?nhs=9990000018", token=token)
    finally:
        telemetry.configure(json=True, level="warning")
    out, err = capfd.readouterr()
    told = out + err + json.dumps(dict(said.headers)) + telemetry.render_metrics().decode()
    fields = raw.decode("latin-1").split("PID|")[1].split("\r")[0]
    for value in {part for field in fields.split("|") for part in field.split("^") if len(part) > 4}:
        assert value not in told
    assert "9990000018" not in told
    assert '"partner_answered"' in err and "hub_partner_requests" in told
