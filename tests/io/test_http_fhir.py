"""FHIR over HTTP: Bundles at both addresses, in JSON and XML, each answered in its own form with an outcome."""

from __future__ import annotations

import asyncio
import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from hub.io.http import PartnersSettings
from hub.io.http.answers import Refused
from hub.io.http.callers import Caller
from hub.io.mllp import client_context
from hub.mapping import FeedTable, FeedTables
from tests.flow.scene import FEEDS, ROOT
from tests.io.conftest import NewDoor
from tests.io.partners import ACCESS, LAB, Partners, Said, certificates
from tests.samples import fhir_samples

GOLDEN = ROOT / "tests" / "golden" / "ashdown"
BUNDLE, PROCESS = "/FHIR/R4/Bundle", "/FHIR/R4/$process-message"
DISCHARGES = ROOT / "tests" / "golden" / "thornmere"
DISCHARGE = DISCHARGES / "a discharge, her next test in three years.json"
DISCHARGE_XML = next(DISCHARGES.glob("a discharge as XML*.xml"))
GOOD = GOLDEN / "HPV negative, routine recall.json"
GOOD_XML = next(GOLDEN.glob("HPV*, as XML.xml"))
WRONG = GOLDEN / "refused, no slide number.json"
RECEIVED = datetime(2026, 11, 21, 9, tzinfo=UTC)
KINDS = {".json": "application/fhir+json", ".xml": "application/fhir+xml"}


@pytest.fixture
async def token(partners: Partners) -> str:
    partners.now = RECEIVED
    return await partners.token("ashdown")


async def send(partners: Partners, file: Path, token: str, path: str = BUNDLE, **more: str) -> Said:
    raw = await asyncio.to_thread(file.read_bytes)
    return await partners.ask("POST", path, raw, token=token, Content_Type=KINDS[file.suffix], **more)


def state(partners: Partners) -> list[tuple[str, str]]:
    return [(entry.feed, entry.state) for entry in partners.store.read_now(lambda tx: tx.journal.newest(200))]


@pytest.mark.parametrize("path", [BUNDLE, PROCESS])
@pytest.mark.parametrize("file", [GOOD, GOOD_XML], ids=["json", "xml"])
async def test_a_report_is_stored_and_answered_in_its_form(
    partners: Partners, token: str, path: str, file: Path
) -> None:
    said = await send(partners, file, token, path)
    assert (said.status, said.kind) == (201, KINDS[file.suffix]), said.body
    assert b"OperationOutcome" in said.body
    again = await send(partners, file, token, path)
    assert (again.status, again.body) == (200, said.body)
    assert state(partners) == [("ashdown", "accepted")]
    assert set(partners.store.read_now(lambda tx: tx.events.backlog()).values()) == {1}, "one event, to be relayed"


@pytest.mark.parametrize("path", [BUNDLE, PROCESS])
@pytest.mark.parametrize("file", [DISCHARGE, DISCHARGE_XML], ids=["json", "xml"])
async def test_a_clinics_bundle_is_read_in_the_language_of_its_own_table(
    partners: Partners, path: str, file: Path
) -> None:
    partners.now = RECEIVED
    said = await send(partners, file, await partners.token("thornmere"), path)
    assert (said.status, said.kind) == (201, KINDS[file.suffix]), said.body
    assert b"Stored: 1 discharge." in said.body
    assert state(partners) == [("thornmere", "accepted")]


async def test_neither_sends_what_is_the_others(partners: Partners, token: str) -> None:
    """Who may send results may not send discharges, whatever the Bundle says, and the other way round."""
    clinic = await partners.token("thornmere")
    for file, theirs in ((DISCHARGE, token), (GOOD, clinic)):
        said = await send(partners, file, theirs)
        assert (said.status, said.json["issue"][0]["code"]) == (403, "security")
    discharge = json.loads(DISCHARGE.read_bytes().replace(b"RZZ43", b"RAS01"))
    said = await partners.ask("POST", BUNDLE, json.dumps(discharge).encode(), token=token, Content_Type=KINDS[".json"])
    assert (said.status, said.json["issue"][0]["details"]["coding"][0]["code"]) == (422, "no-result")


