"""Loading `mappings/actions.toml`: for which reasons a person may be put off or ceased."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from hub.domain.actions import Actions, CeasingReason, DeferralReason
from hub.domain.codes import MOST_MONTHS
from hub.mapping.tables import TableProblem, read_table

Months = Annotated[int, Meta(ge=1, le=MOST_MONTHS)]


class Defer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason to put off."""

    title: Annotated[str, Meta(min_length=1, description="The reason, for people.")]
    max_months: Annotated[Months, Meta(description="How far from today a clerk may put off.")]
    practice: Annotated[
        tuple[Months, Months] | None, Meta(description="From and to how many months a practice may; none: only CSAS.")
    ] = None


class Cease(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A reason to cease."""

    title: Annotated[str, Meta(min_length=1, description="The reason, for people.")]
    letter: Annotated[str, Meta(pattern="^([A-Z]{3,4})?$", description="The letter's code, if there is one.")] = ""
    practice: Annotated[bool, Meta(description="Whether a practice may cease for it on its list.")] = False


class ActionsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be decided about a person."""

    defer: dict[str, Defer]
    cease: dict[str, Cease]


def load_actions(path: Path) -> Actions:
    """The reasons of the table. Raises TableProblem."""
    table = read_table(path, ActionsTable)
    for name, reason in table.defer.items():
        if reason.practice and not reason.practice[0] <= reason.practice[1] <= reason.max_months:
            sentence = "A practice's months go from the fewer to the more, and not beyond max_months."
            raise TableProblem(path, f"defer.{name}.practice", sentence)
    return Actions(
        {name: DeferralReason(each.title, each.max_months, each.practice) for name, each in table.defer.items()},
        {name: CeasingReason(each.title, each.letter, each.practice) for name, each in table.cease.items()},
    )
