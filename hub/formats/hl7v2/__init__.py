"""HL7 v2: read whatever comes down the wire, answer it, judge its conformance.

`read` never raises; `acknowledge` answers every frame that `read` returns. hl7apy is loaded only by `conformance`.
"""

from hub.formats.hl7v2.acknowledgement import ErrorLine, Verdict, acknowledge, application_acknowledgement
from hub.formats.hl7v2.conformance import Finding, conformance_findings
from hub.formats.hl7v2.delimiters import Delimiters
from hub.formats.hl7v2.escapes import escape, unescape
from hub.formats.hl7v2.frame import Frame, read
from hub.formats.hl7v2.location import Location, Unreadable
from hub.formats.hl7v2.reader import Message, Segment

__all__ = [
    "Delimiters",
    "ErrorLine",
    "Finding",
    "Frame",
    "Location",
    "Message",
    "Segment",
    "Unreadable",
    "Verdict",
    "acknowledge",
    "application_acknowledgement",
    "conformance_findings",
    "escape",
    "read",
    "unescape",
]
