"""A FHIR Bundle on the road of every message: stored, answered by an OperationOutcome, its results in the outbox."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hub.flow.ports.journal import Via
from hub.formats.fhir import read
from tests.flow.scene import Scene
from tests.golden_cases import CASES, Case

HTTP = Via("http", "client ashdown", "fhir_report", feed="ashdown")


def case(sentence: str) -> Case:
    (found,) = (each for each in CASES if each.feed == "ashdown" and each.sentence == sentence)
    return found


@pytest.fixture
def july(scene: Scene) -> Scene:
    scene.now = datetime(2026, 7, 20, 9, tzinfo=UTC)
    return scene


@pytest.mark.parametrize(
    ("sentence", "results"),
    [
        ("HPV negative, routine recall", 1),
        ("HPV negative, early repeat in 12 months, as XML", 1),
        ("a collection of two reports", 2),
    ],
)
async def test_a_bundle_is_stored_answered_and_known_again(july: Scene, sentence: str, results: int) -> None:
    raw = case(sentence).raw
    answered = await july.intake.take(raw, HTTP)
    assert answered.code == "AA"
    outcome = read(answered.body or b"")
    assert outcome.tree["issue"][0]["severity"] == "information"
    assert outcome.is_xml == raw.startswith(b"<")
    (entry,) = july.read(lambda tx: tx.journal.newest(10))
    assert (entry.feed, entry.state, entry.results) == ("ashdown", "accepted", results)
    assert entry.control_id.encode() in raw
    again = await july.intake.take(raw, HTTP)
    assert again.repeated
    assert again.body == answered.body


async def test_a_refused_bundle_is_stored_and_says_where(july: Scene) -> None:
    answered = await july.intake.take(case("refused, no slide number").raw, HTTP)
    assert answered.code == "AE"
    (entry,) = july.read(lambda tx: tx.journal.newest(10))
    assert (entry.state, entry.reason) == ("refused", "missing-slide-number")
    assert entry.place == "Bundle.entry[6].resource.accessionIdentifier.value"
    assert not any(july.read(lambda tx: tx.events.backlog()).values())


async def test_another_senders_bundle_is_not_taken(july: Scene) -> None:
    answered = await july.intake.take(case("HPV negative, routine recall").raw, replace(HTTP, feed="northmoor"))
    assert answered.code == "AR"
    assert b"unknown-sender" in (answered.body or b"")
