"""`hub send`: a real MLLP client that reports each answer."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun
from hub.verbs.speaking import count, json_argument, say, say_json, settings_of

if TYPE_CHECKING:
    from hub.io.mllp import MllpClient

EXAMPLES = (
    "hub send report.hl7                           to the hub on this machine",
    "hub send *.hl7 --to hub.example.org:2575      several files over one connection",
    "hub send report.hl7 --tls --ca ca.pem         over TLS",
    "hub send report.hl7 --times 2                 the same bytes again: the stored reply comes back",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One file sent, and what came back. `code` is empty where there was no answer; `why_not` then says why."""

    file: str
    code: str
    errors: list[str]
    milliseconds: float
    why_not: str = ""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="one HL7 v2 message (or batch) a file, sent as it is"
    )
    parser.add_argument("--to", metavar="HOST:PORT", help="where to (default: HUB_MLLP_HOST and HUB_MLLP_PORT)")
    parser.add_argument("--times", type=count, default=1, help="send each file so often (default 1)")
    parser.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="wait so long for an answer (default 30)"
    )
    tls_arguments(parser)
    json_argument(parser)


def tls_arguments(parser: argparse.ArgumentParser) -> None:
    """How a sender speaks TLS, and shows who it is."""
    parser.add_argument("--tls", action="store_true", help="speak TLS")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="trust this authority (with --tls)")
    parser.add_argument("--cert", type=Path, metavar="FILE", help="show this client certificate (with --tls)")
    parser.add_argument("--key", type=Path, metavar="FILE", help="its key (with --tls)")


def run(options: argparse.Namespace) -> int:
    messages = [(path, _read(path)) for path in options.files for _ in range(options.times)]
    sent = asyncio.run(_send_all(options, messages))
    if options.json:
        say_json([asdict(one) for one in sent])
    else:
        codes = [one.code or "no answer" for one in sent]
        say(", ".join(f"{codes.count(code)} {code}" for code in dict.fromkeys(codes)))
    return 0 if all(one.code in ("AA", "CA") for one in sent) else 1


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotRun(f"{path} cannot be read ({error.strerror}).") from None


async def _send_all(options: argparse.Namespace, messages: list[tuple[Path, bytes]]) -> list[Sent]:
    from hub.io.mllp import MllpClient, MllpError

    host, port = address_of(options)
    client = MllpClient(host, port, tls=tls_of(options))
    sent = []
    try:
        for path, raw in messages:
            sent.append(await _send(client, path, raw, options.timeout))
            if not options.json:
                _tell(sent[-1])
    except MllpError as error:
        advice = "Is the hub up there (`hub up`), and the port right (--to HOST:PORT)?"
        if options.tls:
            advice = "Does the door speak TLS, and does --ca name the authority that signed its certificate?"
        raise CannotRun(f"{error} {advice}") from None
    finally:
        await client.close()
    return sent


async def _send(client: MllpClient, path: Path, raw: bytes, timeout: float) -> Sent:  # noqa: ASYNC109 - handed on to the client
    from hub.formats.hl7v2 import read
    from hub.io.mllp import NoAnswerError, WrongAnswerError

    if not client.connected:
        await client.connect()
    started = perf_counter()
    try:
        reply = read(await client.send(raw, timeout))
    except (NoAnswerError, WrongAnswerError) as error:
        return Sent(str(path), "", [], _since(started), str(error))
    message = reply.messages[0] if reply.messages else None
    if message is None:
        return Sent(str(path), "", [], _since(started), "What came back is not HL7 v2.")
    return Sent(str(path), message.get("MSA-1"), _errors(message), _since(started))


def _errors(message: Any) -> list[str]:
    """Each ERR as one line: where, why."""
    lines = []
    for error in message.segments("ERR"):
        where = "^".join(error.value(2, part) for part in range(1, 7)).rstrip("^").replace("^", " ")
        lines.append(" · ".join(part for part in (where, error.value(5), error.value(8)) if part))
    return lines


def _since(started: float) -> float:
    return round((perf_counter() - started) * 1000, 2)


def _tell(one: Sent) -> None:
    say(f"{one.code or '--'}  {one.file}  {one.milliseconds} ms  {one.why_not}".rstrip())
    for line in one.errors:
        say(f"      {line}")


def address_of(options: argparse.Namespace) -> tuple[str, int]:
    """Where to send: --to, else where the hub of this environment listens."""
    settings = settings_of(options)
    if not options.to:
        return settings.mllp_host, settings.mllp_port
    host, _, port = options.to.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise CannotRun(f"--to takes HOST:PORT, like 127.0.0.1:2575, not {options.to!r}.")
    return host, int(port)


def tls_of(options: argparse.Namespace) -> Any:
    """The TLS that was asked for; None for none."""
    from hub.io.mllp import client_context

    return client_context(options.ca, options.cert, options.key) if options.tls else None
