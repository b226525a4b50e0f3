"""Tool sets, their tools and documents, the history of their syncs, and the secrets their headers name."""

from toolsets.models.documents import ApiDocument
from toolsets.models.secrets import Secret, SecretUse, SecretValue
from toolsets.models.sets import SyncState, ToolSet, ToolSetEvent
from toolsets.models.tools import Tool

__all__ = [
    "ApiDocument",
    "Secret",
    "SecretUse",
    "SecretValue",
    "SyncState",
    "Tool",
    "ToolSet",
    "ToolSetEvent",
]
