"""The FHIR door beside MLLP: the same intake and relay, reports as Bundles over HTTP and as HL7 v2 over MLLP.

Each connection waits for its answer before it sends the next. The sender is a process of its own:

    python -m tests.bench.over_http PORT FILE CONNECTIONS    FILE holds JSON: the token, and the Bundles as texts
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from urllib.parse import urlencode

from hub.domain.people import Participant
from tests.bench.report import Figures, line, milliseconds, progress, title
from tests.bench.roles import ROOT, Hub, Servers, environment, hub, run_program
from tests.bench.sender import Sent
from tests.bench.ways import CONNECTIONS, WARM, Laboratory

BUNDLES = 2_000
GOLDEN = ROOT / "tests" / "golden" / "ashdown" / "HPV negative, routine recall.json"
SLIDE, MESSAGE = "26AS00001", "00000000-0000-4000-9000-000000000001"
FHIR_JSON = {"Content-Type": "application/fhir+json"}


def bundles(count: int, first: int) -> list[str]:
    """The golden report, each of a slide and a name of its own."""
    text = GOLDEN.read_text(encoding="utf-8")
    assert text.count(SLIDE) == 1
    return [
        text.replace(SLIDE, f"26AS{number:05}").replace(MESSAGE, f"00000000-0000-4000-9000-{number:012}")
        for number in range(first, first + count)
    ]


def acknowledging(on: Servers, people: Sequence[Participant], figures: Figures) -> None:
    """Both doors of one hub, one after the other."""
    progress("intake and relay, over HTTP and over MLLP")
    with _tables() as mappings, hub(on, ("intake", "relay"), HUB_MAPPINGS=str(mappings)) as at_work:
        (port,), laboratory = at_work.partners, Laboratory(people)
        token = _token(port)
        at_work.send(laboratory.reports(WARM), CONNECTIONS)
        _send(port, token, bundles(WARM, 1), CONNECTIONS)
        for name, count, connections, first in (("8", BUNDLES, CONNECTIONS, 1_000), ("1", BUNDLES // 4, 1, 50_000)):
            sent = _send(port, token, bundles(count, first), connections)
            figures.add(f"http {name}", count / (at_work.wait_until_no_event("confirmed") - sent.began))
            figures.add_all(f"http ack {name}", milliseconds(sent.took))
            figures.add(f"http mllp {name}", _over_mllp(at_work, laboratory, count, connections))


def _over_mllp(at_work: Hub, laboratory: Laboratory, count: int, connections: int) -> float:
    sent = at_work.send(laboratory.reports(count), connections)
    return count / (at_work.wait_until_no_event("confirmed") - sent.began)


def show(figures: Figures) -> None:
    title("FHIR Bundles over HTTP: answered 201, and the mapped event confirmed by RabbitMQ")
    for name, connections in (("8", "8 connections, each waiting for its answers"), ("1", "1 connection")):
        rate, mllp, took = (
            figures.median(f"http {name}"),
            figures.median(f"http mllp {name}"),
            figures.under(f"http ack {name}"),
        )
        line(connections, f"{rate:,.0f}/s", f"MLLP, HL7 v2 {mllp:,.0f}/s")
        line("  answered after, p50 / p99", f"{took['p50']:.1f} / {took['p99']:.1f} ms")


@contextmanager
def _tables() -> Iterator[Path]:
    from tests.io.partners import ACCESS, tables

    with TemporaryDirectory() as place:
        mappings = Path(place) / "mappings"
        shutil.copytree(ROOT / "mappings", mappings)
        tables(mappings / "feeds", {"ashdown": ACCESS["ashdown"]})
        yield mappings


def _token(port: int) -> str:
    from hub.io.http.token_service import ASSERTION_TYPE, GRANT
    from tests.io.partners import assertion

    at = f"http://127.0.0.1:{port}/oauth2/token"
    signed = assertion(at, datetime.now(UTC), iss="ashdown", sub="ashdown")
    form = urlencode({"grant_type": GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": signed})
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("POST", "/oauth2/token", form, {"Content-Type": "application/x-www-form-urlencoded"})
    token: str = json.load(connection.getresponse())["access_token"]
    connection.close()
    return token


def _send(port: int, token: str, texts: list[str], connections: int) -> Sent:
    with TemporaryDirectory() as place:
        file = Path(place) / "bundles"
        file.write_text(json.dumps({"token": token, "bundles": texts}), encoding="utf-8")
        words = (str(port), str(file), str(connections))
        sent = Sent(**json.loads(run_program("tests.bench.over_http", *words, settings=environment())))
    assert not sent.refused, f"{sent.refused} of {len(texts)} were not answered 201"
    return sent


def _post(port: int, token: str, bodies: list[bytes]) -> tuple[list[float], int]:
    """Over one connection: how long each answer took, and how many were not 201."""
    connection, took, refused = HTTPConnection("127.0.0.1", port, timeout=60), [], 0
    for body in bodies:
        due = monotonic()
        connection.request("POST", "/FHIR/R4/Bundle", body, {**FHIR_JSON, "Authorization": f"Bearer {token}"})
        answer = connection.getresponse()
        answer.read()
        took.append(monotonic() - due)
        refused += answer.status != 201
    connection.close()
    return took, refused


def main(port: str, file: str, connections: str) -> None:
    given = json.loads(Path(file).read_text(encoding="utf-8"))
    bodies = [text.encode() for text in given["bundles"]]
    began = monotonic()
    with ThreadPoolExecutor(int(connections)) as pool:
        shares = [bodies[number :: int(connections)] for number in range(int(connections))]
        done = list(pool.map(lambda share: _post(int(port), given["token"], share), shares))
    told = {
        "began": began,
        "ended": monotonic(),
        "refused": sum(refused for _, refused in done),
        "took": [one for took, _ in done for one in took],
    }
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
