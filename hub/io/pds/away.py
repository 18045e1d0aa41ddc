"""What is said when PDS does not answer."""

from __future__ import annotations

from hub.errors import Reason, Retry


class PdsAway(Retry):
    """PDS did not answer just now. Nothing was changed by asking; the same question may be asked again.

    The hint is PDS's own code (`TOO_MANY_REQUESTS`) or a word of ours (`circuit-open`), never an address or a text.
    """

    def __init__(self, hint: str, *, after: float | None = None, soon: bool = True) -> None:
        super().__init__(Reason.PDS_AWAY, hint=hint)
        self.after = after
        self.soon = soon
