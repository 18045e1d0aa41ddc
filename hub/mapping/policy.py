"""Loading the recall policies (`mappings/policy/*.toml`): one file per policy, and `settings.toml`.

A table that does not fit together is refused when the hub starts: a wrong interval would reach everybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.domain.codes import COMBINATIONS, MOST_MONTHS, OLD_COMBINATIONS, REPEAT, ROUTINE
from hub.domain.policy import (
    CallSettings,
    DischargeSettings,
    LetterSettings,
    Pivot,
    Policies,
    RecallPolicy,
    RecallRow,
    RuleSettings,
)
from hub.mapping.tables import TableProblem, read_table

SETTINGS = "settings.toml"
Months = Annotated[int, Meta(ge=0, le=MOST_MONTHS)]
Count = Annotated[int, Meta(ge=1, le=10)]
Weeks = Annotated[int, Meta(ge=1, le=104)]
Words = Annotated[str, Meta(min_length=1)]


class Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One `[[recall]]` line: from which age on (years; halves allowed), how many months."""

    codes: Annotated[str, Meta(description="Result, HPV and action code, such as X0A.", pattern="^[X0-9][09UQ][AR]$")]
    months: Annotated[Months, Meta(description="Months to the next test where the laboratory states none.")]
    because: Annotated[Words, Meta(description="Why, as a clerk reads it.")]
    sample: Annotated[Literal["clinician", "self"], Meta(description="Who took the sample.")] = "clinician"
    from_age: Annotated[float, Meta(description="Age at the test, in years, from which the line holds.", ge=0)] = 0
    after_recent_positive: Annotated[bool, Meta(description="Only for people with a recent HPV positive history.")] = (
        False
    )
    also_allowed: Annotated[list[Months], Meta(description="Other months a laboratory may state.")] = []


class Counts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which one in a row must be referred."""

    inadequate: Count
    hpv_positive: Count


class Stated(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most months a laboratory may state with an action that sets no date."""

    suspended: Months
    suspended_inadequate: Months
    record_only: Months


class PolicyTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One recall policy."""

    name: Annotated[str, Meta(description="The file's name without .toml; kept with every record.")]
    title: Words
    counts: Counts
    highest_stated_months: Stated
    recall: Annotated[list[Row], Meta(min_length=1)]
    from_on: Annotated[date | None, Meta(description="First day it holds; only the oldest has none.")] = None


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How histories are counted."""

    hpv_count_skips_inadequate: bool
    counts_start_again_after_suspension: bool
    recent_positive_months: Months
    annual_recall_months: Months
    annual_recall_allowed: bool
    return_to_routine_source_types: list[str]


class Letters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When there is no letter."""

    age_limit_months: Months
    newest_test_only: bool
    source_types_without_letter: list[str]


class Call(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The calendar of call and recall."""

    notify_weeks_before: Weeks
    invite_weeks_before: Weeks
    remind_weeks_after: Weeks
    non_responder_weeks_after: Weeks
    first_call_weeks_before_25: Weeks
    earliest_due_days: Annotated[int, Meta(ge=0, le=365)]
    cease_from_age_years: Annotated[int, Meta(ge=50, le=120)]
    surveillance_results: Count
    discharge_routine_from_months: Months
    months_after_no_response_routine: Months
    months_after_no_response_repeat: Months
    ceased_for_good: list[str]
    eligible_from_age_months: Annotated[int, Meta(ge=0, le=1200)]
    early_sample_months: Months
    genders_not_called: list[str]
    removals: Annotated[
        dict[str, Literal["dead", "away", "called"]],
        Meta(description="By PDS's code of removal: she has died, is not called, or is called all the same."),
    ]


