"""Whether the routing plans of the catalogue and those that have an id at NHS Notify are the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def unfit_plan_ids(plans: Iterable[str], ids: Mapping[str, str]) -> list[str]:
    """What is wrong, each in a sentence; nothing where every plan has its id and every id its plan."""
    known = list(plans)
    return [
        *(
            f"HUB_NOTIFY_PLANS gives no id to the plan `{name}` of letters.toml. Add it."
            for name in known
            if name not in ids
        ),
        *(
            f"HUB_NOTIFY_PLANS names the plan `{name}`, which letters.toml does not have. Known: {', '.join(known)}."
            for name in ids
            if name not in known
        ),
    ]
