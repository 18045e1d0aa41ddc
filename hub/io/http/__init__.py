"""The partners' HTTP door: what laboratories send and ask over HTTP, behind certificates and signed assertions."""

from hub.io.http.door import PartnersDoor
from hub.io.http.settings import PartnersSettings, partners_settings

__all__ = ["PartnersDoor", "PartnersSettings", "partners_settings"]
