"""What other teams are given to read the hub's events by: the AsyncAPI document, and the JSON Schema of each event.

That the files are up to date is `hub docs --check`; here, that what they say is right.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft7Validator, Draft202012Validator

from adapters import ADAPTERS
from hub.__main__ import VERSION
from hub.contract import EVENT_TYPES, Envelope, event_to_json, seal
from hub.domain.events import ReportParked, ResultReported
from hub.io.rabbit.cloudevents import cloud_type, headers_of
from hub.io.rabbit.topology import EVENTS, EXCHANGES, QUEUES, TRIES, is_wanted, routing_key
from tests.golden_cases import CASES, ROOT, Case

SCHEMAS = ROOT / "hub" / "schemas"
DOCUMENT: dict[str, Any] = json.loads((SCHEMAS / "asyncapi.json").read_text(encoding="utf-8"))
OFFICIAL = Draft7Validator(json.loads(gzip.decompress((ROOT / "tests/official/asyncapi-3.0.0.json.gz").read_bytes())))
FORMS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(SCHEMAS.glob("[A-Z]*.json"))
}
AT = datetime(2026, 7, 20, 8, 0, tzinfo=UTC)
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def wrongs(document: dict[str, Any]) -> list[str]:
    return [f"{'/'.join(map(str, wrong.absolute_path))}: {wrong.message}" for wrong in OFFICIAL.iter_errors(document)]


def with_forms_in_place(part: Any) -> Any:
    """The document with the JSON Schemas beside it put where it points to them."""
    if isinstance(part, dict):
        if (target := part.get("$ref", "")).startswith("./"):
            return FORMS[Path(target).stem]["$defs"][Path(target).stem]
        return {name: with_forms_in_place(value) for name, value in part.items()}
    return [with_forms_in_place(value) for value in part] if isinstance(part, list) else part


def test_the_official_schema_accepts_the_document() -> None:
    assert wrongs(DOCUMENT) == []
    assert wrongs(with_forms_in_place(DOCUMENT)) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        pytest.param(("info", "version"), 1, id="a version that is a number"),
        pytest.param(("operations", "sendTaskClosed", "action"), "publish", id="a word of AsyncAPI 2"),
        pytest.param(("channels", "task.closed", "bindings", "amqp", "is"), "topic", id="a wrong binding"),
        pytest.param(("components", "messages", "TaskClosed", "payload"), {"type": "thing"}, id="no JSON type"),
    ],
)
def test_the_official_schema_would_find_a_mistake(path: tuple[str, ...], value: object) -> None:
    document = deepcopy(DOCUMENT)
    part = document
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = value
    assert wrongs(document)


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for name, value in part.items() if name == "$ref")
        yield from (one for value in part.values() for one in references(value))
    elif isinstance(part, list):
        yield from (one for value in part for one in references(value))


def target_of(reference: str, document: dict[str, Any], beside: Path) -> Any:
    file, _, pointer = reference.partition("#")
    part: Any = json.loads((beside / file).read_text(encoding="utf-8")) if file else document
    for name in pointer.split("/")[1:]:
        part = part[name.replace("~1", "/").replace("~0", "~")]
    return part


@pytest.mark.parametrize("path", sorted(SCHEMAS.glob("*.json")), ids=lambda path: path.stem)
def test_every_reference_leads_somewhere(path: Path) -> None:
    document = json.loads(path.read_text(encoding="utf-8"))
    found = list(references(document))
    assert found or path.stem in EVENT_TYPES
    for reference in found:
        assert isinstance(target_of(reference, document, path.parent), dict), reference
    with pytest.raises(KeyError):
        target_of("#/components/messages/ResultLost", document, path.parent)


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_event_is_described_and_sent(name: str) -> None:
    message = DOCUMENT["components"]["messages"][name]
    assert message["headers"]["properties"]["cloudEvents_type"] == {"const": cloud_type(name)}
    assert message["payload"] == {"$ref": f"./{name}.json"}
    channel = DOCUMENT["channels"][routing_key(name)]
    assert channel["address"] == routing_key(name)
    assert channel["description"].splitlines()[0] == message["summary"]
    assert channel["messages"] == {name: {"$ref": f"#/components/messages/{name}"}}
    assert channel["bindings"]["amqp"]["exchange"]["name"] == EVENTS
    sent = DOCUMENT["operations"][f"send{name}"]
    assert sent["channel"] == {"$ref": f"#/channels/{routing_key(name)}"}
    assert sent["bindings"]["amqp"]["mandatory"] == is_wanted(name)


def test_nothing_else_is_described() -> None:
    assert DOCUMENT["components"]["messages"].keys() == FORMS.keys() == EVENT_TYPES.keys()
    addresses = {routing_key(name) for name in EVENT_TYPES} | {queue.name for queue in QUEUES}
    assert {channel["address"] for channel in DOCUMENT["channels"].values()} == addresses
    assert DOCUMENT["info"]["version"] == VERSION


@pytest.mark.parametrize("queue", QUEUES, ids=lambda queue: queue.name)
def test_every_queue_is_described_as_it_is_declared(queue: Any) -> None:
    channel = DOCUMENT["channels"][queue.name]
    bound = channel["bindings"]["amqp"]
    assert bound["queue"]["name"] == queue.name
    assert bound["x-arguments"] == dict(queue.arguments)
    assert bound["x-bound-to"] == {"exchange": queue.exchange, "routingKeys": list(queue.keys)}
    assert channel["messages"], "what comes out of it?"
    if queue.exchange == EVENTS:
        assert {routing_key(name) for name in channel["messages"]} == set(queue.keys)


def test_dead_letters_are_what_our_own_queues_give_up() -> None:
    reported = {"ResultReported", "ReportParked", "DischargeReported", "DischargeUnread"}
    assert DOCUMENT["channels"]["screening.dead"]["messages"].keys() == reported


def test_the_hub_receives_from_its_own_queues_only() -> None:
    """`csas.manual-match` is read by others."""
    received = {one["channel"]["$ref"] for one in DOCUMENT["operations"].values() if one["action"] == "receive"}
    assert received == {"#/channels/screening.records", "#/channels/screening.dead"}


def test_the_page_shows_the_whole_topology() -> None:
    page = (ROOT / "hub/TOPOLOGY.md").read_text(encoding="utf-8")
    for named in (*EXCHANGES, *QUEUES):
        assert re.search(rf"^\| `{re.escape(named.name)}` \|.*{re.escape(named.purpose)}", page, re.MULTILINE), (
            named.name
        )
    for queue in QUEUES:
        assert all(f"`{name}: {value}`" in page for name, value in queue.arguments.items()), queue.name
    for name in EVENT_TYPES:
        assert f"| [{name}](schemas/{name}.json) | `{routing_key(name)}` | `{cloud_type(name)}` |" in page
    assert f"After {TRIES} deliveries" in page.replace("\n", " ")


# -- real events against what is published


def events_of(case: Case) -> list[ResultReported | ReportParked]:
    adapter = ADAPTERS[case.dialect]
    reading = adapter.decode(adapter.open(case.raw), case.feeds, case.received_on)
    return [item.outcome for item in reading.items if isinstance(item.outcome, ResultReported | ReportParked)]


GOLDEN_EVENTS = [event for case in CASES for event in events_of(case)]


def fits(event: Any) -> bool:
    form = Draft202012Validator(FORMS[type(event).__name__])
    return bool(form.is_valid(json.loads(event_to_json(event))))


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_every_form_is_a_json_schema_and_asks_for_something(name: str) -> None:
    Draft202012Validator.check_schema(FORMS[name])
    assert not Draft202012Validator(FORMS[name]).is_valid({})
    assert FORMS[name]["$schema"] == Draft202012Validator.META_SCHEMA["$id"]


def test_what_laboratories_send_fits_its_form() -> None:
    assert {type(event) for event in GOLDEN_EVENTS} == {ResultReported, ReportParked}
    assert all(fits(event) for event in GOLDEN_EVENTS)


@pytest.mark.parametrize("kind", EVENT_TYPES.values(), ids=list(EVENT_TYPES))
@given(data=st.data())
def test_any_event_fits_its_form(kind: type, data: st.DataObject) -> None:
    assert fits(data.draw(st.from_type(kind)))


def test_what_does_not_fit_is_found() -> None:
    reported = next(event for event in GOLDEN_EVENTS if isinstance(event, ResultReported))
    assert fits(reported)
    assert not fits(replace(reported, result=replace(reported.result, slide_number=None)))  # type: ignore[arg-type]
    assert not fits(replace(reported, result=replace(reported.result, version="perhaps")))  # type: ignore[arg-type]


def headers_fit(envelope: Envelope, name: str) -> bool:
    """By the document itself, so that its references to the common headers are followed."""
    message = {"$ref": f"#/components/messages/{name}/headers"}
    return bool(Draft202012Validator({**DOCUMENT, **message}).is_valid(headers_of(envelope)))


def test_the_headers_of_an_event_fit_what_the_document_says() -> None:
    for event in GOLDEN_EVENTS:
        name = type(event).__name__
        other = "ReportParked" if name == "ResultReported" else "ResultReported"
        full = seal(event, feed="x", digest="ab" * 32, position="1.1", subject="s", at=AT, traceparent=TRACE)
        bare = replace(full, feed="", digest="", position="", subject="", traceparent="")
        assert headers_fit(full, name)
        assert headers_fit(bare, name)
        assert not headers_fit(full, other)


def test_every_header_is_described() -> None:
    full = Envelope("i", "TaskClosed", "s", AT, b"{}", "f", "d", "p", TRACE, "o")
    assert headers_of(full).keys() == DOCUMENT["components"]["schemas"]["CloudEventsHeaders"]["properties"].keys()
