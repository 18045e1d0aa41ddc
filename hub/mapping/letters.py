"""Loading `mappings/letters.toml`, the catalogue of letters, and holding it against what the hub can wish."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.domain.actions import Actions
from hub.domain.catalogue import SOURCES, Catalogue, CatalogueLetter, Following, Plan, every_code
from hub.mapping.tables import TableProblem, read_table, where_in

Words = Annotated[str, Meta(min_length=1)]
Family = Literal["invitation", "reminder", "result", "self-sample", "ceasing"]
When = Literal["invited", "reminded", "result-recorded", "ceased", "ceased-by-age"]
Channel = Literal["nhsapp", "email", "sms", "letter"]
Hours = Annotated[int, Meta(ge=1, le=24 * 90)]


class PlanLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One routing plan."""

    about: Annotated[Words, Meta(description="How it goes, for people.")]
    channels: Annotated[list[Channel], Meta(description="In the order in which they are tried.", min_length=1)]
    unread_hours: Annotated[int, Meta(description="Unread for so long, the next channel begins; 0 of one alone.", ge=0)]
    at_once: Annotated[bool, Meta(description="Whether a letter goes at once, without waiting for others.")] = False


class FollowingLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How what was sent is followed."""

    ask_after_hours: Annotated[Hours, Meta(description="So long without news, Notify is asked.")]
    margin_hours: Annotated[Hours, Meta(description="So much later than the plan says the next channel may begin.")]
    no_news_hours: Annotated[Hours, Meta(description="So long nothing is known of a message, and a clerk must look.")]
    ends_within_hours: Annotated[Hours, Meta(description="So long without an end, and a clerk must look.")]


class LetterLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One letter."""

    title: Annotated[Words, Meta(description="What it says, for people.")]
    family: Annotated[Family, Meta(description="Which kind of letter.")]
    when: Annotated[When, Meta(description="The event after which it is written.")]
    plan: Annotated[Words, Meta(description="The channel plan, one of [plans].")]
    letter_class: Annotated[
        Literal["", "normal", "abnormal"], Meta(description="CSMS's class of a result's letter.")
    ] = ""
    placeholders: Annotated[list[str], Meta(description="What stands in it, names of [placeholders].")] = []


class LettersTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The catalogue."""

    plans: Annotated[dict[str, PlanLine], Meta(description="Routing plans by name.")]
    following: FollowingLine
    placeholders: Annotated[dict[str, Words], Meta(description="Placeholders and where each takes its text from.")]
    letters: Annotated[dict[str, LetterLine], Meta(description="By code.")]


def load_letters(path: Path, actions: Actions) -> Catalogue:
    """The catalogue. Raises TableProblem where it does not fit together, or lacks a letter that the hub can wish."""
    table = read_table(path, LettersTable)
    for keys, sentence in (*_wrong_in(table), *_codes(table, actions)):
        raise TableProblem(path, where_in(path.read_text(encoding="utf-8"), keys), sentence)
    letters = {
        code: CatalogueLetter(
            code, line.title, line.family, line.letter_class, line.when, line.plan, tuple(line.placeholders)
        )
        for code, line in table.letters.items()
    }
    return Catalogue(letters, _plans(table), table.placeholders, _following(table.following))


def _plans(table: LettersTable) -> dict[str, Plan]:
    return {
        name: Plan(name, line.about, tuple(line.channels), timedelta(hours=line.unread_hours), line.at_once)
        for name, line in table.plans.items()
    }


def _following(line: FollowingLine) -> Following:
    return Following(
        ask_after=timedelta(hours=line.ask_after_hours),
        margin=timedelta(hours=line.margin_hours),
        no_news=timedelta(hours=line.no_news_hours),
        ends_within=timedelta(hours=line.ends_within_hours),
    )


def _codes(table: LettersTable, actions: Actions) -> Iterator[tuple[tuple[str, ...], str]]:
    """The codes the hub can wish, and those of the table, are the same."""
    wished = every_code(actions)
    for code in sorted(wished - table.letters.keys()):
        yield ("letters",), f"The hub can wish {code}, and no letter of that code is here. Add [letters.{code}]."
    for code in table.letters:
        if code not in wished:
            yield ("letters", code), "Nothing in the hub wishes this letter. Leave it out, or correct the code."


def _wrong_in(table: LettersTable) -> Iterator[tuple[tuple[str, ...], str]]:
    for name, source in table.placeholders.items():
        if source not in SOURCES:
            yield ("placeholders", name), f"There is no such source. Known: {', '.join(SOURCES)}."
    for name, plan in table.plans.items():
        if (len(plan.channels) > 1) != bool(plan.unread_hours):
            yield (
                ("plans", name),
                "A plan of several channels says after how long unread the next begins; no other does.",
            )
    for code, line in table.letters.items():
        if line.plan not in table.plans:
            yield ("letters", code, "plan"), f"There is no such plan. Known: {', '.join(table.plans)}."
        for name in line.placeholders:
            if name not in table.placeholders:
                yield (
                    ("letters", code, "placeholders"),
                    f"`{name}` is not among [placeholders]. Add it with its source.",
                )
        if (line.family in ("result", "self-sample")) != bool(line.letter_class):
            yield ("letters", code), "A result's letter has a letter_class, normal or abnormal; no other has one."
    yield from _unused(table)


def _unused(table: LettersTable) -> Iterator[tuple[tuple[str, ...], str]]:
    plans = {line.plan for line in table.letters.values()}
    placeholders = {name for line in table.letters.values() for name in line.placeholders}
    for kind, names, used in (("plans", table.plans, plans), ("placeholders", table.placeholders, placeholders)):
        for name in names:
            if name not in used:
                yield (kind, name), "No letter uses it. Leave it out, or name it in a letter."
