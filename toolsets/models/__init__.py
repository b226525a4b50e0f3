"""Tool sets, their tools, the history of their syncs, and the secrets their headers name."""

from toolsets.models.secrets import Secret, SecretValue
from toolsets.models.sets import SyncState, ToolSet, ToolSetEvent
from toolsets.models.tools import Tool

__all__ = ["Secret", "SecretValue", "SyncState", "Tool", "ToolSet", "ToolSetEvent"]
