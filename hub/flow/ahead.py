"""Reading ahead for several events that are handled in one transaction: what each would ask for is asked for all.

First everything that the events speak of is held, then it is read: nobody else may change it until the commit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hub.contract import Envelope, event_from_json
from hub.domain.events import DischargeReported, Event, ResultReported
from hub.domain.matching import search_keys
from hub.domain.people import Claim
from hub.flow.ports.store import Transaction
from hub.flow.step import names_of, person_name, slide_of


def read_ahead(tx: Transaction, envelopes: Sequence[Envelope]) -> None:
    """Of reported results: their messages, what is known of them and of their slides, who might be meant."""
    tx.write_down()  # other work of the same transaction may have been about the same slides and people
    reported = [(envelope, event_from_json(envelope.type, envelope.data)) for envelope in envelopes]
    tx.hold(*(name for envelope, event in reported for name in names_of(envelope.subject, event)))
    tx.journal.read_ahead([(envelope.feed, envelope.digest) for envelope, _ in reported])
    tx.results.read_ahead([envelope.subject for envelope, _ in reported], _slides(event for _, event in reported))
    claims = [event.claim for _, event in reported if isinstance(event, ResultReported | DischargeReported)]
    tx.cohort.read_ahead(key for claim in claims for key in search_keys(claim))
    people = _probably_meant(tx, claims)
    tx.hold(*(person_name(participant_id) for participant_id in people))
    for part in (tx.records, tx.tasks, tx.letters):
        part.read_ahead(people)


def _probably_meant(tx: Transaction, claims: Iterable[Claim]) -> list[str]:
    """Who has the number that is claimed. Whose the result is, is decided elsewhere: this only saves questions."""
    holders = (
        person.participant_id
        for claim in claims
        if claim.nhs_number
        for person in tx.cohort.candidates(search_keys(claim))
        if person.nhs_number == claim.nhs_number
    )
    return list(dict.fromkeys(holders))


def _slides(events: Iterable[Event]) -> list[tuple[str, str]]:
    slides = [slide for event in events if (slide := slide_of(event))]
    named = [(slide.laboratory_code, slide.slide_number) for slide in slides]
    return [(laboratory, number) for laboratory, number in dict.fromkeys(named) if laboratory and number]
