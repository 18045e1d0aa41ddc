"""Hints that PDS knows something new of somebody: she is read again, and what is newer is taken over."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from hub.domain.demographics import Answer, Demographics, Found, Hint
from hub.domain.people import Participant
from hub.flow.clerks import people_changed
from hub.flow.ports import Transaction
from hub.flow.question_ports import Kind, QuestionRow
from hub.flow.step import Step


def take(tx: Transaction, hints: Sequence[Hint], at: datetime) -> None:
    """Each becomes a question, one for each person however many hints there are."""
    first = {hint.nhs_number: hint for hint in reversed(hints)}
    tx.questions.ask_again(list(first), at)
    tx.questions.put([QuestionRow(Kind.PERSON, hint.nhs_number, hint.kind, at, at) for hint in first.values()])


def concerns_us(tx: Transaction, question: QuestionRow) -> bool:
    """Events come about everybody in England; PDS is asked only about those of the cohort."""
    return tx.cohort.by_nhs_number(question.subject) is not None


def not_ours(step: Step, question: QuestionRow) -> None:
    step.tx.questions.settle(question, "not-of-the-cohort", step.now)


def answered(step: Step, question: QuestionRow, answer: Answer) -> None:
    """Only a newer version of her record changes anything: answers may overtake each other."""
    step.tx.hold_everything()
    person = answer.person if isinstance(answer, Found) else None
    known = step.tx.cohort.by_nhs_number(question.subject)
    if person is None or known is None or person.nhs_number != question.subject:
        step.tx.questions.settle(question, _word(answer), step.now)
    elif person.version <= step.tx.questions.newest_version(question.subject):
        step.tx.questions.settle(question, "not-newer", step.now)
    elif step.tx.questions.settle(question, "taken-over", step.now, person.version):
        people_changed(step, [known_as(known, person)])


def known_as(known: Participant, person: Demographics) -> Participant:
    """The participant with what PDS knows of her now. What it withholds or does not know stays as it was."""
    fresh = person.participant(known.participant_id)
    if fresh is None:
        return known
    fresh = replace(fresh, next_test_due_on=known.next_test_due_on, joined_on=known.joined_on)
    former = tuple(dict.fromkeys([*fresh.former_family_names, *_borne_before(known, fresh)]))
    fresh = replace(fresh, former_family_names=former, gender=fresh.gender or known.gender)
    if not person.restricted:
        return fresh
    return replace(fresh, address_lines=known.address_lines, postcode=known.postcode, practice_code=known.practice_code)


def _borne_before(known: Participant, fresh: Participant) -> Iterable[str]:
    """Results come under her former name for a while."""
    return [name for name in (known.family_name, *known.former_family_names) if name != fresh.family_name]


def _word(answer: Answer) -> str:
    return "superseded" if isinstance(answer, Found) else type(answer).__name__
