"""The admin of tool sets, their tools, their syncs and their secrets."""

from toolsets.admin.secrets import SecretAdmin
from toolsets.admin.tool_sets import ToolSetAdmin
from toolsets.admin.tools import ToolAdmin

__all__ = ["SecretAdmin", "ToolAdmin", "ToolSetAdmin"]
