"""An unknown claim asks PDS before a clerk must: how its task waits meanwhile, and what becomes of it then.

The task is there from the beginning, in the state `asking`: the result waits under it as under any other, so that a
correction, new evidence or a clerk may settle it before PDS does. PDS is asked between two transactions (`asker`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hub.domain.dates import day_in_england
from hub.domain.demographics import (
    Ambiguous,
    Answer,
    Demographics,
    Found,
    Invalidated,
    NotFound,
    Question,
    WhoHas,
    WhoIs,
)
from hub.domain.joining import why_not_join
from hub.domain.nhs_number import is_valid
from hub.domain.people import Claim, Participant
from hub.errors import Reason
from hub.flow.cohort_import import take_people
from hub.flow.parking import ASKING, tell_of
from hub.flow.ports.questions import Kind, QuestionRow
from hub.flow.step import Step

NOT_ANSWERED = "PDS has not answered for too long."
NOT_ASKED = "PDS could not be asked: this hub has no connection to it any more."


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, and what PDS said."""

    question: Question
    answer: Answer

    @property
    def person(self) -> Demographics | None:
        return self.answer.person if isinstance(self.answer, Found) else None


def questions_about(claim: Claim | None) -> list[Question]:
    """What PDS can be asked about a claim, in order: by the number, then by everything else."""
    if claim is None:
        return []
    by_number = [WhoHas(claim.nhs_number)] if claim.nhs_number and is_valid(claim.nhs_number) else []
    by_name = WhoIs.of(claim)
    return [*by_number, *([by_name] if by_name else [])]


def is_she(claim: Claim, person: Demographics) -> bool:
    """Whether what was found by the number is who the claim says, so that nobody need be looked for by name. Nothing is
    decided by it: that is for the matching."""
    same_name = (claim.family_name or "").casefold() in {
        name.casefold() for name in (person.family_name, *person.former_family_names)
    }
    return same_name and claim.date_of_birth == person.date_of_birth


def answered(step: Step, question: QuestionRow, asked: Sequence[Asked]) -> None:
    """PDS has said all that it has to say about a task's claim. Whoever is found and eligible joins the cohort, and the
    claim is decided on anew by the same matching; what is not certain then is the clerk's."""
    step.tx.hold_everything()
    if not step.tx.questions.settle(question, outcome_of(asked), step.now):
        return  # another has brought the answer
    joined(step, asked)
    open_for_clerk(step, question.subject, said(step, asked))


def joined(step: Step, asked: Sequence[Asked]) -> None:
    """Whoever is found and eligible joins the cohort; claims that wait for her are looked at again."""
    people = [person for each in asked if (person := _eligible(step, each))]
    if people:
        take_people(step, people)


def answered_to_clerk(step: Step, task_id: str, asked: Sequence[Asked], *, by: str) -> str:
    """The same for a clerk who asks about a task: whoever is found is among its candidates then, or the task is
    settled. Returns what PDS said; who asked, and when, is kept."""
    step.tx.hold_everything()
    joined(step, asked)
    sentence = said(step, asked)
    asked_by_clerk(step, task_id, outcome_of(asked), by=by, why=sentence)
    return sentence


def asked_by_clerk(step: Step, task_id: str, outcome: str, *, by: str, why: str) -> None:
    """The audit's row; it holds no number."""
    row = QuestionRow(Kind.CLERK, task_id, by, step.now, step.now, 1, why, "settled", outcome, settled_at=step.now)
    step.tx.questions.put([row])


def given_up(step: Step, question: QuestionRow, why: str) -> None:
    """The answer has not come in time: a clerk decides without it."""
    step.tx.hold_everything()
    if step.tx.questions.settle(question, "given-up", step.now):
        open_for_clerk(step, question.subject, why)


def open_for_clerk(step: Step, task_id: str, hint: str) -> None:
    """A task that still asks becomes one for a clerk, who reads what PDS said."""
    task = step.tx.tasks.get(task_id)
    if task is None or task.state != ASKING:
        return
    reason = Reason.UNSURE if task.candidates else Reason.UNKNOWN
    opened = replace(task, state="open", reason=reason.code, hint=hint)
    step.put_task(opened)
    tell_of(step, opened)


def outcome_of(asked: Sequence[Asked]) -> str:
    """In one word, for the audit."""
    kinds = [type(each.answer) for each in asked]
    last = kinds[-1].__name__ if kinds else "none"
    return next((kind.__name__ for kind in (Found, Ambiguous) if kind in kinds), last)


def said(step: Step, asked: Sequence[Asked]) -> str:
    """What PDS was asked by and what it said, as sentences without values."""
    if not asked:
        return "The claim says too little to ask PDS."
    return " ".join(_said(step, each) for each in asked)


def _said(step: Step, asked: Asked) -> str:
    how = "By the number" if isinstance(asked.question, WhoHas) else "By name, date of birth and postcode"
    return f"{how}: {_sentence(step, asked)}"


def _sentence(step: Step, asked: Asked) -> str:
    answer = asked.answer
    if isinstance(answer, Found):
        why_not = why_not_join(answer.person, step.policies.call, day_in_england(step.now))
        if answer.superseded:
            return "The number has been replaced by another one. " + (why_not or "She is in the cohort under that.")
        return why_not or "PDS knows her, and she is in the cohort now; but the claim does not agree with certainty."
    sentences = {
        NotFound: "PDS found nobody.",
        Ambiguous: "PDS found several people, and names none of them.",
        Invalidated: "PDS says that the number is nobody's now.",
    }
    return sentences.get(type(answer), "PDS could not answer this question.")


def _eligible(step: Step, asked: Asked) -> Participant | None:
    person = asked.person
    if person is None or why_not_join(person, step.policies.call, day_in_england(step.now)):
        return None
    if step.tx.cohort.by_nhs_number(person.nhs_number):
        return None  # she is in the cohort already: what is known of her there is not changed by a result
    return person.participant("")  # its id says nothing of her
