"""The AsyncAPI 3.0 document: what another team needs to read the hub's events, made from the event types and the
topology. Payloads point to the JSON Schemas that lie beside it.
"""

from __future__ import annotations

import inspect
import json
from typing import Any

from hub.contract import EVENT_TYPES
from hub.flow.consumers import CONSUMERS
from hub.io.rabbit.cloudevents import CONTENT_TYPE, EXTENSIONS, PREFIX, SOURCE, SPECVERSION, TRACEPARENT, cloud_type
from hub.io.rabbit.topology import DEAD, EVENTS, EXCHANGES, QUEUES, Queue, is_wanted, queue_of, routing_key

Part = dict[str, Any]

BINDING = "0.3.0"
"""The version of AsyncAPI's AMQP binding."""
PERSISTENT = 2
HEADERS = "CloudEventsHeaders"
ABOUT = f"""\
The events of the cervical screening messaging hub: facts in its own words, past tense.

To read along, declare a queue of your own and bind it to the exchange `{EVENTS}`: with `#` for everything, or with the
routing keys below (`result.*`, `letter.wished`). Do not consume from the queues `screening.*`: a message taken from
there is work taken away from the hub.

- Events are CloudEvents {SPECVERSION} in binary mode: attributes are headers `{PREFIX}...`, the body is JSON.
- An event arrives at least once. The same `{PREFIX}id` is the same event: keep the ids you have handled.
- The order is not guaranteed. `{PREFIX}time` says when it happened; `{PREFIX}supersedes` names an older event
  that no longer counts.
- A field may be added to an event at any time: overlook what you do not know. A change that could break a reader gets
  a new type, `.v2`, beside the old one.
- Bodies hold personal data; headers hold ids, and nothing that names a person.
"""


def asyncapi_text(version: str) -> str:
    """The text of `hub/schemas/asyncapi.json`."""
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Screening hub", "version": version, "description": ABOUT, "license": {"name": "MIT"}},
        "defaultContentType": CONTENT_TYPE,
        "channels": {routing_key(name): _key_channel(name) for name in EVENT_TYPES}
        | {queue.name: _queue_channel(queue) for queue in QUEUES},
        "operations": {f"send{name}": _send(name) for name in EVENT_TYPES}
        | {f"receiveFrom:{queue.name}": _receive(queue) for queue in QUEUES if _is_read_by_the_hub(queue)},
        "components": {
            "messages": {name: _message(name) for name in EVENT_TYPES},
            "schemas": {HEADERS: _headers()},
        },
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def described(name: str) -> str:
    """What an event says, as its type is documented."""
    return inspect.cleandoc(EVENT_TYPES[name].__doc__ or "")


def events_in(queue: Queue) -> tuple[str, ...]:
    """The types of event that may come out of a queue; of the dead letters, what its feeding queues may give up."""
    if queue.exchange == EVENTS:
        return tuple(name for name in EVENT_TYPES if routing_key(name) in queue.keys)
    feeding = [one for one in QUEUES if one.arguments.get("x-dead-letter-exchange") == queue.exchange]
    given_up = {name for one in feeding for name in events_in(one)}
    return tuple(name for name in EVENT_TYPES if name in given_up)


def _is_read_by_the_hub(queue: Queue) -> bool:
    ours = {queue_of(consumer) for names in CONSUMERS.values() for consumer in names}
    return queue.name in ours or queue.name == DEAD


def _key_channel(name: str) -> Part:
    exchange = next(exchange for exchange in EXCHANGES if exchange.name == EVENTS)
    told = {"name": exchange.name, "type": exchange.kind, "durable": True, "autoDelete": False}
    return {
        "address": routing_key(name),
        "title": f"{name}, by its routing key",
        "description": described(name),
        "messages": _messages((name,)),
        "bindings": {"amqp": {"is": "routingKey", "exchange": told, "bindingVersion": BINDING}},
    }


def _queue_channel(queue: Queue) -> Part:
    told = {"name": queue.name, "durable": True, "exclusive": False, "autoDelete": False}
    return {
        "address": queue.name,
        "title": f"The queue {queue.name}",
        "description": queue.purpose,
        "messages": _messages(events_in(queue)),
        "bindings": {
            "amqp": {
                "is": "queue",
                "queue": told,
                "bindingVersion": BINDING,
                # The binding has no words of its own for these two.
                "x-arguments": dict(queue.arguments),
                "x-bound-to": {"exchange": queue.exchange, "routingKeys": list(queue.keys)},
            }
        },
    }


def _messages(names: tuple[str, ...]) -> Part:
    return {name: {"$ref": f"#/components/messages/{name}"} for name in names}


def _send(name: str) -> Part:
    return _operation(
        "send", routing_key(name), (name,), described(name).splitlines()[0],
        {"deliveryMode": PERSISTENT, "mandatory": is_wanted(name)},
    )  # fmt: skip


def _receive(queue: Queue) -> Part:
    return _operation("receive", queue.name, events_in(queue), queue.purpose, {"ack": True})


def _operation(action: str, channel: str, names: tuple[str, ...], summary: str, amqp: Part) -> Part:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "bindings": {"amqp": {**amqp, "bindingVersion": BINDING}},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names],
    }


def _message(name: str) -> Part:
    return {
        "name": name,
        "title": name,
        "summary": described(name).splitlines()[0],
        "contentType": CONTENT_TYPE,
        "headers": {
            "type": "object",
            "allOf": [{"$ref": f"#/components/schemas/{HEADERS}"}],
            "properties": {f"{PREFIX}type": {"const": cloud_type(name)}},
        },
        "payload": {"$ref": f"./{name}.json"},
    }


def _headers() -> Part:
    """What the headers of all events have in common."""
    needed = {
        "specversion": {"const": SPECVERSION},
        "source": {"const": SOURCE, "description": "The same for every event."},
        "type": {"type": "string", "description": "What kind of event, and the version of its form."},
        "id": {"type": "string", "format": "uuid", "description": "The same id is the same event."},
        "time": {"type": "string", "format": "date-time", "description": "When it happened, in UTC."},
    }
    subject = {"subject": {"type": "string", "description": "What it is about: the id of a result or a participant."}}
    more = {name: {"type": "string", "description": text} for name, text in EXTENSIONS.items()}
    plain = {TRACEPARENT: {"type": "string", "description": f"`{PREFIX}{TRACEPARENT}` again, for OpenTelemetry."}}
    return {
        "type": "object",
        "required": [PREFIX + name for name in needed],
        "properties": {PREFIX + name: schema for name, schema in (needed | subject | more).items()} | plain,
    }