async def test_a_clinic_tries_a_message_before_it_is_live(partners: Partners) -> None:
    partners.now = RECEIVED
    clinic = await partners.token("thornmere")
    raw = DISCHARGE.read_bytes()
    said = await partners.ask("POST", "/conformance/thornmere", raw, token=clinic, Content_Type=KINDS[".json"])
    assert said.status == 200
    found = {row["fact"]: row["place"] for row in said.json["found"]}
    assert said.json["answer"] == "AA" and found["next_test_due_on"] == "Bundle.entry[5].resource.occurrenceDateTime"
    assert state(partners) == [] and b"Examplar" not in said.body


async def test_what_is_wrong_is_answered_422_with_the_place(partners: Partners, token: str) -> None:
    said = await send(partners, WRONG, token)
    assert said.status == 422
    (issue,) = said.json["issue"]
    assert issue["severity"] == "error" and issue["expression"]
    assert state(partners) == [("ashdown", "refused")]


async def test_what_is_no_fhir_is_answered_400(partners: Partners, token: str) -> None:
    for body, kind in ((b"{", ".json"), (b"<Bundle", ".xml"), (b"", ".json"), (b"\xff\xfe\x00", ".json")):
        said = await partners.ask("POST", BUNDLE, body, token=token, Content_Type=KINDS[kind])
        assert said.status == 400, said.body
        assert b"OperationOutcome" in said.body


async def test_a_request_that_was_lost_on_its_way_back_is_answered_as_it_was(partners: Partners, token: str) -> None:
    name = str(uuid.uuid4())
    first = await send(partners, WRONG, token, X_Request_ID=name)
    again = await send(partners, WRONG, token, X_Request_ID=name)
    assert (first.status, again.status, again.body) == (422, 422, first.body)
    other = await send(partners, GOOD, token, X_Request_ID=name)
    assert (other.status, other.json["issue"][0]["code"]) == (409, "conflict")
    assert state(partners) == [("ashdown", "refused")]


async def test_other_forms_are_not_taken(partners: Partners, token: str) -> None:
    said = await partners.ask("POST", BUNDLE, GOOD.read_bytes(), token=token, Content_Type="text/plain")
    assert (said.status, said.json["resourceType"]) == (415, "OperationOutcome")


async def test_a_certificate_opens_the_door_of_its_feed_that_speaks_fhir(new_door: NewDoor, tmp_path: Path) -> None:
    files = certificates(tmp_path)
    tls = PartnersSettings(tls_cert=files.door, tls_key=files.door_key, tls_client_ca=files.ca, grace_seconds=2)
    shown, raw = client_context(files.ca, files.lab), GOOD.read_bytes()
    async with new_door(settings=tls, access={**ACCESS, "ashdown": f'certificates = ["{LAB}"]'}) as partners:
        partners.now = RECEIVED
        said = await partners.ask("POST", BUNDLE, raw, tls=shown, Content_Type="application/fhir+json")
        assert said.status == 201, "northmoor, of the same certificate, speaks HL7 v2"
        assert state(partners) == [("ashdown", "accepted")]


def test_a_certificate_of_several_feeds_that_speak_fhir_does_not_say_which() -> None:
    """Nothing is guessed: a token names the feed."""
    one = FEEDS.by_id["ashdown"]

    def speaks(_table: FeedTable) -> bool:
        return True

    feeds = FeedTables((one, msgspec.structs.replace(one, feed="other")))
    with pytest.raises(Refused, match="several"):
        Caller(frozenset({"ashdown", "other"}), "", "", "").of_fhir(feeds, speaks)
    assert Caller(frozenset({"other"}), "", "", "").of_fhir(feeds, speaks).feed == "other"


async def test_every_golden_case_and_sample_gets_one_answer(partners: Partners, token: str) -> None:
    """None crashes, none is lost, and what is refused says so."""
    sent = [(path.name, path.read_bytes()) for path in sorted(GOLDEN.iterdir()) if ".expected." not in path.name]
    sent += fhir_samples()
    assert len(sent) > 20
    for name, raw in sent:
        kind = "application/fhir+xml" if raw.lstrip()[:1] == b"<" else "application/fhir+json"
        said = await partners.ask("POST", BUNDLE, raw, token=token, Content_Type=kind)
        assert said.status in (200, 201, 400, 403, 422), name
        assert b"OperationOutcome" in said.body, name
        assert (said.status in (200, 201)) == (b'"error"' not in said.body and b'"fatal"' not in said.body), name
    assert len(state(partners)) == min(200, len({raw for _, raw in sent}))
