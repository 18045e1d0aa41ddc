"""MESH, NHS England's message exchange: the door that collects files, and the carrier that brings answers back."""

from __future__ import annotations

from hub.io.mesh.authorization import authorization
from hub.io.mesh.client import MeshClient
from hub.io.mesh.door import MeshDoor
from hub.io.mesh.errors import MeshAway, MeshGone, MeshRefused
from hub.io.mesh.messages import Collected, Page
from hub.io.mesh.settings import MeshSettings, mesh_settings

__all__ = [
    "Collected",
    "MeshAway",
    "MeshClient",
    "MeshDoor",
    "MeshGone",
    "MeshRefused",
    "MeshSettings",
    "Page",
    "authorization",
    "mesh_settings",
]
