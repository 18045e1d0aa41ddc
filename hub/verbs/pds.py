"""`hub pds`: an engineer proves the connection to PDS, and asks it one question by hand."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys
from datetime import date
from typing import TYPE_CHECKING, Any

from hub.errors import CannotRun, Retry
from hub.verbs.connection import show_connection
from hub.verbs.speaking import data_argument, json_argument, opened_store, say, say_json, say_table, settings_of

if TYPE_CHECKING:
    from hub.config import Settings
    from hub.domain.demographics import Answer, Question
    from hub.flow.ports.store import Store
    from hub.io.pds import PdsDoor
    from hub.io.store import SqlStore

EXAMPLES = (
    "hub pds check                        token, reachability and clock; asks about nobody",
    "hub pds status                       what waits to be asked, since when, how fast it is asked",
    "hub pds ask                          whose NHS number is it? The number is asked for, never an argument",
    "hub pds ask --claim                  who is it? Family name, given name, date of birth and postcode are asked for",
)
_CLAIM = ("Family name", "Given name (may be empty)", "Date of birth (yyyy-mm-dd)", "Postcode (may be empty)")


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser("check", help="whether PDS takes our key and answers, and whether the clocks agree")
    ask = actions.add_parser(
        "ask",
        help="ask PDS by hand, and see its answer",
        description="Ask PDS whose NHS number it is, or who fits a claim. Number and claim are read from the terminal "
        "or, line by line, from standard input. Each question is one of the questions a second that all processes "
        "share, and is audited by a log line without the number.",
    )
    ask.add_argument("--claim", action="store_true", help="ask by name, date of birth and postcode")
    status = actions.add_parser("status", help="how many questions wait in the store, and since when the oldest")
    for action in (check, ask, status):
        data_argument(action)
        json_argument(action)


def run(options: argparse.Namespace) -> int:
    from hub import telemetry

    settings = settings_of(options)
    telemetry.configure(settings.log_json, "warning")
    if options.action == "status":
        with opened_store(options) as store:
            return _status(store, settings, options)
    if not settings.pds_url:
        raise CannotRun("No PDS is configured. Set HUB_PDS_URL and the other HUB_PDS_ settings.")
    with opened_store(options) as store:
        if options.action == "check":
            return asyncio.run(_check(store, options))
        return asyncio.run(_ask(store, _question(options.claim), options))


def _door(store: Store, options: argparse.Namespace) -> PdsDoor:
    from hub.app import pds_of

    door = pds_of(settings_of(options), store)
    assert door is not None, "there is a PDS: looked at before"
    return door


# -- status


def _status(store: SqlStore, settings: Settings, options: argparse.Namespace) -> int:
    """Works without PDS too: what waits shows best where PDS has been taken away."""
    backlog = store.read_now(lambda tx: tx.questions.backlog())
    held = {
        kind: {"waiting": one.waiting, "oldest_at": one.oldest_at.isoformat() if one.oldest_at else None}
        for kind, one in backlog.items()
    }
    if options.json:
        say_json({"configured": bool(settings.pds_url), "per_second": settings.pds_per_second, "questions": held})
        return 0
    names = {"claim": "results that fit nobody", "person": "people of whom PDS may know something new"}
    say_table(
        ("asked about", "waiting", "the oldest since"),
        [(names[kind], one["waiting"], one["oldest_at"] or "-") for kind, one in held.items()],
    )
    if not settings.pds_url:
        say("No PDS is configured: nobody is asked. Set HUB_PDS_URL and the other HUB_PDS_ settings.")
        return 0
    say(f"At most {settings.pds_per_second:g} requests a second, by all processes together.")
    say("Whether PDS answers: /ready of a worker (`without`), hub_api_circuit_open, `hub pds check`.")
    return 0


# -- ask


def _question(claim: bool) -> Question:
    from hub.domain.demographics import WhoHas, WhoIs

    if not claim:
        return WhoHas(_read("NHS number (not shown)"))
    family, given, born, postcode = (_read(what) for what in _CLAIM)
    try:
        return WhoIs(family, date.fromisoformat(born), given, postcode)
    except ValueError:
        raise CannotRun("The date of birth is not of the form yyyy-mm-dd. Ask again.") from None


def _read(what: str) -> str:
    """Nothing of it stays on the screen or in the shell's history."""
    return (getpass.getpass(f"{what}: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()


async def _ask(store: Store, question: Question, options: argparse.Namespace) -> int:
    from hub import telemetry

    outcome = "not-answered"
    async with _door(store, options) as pds:
        try:
            answer = await pds.ask(question)
            outcome = type(answer).__name__
        except Retry as away:
            outcome = away.hint
            raise CannotRun(f"{away.reason.sentence} ({away.hint}) `hub pds check` says more.") from None
        finally:
            telemetry.pds_asked_by_hand(type(question).__name__, outcome, getpass.getuser())
    return _show(answer, options.json)


def _show(answer: Answer, as_json: bool) -> int:
    from hub.domain.demographics import Found

    found = isinstance(answer, Found)
    fields = _fields(answer)
    if as_json:
        say_json(fields)
    else:
        for name, value in fields.items():
            if value not in (None, "", [], False):
                say(f"{name.replace('_', ' '):20} {', '.join(value) if isinstance(value, list) else value}")
    return 0 if found else 1


def _fields(answer: Answer) -> dict[str, Any]:
    """The answer for an operator, in a fixed order."""
    from hub.domain.demographics import Ambiguous, Found, Invalidated, NotFound, Refused

    if isinstance(answer, Refused):
        who = "correct the question" if answer.fault.value == "question" else "an engineer must look"
        return {"answer": "refused", "code": answer.code, "do": who}
    if not isinstance(answer, Found):
        sentences = {
            NotFound: "not found",
            Ambiguous: "several people fit; PDS names none of them",
            Invalidated: "the number is no longer anybody's",
        }
        return {"answer": sentences[type(answer)]}
    person = answer.person
    return {
        "answer": "found",
        "nhs_number": person.nhs_number,
        "superseded": answer.superseded,
        "version": person.version,
        "family_name": person.family_name,
        "given_names": list(person.given_names),
        "former_family_names": list(person.former_family_names),
        "date_of_birth": str(person.date_of_birth or ""),
        "gender": person.gender,
        "address": "withheld (restricted)" if person.restricted else list(person.address_lines),
        "postcode": person.postcode,
        "practice_code": person.practice_code,
        "restricted": person.restricted,
        "death": f"{'formal' if person.death.formal else 'informal'} {person.death.on or ''}" if person.death else "",
        "removal": f"{person.removal.reason} {person.removal.since or ''}" if person.removal else "",
    }


# -- check


async def _check(store: Store, options: argparse.Namespace) -> int:
    async with _door(store, options) as pds:
        return await show_connection(pds, "PDS", as_json=options.json)
