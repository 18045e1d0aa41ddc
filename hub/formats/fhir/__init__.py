"""FHIR R4, as JSON and as XML: read whatever comes, say where it is wrong, walk its resources, answer it.

`read` never raises; nothing that is said of a message quotes it. fhir.resources is loaded only by `model`.
"""

from hub.formats.fhir.document import Document, looks_like_xml, read
from hub.formats.fhir.finding import Finding, Steps, expression, place_at
from hub.formats.fhir.model import Element, elements, is_resource
from hub.formats.fhir.outcome import Issue, operation_outcome, refusal
from hub.formats.fhir.walk import Node, Resources

__all__ = [
    "Document",
    "Element",
    "Finding",
    "Issue",
    "Node",
    "Resources",
    "Steps",
    "elements",
    "expression",
    "is_resource",
    "looks_like_xml",
    "operation_outcome",
    "place_at",
    "read",
    "refusal",
]
