"""The circuit: who does not answer is not asked by everybody, but tried now and then by one."""

from __future__ import annotations

from hub import telemetry
from hub.io.nhs_api.away import ApiAway, Partner


class Circuit:
    """Closed, it lets everybody pass. `failures` in a row open it. Open, it lets one pass every `rest_seconds`: if that
    one is answered it is closed. Time (of any clock that only goes forward) is an argument."""

    def __init__(self, partner: Partner, failures: int, rest_seconds: float) -> None:
        self._partner = partner
        self._limit = failures
        self._rest = rest_seconds
        self._failures = 0
        self._next_try_at = 0.0
        telemetry.api_circuit(self._partner.name, is_open=False)

    @property
    def is_open(self) -> bool:
        return self._failures >= self._limit

    def enter(self, now: float) -> None:
        """Raises ApiAway while it is open, but for the one whose turn it is to try."""
        if not self.is_open:
            return
        if now < self._next_try_at:
            raise ApiAway(self._partner, "circuit-open", soon=False)
        self._next_try_at = now + self._rest  # whoever comes meanwhile waits for what this one finds

    def answered(self) -> None:
        if self.is_open:
            telemetry.api_circuit(self._partner.name, is_open=False)
        self._failures = 0

    def failed(self, now: float) -> None:
        was_open = self.is_open
        self._failures += 1
        if self.is_open:
            self._next_try_at = now + self._rest
            if not was_open:
                telemetry.api_circuit(self._partner.name, is_open=True)
