"""Which of the hub's own consumers handle which events. What is not named here is for others to read."""

from __future__ import annotations

from hub.domain.events import DischargeReported, DischargeUnread, ReportParked, ResultReported

RECORDS = "records"
"""The consumer that matches results and discharges to people and keeps their records."""

CONSUMERS: dict[str, tuple[str, ...]] = {
    ResultReported.__name__: (RECORDS,),
    ReportParked.__name__: (RECORDS,),
    DischargeReported.__name__: (RECORDS,),
    DischargeUnread.__name__: (RECORDS,),
}
"""An event is finished when each of these has handled it; what nobody of ours consumes is finished from the start."""
