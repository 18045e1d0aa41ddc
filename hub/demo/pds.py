"""The cases in which PDS has a say: a newcomer, a death, a new NHS number; and the simulated PDS that says it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

from adapters.simulators.pds import PdsSimulator
from adapters.simulators.pds_keys import new_keys
from adapters.simulators.pds_people import Registered
from hub.config import Settings
from hub.demo.case import Case, Complaint, Sending
from hub.demo.teller import Teller
from hub.domain.people import Participant
from hub.flow.ports.store import Transaction

PER_SECOND = 20.0
"""Faster than the real one allows, so that the story is short."""


@asynccontextmanager
async def simulated_pds(registered: Sequence[Registered], settings: Settings) -> AsyncIterator[Settings]:
    """The settings of a hub that asks a PDS that knows these people."""
    key, public = new_keys(settings.data)
    async with PdsSimulator(registered, public) as pds:
        yield replace(
            settings,
            pds_url=pds.url,
            pds_token_url=pds.token_url,
            pds_client=pds.client,
            pds_kid=pds.kid,
            pds_key=key,
            pds_per_second=PER_SECOND,
        )


def with_pds(teller: Teller) -> Iterator[Case]:
    yield _newcomer(teller)
    yield _death(teller)
    yield _new_number(teller)


def _newcomer(teller: Teller) -> Case:
    feed, person = teller.feed(), teller.newcomer()
    teller.registered.append(Registered(person))
    raw = teller.told(feed, person, teller.result(feed))
    return Case("a person only PDS knows: she joins the cohort", feed, (Sending(raw),), _has_joined(person))


def _death(teller: Teller) -> Case:
    feed, person = teller.feed(), teller.person()
    died_on = teller.now.date() - timedelta(days=1)
    teller.registered.append(Registered(person, died_on=died_on, notice="2", removal="DEA"))
    raw = teller.told(feed, person, teller.result(feed))
    heard = _event("pds-death-notification-2", person)
    return Case("PDS tells of a death: she is ceased", feed, (Sending(raw),), _is_ceased(person), heard)


def _new_number(teller: Teller) -> Case:
    feed, person, number = teller.feed(), teller.person(), teller.newcomer().nhs_number
    renumbered = replace(person, nhs_number=number)
    teller.registered += [Registered(person, superseded_by=number), Registered(renumbered, version=4)]
    raw = teller.told(feed, person, teller.result(feed))
    heard = _event("nhs-number-change-2", person)
    return Case("PDS tells of a new NHS number: hers now", feed, (Sending(raw),), _has_joined(renumbered), heard)


def _event(kind: str, person: Participant) -> bytes:
    """As the Multicast Notification Service words it (CloudEvents). Only that something has changed is believed."""
    said = {"specversion": "1.0", "id": f"demo-{kind}", "source": "uk.nhs.personal-demographics-service"}
    return json.dumps({**said, "type": kind, "subject": person.nhs_number}).encode()


def _has_joined(person: Participant) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        known = tx.cohort.by_nhs_number(person.nhs_number)
        record = tx.records.get(known.participant_id) if known else None
        return "" if record and len(record["results"]) == 1 else "her result does not stand under her number"

    return also


def _is_ceased(person: Participant) -> Callable[[Transaction], Complaint]:
    def also(tx: Transaction) -> Complaint:
        record = tx.records.get(person.participant_id) or {}
        goes_out = any(letter.state == "wished" for letter in tx.letters.of(person.participant_id))
        return "" if record.get("ceased") and not goes_out else f"she is called {record.get('recall_type')}"

    return also
