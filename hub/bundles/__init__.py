"""FHIR Bundles, whatever they report: opened, read by the sender's table and answered; what dialects of FHIR share."""

from __future__ import annotations

from hub.bundles.dialect import BundleDialect
from hub.bundles.message import BundleReport, Message
from hub.bundles.paths import Text, carries, missing, texts
from hub.bundles.references import astray, of_another, of_one_type

__all__ = [
    "BundleDialect",
    "BundleReport",
    "Message",
    "Text",
    "astray",
    "carries",
    "missing",
    "of_another",
    "of_one_type",
    "texts",
]
