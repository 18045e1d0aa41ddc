"""The language of NHS Notify: every request as its published document says, every documented answer understood."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.nhs_notify import (
    MOST_BYTES,
    MOST_MESSAGES,
    NhsNotify,
    api_key_is_right,
    read_callback,
    signature_is_right,
)
from adapters.simulators.notify_checks import error
from hub.contract import Later, Request, Response
from hub.domain.communications import (
    Accepted,
    AcceptedBefore,
    Batch,
    ChannelNews,
    Fault,
    Message,
    MessageNews,
    News,
    Refused,
    UnreadNews,
)
from tests.notify.batches import NUMBERS, PLANS, batch, message, single
from tests.notify.openapi import documented_errors, request_problems, response_problems, samples, vector

LANGUAGE = NhsNotify(PLANS)
HEADERS = {"authorization": "Bearer x", "x-correlation-id": "x"}
ID = "2WL3qFTEFM0qMY8xjRbt1LIKCzM"
Talk = Generator[Request, Response, Any]
NOT_NOW = [
    (401, "CM_DENIED", "", Later("CM_DENIED", token=True)),
    (408, "CM_TIMEOUT", "", Later("CM_TIMEOUT")),
    (425, "CM_RETRY_TOO_EARLY", "300", Later("CM_RETRY_TOO_EARLY", 300.0, early=True)),
    (425, "CM_RETRY_TOO_EARLY", "", Later("CM_RETRY_TOO_EARLY", 300.0, early=True)),
    (429, "CM_QUOTA", "60", Later("CM_QUOTA", 60.0, busy=True)),
    (429, "CM_QUOTA", "soon", Later("CM_QUOTA", 5.0, busy=True)),
    (500, "CM_INTERNAL_SERVER_ERROR", "", Later("CM_INTERNAL_SERVER_ERROR")),
    (502, "CM_BAD_GATEWAY", "", Later("CM_BAD_GATEWAY")),
    (503, "CM_SERVICE_UNAVAILABLE", "5", Later("CM_SERVICE_UNAVAILABLE", 5.0)),
    (504, "CM_TIMEOUT", "", Later("CM_TIMEOUT")),
    (599, "", "", Later("http-599")),
]
FOR_AN_ENGINEER = [
    (403, "CM_FORBIDDEN"),
    (403, "CM_SERVICE_BAN"),
    (404, "CM_NO_SUCH_ROUTING_PLAN"),
    (404, "CM_NOT_FOUND"),
    (405, "CM_NOT_ALLOWED"),
    (406, "CM_NOT_ACCEPTABLE"),
    (413, "CM_TOO_LARGE"),
    (413, "CM_TOO_MANY_ITEMS"),
    (415, "CM_UNSUPPORTED_MEDIA"),
    (500, "CM_MISSING_ROUTING_PLAN_TEMPLATE"),
    (500, "CM_ROUTING_PLAN_DUPLICATE_TEMPLATES"),
    (400, "CM_TOO_FEW_ITEMS"),
    (400, "CM_ODS_CODE_REQUIRED"),
    (400, "CM_CANNOT_SET_ODS_CODE"),
    (400, "CM_CANNOT_SET_CONTACT_DETAILS"),
]
OF_A_MESSAGE = ["CM_INVALID_NHS_NUMBER", "CM_MISSING_VALUE", "CM_NULL_VALUE", "CM_INVALID_VALUE"]


def asked(talk: Talk) -> Request:
    return next(talk)


def told(talk: Talk, response: Response) -> Any:
    """How a conversation ends by this response, which the door would have passed on."""
    assert LANGUAGE.later(response) is None
    next(talk)
    with pytest.raises(StopIteration) as end:
        talk.send(response)
    return end.value.value


def unasked(talk: Talk) -> Any:
    with pytest.raises(StopIteration) as end:
        next(talk)
    return end.value.value


def response(status: int, *errors: dict[str, Any], after: str = "") -> Response:
    body = json.dumps({"errors": list(errors)}).encode()
    return Response(status, body, {"retry-after": after} if after else {})


def refusal(status: int, code: str, pointer: str = "") -> Response:
    return response(status, error(status, code, pointer))


def created(of: Batch) -> Response:
    if of.single:
        data = {"type": "Message", "id": ID, "attributes": {"messageReference": of.messages[0].reference}}
        return Response(201, json.dumps({"data": data}).encode())
    ids = [{"messageReference": one.reference, "id": f"{index:027}"} for index, one in enumerate(of.messages)]
    attributes = {"messageBatchReference": of.reference, "messages": ids}
    data = {"type": "MessageBatch", "id": ID, "attributes": attributes}
    return Response(201, json.dumps({"data": data}).encode())


# -- requests


@pytest.mark.parametrize("given", [batch(), batch(1, "post"), batch(200, "invitation"), single(), single(7, "result")])
def test_every_request_is_as_the_published_document_says(given: Batch) -> None:
    request = asked(LANGUAGE.hand_over(given))
    headers = {**HEADERS, "content-type": request.content_type}
    assert request_problems(request.method, request.path, headers, request.body) == []
    status = asked(LANGUAGE.ask(ID))
    assert (status.path, status.body) == (f"/v1/messages/{ID}", None)
    assert request_problems(status.method, status.path, HEADERS, None) == []
    assert request_problems("POST", request.path, headers, (request.body or b"").replace(b"recipient", b"who")) != []


def test_a_request_says_who_is_told_what_and_the_same_batch_gives_the_same_bytes() -> None:
    one = Batch("b-1", "result", (Message("r-1", NUMBERS[0], {"test_date": "3 March 2026", "practice": "Ärzte"}),))
    request = asked(LANGUAGE.hand_over(one))
    assert (request.method, request.path, request.query) == ("POST", "/v1/message-batches", ())
    assert json.loads(request.body or b"") == {
        "data": {
            "type": "MessageBatch",
            "attributes": {
                "routingPlanId": PLANS["result"],
                "messageBatchReference": "b-1",
                "messages": [
                    {
                        "messageReference": "r-1",
                        "recipient": {"nhsNumber": NUMBERS[0]},
                        "personalisation": {"test_date": "3 March 2026", "practice": "Ärzte"},
                    }
                ],
            },
        }
    }
    assert asked(LANGUAGE.hand_over(one)) == request
    alone = asked(LANGUAGE.hand_over(replace(one, reference="r-1", single=True)))
    assert alone.path == "/v1/messages" and "messageBatchReference" not in str(alone.body)


def test_a_request_and_a_message_show_nobody() -> None:
    given = batch(1)
    for value in (asked(LANGUAGE.hand_over(given)), given, given.messages[0]):
        assert given.messages[0].nhs_number not in repr(value) + str(value)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        (replace(batch(), routing_plan="pigeon"), "no-id-of-this-routing-plan"),
        (replace(batch(), messages=()), "no-message"),
        (replace(batch(2), single=True), "not-single"),
        (replace(batch(), messages=batch().messages[:1] * (MOST_MESSAGES + 1)), "too-many-messages"),
        (replace(batch(), messages=(message(1, text="x" * MOST_BYTES),)), "too-many-bytes"),
    ],
)
def test_what_cannot_be_a_request_is_refused_without_asking(given: Batch, code: str) -> None:
    refused = unasked(LANGUAGE.hand_over(given))
    assert refused.ours and [fault.code for fault in refused.faults] == [code]


def test_the_limits_are_notifys() -> None:
    assert (MOST_MESSAGES, MOST_BYTES) == (45_000, 5_200_000)


# -- what is answered


def test_what_was_accepted_has_its_ids() -> None:
    given = batch(3)
    accepted = told(LANGUAGE.hand_over(given), created(given))
    assert accepted == Accepted({one.reference: f"{index:027}" for index, one in enumerate(given.messages)})
    assert told(LANGUAGE.hand_over(single()), created(single())) == Accepted({single().reference: ID})


def test_ids_of_strangers_and_ids_that_are_none_are_left_to_the_callbacks() -> None:
    given = batch(2)
    answer = json.loads(created(given).body)
    answer["data"]["attributes"]["messages"] = [
        {"messageReference": given.messages[0].reference, "id": "../7"},
        {"messageReference": "stranger", "id": ID},
        {"messageReference": None, "id": ID},
        7,
    ]
    assert told(LANGUAGE.hand_over(given), Response(201, json.dumps(answer).encode())) == Accepted({})


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"data":7}', b'{"data":{"type":"Cake"}}', b"\xff" * 9])
def test_a_success_that_says_nothing_is_asked_for_again(body: bytes) -> None:
    assert LANGUAGE.later(Response(201, body)) == Later("unreadable")


def test_a_reference_that_is_known_was_accepted_before_and_no_other_422() -> None:
    assert told(LANGUAGE.hand_over(batch()), refusal(422, "CM_DUPLICATE_REQUEST")) == AcceptedBefore()
    assert told(LANGUAGE.hand_over(single()), refusal(422, "CM_DUPLICATE_REQUEST")) == AcceptedBefore()
    other = told(LANGUAGE.hand_over(batch()), refusal(422, "CM_SOMETHING_NEW"))
    assert other == Refused((Fault("CM_SOMETHING_NEW"),), ours=True)
    assert told(LANGUAGE.hand_over(batch()), Response(422, b"")) == Refused((Fault("http-422"),), ours=True)


@pytest.mark.parametrize(("status", "code", "after", "expected"), NOT_NOW)
def test_what_only_says_not_now(status: int, code: str, after: str, expected: Later) -> None:
    assert LANGUAGE.later(response(status, error(status, code), after=after)) == expected


@pytest.mark.parametrize(("status", "code"), FOR_AN_ENGINEER)
def test_what_an_engineer_must_mend(status: int, code: str) -> None:
    refused = told(LANGUAGE.hand_over(batch()), refusal(status, code))
    assert refused.ours and [fault.code for fault in refused.faults] == [code]


@pytest.mark.parametrize("code", OF_A_MESSAGE)
def test_a_fault_names_the_message_that_it_is_about(code: str) -> None:
    given, place = batch(5), "/data/attributes/messages/3/recipient/nhsNumber"
    refused = told(LANGUAGE.hand_over(given), refusal(400, code, place))
    assert refused == Refused((Fault(code, given.messages[3].reference, place),))
    alone, place = single(), "/data/attributes/recipient/nhsNumber"
    assert told(LANGUAGE.hand_over(alone), refusal(400, code, place)) == Refused((Fault(code, alone.reference, place),))


@pytest.mark.parametrize(
    ("code", "place"),
    [
        ("CM_INVALID_VALUE", "/data/attributes/routingPlanId"),
        ("CM_INVALID_VALUE", "/data/attributes/messages/9/recipient"),
        ("CM_MISSING_VALUE", ""),
        ("CM_DUPLICATE_VALUE", "/data/attributes/messages/1/messageReference"),
        ("CM_CANNOT_SET_ODS_CODE", "/data/attributes/messages/1/originator"),
    ],
)
def test_a_fault_that_is_no_messages_own_is_ours(code: str, place: str) -> None:
    own = error(400, "CM_INVALID_NHS_NUMBER", "/data/attributes/messages/0/recipient/nhsNumber")
    refused = told(LANGUAGE.hand_over(batch()), response(400, own, error(400, code, place)))
    assert refused.ours and [fault.code for fault in refused.faults] == ["CM_INVALID_NHS_NUMBER", code]


def test_words_that_could_be_anybodys_are_not_taken_over() -> None:
    rude = {"code": "Mrs Ashby", "source": {"pointer": f"/data/{NUMBERS[0]} Ashby"}, "detail": "Ashby"}
    refused = told(LANGUAGE.hand_over(batch()), response(400, rude))
    assert refused == Refused((Fault("unknown"),), ours=True)


def test_every_documented_error_has_its_test() -> None:
    tested = {(status, code) for status, code, _, _ in NOT_NOW} | set(FOR_AN_ENGINEER)
    tested |= {(400, code) for code in (*OF_A_MESSAGE, "CM_DUPLICATE_VALUE")} | {(422, "CM_DUPLICATE_REQUEST")}
    assert documented_errors() <= tested


# -- how a message stands


def asked_for(status: str = "delivered", **more: Any) -> dict[str, Any]:
    plan = {"id": PLANS["result"], "name": "plan", "version": "1", "createdDate": "2026-01-05T09:00:00Z"}
    times = {"created": "2026-01-05T09:00:00.5Z", "enriched": "2026-01-05T09:01:00Z", status: "2026-01-06T09:00:00Z"}
    known = {name: time for name, time in times.items() if name in ("created", "enriched", "delivered", "failed")}
    attributes = {"messageReference": "r-1", "messageStatus": status, "timestamps": known, "routingPlan": plan, **more}
    link = {"self": f"https://notify.example/v1/messages/{ID}"}
    return {"data": {"type": "Message", "id": ID, "attributes": attributes, "links": link}}


def channel(kind: str, order: int, status: str, **more: Any) -> dict[str, Any]:
    times = {"created": "2026-01-05T09:01:00Z", status: "2026-01-05T10:00:00Z"}
    known = {name: time for name, time in times.items() if name in ("created", "delivered", "failed")}
    plan = {"id": PLANS["result"], "type": "original"}
    told = {"type": kind, "cascadeType": "primary", "cascadeOrder": order, "channelStatus": status}
    return {**told, "timestamps": known, "routingPlan": plan, **more}


def stands(document: dict[str, Any]) -> Any:
    return told(LANGUAGE.ask(ID), Response(200, json.dumps(document).encode()))


def test_how_a_message_stands_is_news_of_it_and_of_its_channels() -> None:
    failed = channel("nhsapp", 1, "failed", channelFailureReasonCode="CFR_PDSV_0004", channelStatusDescription="no app")
    letter = channel("letter", 2, "delivered", supplierStatus="accepted", retryCount=1)
    answer = asked_for(channels=[failed, letter])
    assert response_problems("GET", f"/v1/messages/{ID}", 200, json.dumps(answer).encode()) == []
    message_news, first, second = stands(answer)
    assert message_news == MessageNews(message_news.key, ID, "r-1", "delivered", datetime(2026, 1, 6, 9, tzinfo=UTC))
    at = datetime(2026, 1, 5, 10, tzinfo=UTC)
    assert first == ChannelNews(
        first.key, ID, "r-1", "nhsapp", "failed", at, 1, reason="CFR_PDSV_0004", description="no app"
    )
    assert second == ChannelNews(
        second.key, ID, "r-1", "letter", "delivered", at, 2, supplier_status="accepted", retry=1
    )
    assert len({message_news.key, first.key, second.key}) == 3
    assert stands(answer) == (message_news, first, second), "the same news has the same key"


def test_the_published_examples_are_read() -> None:
    documents = samples()
    assert len(documents) > 3
    for document in documents:
        attributes = document["data"]["attributes"]
        message_news, *channels = stands(document)
        assert (message_news.message_id, message_news.status) == (document["data"]["id"], attributes["messageStatus"])
        assert message_news.reason == attributes.get("messageFailureReasonCode", "")
        assert [(one.channel, one.status, one.order) for one in channels] == [
            (one["type"], one["channelStatus"], one["cascadeOrder"]) for one in attributes.get("channels", [])
        ]


def test_a_status_without_a_time_of_its_own_has_the_latest() -> None:
    (news,) = stands(asked_for("sending"))
    assert (news.status, news.at) == ("sending", datetime(2026, 1, 5, 9, 1, tzinfo=UTC))
    (unknown,) = stands(asked_for("dispatched_by_pigeon", messageFailureReasonCode="MFR_NEWS_0001"))
    assert (unknown.status, unknown.reason) == ("dispatched_by_pigeon", "MFR_NEWS_0001")


def test_a_message_that_nobody_knows_is_none_and_a_wrong_address_is_ours() -> None:
    assert told(LANGUAGE.ask(ID), refusal(404, "CM_NOT_FOUND")) is None
    assert told(LANGUAGE.ask(ID), Response(404, b"<html>")) == Refused((Fault("http-404"),), ours=True)
    assert told(LANGUAGE.ask(ID), refusal(403, "CM_FORBIDDEN")) == Refused((Fault("CM_FORBIDDEN"),), ours=True)
    assert told(LANGUAGE.ask(ID), Response(200, b"<html>")) == Refused((Fault("http-200"),), ours=True)
    assert unasked(LANGUAGE.ask("../message-batches")) is None


def test_the_knock_tells_nobody_anything() -> None:
    assert asked(LANGUAGE.knock()).method == "GET"
    assert told(LANGUAGE.knock(), refusal(404, "CM_NOT_FOUND")) == ""
    assert told(LANGUAGE.knock(), refusal(403, "CM_SERVICE_BAN")) == "CM_SERVICE_BAN"
    assert told(LANGUAGE.knock(), Response(200, b"<html>")) == "http-200"


# -- callbacks


def message_item(**more: Any) -> dict[str, Any]:
    attributes = {
        "messageId": ID,
        "messageReference": "r-1",
        "messageStatus": "failed",
        "messageFailureReasonCode": "MFR_PDSV_0110",
        "messageStatusDescription": "Failed reason:\x00 Patient has exit code",
        "timestamp": "2026-01-06T10:00:00+01:00",
    }
    return {"type": "MessageStatus", "attributes": {**attributes, **more}, "meta": {"idempotencyKey": "k-1"}}


def channel_item(**more: Any) -> dict[str, Any]:
    attributes = {
        "messageId": ID,
        "messageReference": "r-1",
        "cascadeType": "secondary",
        "cascadeOrder": 3,
        "channel": "letter",
        "channelStatus": "sending",
        "supplierStatus": "pending_virus_check",
        "retryCount": 2,
        "timestamp": "2026-01-06T09:00:00.123Z",
    }
    return {"type": "ChannelStatus", "attributes": {**attributes, **more}, "meta": {"idempotencyKey": "k-2"}}


def called_back(*items: Any) -> tuple[News, ...] | UnreadNews:
    return read_callback(json.dumps({"data": list(items)}).encode())


def test_a_callback_is_a_list_of_news() -> None:
    at = datetime(2026, 1, 6, 9, tzinfo=UTC)
    assert called_back(message_item(), channel_item()) == (
        MessageNews("k-1", ID, "r-1", "failed", at, "MFR_PDSV_0110", "Failed reason: Patient has exit code"),
        ChannelNews(
            "k-2", ID, "r-1", "letter", "sending", at.replace(microsecond=123_000), 3, "secondary",
            "pending_virus_check", 2,
        ),
    )  # fmt: skip
    assert read_callback(json.dumps({"data": message_item()}).encode()) == called_back(message_item())
    assert called_back() == ()


def test_news_without_a_key_get_one_that_is_the_same_for_the_same_news() -> None:
    keys = []
    for item in (message_item(), message_item(), message_item(messageStatus="delivered"), channel_item()):
        del item["meta"]
        (news,) = called_back(item)  # type: ignore[misc]  # a problem would not unpack
        keys.append(news.key)
    assert keys[0] == keys[1] and len(set(keys)) == 3


def test_what_is_unknown_is_kept_or_passed_over_on_purpose() -> None:
    stranger = {"type": "PigeonStatus", "attributes": {"name": "Ashby"}}
    (news,) = called_back(stranger, message_item(messageStatus="returned", surprise={"a": 1}))  # type: ignore[misc]
    assert news.status == "returned"
    (news,) = called_back(channel_item(channel="pigeon", channelStatus="flying", supplierStatus="moulting"))  # type: ignore[misc]
    assert (news.channel, news.status, news.supplier_status) == ("pigeon", "flying", "moulting")


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b"", "/data"),
        (b"null", "/data"),
        (b"[1]", "/data"),
        (b"\xff\xfe", "/data"),
        (b'{"data":"Ashby"}', "/data"),
        (b'{"data":[null]}', "/data/0"),
        (b"[" * 100_000, "/data"),
    ],
)
def test_what_is_no_callback_is_told_by_its_place(raw: bytes, place: str) -> None:
    unread = read_callback(raw)
    assert isinstance(unread, UnreadNews) and unread.place == place and "Ashby" not in repr(unread)


@pytest.mark.parametrize("item", [message_item, channel_item])
@pytest.mark.parametrize("value", [None, 7, "", [], {"name": "Ashby"}, "Ashby\x00", "Ashby" * 99, "\ud800", True])
def test_one_broken_part_and_nothing_is_taken_and_nobody_shown(item: Callable[..., Any], value: object) -> None:
    optional = {"messageFailureReasonCode", "messageStatusDescription", "supplierStatus", "retryCount", "cascadeOrder"}
    for name in item()["attributes"].keys() - optional:
        unread = called_back(message_item(), item(**{name: value}))
        assert isinstance(unread, UnreadNews) and unread.place == f"/data/1/attributes/{name}"
        assert "Ashby" not in repr(unread)
    for name in ("cascadeOrder", "retryCount") if item is channel_item and value != 7 else ():
        assert isinstance(called_back(item(**{name: value})), UnreadNews)


@pytest.mark.parametrize("time", ["2026-01-06T09:00:00", "6 January", "0001-01-01T00:00:00+14:00", "2026-13-01T00:00Z"])
def test_a_time_without_its_zone_is_none(time: str) -> None:
    assert isinstance(called_back(message_item(timestamp=time)), UnreadNews)


@given(st.binary(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(["MessageStatus", "r", ID]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["data", "type", "attributes", "meta", "messageId", "timestamp", "id", "errors", "code",
                         "source", "pointer", "timestamps", "channels", "idempotencyKey"]), inner, max_size=6),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_nothing_that_may_come_makes_it_stumble(raw: bytes) -> None:
    assert isinstance(read_callback(raw), tuple | UnreadNews)
    for status in (200, 201, 400, 404, 422, 500, 503):
        answer = Response(status, raw)
        if LANGUAGE.later(answer) is None:
            assert isinstance(told(LANGUAGE.hand_over(batch(2)), answer), Accepted | AcceptedBefore | Refused)
            assert isinstance(told(LANGUAGE.ask(ID), answer), tuple | Refused | None)
            assert isinstance(told(LANGUAGE.knock(), answer), str)


# -- who calls back

RAW = b'{"data": [{"type": "MessageStatus"}]}'


def signed(raw: bytes, application: str = "app", key: str = "key") -> str:
    return hmac.new(f"{application}.{key}".encode(), raw, hashlib.sha256).hexdigest()


def test_a_signature_is_over_the_bytes_as_they_came() -> None:
    right = signed(RAW)
    assert signature_is_right(RAW, right, "app", "key")
    again = json.dumps(json.loads(RAW), separators=(",", ":"), sort_keys=True).encode()
    forged = [
        (again, right), (RAW + b"\n", right), (RAW[:-1], right), (b"", right), (RAW, right[:-1]), (RAW, right[:32]),
        (RAW, ""), (RAW, right + "0"), (RAW, "0" * 64), (RAW, signed(RAW, "app", "other")), (RAW, signed(again)),
        (RAW, "\udcff"), (RAW, "é" * 64), (RAW, "\ud800"),
    ]  # fmt: skip
    for raw, signature in forged:
        assert not signature_is_right(raw, signature, "app", "key")


def test_the_vector_agrees() -> None:
    known = vector()
    application, _, key = known["secret"].partition(".")
    raw = known["body_utf8"].encode()
    assert signature_is_right(raw, known["x-hmac-sha256-signature"], application, key)
    assert not signature_is_right(raw, known["same_body_but_json_dumps_sort_keys"], application, key)
    assert isinstance(read_callback(raw), tuple)


def test_where_no_key_is_agreed_none_is_right() -> None:
    assert not signature_is_right(RAW, signed(RAW, "", ""), "", "")
    assert not signature_is_right(RAW, signed(RAW, "app", ""), "app", "")
    assert not api_key_is_right("", "")
    assert api_key_is_right("key", "key") and not api_key_is_right("kez", "key") and not api_key_is_right("", "key")