class Discharge(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Discharges from colposcopy."""

    at_most_months: Months
    result_counts_months: Months
    disagreement_months: Months
    clock_days: Annotated[int, Meta(ge=1, le=60)]
    awaited_months: Annotated[int, Meta(ge=1, le=MOST_MONTHS)]


class SettingsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds under every policy."""

    pivot: Pivot
    rules: Rules
    letters: Letters
    call: Call
    discharge: Discharge


def load_policies(directory: Path) -> Policies:
    """The policies and settings of `directory`. Raises TableProblem for anything unknown, missing or contradictory."""
    if not directory.is_dir():
        raise TableProblem(directory, "", "There is no such directory of policies.")
    settings = read_table(directory / SETTINGS, SettingsTable)
    paths = sorted(path for path in directory.glob("*.toml") if path.name != SETTINGS)
    tables = [_read_policy(path) for path in paths]
    _refuse_gaps(directory, tables)
    return Policies(
        policies=tuple(sorted((_policy(table) for table in tables), key=lambda each: each.from_on or date.min)),
        pivot=settings.pivot,
        rules=_rules(settings.rules),
        letters=_letters(settings.letters),
        call=_call(settings.call),
        discharge=DischargeSettings(**msgspec.structs.asdict(settings.discharge)),
    )


def _read_policy(path: Path) -> PolicyTable:
    table = read_table(path, PolicyTable)
    if table.name != path.stem:
        raise TableProblem(
            path, "name", f"The file is named {path.name}. Name it {table.name}.toml, or change the name."
        )
    for where, sentence in _wrong_in(table):
        raise TableProblem(path, where, sentence)
    return table


def _wrong_in(table: PolicyTable) -> Iterator[tuple[str, str]]:
    for index, row in enumerate(table.recall):
        where = f"recall[{index}]"
        if row.codes not in OLD_COMBINATIONS and (row.codes, row.sample == "self") not in COMBINATIONS:
            yield f"{where}.codes", f"{row.codes} is not a valid combination of a {row.sample} sample."
        if row.from_age * 12 % 1:
            yield f"{where}.from_age", "An age is whole months: write years, with halves or quarters at most."
    keys = [_key(row) for row in table.recall]
    for key, times in Counter(keys).items():
        if times > 1:
            yield "recall", f"{key[0]} ({key[1]}, from age {key[2]:g}) has {times} lines. Keep one."
    yield from _missing_lines(table.recall)


def _missing_lines(rows: Iterable[Row]) -> Iterator[tuple[str, str]]:
    """Every valid combination that sets a date needs a line that holds for everybody."""
    general = {(row.codes, row.sample) for row in rows if row.from_age == 0 and not row.after_recent_positive}
    for codes, self_sample in COMBINATIONS:
        sample = "self" if self_sample else "clinician"
        if codes[-1] in (ROUTINE, REPEAT) and (codes, sample) not in general:
            yield "recall", f"{codes} of a {sample} sample has no line from age 0. Add one."


def _key(row: Row) -> tuple[str, str, float, bool]:
    return (row.codes, row.sample, row.from_age, row.after_recent_positive)


def _refuse_gaps(directory: Path, tables: list[PolicyTable]) -> None:
    """Exactly one policy holds on every day: one without a beginning, and no two with the same."""
    begins = Counter(table.from_on for table in tables)
    if begins[None] != 1:
        sentence = f"{begins[None]} policies have no from_on. Exactly one, the oldest, must have none."
        raise TableProblem(directory, "from_on", sentence)
    for day, times in begins.items():
        if times > 1:
            raise TableProblem(directory, "from_on", f"{times} policies begin on {day}. Give each its own day.")


def _policy(table: PolicyTable) -> RecallPolicy:
    return RecallPolicy(
        name=table.name,
        title=table.title,
        from_on=table.from_on,
        rows=tuple(_row(row) for row in table.recall),
        inadequate_count=table.counts.inadequate,
        hpv_positive_count=table.counts.hpv_positive,
        highest_stated_suspended=table.highest_stated_months.suspended,
        highest_stated_suspended_inadequate=table.highest_stated_months.suspended_inadequate,
        highest_stated_record_only=table.highest_stated_months.record_only,
    )


def _row(row: Row) -> RecallRow:
    return RecallRow(
        codes=row.codes,
        self_sample=row.sample == "self",
        from_age_months=int(row.from_age * 12),
        after_recent_positive=row.after_recent_positive,
        months=row.months,
        allowed=frozenset([row.months, *row.also_allowed]),
        because=row.because,
    )


def _rules(table: Rules) -> RuleSettings:
    return RuleSettings(
        hpv_count_skips_inadequate=table.hpv_count_skips_inadequate,
        counts_start_again_after_suspension=table.counts_start_again_after_suspension,
        recent_positive_months=table.recent_positive_months,
        annual_recall_months=table.annual_recall_months,
        annual_recall_allowed=table.annual_recall_allowed,
        return_to_routine_source_types=frozenset(table.return_to_routine_source_types),
    )


def _call(table: Call) -> CallSettings:
    sets = {
        "ceased_for_good": frozenset(table.ceased_for_good),
        "genders_not_called": frozenset(gender.casefold() for gender in table.genders_not_called),
    }
    return CallSettings(**(msgspec.structs.asdict(table) | sets))


def _letters(table: Letters) -> LetterSettings:
    return LetterSettings(
        age_limit_months=table.age_limit_months,
        newest_test_only=table.newest_test_only,
        source_types_without_letter=frozenset(table.source_types_without_letter),
    )
