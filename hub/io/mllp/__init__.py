"""MLLP, the transport of HL7 v2: the door that listens, the client that sends, and the framing both share."""

from __future__ import annotations

from hub.io.mllp.client import MllpClient, MllpError, NoAnswerError, WrongAnswerError
from hub.io.mllp.door import MllpDoor
from hub.io.mllp.framing import Block, BlockSplitter, FrameProblem, wrap
from hub.io.mllp.settings import Answer, MllpSettings, Peer, door_settings
from hub.io.mllp.tls import client_context, server_context

__all__ = [
    "Answer",
    "Block",
    "BlockSplitter",
    "FrameProblem",
    "MllpClient",
    "MllpDoor",
    "MllpError",
    "MllpSettings",
    "NoAnswerError",
    "Peer",
    "WrongAnswerError",
    "client_context",
    "door_settings",
    "server_context",
    "wrap",
]
