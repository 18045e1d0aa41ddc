"""Who is asked at the platform, and what is said when nobody answers."""

from __future__ import annotations

from dataclasses import dataclass

from hub.errors import Reason, Retry


@dataclass(frozen=True, slots=True)
class Partner:
    """An API of the platform. All processes share one pace under its `name`, with which its settings begin too
    (`setting`). A request has its own id in `id_header`, and the same when it is tried again."""

    name: str
    away: Reason
    media_type: str
    id_header: str

    def setting(self, name: str) -> str:
        return f"HUB_{self.name.upper()}_{name}"


class ApiAway(Retry):
    """A partner did not answer just now; the same may be asked again.

    The hint is the partner's own code (`TOO_MANY_REQUESTS`) or a word of ours (`circuit-open`), never an address or a
    text.
    """

    def __init__(self, partner: Partner, hint: str, *, after: float | None = None, soon: bool = True) -> None:
        super().__init__(partner.away, hint=hint)
        self.after = after
        self.soon = soon
