"""Hints that PDS knows something new of somebody: she is read again, and what is newer is taken over."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from hub.domain.demographics import Answer, Found, Hint
from hub.flow.demographics import apply_demographics
from hub.flow.ports.questions import Kind, QuestionRow
from hub.flow.ports.store import Transaction
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
    """Only a newer version of her record changes anything: answers may overtake each other. Where PDS has replaced the
    number, whoever bore it bears the new one."""
    step.tx.hold_everything()
    if not isinstance(answer, Found):
        step.tx.questions.settle(question, type(answer).__name__, step.now)
    elif apply_demographics(step, answer.person, answer.superseded):
        step.tx.questions.settle(question, "taken-over", step.now, answer.person.version)
    else:
        step.tx.questions.settle(question, "not-newer", step.now)
